/* SPDX-License-Identifier: MIT */
/* test_schedules_services: thousands of random runs with services, whole and resumed ones. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <uv.h>

#include "../fakes/fake_run.h"
#include "../fakes/roll.h"
#include "base/clock.h"
#include "run/followers.h"
#include "run/job.h"

#define SCHEDULES 50000
#define JOBS_MAX  10

static const struct ready_sign signs[] = {
    {.kind = READY_TARGET},
    {.kind = READY_LINE},
    {.kind = READY_DELAY, .delay_ns = NS_PER_S},
};

/* What the checks know beside the fake world. */
static struct {
    struct followers *followers;
    bool up[JOBS_MAX];     /* it was, at some time */
    bool needed[JOBS_MAX]; /* not all that comes after it has ended, or nothing does */
    bool closed;
    uint8_t settled[FAKE_JOBS_MAX];
} m;
static struct fake_run f;
static unsigned long total_up, total_good, total_late, total_shut_out, total_resumed;

static bool is_service(uint32_t job) {
    return f.sets[job].service;
}

static bool has_failed(const struct job_result *r) {
    return r->status != STATUS_NONE && r->settled == SETTLED_NO && !r->allowed;
}

/* Whether all services are, or were, up that come before a job which is left out, but for
 * those that are skipped by choice or may fail. */
static bool is_founded(uint32_t job) {
    for (uint32_t k = 0; k < f.jobs[job].nafter; k++) {
        uint32_t before = f.jobs[job].after[k];

        const struct job_result *r = &f.results[before];
        bool excused = r->allowed || r->settled == SETTLED_SKIPPED;

        if (m.settled[before] ? !is_founded(before)
                              : is_service(before) && !m.up[before] && !excused)
            return false;
    }
    return true;
}

static void check_start(struct fake_run *run, const struct attempt *a) {
    const struct plan_job *p = &f.jobs[a->job];
    enum when when = f.sets[a->job].when;

    (void)run;
    assert_false(m.closed);
    assert_false(m.settled[a->job]);
    for (uint32_t k = 0; k < p->nafter; k++) {
        uint32_t before = p->after[k];
        const struct job_result *r = &f.results[before];

        assert_true(m.up[before] || r->status != STATUS_NONE);
        if (when != WHEN_SUCCESS)
            continue;
        assert_true(a->number > 1 || !has_failed(r));
        assert_true(!m.settled[before] || is_founded(before));
    }
}

static void check_ready(struct fake_run *run, uint32_t job) {
    (void)run;
    assert_true(is_service(job));
    assert_false(m.up[job]);
    m.up[job] = true;
    total_up++;
}

static void ignore(void *ctx, uint32_t job) {
    (void)ctx;
    (void)job;
}

static void check_done(struct fake_run *run, uint32_t job) {
    const struct job_result *r = &f.results[job];

    (void)run;
    assert_int_equal(f.dones[job], 1);
    assert_int_equal(r->status == STATUS_RESUMED, m.settled[job] != 0);
    followers_ended(m.followers, job, ignore, NULL);
    if (r->status == STATUS_SKIPPED && r->cause != NO_JOB && m.up[r->cause])
        total_shut_out++;
    total_resumed += r->status == STATUS_RESUMED;
    if (!is_service(job))
        return;
    if (r->status == STATUS_OK)
        assert_false(m.needed[job]);
    total_good += r->status == STATUS_OK;
    if (r->reason == REASON_NOT_READY)
        assert_false(m.up[job]);
    total_late += r->reason == REASON_NOT_READY;
    assert_true(r->status != STATUS_TIMEOUT || r->reason == REASON_NOT_READY);
}

static void make_plan(void) {
    uint32_t n = 1 + roll(JOBS_MAX);
    bool resumed = one_in(3);

    f.plan.on_failure = one_in(4) ? (enum on_failure)roll(3) : ON_FAILURE_CONTINUE;
    f.plan.max_failures = 1 + roll(2);
    f.seed = roll_state;
    f.hold = one_in(4);
    for (uint32_t i = 0; i < n; i++) {
        char name[16];
        struct job_settings *p;

        snprintf(name, sizeof name, "j%u", i);
        p = &f.sets[fake_job(&f, name, LANE_IO)];
        p->service = one_in(3);
        p->ready = p->service && !one_in(3) ? &signs[roll(3)] : NULL;
        p->when = one_in(5) ? (enum when)roll(3) : WHEN_SUCCESS;
        p->allow_failure = one_in(6);
        p->retries = one_in(3) ? roll(3) : 0;
        p->timeout_ns = one_in(3) ? (1 + roll(4)) * NS_PER_S : 0;
        for (uint32_t k = 0; k < i; k++)
            if (one_in(3))
                f.after[i][f.jobs[i].nafter++] = k;
        m.settled[i] = resumed && !p->service && one_in(2) ? SETTLED_OK : SETTLED_NO;
    }
    f.settled = resumed ? m.settled : NULL;
}

/* As the session does it: a service that has begun, and that nothing needs any more. */
static void end_services(void) {
    for (uint32_t i = 0; i < f.plan.njobs; i++) {
        m.needed[i] =
            !followers_gone(m.followers, i) || (!followers_any(m.followers, i) && !m.up[i]);
        if (is_service(i) && !m.needed[i])
            sched_unneeded(f.sched, i, f.now);
    }
}

/* What runs. NO_JOB: nothing does. */
static uint32_t any_busy(void) {
    uint32_t busy[JOBS_MAX], n = 0;

    for (uint32_t i = 0; i < f.plan.njobs; i++)
        if (f.attempts[i].phase != FAKE_IDLE)
            busy[n++] = i;
    return n > 0 ? busy[roll(n)] : NO_JOB;
}

static void go_on(uint32_t job) {
    struct fake_attempt *t = &f.attempts[job];

    if (t->phase == FAKE_ASKED && t->told)
        fake_ended(&f, job, (struct attempt_end){.error = UV_ECANCELED, .exit = -1});
    else if (t->phase == FAKE_ASKED)
        fake_started(&f, job);
    else if (is_service(job) && !t->told && !one_in(8))
        fake_ready(&f, f.names[job]); /* where it is a matter of time, too: no harm */
    else if (one_in(4))
        fake_ended(&f, job, (struct attempt_end){.exit = -1, .signal = SIGTERM});
    else
        fake_ended(&f, job, (struct attempt_end){.exit = one_in(5)});
}

/* One thing happens, where one can. */
static void happen(void) {
    uint32_t job = any_busy();
    int64_t due = sched_due(f.sched);

    if (f.hold && one_in(5)) {
        f.hold = false;
        sched_release(f.sched, f.now);
    } else if (one_in(100)) {
        m.closed = true;
        sched_interrupt(f.sched, f.now);
    } else if (job != NO_JOB && !one_in(4)) {
        go_on(job);
    } else if (due != INT64_MAX) {
        fake_pass(&f, due > f.now ? due - f.now : 0);
    } else {
        assert_true(job != NO_JOB || f.hold);
    }
}

static void one_schedule(uint64_t seed) {
    memset(&m, 0, sizeof m);
    fake_init(&f);
    roll_state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    f.on_start = check_start;
    f.on_ready = check_ready;
    f.on_done = check_done;
    make_plan();
    m.followers = followers_new(&f.plan);
    assert_non_null(m.followers);
    fake_begin(&f);
    for (int steps = 0; !sched_done(f.sched); steps++) {
        assert_in_range(steps, 0, 5000);
        happen();
        end_services();
    }
    for (uint32_t i = 0; i < f.plan.njobs; i++)
        assert_int_equal(f.dones[i], 1);
    followers_free(m.followers);
    fake_release(&f);
}

static void random_schedules_keep_all_promises(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SCHEDULES; seed++)
        one_schedule(seed);
    /* They did reach what they are meant to try. */
    assert_true(total_up > SCHEDULES / 2UL);
    assert_true(total_good > SCHEDULES / 4UL);
    assert_true(total_late > SCHEDULES / 100UL);
    assert_true(total_shut_out > SCHEDULES / 100UL);
    assert_true(total_resumed > SCHEDULES / 4UL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_schedules_keep_all_promises),
    };

    return cmocka_run_group_tests_name("schedules_services", tests, NULL, NULL);
}
