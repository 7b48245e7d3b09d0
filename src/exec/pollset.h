/* SPDX-License-Identifier: MIT */
/* pollset: many descriptors that are read from, behind one poll handle of a loop. */
#ifndef MUSTER_EXEC_POLLSET_H
#define MUSTER_EXEC_POLLSET_H
#include <stdbool.h>
#include <uv.h>

/*
 * A poll handle of libuv's for each pipe and pidfd takes it five calls of
 * epoll_ctl() (1.44: a trial run of two, adding, removing twice), and is closed
 * no sooner than the loop has come round. Here it is two, and at once. All on
 * the loop's thread.
 */
struct pollset {
    uv_loop_t *loop;
    uv_poll_t poll; /* of the epoll descriptor */
    int epoll;
    void (*closed)(void *ctx);
    void *ctx;
};

/* One descriptor in a set, embedded in its owner. */
struct pollset_fd {
    int fd; /* -1: it is in none */
    void (*ready)(void *owner);
    void *owner;
};

/* 0 or UV_E…: nothing to close then. */
int pollset_open(struct pollset *s, uv_loop_t *loop);
/* Nothing is in it. `closed` follows, from the loop. */
void pollset_close(struct pollset *s, void (*closed)(void *ctx), void *ctx);
/* Calls ready(owner) as long as fd has something to read, or an end to tell of.
 * 0, or UV_E… (UV_ENOSPC, UV_ENOMEM). */
int pollset_add(struct pollset *s, struct pollset_fd *f, int fd, void (*ready)(void *owner),
                void *owner);
/* The same as long as fd can be written to, or nobody is left to read what is. */
int pollset_add_writer(struct pollset *s, struct pollset_fd *f, int fd, void (*ready)(void *owner),
                       void *owner);
/* Takes it out, which it must be before its descriptor is closed. Its memory
 * must stay until the loop's next round: this one's events may name it. No
 * effect on what is in no set. */
void pollset_remove(struct pollset *s, struct pollset_fd *f);
static inline bool pollset_has(const struct pollset_fd *f) {
    return f->fd >= 0;
}
#endif
