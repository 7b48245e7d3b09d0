/* SPDX-License-Identifier: MIT */
/* fake_run: a plan built by hand, a clock, an executor without processes and a
 * listener that writes down what it hears: what the scheduler needs of a world. */
#include "fake_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <uv.h>

#include "base/clock.h"

static const char *const no_words[] = {NULL};

static void heard(struct fake_run *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void heard(struct fake_run *f, const char *fmt, ...) {
    size_t room = sizeof f->log - f->log_len;
    va_list args;
    int n;

    if (room < 256) /* random schedules never look at it */
        return;
    if (f->log_len > 0)
        f->log_len += (size_t)snprintf(f->log + f->log_len, room, ", ");
    va_start(args, fmt);
    n = vsnprintf(f->log + f->log_len, sizeof f->log - f->log_len, fmt, args);
    va_end(args);
    assert_in_range(n, 0, 200);
    f->log_len += (size_t)n;
}

void fake_init(struct fake_run *f) {
    memset(f, 0, sizeof *f);
    f->now = 1000 * NS_PER_S;
    f->plan.jobs = f->jobs;
    f->plan.io_limit = 64;
    f->plan.cpu_workers = 2;
    f->plan.max_failures = 1;
    f->plan.max_retries = COUNT_UNLIMITED;
}

void fake_release(struct fake_run *f) {
    f->sched = sched_free(f->sched);
    for (uint32_t i = 0; i < f->plan.njobs; i++) {
        for (uint32_t k = 0; k < f->results[i].nattempts; k++)
            free(f->results[i].attempts[k].detail);
        free(f->results[i].attempts);
    }
}

uint32_t fake_job(struct fake_run *f, const char *name, enum lane lane) {
    uint32_t i = f->plan.njobs++;
    struct plan_job *j = &f->jobs[i];

    assert_in_range(i, 0, FAKE_JOBS_MAX - 1);
    snprintf(f->names[i], sizeof f->names[i], "%s", name);
    *j = (struct plan_job){
        .name = f->names[i],
        .set = &f->sets[i],
        .action = ACTION_COMMAND,
        .command = "true",
        .argv = no_words,
        .after = f->after[i],
    };
    f->sets[i] = (struct job_settings){
        .type = lane,
        .kill_after_ns = 5 * NS_PER_S,
        .retry_delay_ns = NS_PER_S,
        .retry_max_delay_ns = 60 * NS_PER_S,
        .retry_backoff = 2,
        .retry_on = {.any = true},
        .ok_exit = {{1}},
        .cpus = 1,
    };
    return i;
}

uint32_t fake_index(const struct fake_run *f, const char *job) {
    for (uint32_t i = 0; i < f->plan.njobs; i++)
        if (strcmp(f->names[i], job) == 0)
            return i;
    fail_msg("no job '%s'", job);
    return NO_JOB;
}

struct job_settings *fake_set(struct fake_run *f, const char *job) {
    return &f->sets[fake_index(f, job)];
}

struct job_result *fake_row(struct fake_run *f, const char *job) {
    return &f->results[fake_index(f, job)];
}

void fake_after(struct fake_run *f, const char *job, const char *dep) {
    uint32_t i = fake_index(f, job);

    f->after[i][f->jobs[i].nafter++] = fake_index(f, dep);
}

static void on_start(void *ctx, const struct attempt *a) {
    struct fake_run *f = ctx;
    struct fake_attempt *t = &f->attempts[a->job];

    assert_int_equal(t->phase, FAKE_IDLE);
    *t = (struct fake_attempt){.a = *a, .phase = FAKE_ASKED};
    heard(f, "start %s.%u@%u", f->names[a->job], a->number, a->slot);
    if (f->on_start)
        f->on_start(f, a);
}

static void on_stop(void *ctx, uint32_t job) {
    struct fake_run *f = ctx;

    assert_int_not_equal(f->attempts[job].phase, FAKE_IDLE);
    assert_false(f->attempts[job].told); /* once is enough: the executor does the rest */
    f->attempts[job].told = true;
    heard(f, "stop %s", f->names[job]);
}

static void on_unstarted(void *ctx, const struct job_info *job, const struct attempt *a) {
    heard(ctx, "unstarted %s.%u@%u", job->def->name, a->number, a->slot);
}

static void on_timed_out(void *ctx, const struct job_info *job) {
    struct fake_run *f = ctx;

    f->attempts[job->id].late = true;
    heard(f, "late %s", job->def->name);
}

static void on_ready(void *ctx, const struct job_info *job, int64_t after_ns) {
    struct fake_run *f = ctx;

    heard(f, "ready %s %lldms", job->def->name, (long long)(after_ns / NS_PER_MS));
    if (f->on_ready)
        f->on_ready(f, job->id);
}

static void on_waited(void *ctx, const struct job_info *job, const struct wait *list,
                      size_t count) {
    for (size_t i = 0; i < count; i++)
        heard(ctx, "waited %s %d.%u %lldms", job->def->name, (int)list[i].kind, list[i].what,
              (long long)(list[i].ns / NS_PER_MS));
}

static void on_retry(void *ctx, const struct job_info *job, int64_t delay_ns,
                     const struct attempt_end *end) {
    struct fake_run *f = ctx;

    (void)end;
    heard(f, "retry %s %lldms", job->def->name, (long long)(delay_ns / NS_PER_MS));
    if (f->on_retry)
        f->on_retry(f, job->id, delay_ns);
}

static void on_done(void *ctx, const struct job_info *job, struct attempt_end *end) {
    struct fake_run *f = ctx;
    const struct job_result *r = job->result;

    (void)end;
    f->dones[job->id]++;
    heard(f, "done %s %s%s%s%s%s%s", job->def->name, status_words[r->status], r->reason ? " (" : "",
          r->reason ? reason_words[r->reason] : "", r->reason ? ")" : "",
          r->cause != NO_JOB ? " by " : "", r->cause != NO_JOB ? f->names[r->cause] : "");
    if (f->on_done)
        f->on_done(f, job->id);
}

static uint32_t on_cpus(void *ctx, uint32_t running, uint32_t wanted) {
    struct fake_run *f = ctx;

    return f->grant ? f->grant(running, wanted) : UINT32_MAX;
}

static const struct sched_executor executor = {.start = on_start, .stop = on_stop, .cpus = on_cpus};
static const struct sched_listener listener = {.unstarted = on_unstarted,
                                               .timed_out = on_timed_out,
                                               .ready = on_ready,
                                               .waited = on_waited,
                                               .retry = on_retry,
                                               .done = on_done};

void fake_new(struct fake_run *f) {
    struct sched_opts opts = {
        .plan = &f->plan,
        .results = f->results,
        .io_width = f->plan.io_limit,
        .cpu_width = f->plan.cpu_workers,
        .seed = f->seed,
        .executor = &executor,
        .executor_ctx = f,
        .listener = &listener,
        .listener_ctx = f,
        .lane_of = f->lane_of,
        .hold = f->hold,
        .settled = f->settled,
        .explain = f->explain,
    };

    for (uint32_t i = 0; i < FAKE_JOBS_MAX; i++)
        f->order[i] = i;
    f->plan.order = f->order;
    f->sched = sched_new(&opts);
    assert_non_null(f->sched);
}

void fake_begin(struct fake_run *f) {
    if (!f->sched)
        fake_new(f);
    sched_begin(f->sched, f->now);
}

void fake_started(struct fake_run *f, uint32_t job) {
    struct fake_attempt *t = &f->attempts[job];

    assert_int_equal(t->phase, FAKE_ASKED);
    t->phase = FAKE_UP;
    sched_started(f->sched, &t->a, 4711, f->now - f->late_ns, f->now);
}

void fake_ready(struct fake_run *f, const char *job) {
    sched_ready(f->sched, &f->attempts[fake_index(f, job)].a, f->now);
}

void fake_put_off(struct fake_run *f, uint32_t job, int error) {
    struct fake_attempt *t = &f->attempts[job];
    struct attempt a = t->a; /* the next order may come from within the call */

    assert_int_equal(t->phase, FAKE_ASKED);
    t->phase = FAKE_IDLE;
    sched_put_off(f->sched, &a, error, f->now);
}

void fake_ended(struct fake_run *f, uint32_t job, struct attempt_end end) {
    struct fake_attempt *t = &f->attempts[job];
    struct attempt a = t->a;

    assert_int_not_equal(t->phase, FAKE_IDLE);
    t->phase = FAKE_IDLE;
    end.stopped = t->told;
    end.start_ns = f->now;
    sched_ended(f->sched, &a, &end, f->now);
}

void fake_up(struct fake_run *f, const char *job) {
    fake_started(f, fake_index(f, job));
}

void fake_exit(struct fake_run *f, const char *job, int status) {
    uint32_t i = fake_index(f, job);

    if (f->attempts[i].phase == FAKE_ASKED)
        fake_started(f, i);
    fake_ended(f, i, (struct attempt_end){.exit = status});
}

void fake_die(struct fake_run *f, const char *job, int sig) {
    uint32_t i = fake_index(f, job);

    if (f->attempts[i].phase == FAKE_ASKED)
        fake_started(f, i);
    fake_ended(f, i, (struct attempt_end){.exit = -1, .signal = sig});
}

void fake_cannot(struct fake_run *f, const char *job, int error) {
    fake_ended(f, fake_index(f, job),
               (struct attempt_end){
                   .error = error, .stage = SPAWN_EXEC, .exit = -1, .detail = strdup("/bin/nope")});
}

void fake_pass(struct fake_run *f, int64_t ns) {
    int64_t till = f->now + ns;

    while (sched_due(f->sched) <= till) {
        int64_t due = sched_due(f->sched);

        if (due > f->now)
            f->now = due;
        sched_advance(f->sched, f->now);
        assert_true(sched_due(f->sched) > f->now); /* else the loop would spin */
    }
    f->now = till;
}

void fake_expect(struct fake_run *f, const char *text) {
    f->log[f->log_len] = '\0';
    assert_string_equal(f->log, text);
    f->log_len = 0;
}

struct run_result *fake_result(struct fake_run *f) {
    f->result.plan = &f->plan;
    f->result.jobs = f->results;
    f->result.deadline_passed = f->sched && sched_deadline_passed(f->sched);
    return &f->result;
}
