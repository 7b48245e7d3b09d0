/* SPDX-License-Identifier: MIT */
/* dispatch: the scheduler's orders to the lanes, and what comes back. */
#include "run/dispatch.h"

#include "base/clock.h"
#include "run/job.h"

static void order_start(void *ctx, const struct attempt *a) {
    struct session *s = ctx;

    jobserver_begin(s->jobserver, a->def);
    lanes_start(s->lanes, a);
}

static uint32_t order_cpus(void *ctx, uint32_t running, uint32_t wanted) {
    return jobserver_want(((struct session *)ctx)->jobserver, running, wanted);
}

void dispatch_tokens(void *ctx) {
    struct session *s = ctx;

    lag_note(&s->lag);
    if (!s->sched || s->closing)
        return;
    sched_granted(s->sched, clock_run_ns());
    session_rearm(s);
}

static void order_stop(void *ctx, uint32_t job) {
    lanes_stop(((struct session *)ctx)->lanes, job);
}

const struct sched_executor dispatch_executor = {
    .start = order_start, .stop = order_stop, .cpus = order_cpus};

/* What has not ended runs. */
static bool all_started(const struct sched *sched) {
    struct sched_counts c = sched_counts(sched);

    return c.by_state[JOB_WAITING] + c.by_state[JOB_READY] + c.by_state[JOB_STARTING] +
               c.by_state[JOB_BACKOFF] ==
           0;
}

static void on_computes(void *ctx, uint32_t job, uint32_t attempt) {
    struct session *s = ctx;

    lag_note(&s->lag);
    sched_computes(s->sched, job, attempt);
}

/* Of a job of type auto that starts in the I/O lane: does it wait or compute? */
static void watch_cpu_time(struct session *s, const struct attempt *a, pid_t pid) {
    if (!a->def->set->automatic || a->lane != LANE_IO || pid == 0)
        return;
    if (!s->sampler)
        s->sampler = sampler_new(&s->loop, on_computes, s);
    if (s->sampler)
        sampler_add(s->sampler, a->job, a->number, pid);
}

void dispatch_service_ready(void *ctx, const struct attempt *a) {
    struct session *s = ctx;

    lag_note(&s->lag);
    sched_ready(s->sched, a, clock_run_ns());
    session_rearm(s);
}

/* One that nobody can look at would be waited for in vain. */
static void watch_service(struct session *s, const struct attempt *a,
                          struct lanes_streams streams) {
    int error = services_started(s->relay.services, a, streams);

    if (!error)
        return;
    session_say(s, "job %s: whether it is ready cannot be found out: %s", a->def->name,
                uv_strerror(error));
    lanes_stop(s->lanes, a->job);
}

/* Of a job. */
static void tell_started(struct session *s, const struct attempt *a, pid_t pid, int64_t start,
                         int64_t now) {
    struct lanes_streams streams;

    sched_started(s->sched, a, pid, start, now);
    watch_cpu_time(s, a, pid);
    streams = lanes_streams(s->lanes, a->job);
    if (s->opts->events->streams)
        s->opts->events->streams(s->opts->ctx, a, streams.out, streams.err);
    if (a->def->set->service)
        watch_service(s, a, streams);
}

static void on_started(void *ctx, const struct attempt *a, pid_t pid, int64_t start_ns) {
    struct session *s = ctx;
    int64_t now, start;

    lag_note(&s->lag);
    now = clock_run_ns();
    start = now - (clock_ns() - start_ns); /* too early by any pause in between */
    if (cleanups_own(s->relay.cleanups, a))
        cleanups_started(s->relay.cleanups, now);
    else
        tell_started(s, a, pid, start, now);
    if (!s->retries && !cleanups_wanted(s->relay.cleanups) && all_started(s->sched))
        lanes_rest(s->lanes);
    session_rearm(s);
}

static void on_put_off(void *ctx, const struct attempt *a, int error) {
    struct session *s = ctx;
    enum lane lane = a->lane;
    uint32_t from = sched_counts(s->sched).width[lane];

    lag_note(&s->lag);
    jobserver_end(s->jobserver, a->def);
    if (cleanups_own(s->relay.cleanups, a)) {
        cleanups_put_off(s->relay.cleanups, error, clock_run_ns());
    } else {
        sched_put_off(s->sched, a, error, clock_run_ns());
        session_tell_shortage(s, error, lane, from, sched_counts(s->sched).width[lane]);
    }
    session_rearm(s);
}

static void on_ended(void *ctx, const struct attempt *a, struct attempt_end *end) {
    struct session *s = ctx;

    lag_note(&s->lag);
    if (s->sampler)
        sampler_remove(s->sampler, a->job);
    jobserver_end(s->jobserver, a->def);
    if (!end->start_ns) /* it never started: it failed now */
        end->start_ns = clock_ns();
    if (cleanups_own(s->relay.cleanups, a)) {
        cleanups_ended(s->relay.cleanups, end);
        session_rearm(s);
        return;
    }
    if (a->def->set->service)
        services_ended(s->relay.services, a, end);
    sched_ended(s->sched, a, end, clock_run_ns());
    session_rearm(s);
}

const struct lanes_events dispatch_events = {
    .started = on_started, .put_off = on_put_off, .ended = on_ended};

void dispatch_items(void *ctx) {
    struct session *s = ctx;

    lag_note(&s->lag);
    if (s->closing)
        return;
    sched_news(s->sched, clock_run_ns());
    session_rearm(s);
}
