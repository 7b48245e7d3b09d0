/* SPDX-License-Identifier: MIT */
/*
 * display: the status of a run on standard error while it goes on: on a terminal an area
 * at its bottom that is drawn anew in place, elsewhere a line now and then.
 *
 * The cursor rests behind the last line of the area, and goes up to the first one to draw
 * anew. Where the terminal got narrower in the meantime it has folded the lines: their rows
 * are counted by the new width.
 */
#include "report/display.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "report/sink.h"

#define COLUMNS_DEFAULT 80
#define ROWS_DEFAULT    24
#define WAIT_NS         (200 * NS_PER_MS)
#define NO_WRAP         "\033[?7l" /* so that no character of unknown width folds a line */
#define WRAP            "\033[?7h"
#define ERASE_ROW       "\033[2K" /* all of it: cells that were only blanked fold as well */

/* Those that cut lines off instead are known by their environment. */
static bool terminal_reflows(void) {
    const char *term = getenv("TERM");

    if (getenv("TMUX"))
        return true;
    return !getenv("XTERM_VERSION") &&
           !(term && (strcmp(term, "linux") == 0 || strncmp(term, "screen", 6) == 0));
}

bool display_can_draw(int fd) {
    const char *term = getenv("TERM");

    return term && *term && strcmp(term, "dumb") != 0 && isatty(fd);
}

void display_init(struct display *d, enum display_mode mode, int fd, bool color) {
    *d = (struct display){.mode = mode, .fd = fd, .color = color, .reflows = terminal_reflows()};
    pthread_mutex_init(&d->lock, NULL);
    thread_cond_init(&d->hid);
    d->written_ns = clock_ns();
}

void display_release(struct display *d) {
    pthread_cond_destroy(&d->hid);
    pthread_mutex_destroy(&d->lock);
}

/* ---- what is to be written ---- */

/* How many rows of the screen the area takes. */
static size_t rows_of(const struct display *d, unsigned columns) {
    size_t rows = 0;

    for (size_t i = 0; i < d->lines.count; i++) {
        unsigned takes = d->lines.line[i].columns;

        rows += d->reflows && columns > 0 && takes > columns ? (takes + columns - 1) / columns : 1;
    }
    return rows;
}

static void put(struct display *d, size_t *n, const char *text) {
    size_t len = strlen(text);

    if (len < sizeof d->text - *n) {
        memcpy(d->text + *n, text, len + 1);
        *n += len;
    }
}

/*
 * Erases the area row by row, upwards. Not all below its first one at once: from the
 * screen's upper left corner that makes tmux keep a copy of it.
 */
static void put_erase(struct display *d, size_t *n, unsigned columns) {
    put(d, n, "\r" ERASE_ROW);
    for (size_t rows = rows_of(d, columns); rows > 1; rows--)
        put(d, n, "\033[A" ERASE_ROW);
}

size_t display_erase(struct display *d, unsigned columns, const char **text) {
    size_t n = 0;

    if (!d->shown)
        return 0;
    put_erase(d, &n, columns);
    d->shown = false;
    *text = d->text;
    return n;
}

static bool same_lines(const struct standing_lines *a, const struct standing_lines *b) {
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->line[i].text, b->line[i].text) != 0)
            return false;
    return true;
}

size_t display_draw(struct display *d, const struct standing *s, unsigned columns, unsigned rows,
                    const char **text) {
    const struct standing_screen screen = {.columns = columns, .rows = rows, .color = d->color};
    struct standing_lines lines;
    size_t n = 0;
    char up[16];

    standing_lay_out(s, &screen, &lines);
    if (d->shown && d->columns == columns && same_lines(&lines, &d->lines))
        return 0;
    if (d->shown && (d->columns != columns || lines.count < d->lines.count)) {
        put_erase(d, &n, columns);
    } else if (d->shown) {
        snprintf(up, sizeof up, "\033[%zuA", d->lines.count - 1);
        put(d, &n, d->lines.count > 1 ? up : "");
    }
    put(d, &n, "\r" NO_WRAP);
    for (size_t i = 0; i < lines.count; i++) {
        put(d, &n, i > 0 ? "\n" ERASE_ROW : ERASE_ROW);
        put(d, &n, lines.line[i].text);
    }
    put(d, &n, WRAP);
    d->lines = lines;
    d->columns = columns;
    d->shown = true;
    *text = d->text;
    return n;
}

/* ---- the terminal ---- */

/* Its size; one that does not tell is taken for an old one. */
static struct winsize size_of(int fd) {
    struct winsize size;

    if (ioctl(fd, TIOCGWINSZ, &size) < 0)
        size = (struct winsize){0};
    if (size.ws_col == 0)
        size.ws_col = COLUMNS_DEFAULT;
    if (size.ws_row == 0)
        size.ws_row = ROWS_DEFAULT;
    return size;
}

/* Of a terminal that nobody reads, or that was stopped by ^S: not. */
static bool is_writable(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT);
}

/* A terminal that controls others is not drawn on: it is a shell's by now. */
static bool in_foreground(int fd) {
    pid_t group = tcgetpgrp(fd);

    return group < 0 || group == getpgrp();
}

void display_hide(struct display *d, bool wait) {
    const char *text = NULL;
    size_t n;

    if (!d->shown || (!wait && !is_writable(d->fd)))
        return;
    n = display_erase(d, size_of(d->fd).ws_col, &text);
    if (in_foreground(d->fd))
        sink_write_all(d->fd, text, n); /* an error will be met again */
}

void display_wrote(struct display *d, int64_t now_ns) {
    d->written_ns = now_ns;
}

static void show(struct display *d, const struct standing *s) {
    const char *text = NULL;
    struct winsize size;
    size_t n;

    if (!in_foreground(d->fd)) {
        d->shown = false; /* where it was nobody knows any more */
        return;
    }
    if (!is_writable(d->fd))
        return;
    size = size_of(d->fd);
    n = display_draw(d, s, size.ws_col, size.ws_row, &text);
    if (n > 0)
        sink_write_all(d->fd, text, n);
}

/* ---- when ---- */

void display_post(struct display *d, const struct standing *s) {
    pthread_mutex_lock(&d->lock);
    d->standing = *s;
    d->known = d->news = true;
    pthread_mutex_unlock(&d->lock);
}

void display_pause(struct display *d, bool paused) {
    pthread_mutex_lock(&d->lock);
    d->paused = paused;
    pthread_mutex_unlock(&d->lock);
}

void display_wait(struct display *d) {
    int64_t until = clock_ns() + WAIT_NS;

    pthread_mutex_lock(&d->lock);
    while (d->mode == DISPLAY_AREA && d->paused && !d->hidden && clock_ns() < until)
        thread_wait(&d->hid, &d->lock, until);
    pthread_mutex_unlock(&d->lock);
}

bool display_defers(const struct display *d, int64_t now_ns) {
    return d->shown && now_ns < d->frame_ns;
}

int64_t display_due(struct display *d, bool waiting) {
    int64_t due = INT64_MAX;

    pthread_mutex_lock(&d->lock);
    if (d->known && d->mode == DISPLAY_LINES)
        due = d->written_ns + DISPLAY_LINES_NS;
    else if (waiting || d->news || d->paused != d->hidden)
        due = d->frame_ns;
    else if (d->known && !d->shown && !d->paused) /* what was written took it away */
        due = d->frame_ns;
    pthread_mutex_unlock(&d->lock);
    return due;
}

size_t display_step(struct display *d, int64_t now_ns, char line[DISPLAY_LINE_MAX]) {
    char text[STANDING_LINE_BYTES];
    struct standing standing;
    bool paused, known;
    size_t n = 0;

    if (now_ns < (d->mode == DISPLAY_AREA ? d->frame_ns : d->written_ns + DISPLAY_LINES_NS))
        return 0;
    pthread_mutex_lock(&d->lock);
    standing = d->standing;
    paused = d->paused;
    known = d->known;
    d->news = false;
    pthread_mutex_unlock(&d->lock);
    if (d->mode == DISPLAY_LINES && known)
        n = (size_t)snprintf(line, DISPLAY_LINE_MAX, "muster: %s\n",
                             standing_sentence(&standing, text));
    else if (d->mode == DISPLAY_AREA && paused)
        display_hide(d, false);
    else if (d->mode == DISPLAY_AREA && known)
        show(d, &standing);
    d->frame_ns = clock_ns() + DISPLAY_FRAME_NS;
    pthread_mutex_lock(&d->lock);
    d->hidden = paused;
    pthread_cond_signal(&d->hid);
    pthread_mutex_unlock(&d->lock);
    return n;
}
