/* SPDX-License-Identifier: MIT */
/* cleanup: what is run beside and behind the jobs: their `cleanup`, and at last `on-end`. */
#ifndef MUSTER_RUN_CLEANUP_H
#define MUSTER_RUN_CLEANUP_H
#include <stdbool.h>
#include <stdint.h>

#include "run/chore.h"
#include "run/result.h"
#include "run/sched.h"

struct cleanups;
struct followers;

/* Pure, as the scheduler is. */
struct cleanups_opts {
    const struct plan *plan;
    struct run_result *result;
    const struct sched_executor *executor; /* attempts of a job that has ended bear its number, */
    void *executor_ctx;                    /* that of on-end is behind those of the jobs */
    /* One has ended: that of a job, or NULL: on-end. `chore` is it as a job, `end` that of its
     * attempt, or NULL: it could not be tried. The callee may take (and NULL) its captures. */
    void (*done)(void *ctx, const struct plan_job *job, const struct job_info *chore,
                 struct attempt_end *end);
    void *ctx;
};

/* NULL when out of memory. The followers are the caller's; NULL where no job has a cleanup. */
struct cleanups *cleanups_new(const struct cleanups_opts *opts, const struct followers *followers);
/* Accepts NULL; returns NULL. */
struct cleanups *cleanups_free(struct cleanups *c);
/* An attempt of a job runs; `turn`: of attempts that are sent to be started (struct attempt). */
void cleanups_job_started(struct cleanups *c, uint32_t job, uint32_t turn);
/* The same of an item, whose values are kept until then. */
void cleanups_item_started(struct cleanups *c, const struct job_info *item, uint32_t turn);
void cleanups_item_ended(struct cleanups *c, const struct job_info *item);
/* A job has ended, or a section with all its items, which the followers know by now. */
void cleanups_job_ended(struct cleanups *c, uint32_t job);
/*
 * Starts what is due: one at a time, that of the job that was started last first. It
 * waits for that job and all that comes after it, and for all jobs with a cleanup that
 * may start yet. `over`: every job has ended, and the result has all that on-end is told.
 */
void cleanups_run(struct cleanups *c, bool over, int64_t now);
/* The executor's answers, to attempts that are owned. */
bool cleanups_own(const struct cleanups *c, const struct attempt *a);
void cleanups_started(struct cleanups *c, int64_t now);
void cleanups_put_off(struct cleanups *c, int error, int64_t now);
void cleanups_ended(struct cleanups *c, struct attempt_end *end);
/* The run is interrupted or out of time: none has more than 30 s any more. */
void cleanups_hurry(struct cleanups *c, int64_t now);
/* Everything is killed: none is started any more. How many cleanups were waiting. */
uint32_t cleanups_abandon(struct cleanups *c);
/* Acts upon the time of what runs. */
void cleanups_advance(struct cleanups *c, int64_t now);
/* When that is wanted next, or INT64_MAX. */
int64_t cleanups_due(const struct cleanups *c);
/* Nothing runs, and when every job has ended nothing is left to do. */
bool cleanups_done(const struct cleanups *c);
/* Whether there is something to be done at all. */
bool cleanups_wanted(const struct cleanups *c);
/* The job whose cleanup runs, for people; NULL: on-end. False: nothing does. */
bool cleanups_running(const struct cleanups *c, const struct plan_job **job, int64_t *since);
#endif
