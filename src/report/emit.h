/* SPDX-License-Identifier: MIT */
/*
 * emit: writes to standard error what output.h has for it: text, lines of running jobs, streams
 * of those that have ended; where that is a terminal, so that nothing in them speaks to it.
 */
#ifndef MUSTER_REPORT_EMIT_H
#define MUSTER_REPORT_EMIT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture;
struct ci;
struct display;
struct follow_stream;

#define EMIT_BLOCK (256U << 10) /* bytes read from a capture at once */

/* Made by the main thread, which sets the constants before the first call; all calls are the
 * writing thread's, and block as standard error does. */
struct emitter {
    struct ci *ci;           /* whose log it is, or NULL; as the next, its owner's */
    struct display *display; /* on the same terminal, or NULL */
    bool tty;                /* constant, as the next two: it is a terminal */
    bool color;              /* which jobs that were given one may colour */
    unsigned width;          /* of names before lines */
    bool deaf;               /* nobody reads standard error any more */
    char *lines;             /* some KiB to be written at once; NULL: no lines come */
    size_t nlines;
    char *block;   /* EMIT_BLOCK bytes; its owner's between two calls */
    char *visible; /* the same made visible, when tty */
};

/* 0 or UV_ENOMEM; release in either case. */
int emitter_init(struct emitter *e, bool tty);
void emitter_release(struct emitter *e);
/* Lines of running jobs will come, their names padded to so many columns. 0 or UV_ENOMEM. */
int emitter_expect_lines(struct emitter *e, unsigned width);

/* Something that is no display's, nor written by this, is about to be written to what may be the
 * same terminal. */
void emit_room(struct emitter *e);
/* Text that is fit for whoever reads it. */
void emit_text(struct emitter *e, const char *bytes, size_t n);
/* A line of a running job; `ctx` is an emitter (see follow_line_cb). Kept back until
 * emit_flush() or as long as there is room. */
void emit_line(void *ctx, const struct follow_stream *stream, const char *line, size_t n);
void emit_flush(struct emitter *e);

/* What of a job's captured output is to be seen. */
struct emit_job {
    const char *header;         /* words of the line before it, or NULL */
    struct capture *streams[2]; /* or NULL: what was shown of them, but for the last `stays`
                                 * bytes, is given up */
    uint64_t stays;
    uint32_t lines; /* so many last ones, UINT32_MAX: all, 0: none, */
    uint64_t most;  /* in at most so many bytes of each stream */
    bool pty;       /* it was written for a terminal (see painted.h) */
    bool fold;      /* in a CI's log it is of no interest unless asked for */
};

/* Shows it. 0 or UV_E…: a stream could not be read, which is said in its place. */
int emit_job(struct emitter *e, const struct emit_job *job);
#endif
