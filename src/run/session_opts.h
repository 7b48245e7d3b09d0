/* SPDX-License-Identifier: MIT */
/* session_opts: what a session is given, and whom it tells. */
#ifndef MUSTER_RUN_SESSION_OPTS_H
#define MUSTER_RUN_SESSION_OPTS_H
#include <stdbool.h>

#include "plan/plan.h"
#include "run/result.h"
#include "run/sched.h"

/*
 * What a session tells while it runs: the command line hangs the printing of
 * lines and output here. All on the main thread; none may block.
 */
struct session_events {
    struct sched_listener jobs;
    /* The run begins: of its result, id and start are set; `exit` is -1 to its end. */
    void (*begun)(void *ctx);
    /* A sentence for standard error ("muster: …" is not yet before it). */
    void (*say)(void *ctx, const char *text);
    /* An attempt has been told as started: its captured streams, or NULL. May be left out. */
    void (*streams)(void *ctx, const struct attempt *a, struct capture *out, struct capture *err);
    /* A job runs for longer than its `slow`: once an attempt. May be left out. */
    void (*show_slow)(void *ctx, const struct job_info *job, int64_t elapsed_ns,
                      const char *last_line);
    /* A job's cleanup has ended, or (job NULL) on-end: `chore` is that as a job. `end` is as of
     * a job's end: the listener may take (and NULL) its captures. */
    void (*chore_done)(void *ctx, const struct plan_job *job, const struct job_info *chore,
                       struct attempt_end *end);
    /* SIGUSR1: one call per running job; elapsed in run time. */
    void (*show_running)(void *ctx, const struct job_info *job, uint32_t attempt,
                         int64_t elapsed_ns, const char *last_line);
    /* How the run stands, each tick_ms. May be left out. */
    void (*tick)(void *ctx, const struct sched_counts *counts);
    /* This process is about to be stopped (SIGTSTP), or goes on. May be left out. */
    void (*paused)(void *ctx, bool paused);
};

/*
 * What keeps a record of the run as it goes on, on a thread of its own. Called on
 * the main thread; none may block.
 */
struct session_recorder {
    /* The run is about to begin: its id and start are set. `wake` may be called on
     * any thread, to have `ready` called. Not `roomy`: jobs need all descriptors. */
    void (*begin)(void *ctx, const struct run_result *run, bool roomy, void (*wake)(void *arg),
                  void *arg);
    /* Whether an end that the listener was told survives a crash, or nothing is
     * recorded; till then nothing starts that comes after another job. */
    bool (*ready)(void *ctx);
    /* Whether it has thousands of ends to write yet. */
    bool (*behind)(void *ctx);
    /* No `wake` any more. Called once, if `begin` was. */
    void (*rest)(void *ctx);
    uint32_t fds; /* descriptors that it needs while jobs run */
};

struct session_opts {
    const struct plan *plan;
    bool explain; /* events->jobs.waited is wanted */
    /* Where jobs of type auto start, see sched.h; NULL: in the I/O lane. */
    enum lane (*lane_of)(void *ctx, uint32_t job);
    void *lane_ctx;
    int lock;                     /* descriptor of the run's lock, 0: none */
    int presence;                 /* that of run/presence.h, 0: none */
    const uint8_t *settled;       /* see sched_opts, */
    struct facts **settled_facts; /* for these, too */
    enum settled (*settled_item)(void *ctx, const struct job_info *job, struct facts **told);
    void *settled_ctx;
    const struct session_events *events;
    void *ctx;                               /* of events, and of the listener */
    uint32_t tick_ms;                        /* between two calls of events->tick; 0: none */
    const struct session_recorder *recorder; /* NULL: there is none */
    void *recorder_ctx;
};
#endif
