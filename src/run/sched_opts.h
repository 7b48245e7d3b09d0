/* SPDX-License-Identifier: MIT */
/* sched_opts: what a scheduler is given: a plan, and those that it tells what to do and what
 * was done. */
#ifndef MUSTER_RUN_SCHED_OPTS_H
#define MUSTER_RUN_SCHED_OPTS_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "exec/attempt.h"
#include "plan/plan.h"
#include "run/instances.h"
#include "run/result.h"
#include "run/waits.h"

/* Orders to whoever runs attempts. Answers come back by sched_started and so
 * on, never from within the call. */
struct sched_executor {
    void (*start)(void *ctx, const struct attempt *a);
    void (*stop)(void *ctx, uint32_t job); /* its stop sequence; sched_ended follows */
    /* So many workers' worth run and so many are wanted: how many may run. NULL: all that
     * there are. */
    uint32_t (*cpus)(void *ctx, uint32_t running, uint32_t wanted);
};

/* What happened, for whoever wants to show it. NULL members are left out. */
struct sched_listener {
    void (*started)(void *ctx, const struct job_info *job, const struct attempt *a, pid_t pid);
    /* An attempt could not be started; `retry` or `done` follows. */
    void (*unstarted)(void *ctx, const struct job_info *job, const struct attempt *a);
    void (*timed_out)(void *ctx, const struct job_info *job); /* the stop sequence begins */
    void (*ready)(void *ctx, const struct job_info *job, int64_t after_ns); /* a service */
    /* With opts.explain: a job is about to start, or a section to have its items, and has
     * waited for these, one after the other. */
    void (*waited)(void *ctx, const struct job_info *job, const struct wait *list, size_t count);
    /* An attempt failed, as `end` says, and another follows after delay_ns. */
    void (*retry)(void *ctx, const struct job_info *job, int64_t delay_ns,
                  const struct attempt_end *end);
    /* The job's result stands. `end` is that of the attempt that has just ended,
     * NULL when there is none: it never had one, or was cancelled between two.
     * The listener may take (and NULL) its captures. */
    void (*done)(void *ctx, const struct job_info *job, struct attempt_end *end);
    /* A section with axes had no items; `done` follows. */
    void (*no_items)(void *ctx, const struct job_info *job);
    /* All items of a section have ended, which itself has no row and no `done`. */
    void (*items_ended)(void *ctx, const struct job_info *section);
};

struct sched_opts {
    const struct plan *plan;
    struct job_result *results; /* one per job, zeroed; the scheduler fills them */
    uint32_t io_width;          /* I/O attempts at once; at most plan->io_limit */
    uint32_t cpu_width;         /* CPU workers' worth at once; at most plan->cpu_workers */
    uint64_t seed;              /* of the jitter */
    const struct sched_executor *executor;
    void *executor_ctx;
    const struct sched_listener *listener;
    void *listener_ctx;
    /* Where a job of type auto starts, as its history has it; NULL: all in the I/O lane. */
    enum lane (*lane_of)(void *ctx, uint32_t job);
    void *lane_ctx;
    bool hold; /* dependents wait for sched_release() */
    /* An enum settled per job: those that are not SETTLED_NO end as `resumed` before
     * anything else, whatever happens. NULL: none are. */
    const uint8_t *settled;
    /* What such jobs told, an entry each, or NULL; taken over (and NULLed) one by one. */
    struct facts **settled_facts;
    /* The same of an item, when it is about to begin; *told: what it told, to free(), or NULL.
     * NULL: none are. */
    enum settled (*settled_item)(void *ctx, const struct job_info *job, struct facts **told);
    void *settled_ctx;
    const struct item_source *source; /* of the items of sections; NULL: no job has axes */
    void *source_ctx;
    struct item_results *items; /* what is kept of their ends */
    /* Whether who is told of ends has got behind, so that those of many items had better be a
     * while in coming. NULL: never. */
    bool (*behind)(void *ctx);
    void *behind_ctx;
    bool explain; /* what jobs wait for is told */
};
#endif
