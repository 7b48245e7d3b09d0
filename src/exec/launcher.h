/* SPDX-License-Identifier: MIT */
/* launcher: a small process that starts jobs in muster's stead, as muster's children. */
#ifndef MUSTER_EXEC_LAUNCHER_H
#define MUSTER_EXEC_LAUNCHER_H
#include <stdint.h>
#include <sys/types.h>

#include "exec/attempt.h"
#include "exec/spawn.h"

/*
 * Why not start jobs from muster itself: the kernel counts the memory of the
 * process that vforks towards the peak RSS of its child (exec_mmap() in
 * fs/exec.c), so that a job would show at least muster's own size; and every
 * start copies the table of open descriptors and closes it again, so that it
 * would slow down with the number of jobs that run (3.5 times at 15,000
 * descriptors). The launcher has little of either, whatever the run's size. It
 * is forked by a thread of muster, starts processes with CLONE_PARENT, and so
 * makes them that thread's children: muster waits for them, gets their
 * accounts, and they get their death signal when that thread ends.
 */
struct launcher {
    pid_t pid;
    int socket; /* to it, or -1: it is to be forked again */
    const struct spawn_setup *setup;
    char *buf; /* of requests */
    size_t cap;
};

/* What was started. */
struct launched {
    pid_t pid;        /* its process, session and group */
    int pidfd;        /* readable when it has exited; -1: there is none, poll */
    int out, err;     /* read ends of captured streams, or -1 */
    int64_t start_ns; /* clock_ns() just before */
};

/*
 * Forks it. The calling thread becomes the parent of all that is launched: it
 * must not be the main thread, must live as long as the jobs, and have all
 * signals blocked. 0 or UV_E….
 */
int launcher_open(struct launcher *l, const struct spawn_setup *setup);
/* Ends and reaps it. */
void launcher_close(struct launcher *l);
/*
 * Starts a process (out_fd, err_fd and parent of opts are ignored: the pipes
 * are made here). 0: *out is filled, the caller owns descriptors and pid (to be
 * reaped). UV_E…: nothing is left, *stage says at what and *detail is the path
 * at fault, malloc'd, or NULL. Blocks for the time of a start, some 0.3 ms. The
 * thread that opened it.
 */
int launcher_start(struct launcher *l, const struct spawn_opts *opts, struct launched *out,
                   enum spawn_stage *stage, char **detail);
#endif
