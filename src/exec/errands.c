/* SPDX-License-Identifier: MIT */
/* errands: makes all attempts of a run that need no process of their own. */
#include "exec/errands.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/trace.h"
#include "exec/request.h"
#include "exec/tasking.h"
#include "exec/waiting.h"

/* The oldest first. */
STAILQ_HEAD(queue, errand);

struct errands {
    struct errand_env env;
    struct queue fresh, over; /* to be begun, and whose end is to be told, by the loop */
    uv_check_t turn;          /* comes when the callbacks of this round are done */
    uv_idle_t hurry;          /* active with it: the loop does not wait before that */
    const struct errands_events *events;
    bool awake; /* what is added now will be begun in any case */
    unsigned open_parts;
    void (*closed)(void *ctx);
    void *ctx, *closed_ctx;
};

static const struct errand_way *const ways[ACTIONS] = {
#ifdef WITH_CURL
    [ACTION_HTTP] = &request_way,
#endif
    [ACTION_WAIT] = &waiting_way,
    [ACTION_TASK] = &tasking_way,
};

bool errands_suit(const struct plan_job *job) {
    return ways[job->action];
}

/* What errands of a run share. */
static struct probe_needs survey(const struct plan *plan) {
    struct probe_needs n = {false, false};

    for (uint32_t i = 0; i < plan->njobs; i++) {
        if (plan->jobs[i].action == ACTION_WAIT)
            probe_needs_add(&n, plan->jobs[i].target);
        n.fetcher = n.fetcher || plan->jobs[i].action == ACTION_HTTP;
    }
    return n;
}

/* --- beginnings and ends ---------------------------------------------------- */

static void on_hurry(uv_idle_t *idle) {
    (void)idle;
}

static void on_turn(uv_check_t *check);

/* Has on_turn() called. An async handle would be a write, a read and one more wait for
 * each answer of a worker. */
static void ask_for_turn(struct errands *es) {
    uv_check_start(&es->turn, on_turn); /* nothing new if it is */
    uv_idle_start(&es->hurry, on_hurry);
}

static void on_ended(struct errand *e) {
    struct errands *es = e->env->home;

    STAILQ_INSERT_TAIL(&es->over, e, next);
    ask_for_turn(es);
}

static void on_begun(struct errand *e) {
    struct errands *es = e->env->home;

    e->running = true;
    e->end.start_ns = clock_ns();
    trace(TRACE_EXEC, "%s attempt %u: begun", e->job->name, (unsigned)e->attempt.number);
    es->events->started(es->ctx, e);
}

static void begin(struct errand *e) {
    int rc = e->stopped ? UV_ECANCELED : e->way->begin(e);

    if (rc < 0) {
        e->end.error = rc;
        errand_end(e);
        return;
    }
    e->begun = true;
    if (rc == 0)
        on_begun(e);
}

static void begin_all(struct errands *es) {
    struct errand *e;

    while ((e = STAILQ_FIRST(&es->fresh))) {
        STAILQ_REMOVE_HEAD(&es->fresh, next);
        begin(e);
    }
}

/* What ends makes room for others: these are begun in the same round. Not what comes
 * by their ends, else those that end at once could keep the loop for ever. */
static void on_turn(uv_check_t *check) {
    struct errands *es = check->data;
    struct errand *e;

    uv_check_stop(&es->turn);
    uv_idle_stop(&es->hurry);
    begin_all(es);
    es->awake = true;
    while ((e = STAILQ_FIRST(&es->over))) {
        STAILQ_REMOVE_HEAD(&es->over, next);
        es->events->ended(es->ctx, e);
    }
    es->awake = false;
    begin_all(es);
}

static void stop(struct live *v) {
    struct errand *e = (struct errand *)(void *)v;

    if (e->stopped)
        return;
    e->stopped = true;
    if (!e->begun)
        return; /* begin() sees to it */
    e->end.stopped = true;
    e->way->stop(e);
}

static const struct live_way errand_live = {.stop = stop, .kill = stop};

struct errand *errands_add(struct errands *es, const struct attempt *a) {
    const struct errand_way *way = ways[a->def->action];
    struct errand *e = calloc(1, way->size);

    if (!e)
        return NULL;
    e->live = (struct live){.way = &errand_live, .end = &e->end};
    e->way = way;
    e->env = &es->env;
    e->attempt = *a;
    e->job = a->def;
    e->end.exit = -1;
    STAILQ_INSERT_TAIL(&es->fresh, e, next);
    if (!es->awake)
        ask_for_turn(es);
    return e;
}

void errands_free(struct errand *e) {
    attempt_end_release(&e->end);
    free(e);
}

/* --- all of them ------------------------------------------------------------ */

static void on_part_closed(void *ctx) {
    struct errands *es = ctx;
    void (*closed)(void *) = es->closed;
    void *closed_ctx = es->closed_ctx;

    if (--es->open_parts)
        return;
    free(es);
    closed(closed_ctx);
}

static void on_handle_closed(uv_handle_t *handle) {
    on_part_closed(handle->data);
}

void errands_close(struct errands *es, void (*closed)(void *ctx), void *ctx) {
    es->closed = closed;
    es->closed_ctx = ctx;
    uv_close((uv_handle_t *)&es->turn, on_handle_closed);
    uv_close((uv_handle_t *)&es->hurry, on_handle_closed);
    es->open_parts = 2 + probe_env_close(&es->env.probe, on_part_closed, es);
}

static void on_given_up(void *ctx) {
    (void)ctx;
}

int errands_open(struct errands **out, const struct errand_env *env,
                 const struct errands_events *events, void *ctx) {
    uv_loop_t *loop = env->loop;
    const struct plan *plan = env->plan;
    const struct probe_needs needs = survey(plan);
    struct errands *es = calloc(1, sizeof *es);
    int error;

    if (!es)
        return UV_ENOMEM;
    uv_check_init(loop, &es->turn); /* cannot fail, */
    uv_idle_init(loop, &es->hurry); /* nor can it */
    es->turn.data = es->hurry.data = es;
    es->env = *env;
    es->env.home = es;
    es->env.begun = on_begun;
    es->env.ended = on_ended;
    es->events = events;
    es->ctx = ctx;
    STAILQ_INIT(&es->fresh);
    STAILQ_INIT(&es->over);
    error = probe_env_open(&es->env.probe, loop, &needs, plan->io_limit);
    if (error)
        errands_close(es, on_given_up, NULL);
    else
        *out = es;
    return error;
}
