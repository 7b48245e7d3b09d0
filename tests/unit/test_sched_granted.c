/* SPDX-License-Identifier: MIT */
/* test_sched_granted: CPUs that somebody else grants. */
#include "base/clock.h"
#include "sched_story.h"

static uint32_t pool, wanted, running;

static uint32_t grant(uint32_t now_running, uint32_t now_wanted) {
    running = now_running;
    wanted = now_wanted;
    return now_wanted < pool ? now_wanted : pool;
}

static void more_to_come(uint32_t n) {
    pool = n;
    sched_granted(f.sched, f.now);
}

static void only_what_is_granted_runs(void **state) {
    (void)state;
    f.grant = grant;
    f.plan.cpu_workers = 3;
    pool = 1;
    for (char name[] = "a"; name[0] <= 'd'; name[0]++)
        fake_job(&f, name, LANE_CPU);
    fake_job(&f, "io", LANE_IO);
    fake_begin(&f);
    fake_expect(&f, "start io.1@0, start a.1@0");
    assert_int_equal(running, 1);
    assert_int_equal(wanted, 2);
    more_to_come(2);
    fake_expect(&f, "start b.1@1");
    more_to_come(9);
    fake_expect(&f, "start c.1@2");
    assert_int_equal(wanted, 3); /* that is all of the lane */
    pool = 1;
    fake_exit(&f, "a", 0);
    fake_expect(&f, "done a ok");
    assert_int_equal(running, 2);
    assert_int_equal(wanted, 3);
    fake_exit(&f, "b", 0);
    fake_exit(&f, "c", 0);
    fake_expect(&f, "done b ok, done c ok, start d.1@0");
    fake_exit(&f, "d", 0);
    assert_int_equal(running + wanted, 0);
    fake_exit(&f, "io", 0);
}

/* A wide one waits for all that it needs, at one time. */
static void a_wide_job_gathers(void **state) {
    (void)state;
    f.grant = grant;
    f.plan.cpu_workers = 3;
    pool = 1;
    fake_job(&f, "wide", LANE_CPU);
    fake_set(&f, "wide")->cpus = 3;
    fake_job(&f, "next", LANE_CPU);
    fake_begin(&f);
    assert_int_equal(wanted, 3);
    more_to_come(2);
    fake_expect(&f, "");
    more_to_come(3);
    fake_expect(&f, "start wide.1@0");
    fake_exit(&f, "wide", 0);
    fake_exit(&f, "next", 0);
    assert_int_equal(running + wanted, 0);
}

/* Nothing is asked for what does not run for other reasons. */
static void what_cannot_run_wants_nothing(void **state) {
    static const struct plan_limit limit = {.name = "one", .concurrency = 1};
    static const struct {
        struct limit_set set;
        uint32_t list[1];
    } one = {{1}, {0}};

    (void)state;
    f.grant = grant;
    pool = 9;
    f.plan.limits = &limit;
    f.plan.nlimits = 1;
    fake_job(&f, "a", LANE_CPU);
    fake_job(&f, "b", LANE_CPU);
    fake_set(&f, "a")->shared = fake_set(&f, "b")->shared = &one.set;
    fake_begin(&f);
    fake_expect(&f, "start a.1@0");
    assert_int_equal(wanted, 1);
    fake_put_off(&f, 0, -11);
    assert_int_equal(wanted, 0);
    fake_pass(&f, NS_PER_S);
    assert_int_equal(wanted, 1);
    sched_interrupt(f.sched, f.now);
    fake_cannot(&f, "a", -125);
    assert_int_equal(running + wanted, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        story(only_what_is_granted_runs),
        story(a_wide_job_gathers),
        story(what_cannot_run_wants_nothing),
    };

    return cmocka_run_group_tests_name("sched_granted", tests, NULL, NULL);
}
