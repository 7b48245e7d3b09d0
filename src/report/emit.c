/* SPDX-License-Identifier: MIT */
/* emit: writes to standard error what output.h has for it. */
#include "report/emit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/utf8.h"
#include "exec/capture.h"
#include "report/ci.h"
#include "report/display.h"
#include "report/follow.h"
#include "report/painted.h"
#include "report/sink.h"
#include "report/tail.h"

#define LINES_BYTES    (64U << 10) /* of running jobs, written at once */
#define WIDTH_MAX      60U
#define NAME_MAX_SHOWN 1024        /* bytes of a name before a line */
#define DISCARD        (16U << 20) /* shown bytes whose place on the disk is given back at once */
#define VISIBLE_MAX    (4 * EMIT_BLOCK + 1) /* no byte becomes more than "\\x1b" */

int emitter_init(struct emitter *e, bool tty) {
    *e = (struct emitter){.tty = tty};
    e->block = malloc(EMIT_BLOCK);
    e->visible = tty ? malloc(VISIBLE_MAX) : NULL;
    return e->block && (e->visible || !tty) ? 0 : UV_ENOMEM;
}

void emitter_release(struct emitter *e) {
    free(e->block);
    free(e->visible);
    free(e->lines);
}

int emitter_expect_lines(struct emitter *e, unsigned width) {
    e->width = width < WIDTH_MAX ? width : WIDTH_MAX;
    e->lines = malloc(LINES_BYTES);
    return e->lines ? 0 : UV_ENOMEM;
}

void emit_room(struct emitter *e) {
    if (!e->display)
        return;
    display_hide(e->display, true);
    display_wrote(e->display, clock_ns());
}

static void emit_raw(struct emitter *e, const char *bytes, size_t n) {
    if (n == 0)
        return;
    emit_room(e);
    if (!e->deaf && sink_write_all(STDERR_FILENO, bytes, n) != 0)
        e->deaf = true; /* the run goes on unchanged */
}

void emit_text(struct emitter *e, const char *bytes, size_t n) {
    char stop[CI_TEXT_MAX];

    if (n == 0)
        return;
    if (e->ci)
        emit_raw(e, stop, ci_stop(e->ci, stop)); /* the first time: nothing here is a command */
    emit_raw(e, bytes, n);
}

/* Makes foreign bytes visible, as many as fit in e->visible. How many of those there are. */
static size_t make_visible(struct emitter *e, const char *s, size_t n, const char *keep, bool pty,
                           bool *colored) {
    return pty ? painted_visible(e->visible, s, n, keep, e->color, colored)
               : text_visible(e->visible, VISIBLE_MAX, s, n, keep);
}

/* How many bytes at the end of a block wait for the next one. */
static size_t split_of(const char *s, size_t n, bool pty) {
    return pty ? painted_split(s, n) : utf8_split(s, n);
}

/* Writes foreign bytes: as they are, on a terminal made visible. How many of them that took. */
static size_t emit_foreign(struct emitter *e, const char *bytes, size_t n, bool last, bool pty,
                           bool *colored) {
    size_t split = last || !e->tty ? 0 : split_of(bytes, n, pty);

    if (e->tty)
        emit_text(e, e->visible, make_visible(e, bytes, n - split, "\n\t", pty, colored));
    else
        emit_text(e, bytes, n);
    return n - split;
}

/* ---- lines of running jobs ---- */

void emit_flush(struct emitter *e) {
    emit_text(e, e->lines, e->nlines);
    e->nlines = 0;
}

static void put_bytes(struct emitter *e, const char *bytes, size_t n) {
    if (n > LINES_BYTES - e->nlines)
        emit_flush(e);
    if (n > LINES_BYTES) {
        emit_text(e, bytes, n);
    } else {
        memcpy(e->lines + e->nlines, bytes, n);
        e->nlines += n;
    }
}

/* "name   | line" */
void emit_line(void *ctx, const struct follow_stream *stream, const char *line, size_t n) {
    static const char blanks[] = "                                                            ";
    struct emitter *e = ctx;
    char name[NAME_MAX_SHOWN];
    size_t len = text_visible(name, sizeof name, stream->job, strlen(stream->job), NULL), count;
    bool colored = false;

    len = len < sizeof name ? len : sizeof name - 1;
    count = utf8_count(name, len);
    put_bytes(e, name, len);
    if (count < e->width)
        put_bytes(e, blanks, e->width - count);
    put_bytes(e, " | ", 3);
    if (!e->tty)
        put_bytes(e, line, n);
    for (size_t at = 0; e->tty && at < n;) { /* as much as there is room to make visible */
        size_t part = n - at < EMIT_BLOCK ? n - at : EMIT_BLOCK;
        size_t split = part < n - at ? split_of(line + at, part, stream->pty) : 0;
        size_t shown = make_visible(e, line + at, part - split, "\t", stream->pty, &colored);

        put_bytes(e, e->visible, shown);
        at += part - split;
    }
    put_bytes(e, PAINTED_END, colored ? strlen(PAINTED_END) : 0);
    put_bytes(e, "\n", 1);
}

/* ---- output of jobs that have ended ---- */

/*
 * Writes a stream from `at` to its end, and ends its last line. What was shown
 * goes, but for the tail: else a file that standard error goes to would have a
 * second copy of it all in the page cache, or on the disk.
 */
static int show_stream(struct emitter *e, struct capture *c, uint64_t at,
                       const struct emit_job *job) {
    uint64_t size = capture_size(c), discard = at + DISCARD;
    size_t held = 0; /* bytes of a split character at the block's start */
    char last = '\n', line[TAIL_LOST_MAX];
    int lost = capture_error(c), error = 0;
    bool colored = false;

    for (;;) {
        long n = capture_read(c, at, e->block + held, EMIT_BLOCK - held);
        size_t used;

        if (n < 0 && !lost)
            lost = error = (int)n;
        n = n < 0 ? 0 : n;
        if (n == 0 && held == 0)
            break;
        at += (uint64_t)n;
        if (at >= discard && at + job->stays <= size) {
            capture_discard(c, at);
            discard = at + DISCARD;
        }
        used = emit_foreign(e, e->block, held + (size_t)n, n == 0, job->pty, &colored);
        if (used > 0)
            last = e->block[used - 1];
        held = held + (size_t)n - used;
        memmove(e->block, e->block + used, held);
    }
    if (colored)
        emit_text(e, PAINTED_END, strlen(PAINTED_END));
    if (lost)
        emit_text(e, line, tail_lost(lost, last, line));
    else if (last != '\n')
        emit_text(e, "\n", 1);
    return error;
}

int emit_job(struct emitter *e, const struct emit_job *job) {
    bool folded = job->header && job->fold && e->ci && e->ci->kind;
    uint64_t at[2] = {0, 0};
    int error = 0;

    if (job->lines == 0 || (!tail_any(job->streams[0]) && !tail_any(job->streams[1])))
        return 0;
    for (int i = 0; i < 2; i++)
        if (tail_any(job->streams[i]))
            at[i] = tail_start(job->streams[i], job->lines, job->most, e->block, EMIT_BLOCK);
    if (folded) {
        emit_raw(e, e->block, ci_group_begin(e->ci, job->header, e->block, EMIT_BLOCK));
    } else if (job->header) {
        int n;

        if (at[0] || at[1])
            n = snprintf(e->block, EMIT_BLOCK, "--- %s (last %u lines) ---\n", job->header,
                         job->lines);
        else
            n = snprintf(e->block, EMIT_BLOCK, "--- %s ---\n", job->header);
        emit_text(e, e->block, n < (int)EMIT_BLOCK ? (size_t)n : EMIT_BLOCK - 1);
    }
    for (int i = 0; i < 2; i++)
        if (tail_any(job->streams[i])) {
            int failed = show_stream(e, job->streams[i], at[i], job);

            error = error ? error : failed;
        }
    if (folded)
        emit_raw(e, e->block, ci_group_end(e->ci, e->block));
    return error;
}
