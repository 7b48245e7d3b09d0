/* SPDX-License-Identifier: MIT */
/* test_sched: the scheduler's rules one by one, as short stories: lanes, order, waits. */
#include "base/clock.h"
#include "sched_story.h"

static void one_job_runs(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_IO);
    fake_begin(&f);
    fake_expect(&f, "start a.1@0");
    assert_false(sched_done(f.sched));
    fake_exit(&f, "a", 0);
    fake_expect(&f, "done a ok");
    assert_true(sched_done(f.sched));
    assert_true(sched_due(f.sched) == INT64_MAX);
    assert_int_equal(fake_row(&f, "a")->nattempts, 1);
    assert_int_equal(fake_row(&f, "a")->worker, -1);
}

static void no_jobs_is_done(void **state) {
    (void)state;
    fake_begin(&f);
    assert_true(sched_done(f.sched));
}

/* --- lanes and order --- */

static void a_lane_is_no_wider_than_its_limit(void **state) {
    (void)state;
    f.plan.io_limit = 2;
    fake_job(&f, "a", LANE_IO);
    fake_job(&f, "b", LANE_IO);
    fake_job(&f, "c", LANE_IO);
    fake_begin(&f);
    fake_expect(&f, "start a.1@0, start b.1@1");
    fake_exit(&f, "a", 0);
    fake_expect(&f, "done a ok, start c.1@0"); /* the lowest free slot */
}

static void lanes_are_independent(void **state) {
    (void)state;
    f.plan.io_limit = f.plan.cpu_workers = 1;
    fake_job(&f, "i", LANE_IO);
    fake_job(&f, "j", LANE_IO);
    fake_job(&f, "c", LANE_CPU);
    fake_begin(&f);
    fake_expect(&f, "start i.1@0, start c.1@0");
    fake_exit(&f, "c", 0);
    fake_expect(&f, "done c ok");
    assert_int_equal(fake_row(&f, "c")->worker, 0);
}

static void higher_priority_goes_first_then_manifest_order(void **state) {
    (void)state;
    f.plan.cpu_workers = 1;
    fake_job(&f, "a", LANE_CPU);
    fake_job(&f, "b", LANE_CPU);
    fake_job(&f, "c", LANE_CPU);
    fake_job(&f, "d", LANE_CPU);
    fake_set(&f, "c")->priority = 5;
    fake_set(&f, "d")->priority = -1;
    fake_begin(&f);
    fake_exit(&f, "c", 0);
    fake_exit(&f, "a", 0);
    fake_exit(&f, "b", 0);
    fake_exit(&f, "d", 0);
    fake_expect(&f, "start c.1@0, done c ok, start a.1@0, done a ok, start b.1@0, done b ok, "
                    "start d.1@0, done d ok");
}

static void a_wide_job_takes_the_lowest_workers(void **state) {
    (void)state;
    f.plan.cpu_workers = 4;
    fake_job(&f, "a", LANE_CPU);
    fake_job(&f, "b", LANE_CPU);
    fake_job(&f, "w", LANE_CPU);
    fake_job(&f, "n", LANE_CPU);
    fake_set(&f, "w")->cpus = 3;
    fake_begin(&f);
    /* n would fit but may not pass: a stream of such would starve w. */
    fake_expect(&f, "start a.1@0, start b.1@1");
    fake_exit(&f, "a", 0);
    fake_expect(&f, "done a ok, start w.1@0");
    fake_exit(&f, "b", 0);
    fake_expect(&f, "done b ok, start n.1@1"); /* w has 0, 2 and 3 */
    assert_int_equal(sched_counts(f.sched).running[LANE_CPU], 4);
    fake_exit(&f, "w", 0);
    assert_int_equal(sched_counts(f.sched).running[LANE_CPU], 1);
}

/* --- what others ask --- */

static void wait_is_from_ready_to_first_start(void **state) {
    (void)state;
    f.plan.io_limit = 1;
    fake_job(&f, "a", LANE_IO);
    fake_job(&f, "b", LANE_IO);
    fake_set(&f, "b")->retries = 1;
    fake_begin(&f);
    fake_pass(&f, NS_PER_S);
    fake_up(&f, "a");
    fake_pass(&f, 2 * NS_PER_S);
    fake_exit(&f, "a", 0);
    fake_exit(&f, "b", 1);
    fake_pass(&f, NS_PER_S);
    fake_exit(&f, "b", 0);
    assert_int_equal(fake_row(&f, "a")->wait_ns, NS_PER_S);
    assert_int_equal(fake_row(&f, "b")->wait_ns, 3 * NS_PER_S);
}

static void wait_ends_with_the_start_not_with_the_news(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_IO);
    fake_begin(&f);
    fake_pass(&f, 3 * NS_PER_S);
    f.late_ns = 2 * NS_PER_S;
    fake_up(&f, "a");
    assert_int_equal(fake_row(&f, "a")->wait_ns, NS_PER_S);
    fake_exit(&f, "a", 0);
}

static void leftovers_are_summed(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_IO);
    fake_set(&f, "a")->retries = 1;
    fake_begin(&f);
    fake_up(&f, "a");
    fake_ended(&f, 0, (struct attempt_end){.exit = 1, .leftover = 2});
    fake_pass(&f, NS_PER_S);
    fake_up(&f, "a");
    fake_ended(&f, 0, (struct attempt_end){.exit = 0, .leftover = 3, .unkillable = 1});
    assert_int_equal(fake_row(&f, "a")->leftover, 5);
    assert_int_equal(fake_row(&f, "a")->unkillable, 1);
    assert_int_equal(fake_row(&f, "a")->status, STATUS_OK);
    assert_int_equal(run_exit_status(fake_result(&f)), 1);
}

/* --- what is recorded --- */

static void dependents_wait_until_ends_survive(void **state) {
    (void)state;
    f.hold = true;
    fake_job(&f, "a", LANE_IO);
    fake_job(&f, "b", LANE_IO);
    fake_job(&f, "c", LANE_IO);
    fake_job(&f, "d", LANE_IO);
    fake_after(&f, "b", "a");
    fake_after(&f, "d", "c");
    fake_begin(&f);
    fake_expect(&f, "start a.1@0, start c.1@1");
    fake_exit(&f, "c", 1); /* a failure starts nothing: it need not wait */
    fake_expect(&f, "done c failed (exit), done d skipped (dependency) by c");
    fake_exit(&f, "a", 0);
    fake_expect(&f, "done a ok");
    sched_release(f.sched, f.now);
    fake_expect(&f, "start b.1@0");
    sched_release(f.sched, f.now);
    fake_expect(&f, "");
    fake_exit(&f, "b", 0);
    fake_expect(&f, "done b ok");
    assert_true(sched_done(f.sched));
}

static void what_waits_for_that_can_be_cancelled(void **state) {
    (void)state;
    f.hold = true;
    fake_job(&f, "a", LANE_IO);
    fake_job(&f, "b", LANE_IO);
    fake_after(&f, "b", "a");
    fake_begin(&f);
    fake_exit(&f, "a", 0);
    fake_expect(&f, "start a.1@0, done a ok");
    sched_interrupt(f.sched, f.now);
    fake_expect(&f, "done b cancelled (cancelled)");
    sched_release(f.sched, f.now);
    fake_expect(&f, "");
    assert_true(sched_done(f.sched));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        story(one_job_runs),
        story(no_jobs_is_done),
        story(a_lane_is_no_wider_than_its_limit),
        story(lanes_are_independent),
        story(higher_priority_goes_first_then_manifest_order),
        story(a_wide_job_takes_the_lowest_workers),
        story(wait_is_from_ready_to_first_start),
        story(wait_ends_with_the_start_not_with_the_news),
        story(leftovers_are_summed),
        story(dependents_wait_until_ends_survive),
        story(what_waits_for_that_can_be_cancelled),
    };

    return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
