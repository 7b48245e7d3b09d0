/* SPDX-License-Identifier: MIT */
/* lanes: where attempts run. The I/O lane is the main loop; the CPU lane is a
 * pool of worker threads, each with a loop of its own. */
#ifndef MUSTER_EXEC_LANES_H
#define MUSTER_EXEC_LANES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "exec/attempt.h"
#include "plan/plan.h"

struct jobserver;
struct lanes;

/* Called on the main loop's thread. */
struct lanes_events {
    /* It runs since start_ns (clock_ns); pid 0: without a process of its own. */
    void (*started)(void *ctx, const struct attempt *a, pid_t pid, int64_t start_ns);
    /* No descriptors, processes or memory for it now (error UV_E…): it never ran. */
    void (*put_off)(void *ctx, const struct attempt *a, int error);
    /* It has ended and nothing of it is alive, or it never could start. The
     * callee takes over what `end` owns; `end` itself is the caller's. */
    void (*ended)(void *ctx, const struct attempt *a, struct attempt_end *end);
};

struct lanes_opts {
    uv_loop_t *loop;                   /* the main loop: the I/O lane */
    const struct plan *plan;           /* outlives the lanes */
    const char *run_id;                /* MUSTER_RUN */
    int lock, presence;                /* descriptors of the run's, 0: none; see exec/launch.h */
    uint64_t nofile_soft;              /* descriptor limit given back to jobs, */
    uint64_t core_soft;                /* and that on the size of core files */
    const struct jobserver *jobserver; /* or NULL; outlives the lanes */
    uint32_t spare_fds;                /* left for others, see lanes_spares() */
    const struct lanes_events *events;
    void *ctx;
};

/*
 * Has launchers forked; workers are made when they are needed. 0 or UV_E… (UV_EMFILE: not even one
 * attempt at a time would have its descriptors); nothing is left then.
 */
int lanes_open(struct lanes **out, const struct lanes_opts *opts);
/*
 * How many attempts the descriptor limit allows at once in the I/O lane, at
 * most plan->io_limit.
 */
uint32_t lanes_io_width(const struct lanes *l);
/* Whether spare_fds are left for others: not where jobs could not run then. */
bool lanes_spares(const struct lanes *l);
/* Why there is no folder for what jobs tell (UV_E…), or 0. */
int lanes_facts_error(const struct lanes *l);
/* Has an attempt made; answers by started or put_off, then ended. */
void lanes_start(struct lanes *l, const struct attempt *a);
/*
 * Stop-signal and CONT to all processes of a job's running attempt, SIGKILL
 * after its kill-after. Not started yet: it never will, and `ended` comes with
 * error UV_ECANCELED. Again: no effect. `ended` always follows.
 */
void lanes_stop(struct lanes *l, uint32_t job);
/* SIGKILL to all there is, at once, and to all that still starts. */
void lanes_kill_all(struct lanes *l);
/* SIGSTOP or SIGCONT to all processes of all attempts, before it returns. */
void lanes_pause(struct lanes *l);
void lanes_resume(struct lanes *l);
/* As far as the caller knows, nothing more will be started: what only starting
 * needs is given up, beside what still runs. It is no promise. */
void lanes_rest(struct lanes *l);
/* The captured streams of an attempt that has been told as started, NULL where there is
 * none; whoever wants to keep them shares them. */
struct lanes_streams {
    struct capture *out, *err;
};
struct lanes_streams lanes_streams(const struct lanes *l, uint32_t job);
/* The last line of output of a running attempt, into buf; "" when none. */
void lanes_last_line(struct lanes *l, uint32_t job, char *buf, size_t n);
/*
 * Ends the workers and kills strangers that were adopted and belong to nobody;
 * closed(ctx, unkillable) is called on the main loop when all is gone and
 * every handle is closed, and the lanes are freed then. No attempt may run.
 */
void lanes_close(struct lanes *l, void (*closed)(void *ctx, uint32_t unkillable));
#endif
