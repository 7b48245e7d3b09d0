/* SPDX-License-Identifier: MIT */
/* tend: what follows from jobs that have ended: others may start or never will, items begin. */
#include "run/tend.h"

#include <stdlib.h>
#include <uv.h>

#include "base/clock.h"
#include "run/order.h"

#define TEND_ITEMS     256 /* that begin and end in one go: some milliseconds */
#define TEND_PAUSE_NS  NS_PER_MS
#define TEND_BEHIND_NS (10 * NS_PER_MS)

bool tend_open(struct sched *s) {
    const uint32_t width[LANES] = {
        [LANE_IO] = s->slots[LANE_IO].limit, [LANE_CPU] = s->slots[LANE_CPU].limit};
    const struct instances_opts opts = {
        .plan = s->plan,
        .source = s->opts.source,
        .source_ctx = s->opts.source_ctx,
        .own_bytes = sizeof(struct sched_job),
        .width = width,
        .all_left = s->opts.settled_item != NULL,
        .telling = &s->telling,
    };

    if (!plan_has_items(s->plan))
        return true;
    s->instances = instances_new(&opts);
    return s->instances;
}

/* Room for one more number of a job in all that goes by them. */
static int reserve_number(struct sched *s) {
    uint32_t n = s->plan->njobs + instances_numbers(s->instances) + 1;
    uint32_t cap = n < UINT32_MAX / 2 ? n * 2 : UINT32_MAX, *list;

    if (n <= s->ended_cap)
        return 0;
    list = reallocarray(s->ended, cap, sizeof *list);
    if (list)
        s->ended = list;
    list = list ? reallocarray(s->aside, cap, sizeof *list) : NULL;
    if (!list)
        return UV_ENOMEM;
    s->aside = list;
    if (heap_reserve(&s->timers, cap) < 0 || ready_reserve(s->ready, cap) < 0)
        return UV_ENOMEM;
    s->ended_cap = cap;
    return 0;
}

/* The next item of a section has become a job. */
static void begin_item(struct sched *s, struct instance *i, int64_t now) {
    const struct sched_job *section = job_at(s, i->section);
    struct sched_job *j = job_at(s, i->id);

    *j = (struct sched_job){
        .state = JOB_WAITING,
        .dep_failed = section->dep_failed || i->dep_failed,
        .dep_unwanted = section->dep_unwanted || i->dep_unwanted,
        .cause = i->dep_failed ? i->cause : section->cause,
        .lane = section->lane,
        .attempt = 1,
        .slot = SLOTS_NONE,
    };
    i->result.lane = section->lane;
    s->by_state[JOB_WAITING]++;
    i->settled = SETTLED_NO;
    if (s->opts.settled_item) {
        const struct job_info info = info_of(s, i->id);

        i->settled = (uint8_t)s->opts.settled_item(s->opts.settled_ctx, &info, &i->result.facts);
    }
    if (i->settled) {
        order_finish(s, i->id, JOB_EV_SKIP, (struct verdict){STATUS_RESUMED, REASON_NONE}, NO_JOB,
                     NULL);
    } else if (i->closing) {
        order_finish(s, i->id, JOB_EV_CANCEL, i->closing->verdict, i->closing->cause, NULL);
    } else if (i->fault) {
        i->result.words = i->fault;
        order_finish(s, i->id, JOB_EV_CANCEL, (struct verdict){STATUS_FAILED, REASON_SPAWN}, NO_JOB,
                     NULL);
    } else {
        order_resolve(s, i->id, now);
    }
}

/* All items of a section have ended, and no more come. */
static void end_section(struct sched *s, uint32_t job, enum instances_end end, const char *fault,
                        const struct closing *closing) {
    struct closing is = {{STATUS_SKIPPED, REASON_NONE}, NO_JOB}; /* INSTANCES_NONE */
    struct job_info info = info_of(s, job);
    uint32_t words;

    if (end == INSTANCES_DONE) {
        order_move(s, job, JOB_EV_ITEMS);
        telling_end(&s->telling, job, def_of(s, job), NULL);
        s->ended[s->nended++] = job;
        s->left--;
        if (s->opts.listener->items_ended)
            s->opts.listener->items_ended(s->opts.listener_ctx, &info);
        return;
    }
    if (end == INSTANCES_NONE && s->opts.listener->no_items)
        s->opts.listener->no_items(s->opts.listener_ctx, &info);
    if (end == INSTANCES_LEFT)
        is = *closing;
    if (end == INSTANCES_FAILED) {
        words = item_results_cause(s->opts.items, fault, false);
        info.result->words = words == NO_JOB ? NULL : s->opts.items->causes[words].name;
        is.verdict = (struct verdict){STATUS_FAILED, REASON_SPAWN};
    }
    order_finish(s, job, JOB_EV_ITEMS, is.verdict, is.cause, NULL);
}

/* Whether there is to be a pause in which the loop sees to other things: a list of which
 * millions are left out, or cancelled, is not gone through at once. */
static bool tending_pauses(struct sched *s, int64_t now) {
    if (s->tend_at == NEVER)
        return false;
    if (now < s->tend_at)
        return true;
    s->tend_at = NEVER;
    if (s->opts.behind && s->opts.behind(s->opts.behind_ctx))
        s->tend_at = now + TEND_BEHIND_NS;
    return s->tend_at != NEVER;
}

/* Sees to the sections that something may have changed for. *left: items that may begin until
 * there is to be a pause. */
static void tend_items(struct sched *s, uint32_t *left, int64_t now) {
    struct instance *i;
    uint32_t section;

    if (!s->instances || tending_pauses(s, now))
        return;
    while (instances_work(s->instances, &section)) {
        struct closing closing;
        enum instances_end end;
        const char *fault;

        if (job_at(s, section)->state == JOB_DONE)
            continue;
        do {
            if (*left == 0) {
                instances_put_off(s->instances, section);
                s->tend_at = now + TEND_PAUSE_NS;
                return;
            }
            if (reserve_number(s) < 0)
                instances_break(s->instances, section);
            i = instances_next(s->instances, section);
            if (i) {
                begin_item(s, i, now);
                --*left;
            }
        } while (i);
        end = instances_end(s->instances, section, &fault, &closing);
        if (end != INSTANCES_GO_ON)
            end_section(s, section, end, fault, &closing);
        if (instances_rest(s->instances)) {
            s->tend_at = now + TEND_PAUSE_NS;
            return;
        }
    }
}

/* ---- what follows ---- */

/* Whether an end is one that must survive a crash before another job builds upon it: that of a
 * job that is ok, or of a section whose items have ended. */
static bool may_be_forgotten(const struct job_result *r) {
    return r->status == STATUS_OK || r->status == STATUS_NONE;
}

/* All that have ended since the last call tell their dependents, or are put aside. */
static void settle_ended(struct sched *s, int64_t now) {
    while (s->nsettled < s->nended) {
        uint32_t job = s->ended[s->nsettled++];

        if (s->hold && !job_at(s, job)->up && order_has_dependents(s, job) &&
            may_be_forgotten(row_of(s, job)))
            s->aside[s->naside++] = job;
        else
            order_release(s, job, now);
    }
    s->nended = s->nsettled = 0;
}

void tend_settle(struct sched *s, int64_t now) {
    uint32_t left = TEND_ITEMS;

    for (;;) {
        settle_ended(s, now);
        tend_items(s, &left, now);
        if (s->nended > 0)
            continue;
        /* Only now: what comes after the failed job has been skipped for that
         * reason, which says more than `cancelled`. */
        if (!s->wind_down)
            return;
        order_close_run(s, s->plan->on_failure == ON_FAILURE_CANCEL, REASON_CANCELLED,
                        s->first_failed, now);
    }
}

void tend_release(struct sched *s, int64_t now) {
    s->hold = false;
    for (uint32_t i = 0; i < s->naside; i++)
        order_release(s, s->aside[i], now);
    s->naside = 0;
    tend_settle(s, now);
}
