/* SPDX-License-Identifier: MIT */
/* order: what comes after what: who may start, who never will, who is wanted no more. */
#include "run/order.h"

#include <string.h>

#include "run/relations.h"

void order_move(struct sched *s, uint32_t job, enum job_event event) {
    struct sched_job *j = job_at(s, job);

    s->by_state[j->state]--;
    job_step(&j->state, event, name_of(s, job));
    s->by_state[j->state]++;
}

void order_queue(struct sched *s, uint32_t job, int64_t now) {
    ready_push(s->ready, group_of(s, job), job, now);
    if (s->waits)
        waits_ready(s->waits, job, group_of(s, job), now);
}

void order_tell_waits(struct sched *s, uint32_t job, int64_t now) {
    const struct wait *list;
    struct job_info info;
    size_t count;

    if (!s->waits || !s->opts.listener->waited)
        return;
    count = waits_end(s->waits, job, now, &list);
    info = info_of(s, job);
    if (count > 0)
        s->opts.listener->waited(s->opts.listener_ctx, &info, list, count);
}

/* dependents_at[i + 2] counts first, then serves as the place to fill next, and
 * ends up as the start of i + 1's: no second array. */
void order_link(struct sched *s) {
    uint32_t *at = s->dependents_at;
    const struct plan *p = s->plan;

    for (uint32_t i = 0; i < p->njobs; i++)
        for (uint32_t k = 0; k < p->jobs[i].nafter; k++) {
            const char *item = job_after_item(&p->jobs[i], k);
            uint32_t before = p->jobs[i].after[k];

            s->jobs[i].deps += item != AFTER_SAME;
            at[before + 2] += !item;
            if (item && item != AFTER_SAME)
                s->needs[s->nneeds++] =
                    (struct sched_need){.job = i, .before = before, .item = item};
        }
    for (uint32_t i = 2; i < p->njobs + 2; i++)
        at[i] += at[i - 1];
    for (uint32_t i = 0; i < p->njobs; i++)
        for (uint32_t k = 0; k < p->jobs[i].nafter; k++)
            if (!job_after_item(&p->jobs[i], k))
                s->dependents[at[p->jobs[i].after[k] + 1]++] = i;
}

/* What job_result.cause has for those that do not run because of this one. */
static uint32_t cause_of(const struct sched *s, uint32_t job) {
    const struct job_result *r = row_of(s, job);
    uint32_t kept;

    if (r->cause != NO_JOB)
        return r->cause;
    if (job < s->plan->njobs)
        return job;
    kept = item_results_cause(s->opts.items, name_of(s, job), r->status == STATUS_TIMEOUT);
    return kept == NO_JOB ? section_of(s, job) : s->plan->njobs + kept;
}

/* What an earlier run has settled of a job. */
static uint8_t settled_before(const struct sched *s, uint32_t job) {
    return job < s->plan->njobs ? s->opts.settled[job] : instances_at(s->instances, job)->settled;
}

void order_finish(struct sched *s, uint32_t job, enum job_event event, struct verdict verdict,
                  uint32_t cause, struct attempt_end *end) {
    struct job_result *r = row_of(s, job);
    bool failed = verdict.status == STATUS_FAILED || verdict.status == STATUS_TIMEOUT;

    order_move(s, job, event);
    r->status = (uint8_t)verdict.status;
    r->reason = (uint8_t)verdict.reason;
    r->settled = verdict.status == STATUS_RESUMED ? settled_before(s, job)
                                                  : job_settled(verdict.status, verdict.reason);
    r->cause = cause;
    r->allowed = failed && set_of(s, job)->allow_failure;
    r->flaky = verdict.status == STATUS_OK && r->nattempts > 1;
    s->ended[s->nended++] = job;
    if (s->waits)
        waits_forget(s->waits, job);
    if (verdict.status == STATUS_OK && end) {
        r->facts = end->facts;
        end->facts = NULL;
    } else if (verdict.status == STATUS_RESUMED && job < s->plan->njobs && s->opts.settled_facts) {
        r->facts = s->opts.settled_facts[job];
        s->opts.settled_facts[job] = NULL;
    }
    if (job < s->plan->njobs) {
        telling_end(&s->telling, job, def_of(s, job), r->facts);
        s->left--;
    } else {
        item_results_add(s->opts.items, r);
    }
    if (failed && !r->allowed) {
        if (s->first_failed == NO_JOB)
            s->first_failed = cause_of(s, job);
        s->failures++;
        if (s->plan->on_failure != ON_FAILURE_CONTINUE && s->failures >= s->plan->max_failures &&
            !s->closed)
            s->wind_down = true;
    }
    if (s->opts.listener->done) {
        struct job_info info = info_of(s, job);

        s->opts.listener->done(s->opts.listener_ctx, &info, end);
    }
}

/* Whether an earlier run has settled a job of the plan. */
static bool is_settled(const struct sched *s, uint32_t job) {
    return job < s->plan->njobs && s->opts.settled && s->opts.settled[job] &&
           !job_has_items(def_of(s, job));
}

static void leave_out(struct sched *s, uint32_t job) {
    order_finish(s, job, JOB_EV_SKIP, (struct verdict){STATUS_RESUMED, REASON_NONE}, NO_JOB, NULL);
}

/* It never will run: ends it, or, where it stands for items, all of them. */
static void skip(struct sched *s, uint32_t job, enum reason reason, uint32_t cause) {
    if (job_has_items(def_of(s, job)))
        instances_close(s->instances, job, (struct closing){{STATUS_SKIPPED, reason}, cause});
    else
        order_finish(s, job, JOB_EV_SKIP, (struct verdict){STATUS_SKIPPED, reason}, cause, NULL);
}

/* Whether each item of it waits for those with the same values. */
static bool waits_by_items(const struct plan_job *job) {
    for (uint32_t k = 0; k < job->nafter; k++)
        if (relations_pair(job, k) != NO_JOB)
            return true;
    return false;
}

void order_resolve(struct sched *s, uint32_t job, int64_t now) {
    struct sched_job *j = job_at(s, job);
    const struct plan_job *def = def_of(s, job);
    enum when when = def->set->when;
    bool wanted = when == WHEN_ALWAYS || (when == WHEN_FAILURE) == j->dep_failed;
    bool items = job_has_items(def);

    if (j->state != JOB_WAITING || (items && instances_is_open(s->instances, job)))
        return;
    if (is_settled(s, job)) {
        if (j->deps == 0 || j->dep_failed)
            leave_out(s, job);
        return;
    }
    if (when == WHEN_SUCCESS && j->dep_failed) {
        skip(s, job, REASON_DEPENDENCY, j->cause);
    } else if (j->deps > 0) {
        return;
    } else if ((!wanted || (when == WHEN_SUCCESS && j->dep_unwanted)) &&
               !(items && waits_by_items(def))) { /* else each is resolved for itself */
        skip(s, job, REASON_NONE, NO_JOB);
    } else if (items) {
        order_tell_waits(s, job, now);
        instances_open(s->instances, job);
    } else {
        j->since = now;
        j->cause = NO_JOB;
        order_move(s, job, JOB_EV_DEPS_MET);
        order_queue(s, job, now);
    }
}

/* ---- ends ---- */

static bool did_succeed(const struct job_result *r) {
    return r->settled == SETTLED_OK || r->allowed;
}

/* How a job has ended, for those that come after it, but for what it told. */
static struct fare outcome_of(const struct sched *s, uint32_t job) {
    const struct job_result *r = row_of(s, job);
    const struct sched_job *j = job_at(s, job);
    struct fare o = {.unwanted = r->settled == SETTLED_SKIPPED};

    o.failed = r->status != STATUS_NONE && !o.unwanted && !did_succeed(r);
    if (o.failed)
        o.cause = cause_of(s, job);
    if (j->items_failed) /* its items' results are gone */
        o = (struct fare){true, o.unwanted, j->cause, NULL};
    o.unwanted = o.unwanted || j->items_unwanted;
    if (r->status == STATUS_RESUMED && j->dep_failed) /* the service that it waited for */
        o = (struct fare){true, false, j->cause, NULL};
    return o;
}

/* Tells a job how one that it comes after has ended, or will; not what that told. */
static void tell(struct sched *s, uint32_t job, uint32_t before, struct fare o, int64_t now) {
    struct sched_job *d = job_at(s, job);
    bool news = !is_settled(s, job) || set_of(s, before)->service || is_settled(s, before);

    d->dep_unwanted = d->dep_unwanted || (news && o.unwanted);
    if (news && o.failed && !d->dep_failed) {
        d->dep_failed = true;
        d->cause = o.cause;
    }
    order_resolve(s, job, now);
}

/* One that a job comes after has ended, or is up. */
static void let_go(struct sched *s, uint32_t job, uint32_t before) {
    job_at(s, job)->deps--;
    if (s->waits)
        waits_let_go(s->waits, job, before);
}

/* Tells those that come after one item of a section; NULL: after items that it has not. */
static void tell_needs(struct sched *s, uint32_t section, const char *item, struct fare o,
                       int64_t now) {
    for (size_t i = 0; i < s->nneeds; i++) {
        struct sched_need *n = &s->needs[i];

        if (n->before != section || n->met || (item && strcmp(n->item, item) != 0))
            continue;
        n->met = true;
        let_go(s, n->job, section);
        telling_give(&s->telling, n->job, false, o.told);
        tell(s, n->job, section, o, now);
    }
}

/* Tells all that come after a job of the plan. */
static void tell_all(struct sched *s, uint32_t job, struct fare o, int64_t now) {
    for (uint32_t k = s->dependents_at[job]; k < s->dependents_at[job + 1]; k++) {
        let_go(s, s->dependents[k], job);
        tell(s, s->dependents[k], job, o, now);
    }
}

/* What a service had let in that has failed then, and has not started yet, does not; what runs
 * when others fail, and waits for more than the service, does. */
static void shut_out(struct sched *s, uint32_t job, uint32_t cause, int64_t now) {
    struct sched_job *j = job_at(s, job);
    enum when when = set_of(s, job)->when;

    if (j->state == JOB_WAITING && !j->dep_failed) {
        j->dep_failed = true; /* of a section with items it is the further ones that are skipped */
        j->cause = cause;
        if (when == WHEN_SUCCESS)
            order_resolve(s, job, now);
    } else if (when == WHEN_SUCCESS && j->state == JOB_READY && j->attempt == 1) {
        ready_remove(s->ready, group_of(s, job), job, now);
        order_finish(s, job, JOB_EV_SKIP, (struct verdict){STATUS_SKIPPED, REASON_DEPENDENCY},
                     cause, NULL);
    }
}

static void shut_out_all(struct sched *s, uint32_t service, uint32_t cause, int64_t now) {
    for (uint32_t k = s->dependents_at[service]; k < s->dependents_at[service + 1]; k++) {
        uint32_t section = s->dependents[k];

        shut_out(s, section, cause, now);
        if (!job_has_items(def_of(s, section)))
            continue;
        for (uint32_t i = 0; i < instances_numbers(s->instances); i++) {
            const struct instance *item = instances_at(s->instances, s->plan->njobs + i);

            if (item->used && item->section == section)
                shut_out(s, item->id, cause, now);
        }
    }
}

/* Tells those that come after a job of the plan how it ended. */
static void release_dependents(struct sched *s, uint32_t job, int64_t now) {
    const struct fare o = outcome_of(s, job);

    if (job_at(s, job)->up) {
        if (o.failed)
            shut_out_all(s, job, o.cause, now);
        return;
    }
    tell_all(s, job, o, now);
    if (s->nneeds > 0 && job_has_items(def_of(s, job)))
        tell_needs(s, job, NULL, (struct fare){true, false, NO_JOB, NULL}, now);
}

void order_ready(struct sched *s, uint32_t job, int64_t now) {
    job_at(s, job)->up = true;
    tell_all(s, job, (struct fare){.cause = NO_JOB}, now);
}

/* Whether others may come after single items of a section. */
static bool items_have_dependents(const struct sched *s, uint32_t section) {
    return s->nneeds > 0 || instances_are_followed(s->instances, section);
}

bool order_has_dependents(const struct sched *s, uint32_t job) {
    uint32_t section = section_of(s, job);

    return s->dependents_at[section] < s->dependents_at[section + 1] ||
           (job != section && items_have_dependents(s, section));
}

const struct told_set *order_told(struct sched *s, uint32_t job) {
    uint32_t section = section_of(s, job);
    const struct told_set *told[] = {telling_see(&s->telling, section, &s->plan->jobs[section]),
                                     NULL};

    if (job == section)
        return told[0];
    told[1] = instances_at(s->instances, job)->told;
    return telling_join(&s->telling, told, 2);
}

/* What those see that come after an item. */
static const struct told_set *told_after(struct sched *s, const struct instance *i) {
    const struct told_set *told = order_told(s, i->id);

    if (!i->result.facts || !order_has_dependents(s, i->id))
        return told;
    return telling_add(&s->telling, told, i->def.name, i->result.facts);
}

/* Tells those that come after an item, or after all of its section, how it ended; drops it. */
static void release_item(struct sched *s, uint32_t job, int64_t now) {
    struct instance *i = instances_at(s->instances, job);
    struct sched_job *section = job_at(s, i->section);
    struct fare o = {.unwanted = i->result.settled == SETTLED_SKIPPED,
                     .cause = NO_JOB,
                     .told = told_after(s, i)};
    uint32_t first = s->dependents_at[i->section], end = s->dependents_at[i->section + 1];

    if (first < end)
        telling_give(&s->telling, i->section, true, o.told);
    o.failed = !o.unwanted && !did_succeed(&i->result);
    if (o.failed &&
        (items_have_dependents(s, i->section) || (first < end && !section->items_failed)))
        o.cause = cause_of(s, job); /* whose name is kept: not of each where one will do */
    section->items_unwanted = section->items_unwanted || o.unwanted;
    if (s->nneeds > 0)
        tell_needs(s, i->section, i->def.item->text, o, now);
    if (o.failed && !section->items_failed) {
        section->items_failed = true;
        section->cause = o.cause;
        /* They need not wait for the others to know. */
        for (uint32_t k = first; k < end; k++)
            tell(s, s->dependents[k], i->section, (struct fare){true, false, o.cause, NULL}, now);
    }
    instances_ended(s->instances, i, &o);
}

void order_cancel(struct sched *s, uint32_t job, bool stop, enum reason reason, uint32_t cause,
                  int64_t now) {
    struct sched_job *j = job_at(s, job);

    switch (j->state) {
    case JOB_READY:
        ready_remove(s->ready, group_of(s, job), job, now);
        break;
    case JOB_BACKOFF:
        heap_remove(&s->timers, job);
        break;
    case JOB_STARTING:
    case JOB_RUNNING:
        if (!stop)
            return;
        heap_remove(&s->timers, job);
        order_move(s, job, JOB_EV_CANCEL);
        j->stopped = (uint8_t)reason;
        j->cause = cause;
        s->opts.executor->stop(s->opts.executor_ctx, job);
        return;
    case JOB_WAITING:
        if (!job_has_items(def_of(s, job)))
            break;
        instances_close(s->instances, job, (struct closing){{STATUS_CANCELLED, reason}, cause});
        return;
    default: /* told to end before, which stands, or ended */
        return;
    }
    order_finish(s, job, JOB_EV_CANCEL, (struct verdict){STATUS_CANCELLED, reason}, cause, NULL);
}

/* What comes after a job that is left out finds the services up that come before it. */
static bool waits_for_service(const struct sched *s, uint32_t job) {
    const struct plan_job *def = def_of(s, job);

    for (uint32_t k = 0; k < def->nafter; k++) {
        uint32_t before = def->after[k];

        if (is_settled(s, before) ? job_at(s, before)->state == JOB_WAITING
                                  : set_of(s, before)->service)
            return true;
    }
    return false;
}

void order_leave_out(struct sched *s, bool all) {
    for (uint32_t i = 0; s->opts.settled && i < s->plan->njobs; i++) {
        uint32_t job = s->plan->order[i];

        if (is_settled(s, job) && job_at(s, job)->state == JOB_WAITING &&
            (all || !waits_for_service(s, job)))
            leave_out(s, job);
    }
}

void order_close_run(struct sched *s, bool stop, enum reason reason, uint32_t cause, int64_t now) {
    order_leave_out(s, true);
    s->closed = true;
    s->wind_down = false;
    for (uint32_t i = 0; i < s->plan->njobs; i++)
        order_cancel(s, i, stop, reason, cause, now);
    for (uint32_t i = 0; s->instances && i < instances_numbers(s->instances); i++)
        if (instances_at(s->instances, s->plan->njobs + i)->used)
            order_cancel(s, s->plan->njobs + i, stop, reason, cause, now);
}

void order_release(struct sched *s, uint32_t job, int64_t now) {
    if (job < s->plan->njobs)
        release_dependents(s, job, now);
    else
        release_item(s, job, now);
}
