/* SPDX-License-Identifier: MIT */
/* test_ready: who is next, when jobs share limits; and what it costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "run/ready.h"
#include "run/result.h"

#define MANY 100000
#define SETS 8

/* A plan by hand: jobs in a row, each with one of some settings. */
static struct {
    struct plan plan;
    struct plan_job *jobs;
    struct job_settings sets[SETS];
    struct plan_limit limits[4];
    struct slots slots[LANES];
    struct ready *ready;
    uint64_t compared;
    int64_t now;
} w;

static bool in_order(const void *ctx, uint32_t a, uint32_t b) {
    (void)ctx;
    w.compared++;
    return a < b;
}

/* The set of those limits whose bit is there. */
static const struct limit_set *set_of(unsigned bits) {
    struct limit_set *set = malloc(sizeof *set + 4 * sizeof *set->list);

    assert_non_null(set);
    set->count = 0;
    for (uint32_t i = 0; i < 4; i++)
        if (bits & 1U << i)
            set->list[set->count++] = i;
    return set;
}

static void begin(uint32_t njobs, uint32_t io, uint32_t cpu) {
    memset(&w, 0, sizeof w);
    w.now = 1000 * NS_PER_S;
    w.jobs = calloc(njobs, sizeof *w.jobs);
    assert_non_null(w.jobs);
    w.plan.jobs = w.jobs;
    w.plan.njobs = njobs;
    w.plan.limits = w.limits;
    w.plan.nlimits = 4;
    for (uint32_t i = 0; i < SETS; i++)
        w.sets[i] = (struct job_settings){.type = LANE_IO, .cpus = 1};
    for (uint32_t i = 0; i < njobs; i++)
        w.jobs[i].set = &w.sets[0];
    assert_int_equal(slots_init(&w.slots[LANE_IO], io, njobs), 0);
    assert_int_equal(slots_init(&w.slots[LANE_CPU], cpu, njobs), 0);
}

static void open_ready(void) {
    w.ready = ready_new(
        &(struct ready_opts){.plan = &w.plan, .slots = w.slots, .njobs = w.plan.njobs, in_order});
    assert_non_null(w.ready);
}

static void end(void) {
    ready_free(w.ready);
    for (int lane = 0; lane < LANES; lane++)
        slots_release(&w.slots[lane]);
    for (uint32_t i = 0; i < SETS; i++)
        free((void *)(uintptr_t)w.sets[i].shared);
    free(w.jobs);
}

static void push(uint32_t job) {
    ready_push(w.ready, ready_group(w.ready, job, w.jobs[job].set->type), job, w.now);
}

/* The next that starts, with its slots taken, whose first is in *slot; or NO_JOB. */
static uint32_t next(uint32_t *slot) {
    uint32_t job, first;
    enum ready_answer answer = ready_next(w.ready, w.now, &job);

    if (answer == READY_NONE)
        return NO_JOB;
    assert_int_equal(answer, READY_START);
    ready_started(w.ready, ready_group(w.ready, job, w.jobs[job].set->type), w.now, w.now);
    first = slots_take(&w.slots[w.jobs[job].set->type], w.jobs[job].set->cpus);
    if (slot)
        *slot = first;
    return job;
}

static void over(uint32_t job, uint32_t slot) {
    slots_give(&w.slots[w.jobs[job].set->type], slot);
    ready_end(w.ready, ready_group(w.ready, job, w.jobs[job].set->type), job, LIMIT_GOOD, w.now);
}

/* Many wait for one limit: a start costs what a queue costs, not a look at each. */
static void many_on_one_limit_are_cheap(void **state) {
    uint32_t slots[MANY], running = 0, first = 0;

    (void)state;
    begin(MANY, 64, 2);
    w.limits[0] = (struct plan_limit){.name = "l", .concurrency = 3};
    w.sets[0].shared = set_of(1);
    open_ready();
    for (uint32_t i = 0; i < MANY; i++)
        push(i);
    for (uint32_t started = 0; started < MANY; running--, first++) {
        for (uint32_t job; (job = next(&slots[started])) != NO_JOB; started++, running++)
            assert_int_equal(job, started);
        assert_int_equal(running, 3);
        over(first, slots[first]);
    }
    assert_in_range(w.compared, MANY, MANY * 40);
    end();
}

/* The same for many limits' worth of different sets. */
static void many_behind_a_shut_limit_let_others_pass(void **state) {
    uint32_t job, last = NO_JOB;

    (void)state;
    begin(MANY, 64, 2);
    w.limits[0] = (struct plan_limit){.name = "l", .rate = {1, NS_PER_S}, .burst = 1};
    w.sets[0].shared = set_of(1);
    w.jobs[MANY - 1].set = &w.sets[1]; /* the last has no limit */
    open_ready();
    for (uint32_t i = 0; i < MANY; i++)
        push(i);
    assert_int_equal(next(NULL), 0);
    while ((job = next(NULL)) != NO_JOB)
        last = job;
    assert_int_equal(last, MANY - 1);
    assert_true(ready_due(w.ready) == w.now + NS_PER_S);
    w.now += NS_PER_S;
    ready_advance(w.ready, w.now);
    assert_int_equal(next(NULL), 1);
    assert_int_equal(next(NULL), NO_JOB);
    assert_in_range(w.compared, 1, MANY * 5);
    end();
}

/* Of two lanes the first in order gets what both want. */
static void order_counts_across_lanes(void **state) {
    (void)state;
    begin(2, 4, 2);
    w.limits[0] = (struct plan_limit){.name = "l", .concurrency = 1};
    w.sets[0].shared = set_of(1);
    w.sets[1].shared = set_of(1);
    w.sets[0].type = LANE_CPU;
    w.jobs[1].set = &w.sets[1];
    open_ready();
    push(1);
    push(0);
    assert_int_equal(next(NULL), 0);
    assert_int_equal(next(NULL), NO_JOB);
    end();
}

/*
 * Job 0 wants both of two limits; others want the one or the other, and never
 * are both free: it gets its turn all the same, and not at once.
 */
static void one_that_wants_both_is_not_starved(void **state) {
    uint32_t slots[1000], a, b, job = NO_JOB, starts = 0;

    (void)state;
    begin(1000, 64, 2);
    w.limits[0] = (struct plan_limit){.name = "a", .concurrency = 1};
    w.limits[1] = (struct plan_limit){.name = "b", .concurrency = 1};
    w.sets[0].shared = set_of(3);
    w.sets[1].shared = set_of(1);
    w.sets[2].shared = set_of(2);
    for (uint32_t i = 1; i < 1000; i++)
        w.jobs[i].set = &w.sets[1 + i % 2];
    open_ready();
    push(1);
    push(2);
    a = next(&slots[1]);
    b = next(&slots[2]);
    for (uint32_t i = 3; i < 1000; i++)
        push(i);
    push(0);
    assert_int_equal(next(NULL), NO_JOB);
    /* One of the two ends, and its successor starts, while the other goes on. */
    for (; starts < 900; starts++) {
        uint32_t *gone = starts % 2 ? &b : &a;

        over(*gone, slots[*gone]);
        job = next(&slots[0]);
        if (job == NO_JOB || job == 0)
            break;
        slots[job] = slots[0];
        *gone = job;
    }
    assert_in_range(starts, 90, 110);
    if (job == NO_JOB) { /* what it wants is kept: the other ends, and it starts */
        over(starts % 2 ? a : b, slots[starts % 2 ? a : b]);
        job = next(&slots[0]);
    }
    assert_int_equal(job, 0);
    assert_int_equal(next(NULL), NO_JOB);
    over(0, slots[0]);
    assert_int_not_equal(next(NULL), NO_JOB); /* and nothing is kept any more */
    assert_int_not_equal(next(NULL), NO_JOB);
    end();
}

/* Nothing is kept while it waits for time to pass. */
static void what_waits_for_a_token_keeps_nothing(void **state) {
    uint32_t slots[1000], job;

    (void)state;
    begin(1000, 64, 2);
    w.limits[0] = (struct plan_limit){.name = "hourly", .rate = {1, 3600 * NS_PER_S}, .burst = 1};
    w.limits[1] = (struct plan_limit){.name = "b", .concurrency = 1};
    w.sets[0].shared = set_of(3);
    w.sets[1].shared = set_of(2);
    for (uint32_t i = 2; i < 1000; i++)
        w.jobs[i].set = &w.sets[1];
    open_ready();
    for (uint32_t i = 0; i < 1000; i++)
        push(i);
    job = next(&slots[0]);
    assert_int_equal(job, 0); /* the hour's token */
    for (uint32_t expected = 2; expected < 1000; expected++) {
        over(job, slots[job]);
        job = next(&slots[0]);
        slots[job] = slots[0];
        assert_int_equal(job, expected);
    }
    over(job, slots[job]);
    assert_int_equal(next(NULL), NO_JOB);
    assert_true(ready_due(w.ready) == w.now + 3600 * NS_PER_S);
    end();
}

/* A wide job waits with its limit untaken, and whoever waits for that may pass. */
static void a_wide_job_holds_no_limit_while_it_waits(void **state) {
    uint32_t slot;

    (void)state;
    begin(3, 4, 2);
    w.limits[0] = (struct plan_limit){.name = "l", .concurrency = 1};
    w.sets[0].type = LANE_CPU;
    w.sets[1] = (struct job_settings){.type = LANE_CPU, .cpus = 2, .shared = set_of(1)};
    w.sets[2].shared = set_of(1);
    w.jobs[1].set = &w.sets[1];
    w.jobs[2].set = &w.sets[2];
    open_ready();
    for (uint32_t i = 0; i < 3; i++)
        push(i);
    assert_int_equal(next(&slot), 0);
    assert_int_equal(next(NULL), 2); /* in the other lane, by the limit that 1 wants too */
    assert_int_equal(next(NULL), NO_JOB);
    over(0, slot);
    assert_int_equal(next(NULL), NO_JOB);
    over(2, 0);
    assert_int_equal(next(NULL), 1);
    end();
}

/* Bytes are taken whole, a large job is not starved by small ones, and others pass. */
static void memory_is_reserved_in_order(void **state) {
    uint32_t slots[8];

    (void)state;
    begin(8, 8, 2);
    w.plan.memory = 10;
    w.sets[0].memory = 4;
    w.sets[1].memory = 9;
    w.sets[1].type = LANE_CPU;
    w.sets[2].memory = 1;
    w.jobs[2].set = &w.sets[1];
    w.jobs[3].set = w.jobs[4].set = &w.sets[2];
    w.jobs[5].set = &w.sets[3]; /* wants none */
    open_ready();
    for (uint32_t i = 0; i < 6; i++)
        push(i);
    assert_int_equal(next(&slots[0]), 0);
    assert_int_equal(next(&slots[1]), 1);
    assert_int_equal(next(&slots[5]), 5); /* 3 and 4 would fit, but 2 comes before them */
    assert_int_equal(next(NULL), NO_JOB);
    over(0, slots[0]);
    assert_int_equal(next(NULL), NO_JOB);
    push(6);
    assert_int_equal(next(NULL), NO_JOB);
    over(1, slots[1]);
    assert_int_equal(next(&slots[2]), 2);
    assert_int_equal(next(&slots[3]), 3);
    assert_int_equal(next(NULL), NO_JOB); /* 10 of 10 */
    over(3, slots[3]);
    assert_int_equal(next(&slots[4]), 4);
    over(2, slots[2]);
    over(4, slots[4]);
    assert_int_equal(next(&slots[6]), 6);
    assert_int_equal(next(NULL), NO_JOB);
    /* One that is no longer wanted holds nobody up. */
    push(2);
    push(3);
    assert_int_equal(next(NULL), NO_JOB);
    ready_remove(w.ready, ready_group(w.ready, 2, w.jobs[2].set->type), 2, w.now);
    assert_int_equal(next(NULL), 3);
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_on_one_limit_are_cheap),
        cmocka_unit_test(many_behind_a_shut_limit_let_others_pass),
        cmocka_unit_test(order_counts_across_lanes),
        cmocka_unit_test(one_that_wants_both_is_not_starved),
        cmocka_unit_test(what_waits_for_a_token_keeps_nothing),
        cmocka_unit_test(a_wide_job_holds_no_limit_while_it_waits),
        cmocka_unit_test(memory_is_reserved_in_order),
    };

    return cmocka_run_group_tests_name("ready", tests, NULL, NULL);
}
