/* SPDX-License-Identifier: MIT */
/* test_schedules: thousands of random runs of the scheduler, and what must hold in each. */
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
#include "run/job.h"

#define SCHEDULES 50000
#define JOBS_MAX  14
#define SLOTS_MAX 16

/* What the checks know beside the fake world. */
struct model {
    uint32_t owner[LANES][SLOTS_MAX]; /* job that holds a slot, or NO_JOB */
    int64_t not_before[JOBS_MAX];     /* of the next attempt */
    uint32_t retries, retries_of[JOBS_MAX];
    uint32_t starts[JOBS_MAX];
    uint32_t failures; /* that count for max-failures */
    bool closed;       /* nothing may start any more */
    bool scarce;       /* a start was put off: lanes may be narrow */
    int64_t deadline;
};

static struct fake_run f;
static struct model m;
static unsigned long total_starts, total_retries, total_cancelled, total_skipped;

static uint32_t weight(uint32_t job) {
    return f.sets[job].type == LANE_IO ? 1 : f.sets[job].cpus;
}

static bool succeeded(const struct job_result *r) {
    return r->status == STATUS_OK || r->allowed;
}

static bool unwanted(const struct job_result *r) {
    return r->status == STATUS_SKIPPED && r->reason == REASON_NONE;
}

static void model_give(uint32_t job) {
    for (int lane = 0; lane < LANES; lane++)
        for (uint32_t i = 0; i < SLOTS_MAX; i++)
            if (m.owner[lane][i] == job)
                m.owner[lane][i] = NO_JOB;
}

/* The lowest free slots of the lane, all below its limit. */
static void model_take(const struct attempt *a) {
    enum lane lane = f.sets[a->job].type;
    uint32_t limit = lane == LANE_IO ? f.plan.io_limit : f.plan.cpu_workers;
    uint32_t left = weight(a->job), first = NO_JOB;

    for (uint32_t i = 0; i < limit && left > 0; i++) {
        if (m.owner[lane][i] != NO_JOB)
            continue;
        m.owner[lane][i] = a->job;
        first = first == NO_JOB ? i : first;
        left--;
    }
    assert_int_equal(left, 0); /* else the limit was exceeded */
    assert_int_equal(a->slot, first);
}

/* `when` over what it comes after, judged anew. */
static bool wanted(uint32_t job) {
    const struct plan_job *p = &f.jobs[job];
    enum when when = f.sets[job].when;
    bool failed = false, unwished = false;

    for (uint32_t k = 0; k < p->nafter; k++) {
        const struct job_result *r = &f.results[p->after[k]];

        assert_int_not_equal(r->status, STATUS_NONE);
        failed |= !succeeded(r) && !unwanted(r);
        unwished |= unwanted(r);
    }
    return when == WHEN_ALWAYS || (when == WHEN_FAILURE ? failed : !failed && !unwished);
}

static void check_start(struct fake_run *run, const struct attempt *a) {
    const struct job_settings *p = &f.sets[a->job];

    (void)run;
    assert_false(m.closed);
    assert_true(f.now < m.deadline);
    assert_true(wanted(a->job));
    assert_true(f.now >= m.not_before[a->job]);
    assert_int_equal(a->number, m.retries_of[a->job] + 1);
    assert_int_equal(f.results[a->job].status, STATUS_NONE);
    model_take(a);
    m.starts[a->job]++;
    total_starts++;
    /* Nobody who should have gone first is left behind. */
    for (uint32_t i = 0; i < f.plan.njobs; i++)
        if (i != a->job && f.sets[i].type == p->type && sched_view(f.sched, i).state == JOB_READY)
            assert_true(f.sets[i].priority < p->priority ||
                        (f.sets[i].priority == p->priority && i > a->job));
}

static void check_retry(struct fake_run *run, uint32_t job, int64_t delay_ns) {
    const struct job_settings *p = &f.sets[job];
    double most = (double)p->retry_delay_ns;

    (void)run;
    for (uint32_t i = 0; i < m.retries_of[job]; i++)
        most *= p->retry_backoff;
    if (most > (double)p->retry_max_delay_ns)
        most = (double)p->retry_max_delay_ns;
    assert_true((double)delay_ns <= most + 1);
    assert_true((double)delay_ns >= most * (1 - p->retry_jitter) - 1);
    assert_false(m.closed);
    m.retries++;
    m.retries_of[job]++;
    assert_in_range(m.retries_of[job], 1, p->retries);
    assert_in_range(m.retries, 1, f.plan.max_retries);
    m.not_before[job] = f.now + delay_ns;
    model_give(job);
    total_retries++;
}

static void check_done(struct fake_run *run, uint32_t job) {
    const struct job_result *r = &f.results[job];
    bool failed = r->status == STATUS_FAILED || r->status == STATUS_TIMEOUT;

    (void)run;
    model_give(job);
    assert_int_equal(f.dones[job], 1);
    assert_int_equal(f.attempts[job].phase, FAKE_IDLE);
    assert_int_not_equal(r->status, STATUS_NONE);
    assert_int_equal(r->allowed, failed && f.sets[job].allow_failure);
    assert_true(r->nattempts <= m.retries_of[job] + 1);
    if (r->nattempts == 0)
        assert_int_equal(r->wait_ns, 0);
    if (failed) {
        /* It had all the attempts that it and the budget allow. */
        assert_true(m.closed || r->nattempts == f.sets[job].retries + 1 ||
                    m.retries == f.plan.max_retries);
        assert_int_equal(r->cause, NO_JOB);
    }
    if (r->cause != NO_JOB) {
        const struct job_result *cause = &f.results[r->cause];

        assert_true(cause->status == STATUS_FAILED || cause->status == STATUS_TIMEOUT);
        assert_false(cause->allowed);
    }
    if (r->status == STATUS_SKIPPED && r->nattempts == 0) {
        assert_int_equal(r->cause != NO_JOB, r->reason == REASON_DEPENDENCY);
        if (r->reason == REASON_NONE)
            assert_false(wanted(job));
    }
    if (r->status == STATUS_CANCELLED) {
        assert_true(m.closed || m.failures >= f.plan.max_failures || f.now >= m.deadline);
        total_cancelled++;
    }
    total_skipped += r->status == STATUS_SKIPPED;
    m.failures += failed && !r->allowed;
}

/* After each call: does the world agree with itself? */
static void check_world(void) {
    struct sched_counts c = sched_counts(f.sched);
    uint32_t sum = 0, head, used[LANES] = {0};

    for (int s = 0; s < JOB_STATES; s++)
        sum += c.by_state[s];
    assert_int_equal(sum, f.plan.njobs);
    for (uint32_t i = 0; i < f.plan.njobs; i++)
        if (f.attempts[i].phase != FAKE_IDLE)
            used[f.sets[i].type] += weight(i);
    for (int lane = 0; lane < LANES; lane++) {
        uint32_t limit = lane == LANE_IO ? f.plan.io_limit : f.plan.cpu_workers;

        assert_int_equal(c.running[lane], used[lane]);
        assert_in_range(c.width[lane], 1, limit);
        assert_in_range(used[lane], 0, limit);
        if (m.scarce || m.closed || f.now >= m.deadline)
            continue;
        assert_int_equal(c.width[lane], limit);
        /* No slot is idle while the first in the queue would fit. */
        head = NO_JOB;
        for (uint32_t i = 0; i < f.plan.njobs; i++)
            if ((int)f.sets[i].type == lane && sched_view(f.sched, i).state == JOB_READY &&
                (head == NO_JOB || f.sets[i].priority > f.sets[head].priority))
                head = i;
        if (head != NO_JOB)
            assert_true(used[lane] + weight(head) > limit);
    }
    if (m.failures >= f.plan.max_failures && f.plan.on_failure != ON_FAILURE_CONTINUE)
        m.closed = true;
    if (sched_deadline_passed(f.sched))
        m.closed = true;
    if (m.closed)
        assert_int_equal(c.by_state[JOB_WAITING] + c.by_state[JOB_READY] + c.by_state[JOB_BACKOFF],
                         0);
}

static void make_plan(void) {
    uint32_t n = 1 + roll(JOBS_MAX);

    f.plan.io_limit = 1 + roll(4);
    f.plan.cpu_workers = 1 + roll(4);
    f.plan.on_failure = (enum on_failure)roll(3);
    f.plan.max_failures = 1 + roll(3);
    f.plan.max_retries = one_in(2) ? COUNT_UNLIMITED : roll(6);
    f.plan.deadline_ns = one_in(4) ? (1 + roll(60)) * NS_PER_S : 0;
    f.seed = roll_state;
    for (uint32_t i = 0; i < n; i++) {
        char name[16];
        struct job_settings *p;

        snprintf(name, sizeof name, "j%u", i);
        p = &f.sets[fake_job(&f, name, one_in(2) ? LANE_IO : LANE_CPU)];
        p->cpus = p->type == LANE_CPU ? 1 + roll(f.plan.cpu_workers) : 1;
        p->priority = one_in(3) ? (int32_t)roll(5) - 2 : 0;
        p->when = one_in(3) ? (enum when)roll(3) : WHEN_SUCCESS;
        p->allow_failure = one_in(5);
        p->retries = one_in(2) ? roll(4) : 0;
        p->retry_jitter = roll(5) / 4.0;
        p->retry_backoff = 1 + roll(3);
        p->retry_delay_ns = roll(4) * NS_PER_S;
        p->retry_max_delay_ns = (2 + roll(5)) * NS_PER_S;
        p->timeout_ns = one_in(3) ? (1 + roll(9)) * NS_PER_S : 0;
        p->skip_exit.bits[0] = one_in(4) ? 1U << 7 : 0;
        for (uint32_t k = 0; k < i; k++)
            if (one_in(4))
                f.after[i][f.jobs[i].nafter++] = k;
    }
    memset(m.owner, 0xff, sizeof m.owner); /* NO_JOB in each */
    m.deadline = f.plan.deadline_ns ? f.now + f.plan.deadline_ns : INT64_MAX;
}

static void end_some(uint32_t job) {
    static const int exits[] = {0, 0, 0, 1, 7, 255};
    struct fake_attempt *t = &f.attempts[job];

    if (t->phase == FAKE_ASKED && (t->told || one_in(8)))
        fake_ended(&f, job,
                   (struct attempt_end){.error = t->told ? UV_ECANCELED : UV_ENOENT,
                                        .stage = SPAWN_EXEC,
                                        .exit = -1});
    else if (t->phase == FAKE_ASKED)
        fake_started(&f, job);
    else if (one_in(6))
        fake_ended(&f, job, (struct attempt_end){.exit = -1, .signal = SIGSEGV});
    else
        fake_ended(&f, job, (struct attempt_end){.exit = exits[roll(6)]});
}

/* One thing happens. False when nothing can: nothing runs, nothing is due. */
static bool happen(void) {
    uint32_t busy[JOBS_MAX], n = 0, job;

    for (uint32_t i = 0; i < f.plan.njobs; i++)
        if (f.attempts[i].phase != FAKE_IDLE)
            busy[n++] = i;
    if (one_in(3) || n == 0) {
        int64_t due = sched_due(f.sched);

        if (n == 0 && due == INT64_MAX)
            return false;
        fake_pass(&f, n == 0 && due > f.now ? due - f.now : roll(3) * NS_PER_S);
        return true;
    }
    job = busy[roll(n)];
    if (one_in(60)) {
        m.closed = true;
        sched_interrupt(f.sched, f.now);
    } else if (f.attempts[job].phase == FAKE_ASKED && one_in(12)) {
        m.scarce = true;
        model_give(job);
        fake_put_off(&f, job, UV_EAGAIN);
    } else {
        end_some(job);
    }
    return true;
}

static void one_schedule(uint64_t seed) {
    fake_init(&f);
    memset(&m, 0, sizeof m);
    roll_state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    f.on_start = check_start;
    f.on_retry = check_retry;
    f.on_done = check_done;
    make_plan();
    fake_begin(&f);
    for (int steps = 0; !sched_done(f.sched); steps++) {
        assert_in_range(steps, 0, 5000);
        check_world();
        assert_true(happen());
    }
    check_world();
    for (uint32_t i = 0; i < f.plan.njobs; i++)
        assert_int_equal(f.dones[i], 1);
    assert_true(sched_due(f.sched) == INT64_MAX || sched_counts(f.sched).running[LANE_IO] == 0);
    fake_release(&f);
}

static void random_schedules_keep_all_promises(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SCHEDULES; seed++)
        one_schedule(seed);
    /* They did reach what they are meant to try. */
    assert_true(total_starts > SCHEDULES * 2UL);
    assert_true(total_retries > SCHEDULES / 4UL);
    assert_true(total_cancelled > SCHEDULES / 2UL);
    assert_true(total_skipped > SCHEDULES / 2UL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_schedules_keep_all_promises),
    };

    return cmocka_run_group_tests_name("schedules", tests, NULL, NULL);
}
