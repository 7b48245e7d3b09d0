/* SPDX-License-Identifier: MIT */
/* services: what is wrong with jobs that are expected to stay up. */
#include "plan/services.h"

#include "base/text.h"

/* What all services hold together while they are up, and the most that a job behind one needs. */
struct share {
    uint64_t held, needed;
    uint32_t first, wide; /* a service that holds some of it; the job that needs the most */
};

static void count_share(struct share *share, uint32_t job, bool service, uint64_t n) {
    if (service) {
        if (!share->held)
            share->first = job;
        share->held += n;
    } else if (n > share->needed) {
        share->needed = n;
        share->wide = job;
    }
}

/* Services that hold what those behind them need would never be ended. */
static bool fits(const struct share *share, uint64_t most) {
    return !share->held || !share->needed || share->held + share->needed <= most;
}

/* A fault of a service's key, or of what makes it one. */
static struct span place_of(const struct loader *l, uint32_t job, enum schema_effect effect) {
    const struct entry *e = layers_place(l, job, effect);

    if (!e)
        e = layers_place(l, job, EFFECT_SERVICE);
    return e->value;
}

/* --- one of them --- */

static void check_service(struct loader *l, uint32_t i, bool followed) {
    const struct plan_job *job = &l->plan->jobs[i];
    const struct ready_sign *ready = job->set->ready;
    char limit[TEXT_FORMAT_MAX];

    if (job_has_items(job))
        diag_error(l->diag, layers_place(l, i, EFFECT_SERVICE)->key,
                   "service: job '%s' has items, and a service is one job", job->name);
    else if (!job_has_process(job))
        diag_error(l->diag, layers_place(l, i, EFFECT_SERVICE)->key,
                   "service: job '%s' has no process that could stay up (command or exec)",
                   job->name);
    else if (!followed)
        diag_error(l->diag, layers_place(l, i, EFFECT_SERVICE)->key,
                   "service: no job comes after '%s', so nothing needs it", job->name);
    if (ready && ready->kind == READY_LINE && job->set->out.kind != STREAM_CAPTURE &&
        job->set->err.kind != STREAM_CAPTURE)
        diag_error(l->diag, place_of(l, i, EFFECT_READY),
                   "ready: muster sees no output of job '%s' (stdout = capture)", job->name);
    if (ready && ready->kind == READY_DELAY && job->set->timeout_ns &&
        ready->delay_ns > job->set->timeout_ns)
        diag_error(l->diag, place_of(l, i, EFFECT_READY),
                   "ready: job '%s' would time out before, after %s", job->name,
                   text_format_duration(job->set->timeout_ns, limit, sizeof limit));
}

/* A key of its own that does nothing. */
static void check_other(struct loader *l, uint32_t i) {
    const struct section *s = l->drafts[i].section;

    for (uint32_t k = 0; k < s->nentries; k++)
        if (s->entries[k].row && s->entries[k].row->effect == EFFECT_READY && s->entries[k].typed)
            diag_warning(l->diag, s->entries[k].key, "'ready' has no effect without service = yes");
}

/* --- all together --- */

static void check_lane(struct loader *l, const struct share *share, enum lane lane) {
    const struct plan *plan = l->plan;
    uint32_t most = lane == LANE_IO ? plan->io_limit : plan->cpu_workers;

    if (fits(share, most))
        return;
    diag_error(l->diag, place_of(l, share->first, EFFECT_TYPE),
               "service: all services of the %s lane (%llu of %u %s) leave no room for '%s', which "
               "comes after one%s",
               lane == LANE_IO ? "I/O" : "CPU", (unsigned long long)share->held, most,
               lane == LANE_IO ? "at once" : "workers", plan->jobs[share->wide].name,
               lane == LANE_IO ? "" : " (type = io)");
}

static void check_memory(struct loader *l, const struct share *share) {
    char held[TEXT_FORMAT_MAX], most[TEXT_FORMAT_MAX];

    if (fits(share, l->plan->memory))
        return;
    diag_error(l->diag, place_of(l, share->first, EFFECT_MEMORY),
               "memory: all services together (%s of %s) leave no room for '%s', which comes after "
               "one",
               text_format_size(share->held, held, sizeof held),
               text_format_size(l->plan->memory, most, sizeof most),
               l->plan->jobs[share->wide].name);
}

static void check_limits(struct loader *l, const struct share *shares) {
    for (uint32_t i = 0; i < l->plan->nlimits; i++) {
        const struct plan_limit *limit = &l->plan->limits[i];
        const struct share *share = &shares[i];

        if (limit->concurrency && !fits(share, limit->concurrency))
            diag_error(l->diag, place_of(l, share->first, EFFECT_LIMITS),
                       "limits: all services that name '%s' (concurrency %u) leave no room for "
                       "'%s', which comes after one",
                       limit->name, limit->concurrency, l->plan->jobs[share->wide].name);
    }
}

/* What each job takes of what they share, if it is up or behind what is up. */
static void check_room(struct loader *l, const bool *behind) {
    const struct plan *plan = l->plan;
    struct share lanes[LANES] = {{0}}, memory = {0};
    struct share *limits = arena_array(&l->scratch, struct share, plan->nlimits);

    for (uint32_t i = 0; i < plan->njobs; i++) {
        const struct job_settings *set = plan->jobs[i].set;

        if (!set->service && !behind[i])
            continue;
        if (set->type == LANE_IO)
            count_share(&lanes[LANE_IO], i, set->service, 1);
        if (set->type == LANE_CPU || set->automatic)
            count_share(&lanes[LANE_CPU], i, set->service, set->cpus);
        count_share(&memory, i, set->service, set->memory);
        for (uint32_t k = 0; set->shared && k < set->shared->count; k++)
            count_share(&limits[set->shared->list[k]], i, set->service, 1);
    }
    for (int lane = 0; lane < LANES; lane++)
        check_lane(l, &lanes[lane], (enum lane)lane);
    check_memory(l, &memory);
    check_limits(l, limits);
}

void services_check(struct loader *l) {
    const struct plan *plan = l->plan;
    bool *behind = NULL, *followed = NULL, any = false;

    for (uint32_t i = 0; i < plan->njobs; i++) {
        any = any || plan->jobs[i].set->service;
        if (!plan->jobs[i].set->service)
            check_other(l, i);
    }
    if (!any)
        return;
    behind = arena_array(&l->scratch, bool, plan->njobs);
    followed = arena_array(&l->scratch, bool, plan->njobs);
    for (uint32_t i = 0; i < plan->njobs; i++) {
        const struct plan_job *job = &plan->jobs[plan->order[i]];

        for (uint32_t k = 0; k < job->nafter; k++) {
            followed[job->after[k]] = true;
            if (plan->jobs[job->after[k]].set->service || behind[job->after[k]])
                behind[plan->order[i]] = true;
        }
    }
    for (uint32_t i = 0; i < plan->njobs; i++)
        if (plan->jobs[i].set->service)
            check_service(l, i, followed[i]);
    if (!l->diag->errors)
        check_room(l, behind);
}
