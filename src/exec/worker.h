/* SPDX-License-Identifier: MIT */
/* worker: one of the CPU lane: a thread with a loop of its own, and one process at a time. */
#ifndef MUSTER_EXEC_WORKER_H
#define MUSTER_EXEC_WORKER_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

#include "exec/pollset.h"
#include "exec/process.h"

/* All functions: main thread. */
struct worker {
    pthread_t thread;
    uv_loop_t loop;
    struct pollset set;
    uv_async_t wake;
    process_ended_cb ended;
    _Atomic(struct process *) given; /* by the main thread, taken at the next wake */
    struct process *process;         /* the worker's own */
    atomic_bool stop, quit;
    bool open, busy; /* the main thread's; busy: a process is meant for it or its own */
};

/*
 * Makes its thread, all zero or closed before. `other`: any open loop. `ended` is
 * called on the worker's thread, which does not touch the process after that. 0
 * or UV_E….
 */
int worker_open(struct worker *w, const uv_loop_t *other, process_ended_cb ended);
/* Has it watch a process, which is the worker's from here on until it has ended. */
void worker_give(struct worker *w, struct process *p);
/* Has it stop the process that it was given last, if that has not ended. */
void worker_stop(struct worker *w);
/* Ends its thread. It has no process. No effect on one that is not open. */
void worker_close(struct worker *w);
#endif
