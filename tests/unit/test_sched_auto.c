/* SPDX-License-Identifier: MIT */
/* test_sched_auto: jobs of type auto. */
#include "base/clock.h"
#include "sched_story.h"

static void automatic(const char *job, uint32_t cpus) {
    fake_set(&f, job)->automatic = true;
    fake_set(&f, job)->cpus = cpus;
}

/* One that computes takes nobody's worker away, but the next has to wait. */
static void what_computes_counts_in_the_cpu_lane(void **state) {
    (void)state;
    fake_job(&f, "auto", LANE_IO);
    automatic("auto", 1);
    for (char name[] = "a"; name[0] <= 'd'; name[0]++)
        fake_job(&f, name, LANE_CPU);
    fake_begin(&f);
    fake_expect(&f, "start auto.1@0, start a.1@0, start b.1@1");
    fake_up(&f, "auto");
    sched_computes(f.sched, 0, 1);
    sched_computes(f.sched, 0, 1); /* again: no effect */
    assert_int_equal(sched_counts(f.sched).running[LANE_IO], 1);
    assert_int_equal(sched_counts(f.sched).running[LANE_CPU], 3);
    fake_exit(&f, "a", 0);
    fake_expect(&f, "done a ok");
    fake_exit(&f, "b", 0);
    fake_expect(&f, "done b ok, start c.1@0");
    fake_exit(&f, "auto", 0);
    fake_expect(&f, "done auto ok, start d.1@1");
    assert_int_equal(fake_row(&f, "auto")->lane, LANE_CPU);
    assert_true(fake_row(&f, "auto")->moved);
    assert_int_equal(fake_row(&f, "auto")->worker, -1);
    fake_exit(&f, "c", 0);
    fake_exit(&f, "d", 0);
    assert_int_equal(sched_counts(f.sched).running[LANE_CPU], 0);
    assert_false(fake_row(&f, "d")->moved);
}

/* Its next attempt starts where it belongs, with all its cpus. */
static void its_next_attempt_starts_in_the_cpu_lane(void **state) {
    (void)state;
    fake_job(&f, "auto", LANE_IO);
    automatic("auto", 2);
    fake_set(&f, "auto")->retries = 1;
    fake_job(&f, "a", LANE_CPU);
    fake_begin(&f);
    fake_up(&f, "auto");
    fake_up(&f, "a");
    fake_expect(&f, "start auto.1@0, start a.1@0");
    assert_int_equal(f.attempts[0].a.lane, LANE_IO);
    sched_computes(f.sched, 0, 1);
    assert_int_equal(sched_counts(f.sched).running[LANE_CPU], 3);
    fake_exit(&f, "auto", 1);
    assert_int_equal(sched_counts(f.sched).running[LANE_CPU], 1);
    fake_pass(&f, NS_PER_S);
    fake_expect(&f, "retry auto 1000ms");
    fake_exit(&f, "a", 0);
    fake_expect(&f, "done a ok, start auto.2@0");
    assert_int_equal(f.attempts[0].a.lane, LANE_CPU);
    assert_int_equal(sched_counts(f.sched).running[LANE_CPU], 2);
    sched_computes(f.sched, 0, 2); /* it is there already */
    assert_int_equal(sched_counts(f.sched).running[LANE_CPU], 2);
    fake_exit(&f, "auto", 0);
    assert_int_equal(sched_counts(f.sched).running[LANE_CPU], 0);
    assert_int_equal(fake_row(&f, "auto")->worker, 0);
}

/* What comes late, or of one whose lane is fixed, changes nothing. */
static void only_what_runs_and_may_moves(void **state) {
    (void)state;
    fake_job(&f, "auto", LANE_IO);
    automatic("auto", 1);
    fake_set(&f, "auto")->retries = 1;
    fake_job(&f, "io", LANE_IO);
    fake_begin(&f);
    sched_computes(f.sched, 0, 1); /* not started yet */
    fake_up(&f, "io");
    sched_computes(f.sched, 1, 1);
    fake_exit(&f, "auto", 1);
    sched_computes(f.sched, 0, 1);
    fake_pass(&f, NS_PER_S);
    fake_up(&f, "auto");
    sched_computes(f.sched, 0, 1); /* meant the attempt before */
    assert_int_equal(sched_counts(f.sched).running[LANE_CPU], 0);
    fake_exit(&f, "auto", 0);
    fake_exit(&f, "io", 0);
    assert_int_equal(fake_row(&f, "auto")->lane, LANE_IO);
    assert_int_equal(fake_row(&f, "io")->lane, LANE_IO);
}

static enum lane second_computes(void *ctx, uint32_t job) {
    (void)ctx;
    return job == 1 ? LANE_CPU : LANE_IO;
}

static void history_says_where_to_start(void **state) {
    (void)state;
    f.plan.cpu_workers = 1;
    f.lane_of = second_computes;
    fake_job(&f, "a", LANE_IO);
    fake_job(&f, "b", LANE_IO);
    fake_job(&f, "c", LANE_CPU);
    automatic("a", 1);
    automatic("b", 1);
    fake_begin(&f);
    fake_expect(&f, "start a.1@0, start b.1@0");
    fake_exit(&f, "b", 0);
    fake_expect(&f, "done b ok, start c.1@0");
    assert_int_equal(fake_row(&f, "b")->lane, LANE_CPU);
    assert_false(fake_row(&f, "b")->moved);
    fake_exit(&f, "a", 0);
    fake_exit(&f, "c", 0);
}

/* A limit is the same in either lane. */
static void limits_go_along(void **state) {
    static const struct plan_limit limit = {.name = "one", .concurrency = 1};
    static const struct {
        struct limit_set set;
        uint32_t list[1];
    } one = {{1}, {0}};

    (void)state;
    f.plan.limits = &limit;
    f.plan.nlimits = 1;
    fake_job(&f, "auto", LANE_IO);
    automatic("auto", 1);
    fake_set(&f, "auto")->retries = 1;
    fake_job(&f, "a", LANE_CPU);
    fake_set(&f, "auto")->shared = fake_set(&f, "a")->shared = &one.set;
    fake_begin(&f);
    fake_up(&f, "auto");
    sched_computes(f.sched, 0, 1);
    fake_expect(&f, "start auto.1@0");
    fake_exit(&f, "auto", 1);
    fake_expect(&f, "retry auto 1000ms, start a.1@0");
    fake_pass(&f, NS_PER_S);
    fake_expect(&f, "");
    fake_exit(&f, "a", 0);
    fake_expect(&f, "done a ok, start auto.2@0");
    fake_exit(&f, "auto", 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        story(what_computes_counts_in_the_cpu_lane),
        story(its_next_attempt_starts_in_the_cpu_lane),
        story(only_what_runs_and_may_moves),
        story(history_says_where_to_start),
        story(limits_go_along),
    };

    return cmocka_run_group_tests_name("sched_auto", tests, NULL, NULL);
}
