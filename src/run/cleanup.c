/* SPDX-License-Identifier: MIT */
/* cleanup: what is run beside and behind the jobs: their `cleanup`, and at last `on-end`. */
#include "run/cleanup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "run/followers.h"

struct cleanups {
    struct cleanups_opts opts;
    struct followers *followers; /* NULL where no job has a cleanup */
    bool *started;               /* a place per job */
    uint32_t *stack;             /* jobs with a cleanup as they were started, the last on top */
    uint32_t nstack;
    uint32_t unborn;            /* jobs with a cleanup that may start yet */
    const struct plan_job *job; /* whose cleanup is under way, or NULL */
    struct chore chore;
    bool hurried, abandoned;
    bool on_end; /* is to be run yet */
};

static const struct plan_job *def_of(const struct cleanups *c, uint32_t job) {
    return &c->opts.plan->jobs[job];
}

static bool has_cleanup(const struct cleanups *c, uint32_t job) {
    return def_of(c, job)->set->cleanup;
}

struct cleanups *cleanups_new(const struct cleanups_opts *opts) {
    const struct plan *plan = opts->plan;
    struct cleanups *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->opts = *opts;
    c->on_end = plan->on_end;
    chore_release(&c->chore);
    for (uint32_t i = 0; i < plan->njobs; i++)
        c->unborn += has_cleanup(c, i);
    if (c->unborn == 0)
        return c;
    c->followers = followers_new(plan);
    c->started = calloc(plan->njobs, sizeof *c->started);
    c->stack = calloc(c->unborn, sizeof *c->stack);
    if (!c->followers || !c->started || !c->stack)
        return cleanups_free(c);
    return c;
}

struct cleanups *cleanups_free(struct cleanups *c) {
    if (!c)
        return NULL;
    chore_release(&c->chore);
    followers_free(c->followers);
    free(c->started);
    free(c->stack);
    free(c);
    return NULL;
}

void cleanups_job_started(struct cleanups *c, uint32_t job) {
    if (!c->followers || !has_cleanup(c, job) || c->started[job])
        return;
    c->started[job] = true;
    c->unborn--;
    c->stack[c->nstack++] = job;
}

static void ignore(void *ctx, uint32_t job) {
    (void)ctx;
    (void)job;
}

void cleanups_job_ended(struct cleanups *c, uint32_t job) {
    if (!c->followers)
        return;
    if (has_cleanup(c, job) && !c->started[job])
        c->unborn--;
    followers_ended(c->followers, job, ignore, NULL);
}

/* What it has come to. */
static void tell(struct cleanups *c, struct attempt_end *end) {
    const struct plan_job *job = c->job;
    struct job_info chore = chore_info(&c->chore);

    c->job = NULL;
    if (job && chore.result->status != STATUS_OK)
        c->opts.result->cleanups_failed++;
    c->opts.done(c->opts.ctx, job, &chore, end);
}

static void begin(struct cleanups *c, const struct chore_order *order, int64_t now) {
    int error = chore_begin(&c->chore, order, c->opts.executor, c->opts.executor_ctx, now);
    struct attempt_end end = {.error = error, .stage = SPAWN_RESOURCES, .exit = -1};

    if (!error)
        return;
    chore_ended(&c->chore, &end);
    tell(c, NULL);
}

/* Of the job on top of the stack. */
static void begin_cleanup(struct cleanups *c, int64_t now) {
    uint32_t job = c->stack[--c->nstack];
    const struct job_result *r = &c->opts.result->jobs[job];
    struct chore_order order = {
        .id = job,
        .number = r->nattempts,
        .job = def_of(c, job),
        .command = def_of(c, job)->set->cleanup,
        .vars = {{.name = "MUSTER_STATUS"}},
        .hurried = c->hurried,
    };

    snprintf(order.vars[0].value, sizeof order.vars[0].value, "%s", status_words[r->status]);
    c->job = order.job;
    begin(c, &order, now);
}

static void begin_on_end(struct cleanups *c, int64_t now) {
    const struct run_result *run = c->opts.result;
    const struct plan_job *def = c->opts.plan->on_end;
    struct run_totals totals = run_totals(run);
    uint32_t failed = totals.by_status[STATUS_FAILED] + totals.by_status[STATUS_TIMEOUT];
    struct chore_order order = {
        .id = c->opts.plan->njobs,
        .number = 1,
        .job = def,
        .command = def->command,
        .vars = {{.name = "MUSTER_STATUS"},
                 {.name = "MUSTER_OK"},
                 {.name = "MUSTER_FAILED"},
                 {.name = "MUSTER_WALL"}},
        .hurried = true,
    };
    const size_t room = CHORE_VALUE_MAX;

    snprintf(order.vars[0].value, room, "%d", run_exit_status(run));
    snprintf(order.vars[1].value, room, "%" PRIu32, totals.by_status[STATUS_OK]);
    snprintf(order.vars[2].value, room, "%" PRIu32, failed - totals.allowed);
    snprintf(order.vars[3].value, room, "%.3f", (double)(clock_ns() - run->start_ns) / NS_PER_S);
    c->on_end = false;
    begin(c, &order, now);
}

void cleanups_run(struct cleanups *c, bool over, int64_t now) {
    while (c->chore.phase == CHORE_NONE && !c->abandoned) {
        if (c->nstack > 0 && c->unborn == 0 &&
            followers_over(c->followers, c->stack[c->nstack - 1]))
            begin_cleanup(c, now);
        else if (over && c->nstack == 0 && c->on_end)
            begin_on_end(c, now);
        else
            return;
    }
}

bool cleanups_own(const struct cleanups *c, const struct attempt *a) {
    return chore_owns(&c->chore, a);
}

void cleanups_started(struct cleanups *c, int64_t now) {
    chore_started(&c->chore, now);
}

void cleanups_put_off(struct cleanups *c, int error, int64_t now) {
    if (!chore_put_off(&c->chore, error, now))
        tell(c, NULL);
}

void cleanups_ended(struct cleanups *c, struct attempt_end *end) {
    chore_ended(&c->chore, end);
    tell(c, end);
    attempt_end_release(end);
}

void cleanups_hurry(struct cleanups *c, int64_t now) {
    if (c->hurried)
        return;
    c->hurried = true;
    chore_hurry(&c->chore, now);
}

uint32_t cleanups_abandon(struct cleanups *c) {
    c->abandoned = true;
    return c->nstack;
}

void cleanups_advance(struct cleanups *c, int64_t now) {
    chore_advance(&c->chore, c->opts.executor, c->opts.executor_ctx, now);
}

int64_t cleanups_due(const struct cleanups *c) {
    return c->chore.due;
}

bool cleanups_done(const struct cleanups *c) {
    return c->chore.phase == CHORE_NONE && (c->abandoned || (c->nstack == 0 && !c->on_end));
}

bool cleanups_wanted(const struct cleanups *c) {
    return c->followers || c->on_end || c->chore.phase != CHORE_NONE;
}

bool cleanups_running(const struct cleanups *c, const struct plan_job **job, int64_t *since) {
    *job = c->job;
    *since = c->chore.since;
    return c->chore.phase == CHORE_RUNNING || c->chore.phase == CHORE_STOPPING;
}
