/* SPDX-License-Identifier: MIT */
/* hearing: what a persistent worker's process says: answers, and standard error. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "exec/capture.h"
#include "exec/hand_state.h"
#include "exec/reserve.h"

#define INLINE_MAX (32U << 10) /* bytes of a line that the loop understands itself */
#define READ_BYTES (64U << 10)
#define LINE_KEPT  (256U << 10) /* a smaller buffer is kept for the next line */

static void on_out_readable(void *owner);
static void on_err_readable(void *owner);

void hearing_pause(struct hand *h) {
    pollset_remove(h->env->set, &h->out_watch);
    pollset_remove(h->env->set, &h->err_watch);
}

static void look(struct hand *h, struct pollset_fd *watch, int fd, void (*ready)(void *owner)) {
    if (!pollset_has(watch) && pollset_add(h->env->set, watch, fd, ready, h))
        hand_blame(h, "its worker cannot be read from");
}

/* What is at its end already shows that again, and is left alone again. */
void hearing_go_on(struct hand *h) {
    if (h->gone || h->spilling || h->understanding || h->out < 0)
        return;
    look(h, &h->out_watch, h->out, on_out_readable);
    if (h->order || h->state == HAND_LEAVING)
        look(h, &h->err_watch, h->err, on_err_readable);
}

/* --- standard error ------------------------------------------------------- */

static void spill_work(uv_work_t *work) {
    capture_spill(((struct hand *)work->data)->order->err); /* an error stays in it */
}

static void spilled(uv_work_t *work, int status) {
    struct hand *h = work->data;

    (void)status;
    h->spilling = false;
    hand_go_on(h);
    hearing_go_on(h);
}

/* Has memory written out. False: it is done already. */
static bool spill(struct hand *h) {
    hearing_pause(h);
    h->work.data = h;
    h->spilling = reserve_queue_work(h->env->loop, &h->work, spill_work, spilled) == 0;
    if (h->spilling)
        return true;
    capture_spill(h->order->err); /* better a loop that waits than lost output */
    hearing_go_on(h);
    return false;
}

/* Reads once, of what belongs to the order, or to nobody. How many bytes; 0: there are
 * none, or the pool has to make room first. */
static size_t read_err(struct hand *h, size_t most) {
    struct capture *sink = h->order && h->order->sent ? h->order->err : NULL;
    static char nobody[READ_BYTES];
    size_t room = sizeof nobody;
    char *to = nobody;
    ssize_t n;

    if (sink && !(to = capture_room(sink, &room))) {
        if (spill(h) || !(to = capture_room(sink, &room)))
            return 0;
    }
    n = read(h->err, to, room < most ? room : most);
    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            pollset_remove(h->env->set, &h->err_watch);
        return 0;
    }
    if (sink)
        capture_added(sink, (size_t)n);
    return (size_t)n;
}

static void on_err_readable(void *owner) {
    struct hand *h = owner;

    if (h->spilling || h->understanding || h->answered)
        return;
    if (!h->order && h->state == HAND_UP)
        pollset_remove(h->env->set, &h->err_watch); /* the next order's */
    else
        read_err(h, SIZE_MAX);
}

bool hearing_drain(struct hand *h) {
    while (h->err_left > 0) {
        size_t n = read_err(h, h->err_left);

        if (h->spilling)
            return false;
        h->err_left = n ? h->err_left - n : 0;
    }
    return true;
}

size_t hearing_pending(const struct hand *h) {
    int n = 0;

    return h->err >= 0 && ioctl(h->err, FIONREAD, &n) == 0 && n > 0 ? (size_t)n : 0;
}

/* --- answers -------------------------------------------------------------- */

/* How much of what has come is blank, up to the first that is not. */
static size_t count_blanks(const struct hand *h) {
    size_t n = 0;

    while (n < h->line_len && memchr(" \t\r\n", h->line[n], 4))
        n++;
    return n;
}

/* Takes a line that is understood. */
static void take_line(struct hand *h) {
    struct dialog_line *line = &h->answer;
    char *words = NULL;

    if (line->kind == DIALOG_RUBBISH) {
        if (asprintf(&words, "its worker gave %s", line->fault ? line->fault : "no answer") < 0)
            words = NULL;
        hand_blame_as(h, words);
    } else if (line->kind == DIALOG_GREETING) {
        if (h->served)
            hand_blame(h, "its worker gave a greeting behind an answer");
    } else if (line->id != h->order->id) {
        h->worn = true; /* an answer that comes once more is nobody's */
        if (!h->served || line->id > h->last_id)
            hand_blame(h, "its worker gave an answer to no request");
    } else if (count_blanks(h) < h->line_len) {
        hand_blame(h, "its worker gave more than an answer");
    } else {
        h->answered = true;
        h->err_left = hearing_pending(h);
        return;
    }
    dialog_line_release(line);
}

/* The first n bytes of the buffer and their newline are done with. */
static void drop_lines(struct hand *h, size_t n) {
    h->line_len -= n + 1;
    memmove(h->line, h->line + n + 1, h->line_len);
    if (h->line_len || h->line_cap < LINE_KEPT)
        return;
    free(h->line);
    h->line = NULL;
    h->line_cap = 0;
}

static size_t line_of(const struct hand *h) {
    return (size_t)((char *)memchr(h->line, '\n', h->line_len) - h->line);
}

static void understand_work(uv_work_t *work) {
    struct hand *h = work->data;

    dialog_read(h->line, line_of(h), &h->answer);
}

static void take_lines(struct hand *h);

static void understood(uv_work_t *work, int status) {
    struct hand *h = work->data;

    (void)status;
    drop_lines(h, line_of(h));
    h->understanding = false;
    if (h->order && h->state == HAND_UP)
        take_line(h);
    else
        dialog_line_release(&h->answer);
    take_lines(h); /* that came with it */
    hand_go_on(h);
    hearing_go_on(h);
}

/* Has the pool understand it, or does it itself. */
static void understand(struct hand *h, size_t n) {
    h->work.data = h;
    if (n > INLINE_MAX) {
        hearing_pause(h);
        h->understanding =
            reserve_queue_work(h->env->loop, &h->work, understand_work, understood) == 0;
        if (h->understanding)
            return;
        hearing_go_on(h);
    }
    dialog_read(h->line, n, &h->answer);
    drop_lines(h, n);
    take_line(h);
}

/* A line although nothing was asked: but for a greeting it is out of step. */
static void take_idle_line(struct hand *h, size_t n) {
    struct dialog_line line;

    dialog_read(h->line, n, &line);
    if (line.kind != DIALOG_GREETING || h->served)
        hand_leave(h);
    dialog_line_release(&line);
    drop_lines(h, n);
}

/* Takes the lines that are whole, one by one; the blank ones, which may be many, at once. */
static void take_lines(struct hand *h) {
    while (h->line_len && !h->answered && !h->understanding && h->state == HAND_UP) {
        const char *blank = memrchr(h->line, '\n', count_blanks(h));
        const char *end = blank ? blank : memchr(h->line, '\n', h->line_len);
        size_t n = end ? (size_t)(end - h->line) : 0;

        if (!end)
            break;
        if (blank)
            drop_lines(h, n);
        else if (!h->order || !h->order->sent)
            take_idle_line(h, n);
        else
            understand(h, n);
    }
    if (h->answered || h->understanding)
        return;
    if (h->state == HAND_UP && h->line_len >= DIALOG_LINE_MAX)
        hand_blame(h, "its worker gave an answer longer than 1 MiB");
    if (h->state != HAND_UP)
        h->line_len = 0; /* nobody asks it any more */
}

/* Reads once. False: there is nothing. */
static bool read_out(struct hand *h) {
    ssize_t n;

    if (h->line_cap - h->line_len < READ_BYTES / 4) {
        size_t cap = h->line_cap ? h->line_cap * 2 : READ_BYTES / 2;
        char *line = realloc(h->line, cap);

        if (!line) {
            hand_blame(h, "its worker's answer does not fit into memory");
            h->line_len = 0;
            return false;
        }
        h->line = line;
        h->line_cap = cap;
    }
    n = read(h->out, h->line + h->line_len, h->line_cap - h->line_len);
    if (n > 0) {
        h->line_len += (size_t)n;
        return true;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        pollset_remove(h->env->set, &h->out_watch);
        if (h->order && h->order->sent && !h->gone)
            hand_wait_for_end(h);
        else if (h->state == HAND_UP && !h->gone)
            hand_leave(h);
    }
    return false;
}

static void on_out_readable(void *owner) {
    struct hand *h = owner;

    if (h->answered || h->understanding)
        return;
    if (read_out(h))
        take_lines(h);
    hand_go_on(h);
}

void hearing_finish(struct hand *h) {
    while (!h->answered && !h->understanding && read_out(h))
        take_lines(h);
}
