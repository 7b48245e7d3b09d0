/* SPDX-License-Identifier: MIT */
/* order: what comes after what: who may start, who never will, who is wanted no more. */
#include "run/order.h"

void order_move(struct sched *s, uint32_t job, enum job_event event) {
    struct sched_job *j = job_at(s, job);

    s->by_state[j->state]--;
    job_step(&j->state, event, name_of(s, job));
    s->by_state[j->state]++;
}

/* dependents_at[i + 2] counts first, then serves as the place to fill next, and
 * ends up as the start of i + 1's: no second array. */
void order_link(struct sched *s) {
    uint32_t *at = s->dependents_at;
    const struct plan *p = s->plan;

    for (uint32_t i = 0; i < p->njobs; i++)
        for (uint32_t k = 0; k < p->jobs[i].nafter; k++)
            at[p->jobs[i].after[k] + 2]++;
    for (uint32_t i = 2; i < p->njobs + 2; i++)
        at[i] += at[i - 1];
    for (uint32_t i = 0; i < p->njobs; i++)
        for (uint32_t k = 0; k < p->jobs[i].nafter; k++)
            s->dependents[at[p->jobs[i].after[k] + 1]++] = i;
}

void order_finish(struct sched *s, uint32_t job, enum job_event event, struct verdict verdict,
                  uint32_t cause, struct attempt_end *end) {
    struct job_result *r = row_of(s, job);
    bool failed = verdict.status == STATUS_FAILED || verdict.status == STATUS_TIMEOUT;

    order_move(s, job, event);
    r->status = (uint8_t)verdict.status;
    r->reason = (uint8_t)verdict.reason;
    r->settled = verdict.status == STATUS_RESUMED ? s->opts.settled[job]
                                                  : job_settled(verdict.status, verdict.reason);
    r->cause = cause;
    r->allowed = failed && set_of(s, job)->allow_failure;
    r->flaky = verdict.status == STATUS_OK && r->nattempts > 1;
    s->ended[s->nended++] = job;
    if (verdict.status == STATUS_OK && end) {
        r->facts = end->facts;
        end->facts = NULL;
    } else if (verdict.status == STATUS_RESUMED && s->opts.settled_facts) {
        r->facts = s->opts.settled_facts[job];
        s->opts.settled_facts[job] = NULL;
    }
    telling_end(&s->telling, job, def_of(s, job), r->facts);
    if (failed && !r->allowed) {
        if (s->first_failed == NO_JOB)
            s->first_failed = job;
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

void order_resolve(struct sched *s, uint32_t job, int64_t now) {
    struct sched_job *j = job_at(s, job);
    enum when when = set_of(s, job)->when;
    bool wanted = when == WHEN_ALWAYS || (when == WHEN_FAILURE) == j->dep_failed;

    if (j->state != JOB_WAITING)
        return;
    if (when == WHEN_SUCCESS && j->dep_failed) {
        order_finish(s, job, JOB_EV_SKIP, (struct verdict){STATUS_SKIPPED, REASON_DEPENDENCY},
                     j->cause, NULL);
    } else if (j->deps > 0) {
        return;
    } else if (!wanted || (when == WHEN_SUCCESS && j->dep_unwanted)) {
        order_finish(s, job, JOB_EV_SKIP, (struct verdict){STATUS_SKIPPED, REASON_NONE}, NO_JOB,
                     NULL);
    } else {
        j->since = now;
        j->cause = NO_JOB;
        order_move(s, job, JOB_EV_DEPS_MET);
        ready_push(s->ready, group_of(s, job), job, now);
    }
}

/* Tells those that come after a job how it ended. */
static void release_dependents(struct sched *s, uint32_t job, int64_t now) {
    const struct job_result *r = row_of(s, job);
    bool unwanted = r->settled == SETTLED_SKIPPED;
    bool success = r->settled == SETTLED_OK || r->allowed;

    for (uint32_t k = s->dependents_at[job]; k < s->dependents_at[job + 1]; k++) {
        struct sched_job *d = job_at(s, s->dependents[k]);

        d->deps--;
        if (unwanted) {
            d->dep_unwanted = true;
        } else if (!success && !d->dep_failed) {
            d->dep_failed = true;
            d->cause = r->cause != NO_JOB ? r->cause : job;
        }
        order_resolve(s, s->dependents[k], now);
    }
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
        break;
    default: /* told to end before, which stands, or ended */
        return;
    }
    order_finish(s, job, JOB_EV_CANCEL, (struct verdict){STATUS_CANCELLED, reason}, cause, NULL);
}

void order_leave_out(struct sched *s) {
    for (uint32_t i = 0; s->opts.settled && i < s->plan->njobs; i++)
        if (s->opts.settled[i] && job_at(s, i)->state == JOB_WAITING)
            order_finish(s, i, JOB_EV_SKIP, (struct verdict){STATUS_RESUMED, REASON_NONE}, NO_JOB,
                         NULL);
}

void order_close_run(struct sched *s, bool stop, enum reason reason, uint32_t cause, int64_t now) {
    order_leave_out(s);
    s->closed = true;
    s->wind_down = false;
    for (uint32_t i = 0; i < s->plan->njobs; i++)
        order_cancel(s, i, stop, reason, cause, now);
}

/* Tells dependents of the next job that has ended, or puts it aside. */
static void settle_one(struct sched *s, int64_t now) {
    uint32_t job = s->ended[s->nsettled++];

    if (s->hold && s->opts.results[job].status == STATUS_OK &&
        s->dependents_at[job] < s->dependents_at[job + 1])
        s->jobs[job].aside = true;
    else
        release_dependents(s, job, now);
}

void order_settle(struct sched *s, int64_t now) {
    for (;;) {
        while (s->nsettled < s->nended)
            settle_one(s, now);
        /* Only now: what comes after the failed job has been skipped for that
         * reason, which says more than `cancelled`. */
        if (!s->wind_down)
            return;
        order_close_run(s, s->plan->on_failure == ON_FAILURE_CANCEL, REASON_CANCELLED,
                        s->first_failed, now);
    }
}

void order_release(struct sched *s, int64_t now) {
    s->hold = false;
    for (uint32_t i = 0; i < s->nsettled; i++)
        if (s->jobs[s->ended[i]].aside)
            release_dependents(s, s->ended[i], now);
    order_settle(s, now);
}
