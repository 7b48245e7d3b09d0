/* SPDX-License-Identifier: MIT */
/* result: how each job and the run as a whole went; what all reports read. */
#include "run/result.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/mem.h"
#include "exec/attempt.h"

const char *const status_words[STATUSES] = {
    [STATUS_OK] = "ok",           [STATUS_FAILED] = "failed",
    [STATUS_TIMEOUT] = "timeout", [STATUS_CANCELLED] = "cancelled",
    [STATUS_SKIPPED] = "skipped", [STATUS_CACHED] = "cached",
    [STATUS_RESUMED] = "resumed",
};

const char *const reason_words[REASONS] = {
    [REASON_EXIT] = "exit",
    [REASON_SIGNAL] = "signal",
    [REASON_TIMEOUT] = "timeout",
    [REASON_SPAWN] = "spawn",
    [REASON_DEPENDENCY] = "dependency",
    [REASON_CANCELLED] = "cancelled",
    [REASON_DEADLINE] = "deadline",
    [REASON_BREAKER] = "breaker",
    [REASON_HTTP] = "http",
    [REASON_NOT_READY] = "not-ready",
    [REASON_LOST] = "lost",
    [REASON_OOM] = "oom",
};

uint8_t job_settled(enum status status, enum reason reason) {
    if (status == STATUS_OK || status == STATUS_CACHED)
        return SETTLED_OK;
    return status == STATUS_SKIPPED && reason == REASON_NONE ? SETTLED_SKIPPED : SETTLED_NO;
}

int job_reserve_attempt(struct job_result *j) {
    uint32_t n = j->nattempts;
    struct attempt_result *rows;

    if (n & (n - 1)) /* doubled whenever n is a power of two */
        return 0;
    rows = reallocarray(j->attempts, n ? (size_t)n * 2 : 1, sizeof *rows);
    if (!rows)
        return UV_ENOMEM;
    j->attempts = rows;
    return 0;
}

void job_add_attempt(struct job_result *j, const struct attempt *a, struct attempt_end *end,
                     enum status status, enum reason reason) {
    j->attempts[j->nattempts++] = (struct attempt_result){
        .start_ns = end->start_ns,
        .wall_ns = end->wall_ns,
        .user_us = end->user_us,
        .sys_us = end->sys_us,
        .max_rss = end->max_rss,
        .out_bytes = end->out_bytes,
        .err_bytes = end->err_bytes,
        .exit = (int16_t)end->exit,
        .signal = (uint8_t)end->signal,
        .core = end->core,
        .killed = end->killed,
        .status = (uint8_t)status,
        .reason = (uint8_t)reason,
        .stage = (uint8_t)end->stage,
        .slot = a->slot,
        .error = end->error,
        .detail = end->detail,
        .http = end->http,
    };
    end->detail = NULL, end->http = NULL;
    j->leftover += end->leftover;
    j->unkillable += end->unkillable;
    if (a->lane == LANE_CPU)
        j->worker = (int32_t)a->slot;
}

void attempt_result_release(struct attempt_result *a) {
    free(a->detail);
    free(a->http);
    a->detail = NULL;
    a->http = NULL;
}

void job_result_release(struct job_result *j) {
    for (uint32_t i = 0; i < j->nattempts; i++)
        attempt_result_release(&j->attempts[i]);
    free(j->attempts);
    free(j->facts);
}

int64_t job_wall_ns(const struct job_result *j) {
    const struct attempt_result *last;

    if (j->nattempts == 0)
        return 0;
    last = &j->attempts[j->nattempts - 1];
    return last->start_ns + last->wall_ns - j->attempts[0].start_ns;
}

int64_t job_busy_ns(const struct job_result *j) {
    int64_t sum = 0;

    for (uint32_t i = 0; i < j->nattempts; i++)
        sum += j->attempts[i].wall_ns;
    return sum;
}

int64_t job_cpu_us(const struct job_result *j) {
    int64_t sum = 0;

    for (uint32_t i = 0; i < j->nattempts; i++)
        sum += j->attempts[i].user_us + j->attempts[i].sys_us;
    return sum;
}

uint64_t job_max_rss(const struct job_result *j) {
    uint64_t most = 0;

    for (uint32_t i = 0; i < j->nattempts; i++)
        if (j->attempts[i].max_rss > most)
            most = j->attempts[i].max_rss;
    return most;
}

bool result_has_row(const struct run_result *run, uint32_t job) {
    return !job_has_items(&run->plan->jobs[job]) || run->jobs[job].status != STATUS_NONE;
}

struct run_cause run_cause(const struct run_result *r, uint32_t cause) {
    uint32_t n = r->plan->njobs;

    if (cause >= n)
        return r->items.causes[cause - n];
    return (struct run_cause){.name = r->plan->jobs[cause].name,
                              .late = r->jobs[cause].status == STATUS_TIMEOUT};
}

/* Counts one job in. */
static void count(struct run_totals *t, const struct job_result *j) {
    t->jobs++;
    t->by_status[j->status]++;
    t->noted[j->status] += j->flaky || j->allowed;
    t->flaky += j->flaky;
    t->allowed += j->allowed;
    t->retries += j->nattempts > 1 ? j->nattempts - 1 : 0;
    t->job_wall_ns += job_wall_ns(j);
    t->cpu_us += job_cpu_us(j);
}

struct run_totals run_totals(const struct run_result *r) {
    struct run_totals t = r->items.totals;

    for (uint32_t i = 0; i < r->plan->njobs; i++)
        if (result_has_row(r, i))
            count(&t, &r->jobs[i]);
    return t;
}

/* Whether a job makes the run fail. */
static bool fails_run(const struct job_result *j) {
    if (j->unkillable > 0)
        return true;
    switch ((enum status)j->status) {
    case STATUS_FAILED:
    case STATUS_TIMEOUT:
        return !j->allowed;
    case STATUS_SKIPPED:
        return j->reason != REASON_NONE;
    case STATUS_CANCELLED: /* by a job that failed, if neither by a signal nor by the deadline */
    case STATUS_NONE:
        return true;
    default:
        return false;
    }
}

int run_exit_status(const struct run_result *r) {
    if (r->interrupted_by)
        return 128 + r->interrupted_by;
    if (r->undelivered)
        return 3;
    if (r->deadline_passed)
        return 124;
    if (r->unkillable > 0 || r->cleanups_failed > 0)
        return 1;
    if (r->items.failed)
        return 1;
    for (uint32_t i = 0; i < r->plan->njobs; i++)
        if (result_has_row(r, i) && fails_run(&r->jobs[i]))
            return 1;
    return 0;
}

void item_results_add(struct item_results *items, const struct job_result *result) {
    count(&items->totals, result);
    items->failed = items->failed || fails_run(result);
}

uint32_t item_results_cause(struct item_results *items, const char *name, bool late) {
    struct run_cause *causes =
        mem_grow(items->causes, items->ncauses, &items->causes_cap, sizeof *causes);
    char *copy;

    if (!causes)
        return NO_JOB;
    items->causes = causes;
    copy = strdup(name);
    if (!copy)
        return NO_JOB;
    causes[items->ncauses] = (struct run_cause){copy, late};
    return items->ncauses++;
}

void item_results_release(struct item_results *items) {
    for (uint32_t i = 0; i < items->ncauses; i++)
        free((char *)(uintptr_t)items->causes[i].name);
    free(items->causes);
    *items = (struct item_results){0};
}

void run_result_release(struct run_result *result) {
    for (uint32_t i = 0; result->jobs && i < result->plan->njobs; i++)
        job_result_release(&result->jobs[i]);
    free(result->jobs);
    result->jobs = NULL;
    item_results_release(&result->items);
}
