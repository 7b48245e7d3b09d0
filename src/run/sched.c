/* SPDX-License-Identifier: MIT */
/*
 * sched: decides what starts when.
 *
 * Every call from outside has three steps: note what happened, tend_settle() what
 * follows from jobs that ended by it, dispatch() what has a slot now.
 */
#include "run/sched.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/trace.h"
#include "run/order.h"
#include "run/retry.h"
#include "run/sched_state.h"
#include "run/tend.h"

/* No process at all could be made for so long: jobs fail by it. */
#define STARVED_NS (30 * NS_PER_S)

/* Among equals of priority: the order of the manifest, then that of its items. */
static bool stands_first(const struct sched *s, uint32_t a, uint32_t b) {
    uint32_t n = s->plan->njobs, of_a, of_b;

    if (a < n && b < n)
        return a < b;
    of_a = section_of(s, a);
    of_b = section_of(s, b);
    if (of_a != of_b)
        return of_a < of_b;
    return def_of(s, a)->item->index < def_of(s, b)->item->index;
}

static bool starts_first(const void *ctx, uint32_t a, uint32_t b) {
    int32_t of_a = set_of(ctx, a)->priority, of_b = set_of(ctx, b)->priority;

    return of_a != of_b ? of_a > of_b : stands_first(ctx, a, b);
}

static bool due_first(const void *ctx, uint32_t a, uint32_t b) {
    int64_t of_a = job_at(ctx, a)->due, of_b = job_at(ctx, b)->due;

    return of_a != of_b ? of_a < of_b : a < b;
}

static void set_timer(struct sched *s, uint32_t job, int64_t due) {
    job_at(s, job)->due = due;
    heap_push(&s->timers, job);
}

struct sched *sched_new(const struct sched_opts *opts) {
    const struct plan *p = opts->plan;
    size_t edges = 0;
    uint64_t most[LANES] = {0};
    struct sched *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    *s = (struct sched){
        .opts = *opts,
        .plan = p,
        .first_failed = NO_JOB,
        .retries_left = p->max_retries,
        .random = opts->seed,
        .deadline = NEVER,
        .starved_since = NEVER,
        .tend_at = NEVER,
        .hold = opts->hold,
    };
    telling_init(&s->telling);
    for (uint32_t i = 0; i < p->njobs; i++) {
        const struct job_settings *set = p->jobs[i].set;

        edges += p->jobs[i].nafter;
        if (set->type == LANE_IO)
            most[LANE_IO] += plan_job_most(&p->jobs[i]);
        if (set->type == LANE_CPU || set->automatic)
            most[LANE_CPU] += (uint64_t)plan_job_most(&p->jobs[i]) * set->cpus;
    }
    for (int lane = 0; lane < LANES; lane++)
        if (most[lane] > UINT32_MAX)
            most[lane] = UINT32_MAX;
    s->jobs = calloc((size_t)p->njobs + 1, sizeof *s->jobs);
    s->ended_cap = p->njobs;
    s->ended = calloc((size_t)p->njobs + 1, sizeof *s->ended);
    s->aside = calloc((size_t)p->njobs + 1, sizeof *s->aside);
    s->needs = calloc(edges + 1, sizeof *s->needs);
    s->dependents_at = calloc((size_t)p->njobs + 2, sizeof *s->dependents_at);
    s->dependents = calloc(edges + 1, sizeof *s->dependents);
    if (!s->jobs || !s->ended || !s->aside || !s->needs || !s->dependents_at || !s->dependents ||
        slots_init(&s->slots[LANE_IO], opts->io_width, (uint32_t)most[LANE_IO]) < 0 ||
        slots_init(&s->slots[LANE_CPU], opts->cpu_width, (uint32_t)most[LANE_CPU]) < 0 ||
        heap_init(&s->timers, p->njobs, due_first, s) < 0)
        return sched_free(s);
    s->ready = ready_new(&(struct ready_opts){
        .plan = p, .slots = s->slots, .njobs = p->njobs, .before = starts_first, .ctx = s});
    if (!s->ready || !tend_open(s))
        return sched_free(s);
    if (opts->explain && !(s->waits = waits_new(ready_groups(s->ready), p->njobs)))
        return sched_free(s);

    mem_advise_huge(s->jobs, (size_t)p->njobs * sizeof *s->jobs);
    s->by_state[JOB_WAITING] = s->left = p->njobs;
    for (uint32_t i = 0; i < p->njobs; i++) {
        s->jobs[i].cause = NO_JOB;
        s->jobs[i].attempt = 1;
        s->jobs[i].lane = (uint8_t)p->jobs[i].set->type;
        if (p->jobs[i].set->automatic && opts->lane_of)
            s->jobs[i].lane = (uint8_t)opts->lane_of(opts->lane_ctx, i);
        s->opts.results[i].lane = s->jobs[i].lane;
        s->opts.results[i].cause = NO_JOB;
        s->opts.results[i].worker = -1;
    }
    order_link(s);
    return s;
}

struct sched *sched_free(struct sched *s) {
    if (!s)
        return NULL;
    for (int lane = 0; lane < LANES; lane++)
        slots_release(&s->slots[lane]);
    ready_free(s->ready);
    telling_release(&s->telling);
    waits_free(s->waits);
    heap_release(&s->timers);
    instances_free(s->instances);
    free(s->needs);
    free(s->aside);
    free(s->dependents);
    free(s->dependents_at);
    free(s->ended);
    free(s->jobs);
    free(s);
    return NULL;
}

/* Makes room for one more row before an attempt starts, so that its end can be
 * written down whatever memory there is by then. */
static bool reserve_row(struct sched *s, uint32_t job) {
    struct sched_job *j = job_at(s, job);

    j->has_row = j->has_row || job_reserve_attempt(row_of(s, job)) == 0;
    return j->has_row;
}

static void add_row(struct sched *s, const struct attempt *a, struct attempt_end *end,
                    struct verdict v) {
    retry_note_amiss(set_of(s, a->job), v, end);
    if (job_at(s, a->job)->has_row) /* else it was out of memory that failed the job */
        job_add_attempt(row_of(s, a->job), a, end, v.status, v.reason);
    job_at(s, a->job)->has_row = false;
}

static void give_slots(struct sched *s, uint32_t job) {
    struct sched_job *j = job_at(s, job);

    slots_give(&s->slots[lane_of(s, job)], j->slot);
    j->slot = SLOTS_NONE;
    if (j->guest)
        slots_remove_guests(&s->slots[LANE_CPU], weight_in(s, job, LANE_CPU));
    j->guest = false;
}

/* Something has changed for the better: lanes that paused try again. */
static void unpause(struct sched *s, enum lane lane) {
    uint32_t width = ready_width(s->ready, lane);

    slots_unpause(&s->slots[lane], width ? width : 1);
}

/* What an attempt comes to that was told to end. */
static struct verdict verdict_of_stop(const struct sched_job *j) {
    switch ((enum reason)j->stopped) {
    case REASON_NONE: /* a service that nothing needs any more */
        return (struct verdict){STATUS_OK, REASON_NONE};
    case REASON_TIMEOUT:
    case REASON_NOT_READY:
        return (struct verdict){STATUS_TIMEOUT, (enum reason)j->stopped};
    default:
        return (struct verdict){STATUS_CANCELLED, (enum reason)j->stopped};
    }
}

static void tell_unstarted(const struct sched *s, const struct attempt *a) {
    struct job_info info = info_of(s, a->job);

    if (s->opts.listener->unstarted)
        s->opts.listener->unstarted(s->opts.listener_ctx, &info, a);
}

/* Takes an attempt's end in: a row, and another attempt or the job's end. */
static void conclude(struct sched *s, const struct attempt *a, struct attempt_end *end,
                     int64_t now) {
    const struct job_settings *set = set_of(s, a->job);
    struct sched_job *j = job_at(s, a->job);
    bool told = j->state == JOB_STOPPING, again;
    bool was_made = end->error != UV_ECANCELED; /* the attempt: else it was never begun */
    uint32_t cause = told ? j->cause : NO_JOB;
    struct verdict v = told ? verdict_of_stop(j) : retry_judge(set, end);

    if (set->service && !told && !end->error && v.status != STATUS_FAILED)
        v = (struct verdict){STATUS_FAILED, REASON_EXIT}; /* it was to stay up */
    if (j->attempt == 1 && !j->alive && was_made)
        row_of(s, a->job)->wait_ns = now - j->since;
    heap_remove(&s->timers, a->job);
    give_slots(s, a->job);
    if (!j->alive) {
        ready_started(s->ready, group_of(s, a->job), now, now);
        if (was_made)
            tell_unstarted(s, a);
    }
    ready_end(s->ready, group_of(s, a->job), a->job, retry_outcome(v), now);
    if (j->alive) {
        j->alive = false;
        s->alive[a->lane] -= weight(s, a->job);
    }
    if (j->computes)
        j->lane = LANE_CPU;
    again = !j->up && retry_wanted(set, v, end); /* before the row takes what tells it */
    if (was_made)
        add_row(s, a, end, v);

    if (again && !s->closed && j->attempt <= set->retries && s->retries_left > 0) {
        int64_t delay =
            retry_heed(set, retry_delay_ns(set, &j->delay_ns, &s->random), end->retry_after_ns);

        if (s->retries_left != COUNT_UNLIMITED)
            s->retries_left--;
        j->attempt++;
        j->stopped = REASON_NONE;
        order_move(s, a->job, JOB_EV_RETRY);
        set_timer(s, a->job, now + delay);
        if (s->opts.listener->retry) {
            struct job_info info = info_of(s, a->job);

            s->opts.listener->retry(s->opts.listener_ctx, &info, delay, end);
        }
    } else {
        order_finish(s, a->job, JOB_EV_ENDED, v, cause, end);
    }
    attempt_end_release(end);
}

/* There is no room for the attempt's process now. */
static void put_off(struct sched *s, const struct attempt *a, int error, int64_t now) {
    struct sched_job *j = job_at(s, a->job);
    enum lane lane = a->lane;

    trace(TRACE_SCHED, "job %s: start put off: %s", name_of(s, a->job), uv_strerror(error));
    if (s->alive[LANE_IO] + s->alive[LANE_CPU] > 0)
        s->starved_since = NEVER;
    else if (s->starved_since == NEVER)
        s->starved_since = now;
    else if (now - s->starved_since >= STARVED_NS && j->state == JOB_STARTING) {
        struct attempt_end end = {
            .error = error, .stage = SPAWN_RESOURCES, .exit = -1, .start_ns = now};

        conclude(s, a, &end, now);
        return;
    }
    give_slots(s, a->job);
    ready_undo(s->ready, group_of(s, a->job), a->job, now);
    slots_narrow(&s->slots[lane], s->alive[lane], now);
    if (j->state == JOB_STOPPING) {
        order_finish(s, a->job, JOB_EV_PUT_OFF,
                     (struct verdict){STATUS_CANCELLED, (enum reason)j->stopped}, j->cause, NULL);
        return;
    }
    order_move(s, a->job, JOB_EV_PUT_OFF);
    order_queue(s, a->job, now);
    if (s->closed) /* on-failure = drain: what runs may end, but this does not run */
        order_cancel(s, a->job, false, REASON_CANCELLED, s->first_failed, now);
}

static void start(struct sched *s, uint32_t job, int64_t now) {
    struct sched_job *j = job_at(s, job);
    struct attempt a = {.job = job,
                        .number = j->attempt,
                        .turn = s->turns++,
                        .def = def_of(s, job),
                        .lane = lane_of(s, job)};

    a.told = order_told(s, job);
    a.slot = j->slot = slots_take(&s->slots[a.lane], weight(s, job));
    order_move(s, job, JOB_EV_SLOT);
    order_tell_waits(s, job, now);
    if (job >= s->plan->njobs)
        instances_started(s->instances, instances_at(s->instances, job));
    if (reserve_row(s, job))
        s->opts.executor->start(s->opts.executor_ctx, &a);
    else
        put_off(s, &a, UV_ENOMEM, now);
    tend_settle(s, now);
}

/* Tells who grants CPUs how many run and how many would be of use. Whether that has brought
 * more. */
static bool get_cpus(struct sched *s) {
    struct slots *slots = &s->slots[LANE_CPU];
    uint32_t running = slots->used + slots->guests, wanted = running, before = slots->granted;
    uint32_t next = ready_width(s->ready, LANE_CPU);

    if (!s->opts.executor->cpus)
        return false;
    if (next > 0 && slots_ungranted(slots, next))
        wanted += next;
    slots->granted = s->opts.executor->cpus(s->opts.executor_ctx, running, wanted);
    return slots->granted > before;
}

/* Sees what those wait for that cannot start now. */
static void note_waits(struct sched *s, int64_t now) {
    for (uint32_t group = 0; s->waits && group < ready_groups(s->ready); group++) {
        uint32_t what;
        enum wait_kind kind = ready_waits(s->ready, group, now, &what);

        waits_are(s->waits, group, kind, what, now);
    }
}

/* Starts what can start; ready.h has the rules. */
static void dispatch(struct sched *s, int64_t now) {
    enum ready_answer answer;
    uint32_t job;

    if (now >= s->deadline) /* about to be told by sched_advance() */
        return;
    do {
        while ((answer = ready_next(s->ready, now, &job)) != READY_NONE) {
            if (answer == READY_START) {
                start(s, job, now);
            } else {
                order_tell_waits(s, job, now);
                order_finish(s, job, JOB_EV_CANCEL, (struct verdict){STATUS_FAILED, REASON_BREAKER},
                             NO_JOB, NULL);
                tend_settle(s, now);
            }
        }
    } while (get_cpus(s));
    note_waits(s, now);
}

void sched_granted(struct sched *s, int64_t now) {
    dispatch(s, now);
}

void sched_begin(struct sched *s, int64_t now) {
    if (s->closed)
        return;
    if (s->plan->deadline_ns)
        s->deadline = now + s->plan->deadline_ns;
    if (s->waits)
        waits_begin(s->waits, now);
    get_cpus(s); /* without any at first, where they are granted */
    order_leave_out(s, false);
    for (uint32_t i = 0; i < s->plan->njobs; i++)
        order_resolve(s, i, now);
    tend_settle(s, now);
    dispatch(s, now);
}

/* A service that is ready after a time, which is sooner than it has to be. */
static bool waits_for_time(const struct job_settings *set) {
    return set->service && set->ready && set->ready->kind == READY_DELAY &&
           (!set->timeout_ns || set->ready->delay_ns <= set->timeout_ns);
}

/* What an attempt's timer is for, from its start on. */
static void set_limit(struct sched *s, uint32_t job, int64_t now) {
    const struct job_settings *set = set_of(s, job);

    if (waits_for_time(set))
        set_timer(s, job, now + set->ready->delay_ns);
    else if (set->timeout_ns)
        set_timer(s, job, now + set->timeout_ns);
}

void sched_started(struct sched *s, const struct attempt *a, pid_t pid, int64_t start,
                   int64_t now) {
    struct sched_job *j = job_at(s, a->job);
    const struct job_settings *set = set_of(s, a->job);

    assert(a->number == j->attempt);
    if (j->attempt == 1)
        row_of(s, a->job)->wait_ns = start > j->since ? start - j->since : 0;
    order_move(s, a->job, JOB_EV_STARTED);
    j->alive = true;
    j->since = now;
    s->alive[a->lane] += weight(s, a->job);
    row_of(s, a->job)->lane = (uint8_t)a->lane;
    s->starved_since = NEVER;
    slots_widen(&s->slots[a->lane]);
    ready_started(s->ready, group_of(s, a->job), start, now);
    if (j->state == JOB_RUNNING)
        set_limit(s, a->job, now);
    if (s->opts.listener->started) {
        struct job_info info = info_of(s, a->job);

        s->opts.listener->started(s->opts.listener_ctx, &info, a, pid);
    }
    if (set->service && !set->ready)
        sched_ready(s, a, now);
    dispatch(s, now);
}

void sched_ready(struct sched *s, const struct attempt *a, int64_t now) {
    struct sched_job *j = job_at(s, a->job);

    if (j->state != JOB_RUNNING || j->up || j->attempt != a->number)
        return;
    trace(TRACE_SCHED, "job %s is ready", name_of(s, a->job));
    heap_remove(&s->timers, a->job);
    order_ready(s, a->job, now);
    if (s->opts.listener->ready) {
        struct job_info info = info_of(s, a->job);

        s->opts.listener->ready(s->opts.listener_ctx, &info, now - j->since);
    }
    tend_settle(s, now);
    dispatch(s, now);
}

void sched_unneeded(struct sched *s, uint32_t job, int64_t now) {
    struct sched_job *j = job_at(s, job);

    if (!set_of(s, job)->service || j->state != JOB_RUNNING)
        return;
    order_cancel(s, job, true, REASON_NONE, NO_JOB, now);
}

void sched_put_off(struct sched *s, const struct attempt *a, int error, int64_t now) {
    assert(a->number == job_at(s, a->job)->attempt);
    put_off(s, a, error, now);
    tend_settle(s, now);
    dispatch(s, now);
}

void sched_ended(struct sched *s, const struct attempt *a, struct attempt_end *end, int64_t now) {
    assert(a->number == job_at(s, a->job)->attempt);
    conclude(s, a, end, now);
    for (int lane = 0; lane < LANES; lane++)
        unpause(s, (enum lane)lane);
    tend_settle(s, now);
    dispatch(s, now);
}

void sched_computes(struct sched *s, uint32_t job, uint32_t attempt) {
    struct sched_job *j = job_at(s, job);

    if (!set_of(s, job)->automatic || !j->alive || j->attempt != attempt || j->lane != LANE_IO ||
        j->guest)
        return;
    trace(TRACE_SCHED, "job %s computes", name_of(s, job));
    j->guest = j->computes = true;
    slots_add_guests(&s->slots[LANE_CPU], weight_in(s, job, LANE_CPU));
    row_of(s, job)->lane = LANE_CPU;
    row_of(s, job)->moved = true;
}

void sched_advance(struct sched *s, int64_t now) {
    while (s->timers.count > 0 && job_at(s, s->timers.items[0])->due <= now) {
        uint32_t job = heap_pop(&s->timers);
        struct sched_job *j = job_at(s, job);

        if (j->state == JOB_BACKOFF) {
            order_move(s, job, JOB_EV_DUE);
            order_queue(s, job, now);
            continue;
        }
        if (waits_for_time(set_of(s, job))) {
            sched_ready(s, &(struct attempt){.job = job, .number = j->attempt}, now);
            continue;
        }
        order_move(s, job, JOB_EV_TIMEOUT);
        j->stopped = set_of(s, job)->service ? REASON_NOT_READY : REASON_TIMEOUT;
        s->opts.executor->stop(s->opts.executor_ctx, job);
        if (s->opts.listener->timed_out) {
            struct job_info info = info_of(s, job);

            s->opts.listener->timed_out(s->opts.listener_ctx, &info);
        }
    }
    ready_advance(s->ready, now);
    for (int lane = 0; lane < LANES; lane++)
        if (s->slots[lane].paused_till <= now)
            unpause(s, (enum lane)lane);
    if (s->deadline <= now && !sched_done(s)) {
        s->deadline = NEVER;
        s->deadline_passed = true;
        order_close_run(s, true, REASON_DEADLINE, NO_JOB, now);
    }
    tend_settle(s, now);
    dispatch(s, now);
}

int64_t sched_due(const struct sched *s) {
    int64_t due = sched_done(s) ? NEVER : s->deadline;

    if (s->timers.count > 0 && job_at(s, s->timers.items[0])->due < due)
        due = job_at(s, s->timers.items[0])->due;
    if (ready_due(s->ready) < due)
        due = ready_due(s->ready);
    if (s->tend_at < due)
        due = s->tend_at;
    for (int lane = 0; lane < LANES; lane++)
        if (s->slots[lane].paused_till < due)
            due = s->slots[lane].paused_till;
    return due;
}

void sched_interrupt(struct sched *s, int64_t now) {
    order_close_run(s, true, REASON_CANCELLED, NO_JOB, now);
    tend_settle(s, now);
}

void sched_release(struct sched *s, int64_t now) {
    if (!s->hold)
        return;
    tend_release(s, now);
    dispatch(s, now);
}

void sched_news(struct sched *s, int64_t now) {
    if (s->instances)
        instances_news(s->instances);
    tend_settle(s, now);
    dispatch(s, now);
}

bool sched_done(const struct sched *s) {
    return s->left == 0;
}

bool sched_deadline_passed(const struct sched *s) {
    return s->deadline_passed;
}

struct sched_counts sched_counts(const struct sched *s) {
    struct sched_counts c;

    memcpy(c.by_state, s->by_state, sizeof c.by_state);
    for (int lane = 0; lane < LANES; lane++) {
        c.running[lane] = s->slots[lane].used + s->slots[lane].guests;
        c.width[lane] = s->slots[lane].width;
    }
    return c;
}

struct sched_view sched_view(const struct sched *s, uint32_t job) {
    const struct sched_job *j = job_at(s, job);

    return (struct sched_view){
        .state = (int)j->state, .attempt = j->attempt, .since = j->since, .up = j->up};
}

bool sched_next_running(const struct sched *s, uint32_t *next, struct job_info *job) {
    uint32_t most = s->plan->njobs + (s->instances ? instances_numbers(s->instances) : 0);

    while (*next < most) {
        uint32_t i = (*next)++;
        enum job_state state = job_at(s, i)->state;

        if ((i >= s->plan->njobs && !instances_at(s->instances, i)->used) ||
            (state != JOB_RUNNING && state != JOB_STOPPING))
            continue;
        *job = info_of(s, i);
        return true;
    }
    return false;
}
