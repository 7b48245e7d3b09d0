/* SPDX-License-Identifier: MIT */
/*
 * session: one run from plan to results: the loop, signals, shutdown.
 *
 * The scheduler decides, the lanes do; the session carries orders and answers
 * between them and turns its one timer and the signals into calls of the
 * scheduler. When every job has ended: lanes_close(), then the handles here,
 * then uv_run() returns by itself because nothing is left open.
 */
#include "run/session.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/host.h"
#include "base/mem.h"
#include "base/trace.h"
#include "exec/lanes.h"
#include "exec/reserve.h"
#include "exec/sampler.h"
#include "run/job.h"
#include "run/sched.h"
#include "run/slow.h"
#include "run/suspend.h"

struct session;

/* What a signal does to a run. */
struct signal_row {
    int sig;
    void (*act)(struct session *s, int sig);
};

static void on_stop_signal(struct session *s, int sig);
static void on_quit_signal(struct session *s, int sig);
static void on_suspend_signal(struct session *s, int sig);
static void on_list_signal(struct session *s, int sig);

static const struct signal_row signal_rows[] = {
    {SIGINT, on_stop_signal},  {SIGTERM, on_stop_signal},    {SIGHUP, on_stop_signal},
    {SIGQUIT, on_quit_signal}, {SIGTSTP, on_suspend_signal}, {SIGUSR1, on_list_signal},
};
#define SIGNAL_ROWS (sizeof signal_rows / sizeof *signal_rows)

/* Why a start is put off, in words; `resource` is the limit behind it, or -1. */
struct shortage_row {
    int error;
    int resource;
    const char *words;
};
static const struct shortage_row shortage_rows[] = {
    {UV_EMFILE, RLIMIT_NOFILE, "open files"},
    {UV_EAGAIN, RLIMIT_NPROC, "processes"},
    {UV_ENFILE, -1, "open files of the machine"},
    {UV_ENOMEM, -1, "memory"},
    {0, -1, "resources"}, /* any other */
};

struct session {
    const struct session_opts *opts;
    struct run_result *result;
    uv_loop_t loop;
    uv_signal_t signals[SIGNAL_ROWS];
    uv_timer_t timer; /* for sched_due(), and for ending the run */
    uv_timer_t slow_timer;
    struct slow slow;
    uv_check_t check;     /* runs after each wait and what it brought, */
    uv_prepare_t prepare; /* and this before each: they measure the loop's lag */
    uv_async_t news;      /* of the recorder */
    struct lanes *lanes;
    struct sched *sched;
    struct sampler *sampler; /* of jobs of type auto; made for the first */
    uint64_t seed;
    uint64_t nofile_soft; /* before it was raised */
    uint64_t core_soft;   /* before it was lowered */
    int64_t busy_since;   /* clock_ns(): when the last wait ended */
    int64_t awake_since;  /* first callback here after it, or 0 */
    unsigned told;        /* a bit per row of shortage_rows that was told */
    unsigned stops;       /* signals to stop so far */
    bool retries;         /* some job may be tried again */
    bool recording;       /* it has begun */
    bool closing;         /* all jobs have ended, or nothing was started */
};

static void say(struct session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct session *s, const char *fmt, ...) {
    char text[512];
    va_list args;

    if (!s->opts->events->say)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    s->opts->events->say(s->opts->ctx, text);
}

/* ---- time ---- */

static void on_timer(uv_timer_t *timer);

/* After every call of the scheduler: its next wish, or the end. */
static void rearm(struct session *s) {
    int64_t wait = 0;

    if (s->closing)
        return;
    if (!sched_done(s->sched)) {
        int64_t due = sched_due(s->sched);

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

/*
 * The lag: from the end of one wait to the beginning of the next. libuv notes
 * the time when its wait ends and on_check() finds it there, unless a callback
 * has called uv_update_time() since; those here that do have noted the time
 * themselves. (uv_metrics_idle_time() of libuv 1.44 forgets a wait that it
 * resumes for its last millisecond.)
 */
static void note_awake(struct session *s) {
    if (s->awake_since == 0)
        s->awake_since = clock_ns();
}

static void on_check(uv_check_t *check) {
    struct session *s = check->data;
    int64_t now = clock_ns();
    int64_t woke = (int64_t)uv_now(&s->loop) * NS_PER_MS + NS_PER_MS - 1; /* it was cut to ms */

    if (s->awake_since > 0 && s->awake_since < woke)
        woke = s->awake_since;
    s->busy_since = woke < now ? woke : now;
}

static void on_prepare(uv_prepare_t *prepare) {
    struct session *s = prepare->data;
    int64_t lag = clock_ns() - s->busy_since;

    if (lag > s->result->loop_lag_ns)
        s->result->loop_lag_ns = lag;
    s->awake_since = 0;
}

/* ---- the end ---- */

/*
 * A closed handle leaves its signal's default behind, which for most is the end
 * without a report. So all are blocked meanwhile; those to stop stay so, and
 * wait for whoever called session_run().
 */
static void close_handles(struct session *s) {
    sigset_t all;

    sigemptyset(&all);
    for (size_t i = 0; i < SIGNAL_ROWS; i++)
        sigaddset(&all, signal_rows[i].sig);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    for (size_t i = 0; i < SIGNAL_ROWS; i++) {
        bool watched = uv_is_active((uv_handle_t *)&s->signals[i]);

        uv_close((uv_handle_t *)&s->signals[i], NULL);
        /* A third signal changes nothing either while the reports are written,
         * nor does one that only asks. */
        if (watched && (s->result->interrupted_by || signal_rows[i].act == on_list_signal))
            signal(signal_rows[i].sig, SIG_IGN);
        if (signal_rows[i].act == on_stop_signal)
            sigdelset(&all, signal_rows[i].sig);
    }
    pthread_sigmask(SIG_UNBLOCK, &all, NULL);
    uv_close((uv_handle_t *)&s->timer, NULL);
    uv_close((uv_handle_t *)&s->slow_timer, NULL);
    uv_close((uv_handle_t *)&s->check, NULL);
    uv_close((uv_handle_t *)&s->prepare, NULL);
    if (s->recording)
        s->opts->recorder->rest(s->opts->recorder_ctx);
    uv_close((uv_handle_t *)&s->news, NULL);
}

static void on_lanes_closed(void *ctx, uint32_t unkillable) {
    struct session *s = ctx;

    s->lanes = NULL;
    s->result->unkillable = unkillable;
    if (unkillable > 0)
        say(s, "%u adopted processes could not be killed", unkillable);
    close_handles(s);
}

static void on_timer(uv_timer_t *timer) {
    struct session *s = timer->data;

    if (!sched_done(s->sched)) {
        sched_advance(s->sched, clock_run_ns());
        rearm(s);
        return;
    }
    /* By the timer and not from the last job's `ended`: the lanes are done
     * with that attempt here. */
    s->closing = true;
    s->sampler = sampler_close(s->sampler);
    lanes_close(s->lanes, on_lanes_closed);
}

/* ---- between scheduler and lanes ---- */

static void order_start(void *ctx, const struct attempt *a) {
    lanes_start(((struct session *)ctx)->lanes, a);
}

static void order_stop(void *ctx, uint32_t job) {
    lanes_stop(((struct session *)ctx)->lanes, job);
}

static const struct sched_executor executor = {.start = order_start, .stop = order_stop};

/* What has not ended runs. */
static bool all_started(const struct sched *sched) {
    struct sched_counts c = sched_counts(sched);

    return c.by_state[JOB_WAITING] + c.by_state[JOB_READY] + c.by_state[JOB_STARTING] +
               c.by_state[JOB_BACKOFF] ==
           0;
}

static void on_computes(void *ctx, uint32_t job, uint32_t attempt) {
    struct session *s = ctx;

    note_awake(s);
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

static void on_started(void *ctx, const struct attempt *a, pid_t pid, int64_t start_ns) {
    struct session *s = ctx;
    int64_t now, start;

    note_awake(s);
    now = clock_run_ns();
    start = now - (clock_ns() - start_ns); /* too early by any pause in between */
    sched_started(s->sched, a, pid, start, now);
    watch_cpu_time(s, a, pid);
    if (s->opts->events->streams) {
        struct lanes_streams streams = lanes_streams(s->lanes, a->job);

        s->opts->events->streams(s->opts->ctx, a, streams.out, streams.err);
    }
    if (!s->retries && all_started(s->sched))
        lanes_rest(s->lanes);
    rearm(s);
}

/* Told once per run and cause: what is short, and how narrow the lane is now. */
static void tell_shortage(struct session *s, int error, enum lane lane, uint32_t from,
                          uint32_t to) {
    static const char *const lane_words[LANES] = {"I/O", "CPU"};
    const struct shortage_row *row = shortage_rows;
    struct rlimit limit;
    char bound[32] = "";

    while (row->error && row->error != error)
        row++;
    if (s->told & 1U << (row - shortage_rows))
        return;
    s->told |= 1U << (row - shortage_rows);
    if (row->resource >= 0 && getrlimit(row->resource, &limit) == 0 &&
        limit.rlim_cur != RLIM_INFINITY)
        snprintf(bound, sizeof bound, "limit %llu, ", (unsigned long long)limit.rlim_cur);
    say(s, "%s: %s%s jobs at once narrowed from %u to %u", row->words, bound, lane_words[lane],
        from, to);
}

static void on_put_off(void *ctx, const struct attempt *a, int error) {
    struct session *s = ctx;
    enum lane lane = a->lane;
    uint32_t from = sched_counts(s->sched).width[lane];

    note_awake(s);
    sched_put_off(s->sched, a, error, clock_run_ns());
    tell_shortage(s, error, lane, from, sched_counts(s->sched).width[lane]);
    rearm(s);
}

static void on_ended(void *ctx, const struct attempt *a, struct attempt_end *end) {
    struct session *s = ctx;

    note_awake(s);
    if (s->sampler)
        sampler_remove(s->sampler, a->job);
    if (!end->start_ns) /* it never started: it failed now */
        end->start_ns = clock_ns();
    sched_ended(s->sched, a, end, clock_run_ns());
    rearm(s);
}

static const struct lanes_events lanes_events = {
    .started = on_started, .put_off = on_put_off, .ended = on_ended};

/* ---- the recorder ---- */

static void wake_for_news(void *arg) {
    uv_async_send(&((struct session *)arg)->news);
}

static void on_news(uv_async_t *news) {
    struct session *s = news->data;

    note_awake(s);
    if (!s->recording || s->closing)
        return;
    if (s->opts->recorder->ready(s->opts->recorder_ctx))
        sched_release(s->sched, clock_run_ns());
    rearm(s);
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
        say(s, "%s: stopping what runs (%u); a second signal kills it",
            signal_name(sig, name, sizeof name), c.by_state[JOB_RUNNING]);
    sched_interrupt(s->sched, clock_run_ns());
    rearm(s);
}

static void on_stop_signal(struct session *s, int sig) {
    s->stops++;
    if (s->stops == 1)
        interrupt(s, sig);
    else if (s->stops == 2 && !s->closing)
        lanes_kill_all(s->lanes);
}

/* As the second signal to stop, even when it is the first. */
static void on_quit_signal(struct session *s, int sig) {
    if (s->stops == 0)
        interrupt(s, sig);
    if (s->stops < 2 && !s->closing)
        lanes_kill_all(s->lanes);
    s->stops = 2;
}

static void on_signal(uv_signal_t *handle, int sig) {
    struct session *s = handle->data;
    size_t row = (size_t)(handle - s->signals);

    note_awake(s);
    trace(TRACE_RUN, "signal %d", sig);
    if (s->sched) /* else nothing was started, and the caller hears why */
        signal_rows[row].act(s, sig);
}

static void on_suspend_signal(struct session *s, int sig) {
    size_t row = 0;
    int64_t before = clock_ns();

    if (s->closing)
        return;
    while (signal_rows[row].sig != sig)
        row++;
    lanes_pause(s->lanes);
    uv_signal_stop(&s->signals[row]); /* the default action again */
    suspend_self();
    uv_signal_start(&s->signals[row], on_signal, sig);
    clock_add_pause(clock_ns() - before);
    lanes_resume(s->lanes);
    uv_update_time(&s->loop); /* a pause is no lag: on_check() reads both */
    s->awake_since = s->busy_since = clock_ns();
    rearm(s);
}

static void on_list_signal(struct session *s, int sig) {
    int64_t now = clock_run_ns();
    struct job_info job;
    uint32_t next = 0;
    char line[256];

    (void)sig;
    if (s->closing || !s->opts->events->show_running)
        return;
    while (sched_next_running(s->sched, &next, &job)) {
        struct sched_view view = sched_view(s->sched, job.id);

        lanes_last_line(s->lanes, job.id, line, sizeof line);
        s->opts->events->show_running(s->opts->ctx, &job, view.attempt, now - view.since, line);
    }
}

/* Points out what has run for long. */
static void on_slow_timer(uv_timer_t *timer) {
    struct session *s = timer->data;
    int64_t now = clock_run_ns();
    struct job_info job;
    uint32_t next = 0;
    char line[256];

    if (s->closing)
        return;
    while (sched_next_running(s->sched, &next, &job)) {
        int64_t since = sched_view(s->sched, job.id).since;

        if (!slow_due(&s->slow, job.id, job.def->set, since, now))
            continue;
        lanes_last_line(s->lanes, job.id, line, sizeof line);
        s->opts->events->show_slow(s->opts->ctx, &job, now - since, line);
    }
}

static void watch_slow(struct session *s) {
    uint64_t period_ms = s->opts->events->show_slow ? slow_period_ms(s->opts->plan) : 0;

    if (period_ms > 0)
        uv_timer_start(&s->slow_timer, on_slow_timer, period_ms, period_ms);
}

/* What was ignored when muster started (nohup, `&` in a script) stays so. */
static int watch_signals(struct session *s) {
    for (size_t i = 0; i < SIGNAL_ROWS; i++) {
        struct sigaction before;
        int rc;

        if (sigaction(signal_rows[i].sig, NULL, &before) == 0 && before.sa_handler == SIG_IGN)
            continue;
        rc = uv_signal_start(&s->signals[i], on_signal, signal_rows[i].sig);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- the beginning ---- */

/* The soft limit on descriptors goes up to the hard one; jobs get theirs back. */
static void raise_nofile(struct session *s) {
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    s->nofile_soft = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_cur != s->nofile_soft)
        setrlimit(RLIMIT_NOFILE, &limit);
}

/* Where there are secrets muster leaves no core file, which would have them; jobs may. */
static void lower_core(struct session *s) {
    struct rlimit limit;

    if (getrlimit(RLIMIT_CORE, &limit) < 0)
        return;
    s->core_soft = limit.rlim_cur;
    limit.rlim_cur = 0;
    if (s->opts->plan->secrets)
        setrlimit(RLIMIT_CORE, &limit);
}

static void name_run(struct session *s) {
    struct run_result *r = s->result;
    struct tm utc;
    char stamp[20];

    if (getrandom(&s->seed, sizeof s->seed, GRND_NONBLOCK) != sizeof s->seed)
        s->seed = (uint64_t)clock_ns() * 2654435761U + (uint64_t)getpid(); /* early boot */
    clock_gettime(CLOCK_REALTIME, &r->started);
    r->start_ns = clock_ns();
    gmtime_r(&r->started.tv_sec, &utc);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%S", &utc);
    r->host = host_name();
    r->cpus = host_cpus();
    snprintf(r->id, sizeof r->id, "%s-%06x", stamp, (unsigned)(s->seed >> 40));
}

/* 0 or UV_E…: no handle is open then. */
static int init_handles(struct session *s) {
    for (size_t i = 0; i < SIGNAL_ROWS; i++) {
        int rc = uv_signal_init(&s->loop, &s->signals[i]);

        if (rc < 0) /* the first makes a pipe, which all share */
            return rc;
        s->signals[i].data = s;
    }
    uv_timer_init(&s->loop, &s->timer);
    uv_timer_init(&s->loop, &s->slow_timer);
    s->slow_timer.data = s;
    uv_check_init(&s->loop, &s->check);
    uv_prepare_init(&s->loop, &s->prepare);
    uv_async_init(&s->loop, &s->news, on_news);
    s->news.data = s;
    s->timer.data = s->check.data = s->prepare.data = s;
    uv_check_start(&s->check, on_check);
    uv_prepare_start(&s->prepare, on_prepare);
    s->busy_since = clock_ns();
    return 0;
}

/* libuv aborts where it can have an epoll instance but not its first pipe. */
static int try_descriptors(void) {
    int fds[3], error = 0;

    for (size_t i = 0; i < 3; i++) {
        fds[i] = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (fds[i] < 0 && !error)
            error = -errno;
    }
    for (size_t i = 0; i < 3; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    return error;
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
        wanted += p->jobs[i].set->type == LANE_IO; /* also of those that may go to the other */
        s->retries = s->retries || p->jobs[i].set->retries > 0;
    }
    if (width < p->io_limit && width < wanted)
        tell_shortage(s, UV_EMFILE, LANE_IO, p->io_limit, width);
}

/* Lanes and scheduler. What is missing on failure, the caller sees by NULL. */
static int open_run(struct session *s) {
    const struct lanes_opts lanes_opts = {
        .loop = &s->loop,
        .plan = s->opts->plan,
        .run_id = s->result->id,
        .lock = s->opts->lock,
        .presence = s->opts->presence,
        .nofile_soft = s->nofile_soft,
        .spare_fds = s->opts->recorder ? s->opts->recorder->fds : 0,
        .core_soft = s->core_soft,
        .events = &lanes_events,
        .ctx = s,
    };
    struct sched_opts sched_opts = {
        .plan = s->opts->plan,
        .results = s->result->jobs,
        .seed = s->seed,
        .executor = &executor,
        .executor_ctx = s,
        .listener = &s->opts->events->jobs,
        .listener_ctx = s->opts->ctx,
        .lane_of = s->opts->lane_of,
        .lane_ctx = s->opts->lane_ctx,
        .hold = s->opts->recorder != NULL,
        .settled = s->opts->settled,
    };
    int rc = lanes_open(&s->lanes, &lanes_opts);

    if (rc < 0)
        return rc;
    sched_opts.io_width = lanes_io_width(s->lanes);
    survey(s, sched_opts.io_width);
    s->sched = sched_new(&sched_opts);
    return s->sched ? 0 : UV_ENOMEM;
}

static int run_loop(struct session *s) {
    int rc;

    reserve_threads(&s->loop);
    rc = open_run(s); /* first: launchers get ready meanwhile */

    if (rc == 0)
        rc = watch_signals(s);
    if (rc < 0) {
        s->closing = true;
        if (s->lanes)
            lanes_close(s->lanes, on_lanes_closed);
        else
            close_handles(s);
        uv_run(&s->loop, UV_RUN_DEFAULT);
        return rc;
    }
    begin_recording(s);
    watch_slow(s);
    if (s->opts->events->begun)
        s->opts->events->begun(s->opts->ctx);
    s->busy_since = clock_ns();
    uv_run(&s->loop, UV_RUN_NOWAIT); /* a signal that is there already: nothing is to start */
    sched_begin(s->sched, clock_run_ns());
    rearm(s);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert(sched_done(s->sched));
    s->result->deadline_passed = sched_deadline_passed(s->sched);
    return 0;
}

int session_run(const struct session_opts *opts, struct run_result *result) {
    struct session s = {.opts = opts, .result = result};
    int rc;

    *result = (struct run_result){.plan = opts->plan, .exit = -1};
    name_run(&s);
    result->jobs = calloc((size_t)opts->plan->njobs + 1, sizeof *result->jobs);
    if (!result->jobs)
        return UV_ENOMEM;
    mem_advise_huge(result->jobs, (size_t)opts->plan->njobs * sizeof *result->jobs);
    signal(SIGPIPE, SIG_IGN); /* for good: reports are written after the run */
    signal(SIGXFSZ, SIG_IGN);
    raise_nofile(&s);
    lower_core(&s);

    reserve_memory();
    rc = try_descriptors();
    if (rc == 0)
        rc = uv_loop_init(&s.loop);
    if (rc == 0) {
        rc = init_handles(&s);
        if (rc == 0)
            rc = run_loop(&s);
        close_loop(&s);
        sched_free(s.sched);
        slow_release(&s.slow);
    }
    clock_gettime(CLOCK_REALTIME, &result->ended);
    result->wall_ns = clock_ns() - result->start_ns;
    if (rc < 0)
        run_result_release(result);
    return rc;
}

void run_result_release(struct run_result *result) {
    for (uint32_t i = 0; result->jobs && i < result->plan->njobs; i++) {
        for (uint32_t k = 0; k < result->jobs[i].nattempts; k++)
            attempt_result_release(&result->jobs[i].attempts[k]);
        free(result->jobs[i].attempts);
    }
    free(result->jobs);
    result->jobs = NULL;
}
