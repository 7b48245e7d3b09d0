/* SPDX-License-Identifier: MIT */
/* stream: reads one captured pipe into its capture, on the loop that watches it. */
#ifndef MUSTER_EXEC_STREAM_H
#define MUSTER_EXEC_STREAM_H
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "exec/pollset.h"

struct capture;

/* Its pipe was closed: stream_ended() tells. */
typedef void (*stream_changed_cb)(void *owner);

/*
 * One captured stream: reads into a capture until its end. When memory is full
 * the thread pool has its turn: it writes memory out and goes on moving bytes
 * from the pipe to the file while there are many, during which the loop does
 * not read. Embedded in its owner; all on the loop's thread.
 */
struct stream_reader {
    struct pollset *set; /* of the loop that watches it */
    struct pollset_fd watch;
    uv_work_t spill;
    struct capture *capture;
    stream_changed_cb changed;
    void *owner;
    int fd;            /* -1: there is none, or it is closed */
    bool terminal;     /* it is one of exec/terminal.h, not a pipe; the owner's to set */
    size_t left;       /* bytes that may be read yet; until the last read any number */
    bool unwatched;    /* the loop could not take it again: the thread pool keeps it */
    bool spilling;     /* the thread pool has the capture, the pipe and `left` */
    bool widened;      /* the pipe is as large as it will be */
    bool writers_gone; /* the last read begins, after the turn of the pool if it has one */
    bool last_read;    /* `left` is what was in the pipe then */
};

/* A stream of pipe `fd`, taken over, or of none where it is -1. */
void stream_init(struct stream_reader *s, int fd);
/*
 * Reads into `capture`, which the owner keeps until the stream is closed. 0, or
 * UV_E… where the loop cannot watch it: then all is read at stream_end().
 */
int stream_watch(struct stream_reader *s, struct pollset *set, struct capture *capture,
                 stream_changed_cb changed, void *owner);
/*
 * Its writers are dead: reads what they left in the pipe, and not what a
 * stranger who holds the other end may go on writing, and closes.
 */
void stream_end(struct stream_reader *s);
/* Whether no byte will come any more. */
bool stream_ended(const struct stream_reader *s);
#endif
