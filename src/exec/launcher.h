/* SPDX-License-Identifier: MIT */
/* launcher: a small process that starts jobs in muster's stead, as muster's children. */
#ifndef MUSTER_EXEC_LAUNCHER_H
#define MUSTER_EXEC_LAUNCHER_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "exec/attempt.h"
#include "exec/launch.h"
#include "exec/spawn.h"

/*
 * Why not start jobs from muster itself: a start blocks for some 0.3 ms; the
 * kernel counts the memory of the process that vforks towards the peak RSS of
 * its child (exec_mmap() in fs/exec.c), so that a job would show at least
 * muster's own size; and every start copies the table of open descriptors and
 * closes it again, so that it would slow down with the number of jobs that run
 * (3.5 times at 15,000 descriptors). The launcher has little of either,
 * whatever the run's size. It is forked by a thread of muster, starts processes
 * with CLONE_PARENT, and so makes them that thread's children: muster waits for
 * them, gets their accounts, and they get their death signal when that thread
 * ends.
 *
 * It is also the guard: it outlives a muster that was killed, and kills what the
 * death signal does not reach, daemons and grandchildren (exec/sweep.h).
 */
struct launcher {
    pid_t pid;  /* -1: there is none */
    int socket; /* to it, or -1 */
    char *buf;  /* the request that is being sent */
    size_t cap, size, sent;
    int fds[LAUNCH_RIGHTS_MAX]; /* that go with its first byte; then closed */
    unsigned nfds;
    struct launch_reply reply; /* as far as it has come */
    size_t got;
};

/* None yet. */
void launcher_init(struct launcher *l);
/*
 * Forks it. The calling thread becomes the parent of all that is launched: it
 * must not be the main thread, must live as long as the jobs, and have all
 * signals blocked. 0 or UV_E….
 */
int launcher_fork(struct launcher *l, const struct spawn_setup *setup);
/* Tells it to end, without waiting for that; what was not sent is forgotten. */
void launcher_hang_up(struct launcher *l);
/* Hangs up and waits for its end; it may be forked again. The thread that forked it; blocks.
 * Uses no heap, of which glibc would first make one more for that thread. */
void launcher_release(struct launcher *l);
/* Frees what is left of it then; it may be forked again. Any thread, once it is released. */
void launcher_free(struct launcher *l);
/* Kills the process that a launcher had begun when it died, known by its mark.
 * The thread that forked it. */
void launcher_kill_begun(uint64_t mark);

/*
 * Asks for a process; what was asked for before must be sent. Takes over
 * opts->in_fd, out_fd and err_fd, the pipes' ends, whatever comes of it; opts->parent is ignored.
 * 0: it is sent. UV_EAGAIN: not wholly yet, call launcher_flush() when the socket is writable.
 * UV_EPIPE: the launcher is dead. Else UV_E… (UV_ENOMEM, UV_EMFILE): the request was not sent.
 * Never blocks.
 */
int launcher_ask(struct launcher *l, const struct spawn_opts *opts);
/* Sends on: as launcher_ask(). */
int launcher_flush(struct launcher *l);
/* Whether a request is not wholly sent. */
static inline bool launcher_unsent(const struct launcher *l) {
    return l->sent < l->size;
}
/*
 * The answer to the oldest request. 0: *reply is it; its pid is the caller's to
 * reap, also where reply->error is set. UV_EAGAIN: not there yet. UV_EPIPE: the
 * launcher is dead. Never blocks.
 */
int launcher_answer(struct launcher *l, struct launch_reply *reply);
#endif
