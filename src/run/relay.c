/* SPDX-License-Identifier: MIT */
/* relay: what the scheduler tells, told on. */
#include "run/relay.h"

static void on_alone(void *ctx, uint32_t job) {
    struct relay *r = ctx;

    if (r->opts.plan->jobs[job].set->service)
        services_note(r->services, job);
}

static void note_start(struct relay *r, const struct job_info *job, uint32_t turn) {
    if (job->def->item)
        cleanups_item_started(r->cleanups, job, turn);
    else
        cleanups_job_started(r->cleanups, job->id, turn);
}

/* One whose launcher died over it may have run before that. */
static void note_lost(struct relay *r, const struct job_info *job, const struct attempt_end *end) {
    if (end && end->error && end->stage == SPAWN_LOST)
        note_start(r, job, UINT32_MAX);
}

static void on_started(void *ctx, const struct job_info *job, const struct attempt *a, pid_t pid) {
    struct relay *r = ctx;

    note_start(r, job, a->turn);
    if (r->opts.to->started)
        r->opts.to->started(r->opts.to_ctx, job, a, pid);
}

static void on_unstarted(void *ctx, const struct job_info *job, const struct attempt *a) {
    struct relay *r = ctx;

    if (r->opts.to->unstarted)
        r->opts.to->unstarted(r->opts.to_ctx, job, a);
}

static void on_ready(void *ctx, const struct job_info *job, int64_t after_ns) {
    struct relay *r = ctx;

    services_note(r->services, job->id);
    if (r->opts.to->ready)
        r->opts.to->ready(r->opts.to_ctx, job, after_ns);
}

static void on_timed_out(void *ctx, const struct job_info *job) {
    struct relay *r = ctx;

    if (r->opts.to->timed_out)
        r->opts.to->timed_out(r->opts.to_ctx, job);
}

static void on_waited(void *ctx, const struct job_info *job, const struct wait *list,
                      size_t count) {
    struct relay *r = ctx;

    if (r->opts.to->waited)
        r->opts.to->waited(r->opts.to_ctx, job, list, count);
}

static void on_retry(void *ctx, const struct job_info *job, int64_t delay_ns,
                     const struct attempt_end *end) {
    struct relay *r = ctx;

    note_lost(r, job, end);
    if (r->opts.to->retry)
        r->opts.to->retry(r->opts.to_ctx, job, delay_ns, end);
}

/* Of a job of the plan, or of a section all of whose items have. */
static void note_end(struct relay *r, uint32_t job) {
    if (r->followers)
        followers_ended(r->followers, job, on_alone, r);
    cleanups_job_ended(r->cleanups, job);
}

static void on_done(void *ctx, const struct job_info *job, struct attempt_end *end) {
    struct relay *r = ctx;

    note_lost(r, job, end);
    if (r->opts.to->done)
        r->opts.to->done(r->opts.to_ctx, job, end);
    if (job->def->item)
        cleanups_item_ended(r->cleanups, job);
    else
        note_end(r, job->id);
}

static void on_no_items(void *ctx, const struct job_info *job) {
    struct relay *r = ctx;

    if (r->opts.to->no_items)
        r->opts.to->no_items(r->opts.to_ctx, job);
}

static void on_items_ended(void *ctx, const struct job_info *section) {
    struct relay *r = ctx;

    note_end(r, section->id);
    if (r->opts.to->items_ended)
        r->opts.to->items_ended(r->opts.to_ctx, section);
}

const struct sched_listener relay_listener = {.started = on_started,
                                              .unstarted = on_unstarted,
                                              .ready = on_ready,
                                              .timed_out = on_timed_out,
                                              .waited = on_waited,
                                              .retry = on_retry,
                                              .done = on_done,
                                              .no_items = on_no_items,
                                              .items_ended = on_items_ended};

int relay_open(struct relay *r, const struct relay_opts *opts) {
    const struct plan *plan = opts->plan;
    const struct services_opts services = {
        .loop = opts->loop, .plan = plan, .ready = opts->ready, .ctx = opts->ctx};
    const struct cleanups_opts cleanups = {.plan = plan,
                                           .result = opts->result,
                                           .executor = opts->executor,
                                           .executor_ctx = opts->ctx,
                                           .done = opts->cleaned,
                                           .ctx = opts->to_ctx};
    bool any_service = false, any_cleanup = false;

    *r = (struct relay){.opts = *opts};
    for (uint32_t i = 0; i < plan->njobs; i++) {
        any_service = any_service || plan->jobs[i].set->service;
        any_cleanup = any_cleanup || plan->jobs[i].set->cleanup;
    }
    if (any_service || any_cleanup) {
        r->followers = followers_new(plan);
        if (!r->followers)
            return UV_ENOMEM;
    }
    r->cleanups = cleanups_new(&cleanups, r->followers);
    if (!r->cleanups)
        return UV_ENOMEM;
    return any_service ? services_open(&r->services, &services, r->followers) : 0;
}

void relay_release(struct relay *r) {
    r->cleanups = cleanups_free(r->cleanups);
    r->services = services_free(r->services);
    r->followers = followers_free(r->followers);
}
