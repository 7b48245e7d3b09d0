/* SPDX-License-Identifier: MIT */
/* test_schedules_limits: random runs under shared limits, and what must hold in each.
 * SCHEDULES=1000000 in the environment is the long form. */
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

#define SCHEDULES  20000
#define JOBS_MAX   14
#define LIMITS_MAX 4
#define STARTS_MAX 400

/* One limit by the test's own book. */
struct book {
    struct plan_limit is;
    uint32_t used;
    int64_t starts[STARTS_MAX];
    uint32_t nstarts, asked; /* asked for, and neither started nor given up */
    uint32_t failures;
    bool open, probing;
    uint32_t probe;
    int64_t till; /* no probe before */
};

static struct fake_run f;
static struct {
    struct book books[LIMITS_MAX];
    struct plan_limit limits[LIMITS_MAX];
    uint32_t nlimits;
    struct {
        struct limit_set set;
        uint32_t list[LIMITS_MAX];
    } sets[JOBS_MAX];
    bool holds[JOBS_MAX], asked[JOBS_MAX];
    uint64_t memory;     /* reserved */
    bool scarce, closed; /* a start was put off; nothing starts any more */
    uint32_t failures;
} m;
static unsigned long total_starts, total_full, total_dry, total_opened, total_probes, total_refused;

static const struct limit_set *set_of(uint32_t job) {
    return f.sets[job].shared;
}

/* Whether so many starts now would be too many for some span of time that ends now. */
static bool dry(const struct book *b, uint64_t count) {
    if (!b->is.rate.count)
        return false;
    if (count > b->is.burst)
        return true;
    for (uint32_t i = b->nstarts; i-- > 0;) {
        uint64_t come = (uint64_t)(f.now - b->starts[i]) * b->is.rate.count;

        count++;
        if (count > b->is.burst && (count - b->is.burst) * (uint64_t)b->is.rate.per_ns > come)
            return true;
    }
    return false;
}

/* Why a job cannot start by its limits, judged anew: "" when it can. */
static bool kept_out(uint32_t job) {
    const struct limit_set *set = set_of(job);

    for (uint32_t k = 0; set && k < set->count; k++) {
        const struct book *b = &m.books[set->list[k]];

        if ((b->is.concurrency && b->used >= b->is.concurrency) || dry(b, b->asked + 1) ||
            (b->open && (f.now < b->till || b->probing)))
            return true;
    }
    return f.sets[job].memory > f.plan.memory - m.memory;
}

static bool refused(uint32_t job) {
    const struct limit_set *set = set_of(job);

    for (uint32_t k = 0; set && k < set->count; k++) {
        const struct book *b = &m.books[set->list[k]];

        if (b->is.action == BREAKER_FAIL && b->open && f.now < b->till)
            return true;
    }
    return false;
}

static void check_start(struct fake_run *run, const struct attempt *a) {
    const struct limit_set *set = set_of(a->job);

    (void)run;
    assert_false(m.holds[a->job]);
    assert_false(kept_out(a->job)); /* all of them let it in, at this moment */
    for (uint32_t k = 0; set && k < set->count; k++) {
        struct book *b = &m.books[set->list[k]];

        b->used++;
        total_full += b->used == b->is.concurrency;
        b->asked++;
        total_dry += dry(b, b->asked + 1);
        if (b->open) {
            b->probing = true;
            b->probe = a->job;
            total_probes++;
        }
    }
    m.holds[a->job] = m.asked[a->job] = true;
    m.memory += f.sets[a->job].memory;
    total_starts++;
}

/* The attempt's process starts now, or cannot. */
static void start(uint32_t job) {
    const struct limit_set *set = set_of(job);

    for (uint32_t k = 0; m.asked[job] && set && k < set->count; k++) {
        struct book *b = &m.books[set->list[k]];

        assert_false(dry(b, 1));
        assert_in_range(b->nstarts, 0, STARTS_MAX - 1);
        b->starts[b->nstarts++] = f.now;
        b->asked--;
    }
    m.asked[job] = false;
}

/* The attempt gives back what it held; `undone`: it never was. */
static void give(uint32_t job, bool undone, bool ok, bool failed) {
    const struct limit_set *set = set_of(job);

    assert_true(m.holds[job]);
    m.holds[job] = false;
    m.memory -= f.sets[job].memory;
    for (uint32_t k = 0; set && k < set->count; k++) {
        struct book *b = &m.books[set->list[k]];
        bool probe = b->probing && b->probe == job;

        b->used--;
        b->asked -= undone;
        if (probe)
            b->probing = false;
        if (!b->is.breaker || undone || (b->open && !probe))
            continue;
        if (ok) {
            b->open = false;
            b->failures = 0;
        } else if (failed && (probe || ++b->failures >= b->is.breaker)) {
            b->open = true;
            b->failures = 0;
            b->till = f.now + b->is.cooldown_ns;
            total_opened++;
        }
    }
}

static void check_done(struct fake_run *run, uint32_t job) {
    const struct job_result *r = &f.results[job];

    (void)run;
    assert_int_equal(f.dones[job], 1);
    assert_false(m.holds[job]);
    if (r->reason == REASON_BREAKER) {
        assert_true(refused(job));
        assert_int_equal(r->status, STATUS_FAILED);
        total_refused++;
    }
    m.failures += r->status == STATUS_FAILED || r->status == STATUS_TIMEOUT;
    if (f.plan.on_failure == ON_FAILURE_CANCEL && m.failures >= f.plan.max_failures)
        m.closed = true;
}

static bool before(uint32_t a, uint32_t b) {
    int32_t of_a = f.sets[a].priority, of_b = f.sets[b].priority;

    return of_a != of_b ? of_a > of_b : a < b;
}

/* Whether one that comes before it waits for more memory than there is. */
static bool queues_for_memory(uint32_t job) {
    for (uint32_t i = 0; f.sets[job].memory && i < f.plan.njobs; i++)
        if (before(i, job) && sched_view(f.sched, i).state == JOB_READY &&
            f.sets[i].memory > f.plan.memory - m.memory)
            return true;
    return false;
}

/* After each call: nobody stands about who could run. */
static void check_world(void) {
    uint32_t used[LANES] = {0};

    for (uint32_t i = 0; i < f.plan.njobs; i++)
        if (f.attempts[i].phase != FAKE_IDLE)
            used[f.sets[i].type] += f.sets[i].type == LANE_IO ? 1 : f.sets[i].cpus;
    for (uint32_t i = 0; i < m.nlimits; i++)
        if (m.books[i].is.concurrency)
            assert_in_range(m.books[i].used, 0, m.books[i].is.concurrency);
    if (m.scarce || m.closed || sched_deadline_passed(f.sched))
        return;
    for (int lane = 0; lane < LANES; lane++) {
        uint32_t limit = lane == LANE_IO ? f.plan.io_limit : f.plan.cpu_workers, head = NO_JOB;
        bool queued = false;

        for (uint32_t i = 0; i < f.plan.njobs; i++) {
            if ((int)f.sets[i].type != lane || sched_view(f.sched, i).state != JOB_READY)
                continue;
            assert_false(refused(i));
            if (kept_out(i))
                continue;
            queued |= queues_for_memory(i);
            if (head == NO_JOB || before(i, head))
                head = i;
        }
        /* Of one that may have to queue for memory the book does not know whether it does. */
        if (head != NO_JOB && !queued)
            assert_true(used[lane] + f.sets[head].cpus > limit);
    }
}

static void make_limits(void) {
    m.nlimits = 1 + roll(LIMITS_MAX);
    for (uint32_t i = 0; i < m.nlimits; i++) {
        struct plan_limit *l = &m.limits[i];

        *l = (struct plan_limit){.name = "l"};
        if (one_in(2))
            l->concurrency = 1 + roll(3);
        if (one_in(2)) {
            l->rate.count = 1 + roll(5);
            l->rate.per_ns = (1 + roll(3)) * NS_PER_S;
            l->burst = 1 + roll(4);
        }
        if (one_in(3)) {
            l->breaker = 1 + roll(3);
            l->cooldown_ns = roll(4) * NS_PER_S;
            l->action = one_in(2) ? BREAKER_WAIT : BREAKER_FAIL;
        }
        m.books[i].is = *l;
    }
    f.plan.limits = m.limits;
    f.plan.nlimits = m.nlimits;
}

static void make_plan(void) {
    uint32_t n = 1 + roll(JOBS_MAX);

    f.plan.io_limit = 1 + roll(6);
    f.plan.cpu_workers = 1 + roll(4);
    f.plan.on_failure = one_in(8) ? ON_FAILURE_CANCEL : ON_FAILURE_CONTINUE;
    f.plan.max_failures = 1 + roll(3);
    f.plan.deadline_ns = one_in(10) ? (1 + roll(30)) * NS_PER_S : 0;
    f.plan.memory = one_in(2) ? 1 + roll(8) : 0;
    f.seed = roll_state;
    make_limits();
    for (uint32_t i = 0; i < n; i++) {
        struct limit_set *set = &m.sets[i].set;
        struct job_settings *p;
        char name[16];

        snprintf(name, sizeof name, "j%u", i);
        p = &f.sets[fake_job(&f, name, one_in(2) ? LANE_IO : LANE_CPU)];
        p->cpus = p->type == LANE_CPU ? 1 + roll(f.plan.cpu_workers) : 1;
        p->priority = one_in(3) ? (int32_t)roll(5) - 2 : 0;
        p->retries = one_in(2) ? roll(4) : 0;
        p->retry_delay_ns = roll(3) * NS_PER_S / 2;
        p->timeout_ns = one_in(4) ? (1 + roll(5)) * NS_PER_S : 0;
        p->skip_exit.bits[0] = one_in(4) ? 1U << 7 : 0;
        for (uint32_t k = 0; k < m.nlimits; k++)
            if (one_in(2))
                set->list[set->count++] = k;
        p->shared = set->count ? set : NULL;
        p->memory = f.plan.memory && one_in(2) ? 1 + roll((uint32_t)f.plan.memory) : 0;
        for (uint32_t k = 0; k < i; k++)
            if (one_in(8))
                f.after[i][f.jobs[i].nafter++] = k;
    }
}

/* What runs, or is asked to, ends or goes on. */
static void go_on(uint32_t job) {
    static const int exits[] = {0, 0, 0, 1, 7, 1};
    struct fake_attempt *t = &f.attempts[job];
    struct attempt_end end = {.exit = exits[roll(6)]};
    bool skipped;

    if (t->phase == FAKE_ASKED && t->told) {
        end = (struct attempt_end){.error = UV_ECANCELED, .stage = SPAWN_EXEC, .exit = -1};
    } else if (t->phase == FAKE_ASKED && one_in(8)) {
        end = (struct attempt_end){.error = UV_ENOENT, .stage = SPAWN_EXEC, .exit = -1};
    } else if (t->phase == FAKE_ASKED) {
        start(job);
        fake_started(&f, job);
        return;
    }
    start(job); /* if it never was */
    skipped = !end.error && end.exit == 7 && f.sets[job].skip_exit.bits[0];
    if (t->told) /* whatever it exits with */
        give(job, false, false, t->late);
    else
        give(job, false, end.exit == 0, end.exit != 0 && !skipped);
    fake_ended(&f, job, end);
}

/* One thing happens. False when nothing can. */
static bool happen(void) {
    uint32_t busy[JOBS_MAX], n = 0, job;

    for (uint32_t i = 0; i < f.plan.njobs; i++)
        if (f.attempts[i].phase != FAKE_IDLE)
            busy[n++] = i;
    if (one_in(3) || n == 0) {
        int64_t due = sched_due(f.sched);

        if (n == 0 && due == INT64_MAX)
            return false;
        fake_pass(&f, n == 0 && due > f.now ? due - f.now : roll(2000) * NS_PER_MS);
        return true;
    }
    job = busy[roll(n)];
    if (one_in(200)) {
        m.closed = true;
        sched_interrupt(f.sched, f.now);
    } else if (f.attempts[job].phase == FAKE_ASKED && one_in(16)) {
        m.scarce = true;
        give(job, true, false, false);
        m.asked[job] = false;
        fake_put_off(&f, job, UV_EAGAIN);
    } else {
        go_on(job);
    }
    return true;
}

static void one_schedule(uint64_t seed) {
    fake_init(&f);
    memset(&m, 0, sizeof m);
    roll_state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    f.on_start = check_start;
    f.on_done = check_done;
    make_plan();
    fake_begin(&f);
    for (int steps = 0; !sched_done(f.sched); steps++) {
        assert_in_range(steps, 0, 5000);
        check_world();
        assert_true(happen()); /* else a wake-up was lost */
    }
    for (uint32_t i = 0; i < f.plan.njobs; i++)
        assert_int_equal(f.dones[i], 1);
    for (uint32_t i = 0; i < m.nlimits; i++)
        assert_int_equal(m.books[i].used, 0);
    assert_int_equal(m.memory, 0);
    fake_release(&f);
}

static void random_schedules_keep_their_limits(void **state) {
    const char *wanted = getenv("SCHEDULES");
    uint64_t n = wanted ? strtoull(wanted, NULL, 10) : SCHEDULES;

    (void)state;
    for (uint64_t seed = 1; seed <= n; seed++)
        one_schedule(seed);
    /* They did reach what they are meant to try. */
    assert_true(total_starts > n * 5);
    assert_true(total_full > n);
    assert_true(total_dry > n);
    assert_true(total_opened > n / 2);
    assert_true(total_probes > n / 4);
    assert_true(total_refused > n / 10);
}

/* 300 starts at 50/s with a burst of 10, and a second limit on them. */
static void a_rate_is_kept_in_every_second(void **state) {
    static const struct plan_limit limits[] = {
        {.name = "rate", .rate = {50, NS_PER_S}, .burst = 10},
        {.name = "places", .concurrency = 3},
    };
    static int64_t starts[300];
    uint32_t n = 0, running = 0, most = 0;
    int64_t begun;

    (void)state;
    fake_init(&f);
    memset(&m, 0, sizeof m);
    m.sets[0].set.count = 2;
    m.sets[0].set.list[1] = 1;
    f.plan.limits = limits;
    f.plan.nlimits = 2;
    for (uint32_t i = 0; i < 60; i++) {
        struct job_settings *p = &f.sets[fake_job(&f, "j", i % 2 ? LANE_IO : LANE_CPU)];

        p->shared = &m.sets[0].set;
        p->retries = 4;
        p->retry_delay_ns = 0;
    }
    fake_begin(&f);
    begun = f.now;
    while (!sched_done(f.sched)) {
        int64_t due = sched_due(f.sched);
        bool ended = false;

        for (uint32_t i = 0; i < 60; i++)
            if (f.attempts[i].phase == FAKE_ASKED) {
                fake_started(&f, i);
                assert_in_range(n, 0, 299);
                starts[n++] = f.now;
                running++;
            }
        most = running > most ? running : most;
        for (uint32_t i = 0; i < 60 && !ended; i++)
            if (f.attempts[i].phase == FAKE_UP) {
                running--;
                fake_ended(&f, i, (struct attempt_end){.exit = 1});
                ended = true;
            }
        if (!ended)
            fake_pass(&f, due - f.now);
    }
    assert_int_equal(n, 300);
    assert_int_equal(most, 3);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = i;

        while (k < n && starts[k] <= starts[i] + NS_PER_S)
            k++;
        assert_in_range(k - i, 1, 60);
    }
    assert_true(starts[n - 1] - begun == (300 - 10) * NS_PER_S / 50);
    fake_release(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_schedules_keep_their_limits),
        cmocka_unit_test(a_rate_is_kept_in_every_second),
    };

    return cmocka_run_group_tests_name("schedules_limits", tests, NULL, NULL);
}
