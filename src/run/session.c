/* SPDX-License-Identifier: MIT */
/*
 * session: one run from plan to results: the loop, signals, shutdown.
 *
 * The scheduler decides, the lanes do, and dispatch.c carries orders and answers
 * between them; the session turns its one timer and the signals into calls of the
 * scheduler. When every job has ended: lanes_close(), then the handles here,
 * then uv_run() returns by itself because nothing is left open.
 */
#include "run/session.h"

#include <assert.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "exec/reserve.h"
#include "run/dispatch.h"
#include "run/job.h"
#include "run/surroundings.h"

void session_say(struct session *s, const char *fmt, ...) {
    char text[512];
    va_list args;

    if (!s->opts->events->say)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    s->opts->events->say(s->opts->ctx, text);
}

void session_tell_shortage(struct session *s, int error, enum lane lane, uint32_t from,
                           uint32_t to) {
    char text[160];

    if (surroundings_shortage(&s->told, error, lane, from, to, text, sizeof text))
        session_say(s, "%s", text);
}

/* ---- time ---- */

static void on_timer(uv_timer_t *timer);

/* Nothing is left to be run. */
static bool all_done(const struct session *s) {
    return sched_done(s->sched) && cleanups_done(s->relay.cleanups);
}

/* Has what can be cleaned up now cleaned up. */
static void clean_up(struct session *s, int64_t now) {
    s->result->deadline_passed = sched_deadline_passed(s->sched);
    if (now >= s->deadline) {
        s->deadline = INT64_MAX;
        cleanups_hurry(s->relay.cleanups, now);
    }
    cleanups_run(s->relay.cleanups, sched_done(s->sched), now);
}

/* When somebody wants to be woken next. */
static int64_t next_due(const struct session *s) {
    int64_t due = sched_due(s->sched), of_cleanups = cleanups_due(s->relay.cleanups);

    if (of_cleanups < due)
        due = of_cleanups;
    return of_cleanups < INT64_MAX && s->deadline < due ? s->deadline : due;
}

/* What the scheduler could not be told from within its calls. */
static void end_services(struct session *s) {
    uint32_t job;

    while (s->relay.services && services_next_unneeded(s->relay.services, &job))
        sched_unneeded(s->sched, job, clock_run_ns());
}

void session_rearm(struct session *s) {
    int64_t wait = 0;

    if (s->closing)
        return;
    end_services(s);
    clean_up(s, clock_run_ns());
    if (!all_done(s)) {
        int64_t due = next_due(s);

        if (due == INT64_MAX) {
            uv_timer_stop(&s->timer);
            return;
        }
        wait = due - clock_run_ns();
        /* Rounded up: a timer that fires early only fires again. */
        wait = wait > 0 ? (wait + NS_PER_MS - 1) / NS_PER_MS : 0;
    }
    uv_update_time(&s->loop); /* uv_timer_start() counts from the cached time */
    uv_timer_start(&s->timer, on_timer, (uint64_t)wait, 0);
}

/* ---- the end ---- */

static void close_handles(struct session *s) {
    signals_close(&s->signals, s->result->interrupted_by != 0);
    uv_close((uv_handle_t *)&s->timer, NULL);
    showing_close(&s->showing);
    lag_close(&s->lag);
    if (s->relay.services)
        services_close(s->relay.services);
    if (s->recording)
        s->opts->recorder->rest(s->opts->recorder_ctx);
    uv_close((uv_handle_t *)&s->news, NULL);
}

static void on_lanes_closed(void *ctx, uint32_t unkillable) {
    struct session *s = ctx;

    s->lanes = NULL;
    s->result->unkillable = unkillable;
    s->jobserver = jobserver_close(s->jobserver);
    if (unkillable > 0)
        session_say(s, "%u adopted processes could not be killed", unkillable);
    close_handles(s);
}

static void on_timer(uv_timer_t *timer) {
    struct session *s = timer->data;

    if (!all_done(s)) {
        int64_t now = clock_run_ns();

        if (!sched_done(s->sched))
            sched_advance(s->sched, now);
        cleanups_advance(s->relay.cleanups, now);
        session_rearm(s);
        return;
    }
    /* By the timer and not from the last job's `ended`: the lanes are done
     * with that attempt here. */
    s->closing = true;
    showing_rest(&s->showing);
    s->sampler = sampler_close(s->sampler);
    lanes_close(s->lanes, on_lanes_closed);
}

/* ---- the recorder ---- */

static void wake_for_news(void *arg) {
    uv_async_send(&((struct session *)arg)->news);
}

static void on_news(uv_async_t *news) {
    struct session *s = news->data;

    lag_note(&s->lag);
    if (!s->recording || s->closing)
        return;
    if (s->opts->recorder->ready(s->opts->recorder_ctx))
        sched_release(s->sched, clock_run_ns());
    session_rearm(s);
}

static void begin_recording(struct session *s) {
    const struct session_recorder *recorder = s->opts->recorder;

    s->recording = recorder != NULL;
    if (recorder)
        recorder->begin(s->opts->recorder_ctx, s->result, lanes_spares(s->lanes), wake_for_news, s);
}

/* ---- signals ---- */

static void interrupt(struct session *s, int sig) {
    char name[32];
    struct sched_counts c = sched_counts(s->sched);

    s->result->interrupted_by = sig;
    if (s->closing) /* the results stand, but whoever sent it expects it to be obeyed */
        return;
    if (c.by_state[JOB_RUNNING] > 0)
        session_say(s, "%s: stopping what runs (%u); a second signal kills it",
                    signal_name(sig, name, sizeof name), c.by_state[JOB_RUNNING]);
    else if (!cleanups_done(s->relay.cleanups))
        session_say(s, "%s: cleaning up; a second signal kills that",
                    signal_name(sig, name, sizeof name));
    sched_interrupt(s->sched, clock_run_ns());
    cleanups_hurry(s->relay.cleanups, clock_run_ns());
    session_rearm(s);
}

static void kill_all(struct session *s) {
    uint32_t left = s->closing ? 0 : cleanups_abandon(s->relay.cleanups);

    if (left > 0)
        session_say(s, "%u cleanup%s not run", left, left == 1 ? " is" : "s are");
    if (s->lanes) /* also when all is done, but for workers that take their time */
        lanes_kill_all(s->lanes);
    session_rearm(s);
}

/* Whether there is a run; else nothing was started, and the caller hears why. */
static bool note_signal(struct session *s) {
    lag_note(&s->lag);
    return s->sched;
}

static void on_stop_signal(void *ctx, int sig) {
    struct session *s = ctx;

    if (!note_signal(s))
        return;
    s->stops++;
    if (s->stops == 1)
        interrupt(s, sig);
    else if (s->stops == 2)
        kill_all(s);
}

/* As the second signal to stop, even when it is the first. */
static void on_quit_signal(void *ctx, int sig) {
    struct session *s = ctx;

    if (!note_signal(s))
        return;
    if (s->stops == 0)
        interrupt(s, sig);
    if (s->stops < 2)
        kill_all(s);
    s->stops = 2;
}

static void on_suspend_signal(void *ctx, int sig) {
    struct session *s = ctx;
    int64_t before = clock_ns();

    if (!note_signal(s) || s->closing)
        return;
    lanes_pause(s->lanes);
    showing_pause(&s->showing, true);
    signals_suspend(&s->signals, sig);
    clock_add_pause(clock_ns() - before);
    lanes_resume(s->lanes);
    showing_pause(&s->showing, false);
    uv_update_time(&s->loop);
    lag_restart(&s->lag); /* a pause is none */
    session_rearm(s);
}

static void on_list_signal(void *ctx, int sig) {
    struct session *s = ctx;

    (void)sig;
    if (note_signal(s) && !s->closing)
        showing_list(&s->showing);
}

static const signals_cb signal_acts[SIGNALS_KINDS] = {
    [SIGNALS_STOP] = on_stop_signal,
    [SIGNALS_QUIT] = on_quit_signal,
    [SIGNALS_SUSPEND] = on_suspend_signal,
    [SIGNALS_LIST] = on_list_signal,
};

/* ---- the beginning ---- */

/* 0 or UV_E…: no handle is open then. */
static int init_handles(struct session *s) {
    int rc = signals_open(&s->signals, &s->loop, signal_acts, s);

    if (rc < 0)
        return rc;
    uv_timer_init(&s->loop, &s->timer);
    showing_open(&s->showing, &s->loop, s->opts);
    uv_async_init(&s->loop, &s->news, on_news);
    s->news.data = s;
    s->timer.data = s;
    lag_open(&s->lag, &s->loop, &s->result->loop_lag_ns);
    return 0;
}

static void close_loop(struct session *s) {
    if (uv_loop_close(&s->loop) == 0)
        return;
#ifndef NDEBUG
    uv_print_all_handles(&s->loop, stderr);
    abort();
#endif
}

/* What the jobs as a whole want. Warns beforehand where descriptors allow fewer
 * I/O jobs at once than that. */
static void survey(struct session *s, uint32_t width) {
    const struct plan *p = s->opts->plan;
    uint32_t wanted = 0;

    for (uint32_t i = 0; i < p->njobs; i++) {
        uint32_t most = plan_job_most(&p->jobs[i]);

        if (p->jobs[i].set->type == LANE_IO) /* also those that may go to the other */
            wanted += most < UINT32_MAX - wanted ? most : UINT32_MAX - wanted;
        s->retries = s->retries || p->jobs[i].set->retries > 0;
    }
    if (width < p->io_limit && width < wanted)
        session_tell_shortage(s, UV_EMFILE, LANE_IO, p->io_limit, width);
}

/* Lanes and scheduler. What is missing on failure, the caller sees by NULL. */
static int open_run(struct session *s) {
    char why[256];
    int rc =
        jobserver_find(&s->jobserver, &s->loop, s->opts->plan, dispatch_tokens, s, why, sizeof why);
    const struct lanes_opts lanes_opts = {
        .jobserver = s->jobserver,
        .loop = &s->loop,
        .plan = s->opts->plan,
        .run_id = s->result->id,
        .lock = s->opts->lock,
        .presence = s->opts->presence,
        .nofile_soft = s->nofile_soft,
        .spare_fds = s->opts->recorder ? s->opts->recorder->fds : 0,
        .core_soft = s->core_soft,
        .events = &dispatch_events,
        .ctx = s,
    };
    const struct relay_opts relay_opts = {
        .loop = &s->loop,
        .plan = s->opts->plan,
        .result = s->result,
        .to = &s->opts->events->jobs,
        .cleaned = s->opts->events->chore_done,
        .to_ctx = s->opts->ctx,
        .executor = &dispatch_executor,
        .ready = dispatch_service_ready,
        .ctx = s,
    };
    struct sched_opts sched_opts = {
        .plan = s->opts->plan,
        .results = s->result->jobs,
        .seed = s->seed,
        .executor = &dispatch_executor,
        .executor_ctx = s,
        .listener = &relay_listener,
        .listener_ctx = &s->relay,
        .lane_of = s->opts->lane_of,
        .lane_ctx = s->opts->lane_ctx,
        .hold = s->opts->recorder != NULL,
        .settled = s->opts->settled,
        .settled_facts = s->opts->settled_facts,
        .settled_item = s->opts->settled_item,
        .settled_ctx = s->opts->settled_ctx,
        .source = &supply_source,
        .items = &s->result->items,
        .behind = s->opts->recorder ? s->opts->recorder->behind : NULL,
        .behind_ctx = s->opts->recorder_ctx,
        .explain = s->opts->explain,
    };

    if (*why)
        session_say(s, "%s", why);
    if (rc == 0)
        rc = relay_open(&s->relay, &relay_opts);
    if (rc == 0)
        rc = lanes_open(&s->lanes, &lanes_opts);
    if (rc < 0)
        return rc;
    if (plan_has_items(s->opts->plan)) {
        s->supply = supply_new(s->opts->plan, &s->loop, dispatch_items, s);
        if (!s->supply)
            return UV_ENOMEM;
    }
    sched_opts.source_ctx = s->supply;
    sched_opts.cpu_width = s->opts->plan->cpu_workers;
    if (s->jobserver)
        sched_opts.cpu_width = jobserver_most(s->jobserver);
    if (lanes_facts_error(s->lanes))
        session_say(s, "jobs have no MUSTER_OUTPUT: no folder for it: %s",
                    strerror(-lanes_facts_error(s->lanes)));
    sched_opts.io_width = lanes_io_width(s->lanes);
    survey(s, sched_opts.io_width);
    s->sched = sched_new(&sched_opts);
    return s->sched ? 0 : UV_ENOMEM;
}

static int run_loop(struct session *s) {
    sigset_t before;
    int rc;

    thread_block_signals(&before); /* else what is made here might stay */
    reserve_threads(&s->loop);
    rc = open_run(s); /* first: launchers get ready meanwhile */
    if (rc == 0)
        rc = signals_watch(&s->signals);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc < 0) {
        s->closing = true;
        if (s->lanes) {
            lanes_close(s->lanes, on_lanes_closed);
        } else {
            s->jobserver = jobserver_close(s->jobserver);
            close_handles(s);
        }
        uv_run(&s->loop, UV_RUN_DEFAULT);
        return rc;
    }
    begin_recording(s);
    showing_begin(&s->showing, s->lanes, s->sched, s->relay.cleanups);
    if (s->opts->events->begun)
        s->opts->events->begun(s->opts->ctx);
    lag_restart(&s->lag);
    uv_run(&s->loop, UV_RUN_NOWAIT); /* a signal that is there already: nothing is to start */
    sched_begin(s->sched, clock_run_ns());
    if (s->opts->plan->deadline_ns)
        s->deadline = clock_run_ns() + s->opts->plan->deadline_ns;
    session_rearm(s);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert(all_done(s));
    return 0;
}

int session_run(const struct session_opts *opts, struct run_result *result) {
    struct session s = {.opts = opts, .result = result, .deadline = INT64_MAX};
    int rc;

    *result = (struct run_result){.plan = opts->plan, .exit = -1};
    s.seed = surroundings_name_run(result);
    result->jobs = calloc((size_t)opts->plan->njobs + 1, sizeof *result->jobs);
    if (!result->jobs)
        return UV_ENOMEM;
    mem_advise_huge(result->jobs, (size_t)opts->plan->njobs * sizeof *result->jobs);
    signal(SIGPIPE, SIG_IGN); /* for good: reports are written after the run */
    signal(SIGXFSZ, SIG_IGN);
    s.nofile_soft = surroundings_raise_files();
    s.core_soft = surroundings_lower_core(opts->plan->secrets);

    reserve_memory();
    rc = surroundings_try_files();
    if (rc == 0)
        rc = uv_loop_init(&s.loop);
    if (rc == 0) {
        rc = init_handles(&s);
        if (rc == 0)
            rc = run_loop(&s);
        close_loop(&s);
        sched_free(s.sched);
        relay_release(&s.relay);
        supply_free(s.supply); /* all of it is closed when every job has ended */
    }
    clock_gettime(CLOCK_REALTIME, &result->ended);
    result->wall_ns = clock_ns() - result->start_ns;
    if (rc < 0)
        run_result_release(result);
    return rc;
}
