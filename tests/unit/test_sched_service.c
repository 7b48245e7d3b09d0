/* SPDX-License-Identifier: MIT */
/* test_sched_service: jobs that stay up for those that come after them. */
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "sched_story.h"

static const struct ready_sign answers = {.kind = READY_TARGET, .text = "tcp:h:1"};
static const struct ready_sign in_a_second = {
    .kind = READY_DELAY, .text = "delay:1s", .delay_ns = NS_PER_S};

static void a_service(const struct ready_sign *sign) {
    fake_job(&f, "s", LANE_IO);
    fake_set(&f, "s")->service = true;
    fake_set(&f, "s")->ready = sign;
    fake_job(&f, "a", LANE_CPU);
    fake_after(&f, "a", "s");
}

static void unneeded(const char *job) {
    sched_unneeded(f.sched, fake_index(&f, job), f.now);
}

static void it_is_up_while_others_run_and_is_stopped_then(void **state) {
    (void)state;
    a_service(&answers);
    fake_begin(&f);
    fake_up(&f, "s");
    fake_pass(&f, NS_PER_S);
    fake_expect(&f, "start s.1@0");
    fake_ready(&f, "s");
    fake_ready(&f, "s"); /* again: no effect */
    fake_expect(&f, "ready s 1000ms, start a.1@0");
    fake_exit(&f, "a", 0);
    fake_expect(&f, "done a ok");
    assert_false(sched_done(f.sched));
    unneeded("s");
    unneeded("s");
    fake_expect(&f, "stop s");
    fake_die(&f, "s", SIGTERM);
    fake_expect(&f, "done s ok");
    assert_true(sched_done(f.sched));
    assert_int_equal(run_exit_status(fake_result(&f)), 0);
}

static void however_it_ends_when_it_is_stopped_that_is_success(void **state) {
    (void)state;
    a_service(NULL);
    fake_begin(&f);
    fake_up(&f, "s");
    fake_expect(&f, "start s.1@0, ready s 0ms, start a.1@0");
    fake_exit(&f, "a", 1);
    unneeded("s");
    fake_exit(&f, "s", 3);
    fake_expect(&f, "done a failed (exit), stop s, done s ok");
}

static void time_makes_it_ready(void **state) {
    (void)state;
    a_service(&in_a_second);
    fake_set(&f, "s")->timeout_ns = 2 * NS_PER_S;
    fake_begin(&f);
    fake_up(&f, "s");
    fake_pass(&f, NS_PER_S - 1);
    fake_expect(&f, "start s.1@0");
    fake_pass(&f, 1);
    fake_expect(&f, "ready s 1000ms, start a.1@0");
    fake_pass(&f, 3600 * NS_PER_S); /* the timeout is not the service's */
    fake_expect(&f, "");
}

static void what_is_not_ready_in_time_is_stopped_and_tried_again(void **state) {
    (void)state;
    a_service(&answers);
    fake_set(&f, "s")->timeout_ns = NS_PER_S;
    fake_set(&f, "s")->retries = 1;
    fake_set(&f, "s")->retry_on = (struct retry_on){.timeout = true};
    fake_begin(&f);
    fake_up(&f, "s");
    fake_pass(&f, NS_PER_S);
    fake_expect(&f, "start s.1@0, stop s, late s");
    fake_ready(&f, "s"); /* too late */
    fake_exit(&f, "s", 0);
    fake_pass(&f, NS_PER_S);
    fake_expect(&f, "retry s 1000ms, start s.2@0");
    fake_up(&f, "s");
    fake_pass(&f, NS_PER_S);
    fake_die(&f, "s", SIGTERM);
    fake_expect(&f, "stop s, late s, done s timeout (not-ready), "
                    "done a skipped (dependency) by s");
    assert_int_equal(run_exit_status(fake_result(&f)), 1);
}

static void a_delay_behind_the_timeout_is_never_over(void **state) {
    (void)state;
    a_service(&in_a_second);
    fake_set(&f, "s")->timeout_ns = NS_PER_S / 2;
    fake_begin(&f);
    fake_up(&f, "s");
    fake_pass(&f, NS_PER_S);
    fake_expect(&f, "start s.1@0, stop s, late s");
}

static void an_end_before_it_is_ready_is_a_failure_and_worth_a_retry(void **state) {
    (void)state;
    a_service(&answers);
    fake_set(&f, "s")->retries = 1;
    fake_begin(&f);
    fake_exit(&f, "s", 0);
    fake_pass(&f, NS_PER_S);
    fake_expect(&f, "start s.1@0, retry s 1000ms, start s.2@0");
    fake_up(&f, "s");
    fake_ready(&f, "s");
    fake_exit(&f, "s", 0); /* once it was ready there is none */
    fake_expect(&f, "ready s 0ms, start a.1@0, done s failed (exit)");
    fake_exit(&f, "a", 0);
    fake_expect(&f, "done a ok");
    assert_int_equal(run_exit_status(fake_result(&f)), 1);
}

static void when_it_fails_what_has_not_started_does_not(void **state) {
    (void)state;
    a_service(&answers);
    f.plan.cpu_workers = 1;
    fake_job(&f, "queued", LANE_CPU);
    fake_after(&f, "queued", "s");
    fake_job(&f, "waiting", LANE_IO);
    fake_after(&f, "waiting", "s");
    fake_after(&f, "waiting", "a");
    fake_job(&f, "always", LANE_IO);
    fake_set(&f, "always")->when = WHEN_ALWAYS;
    fake_after(&f, "always", "s");
    fake_after(&f, "always", "a");
    fake_job(&f, "further", LANE_IO);
    fake_after(&f, "further", "waiting");
    fake_begin(&f);
    fake_up(&f, "s");
    fake_ready(&f, "s");
    fake_up(&f, "a");
    fake_expect(&f, "start s.1@0, ready s 0ms, start a.1@0");
    fake_die(&f, "s", SIGSEGV);
    fake_expect(&f, "done s failed (signal), done queued skipped (dependency) by s, "
                    "done waiting skipped (dependency) by s, "
                    "done further skipped (dependency) by s");
    fake_exit(&f, "a", 0);
    fake_exit(&f, "always", 0);
    fake_expect(&f, "done a ok, start always.1@0, done always ok");
}

static void an_allowed_failure_shuts_nobody_out(void **state) {
    (void)state;
    a_service(&answers);
    fake_set(&f, "s")->allow_failure = true;
    f.plan.cpu_workers = 1;
    fake_job(&f, "queued", LANE_CPU);
    fake_after(&f, "queued", "s");
    fake_begin(&f);
    fake_up(&f, "s");
    fake_ready(&f, "s");
    fake_die(&f, "s", SIGSEGV);
    fake_expect(&f, "start s.1@0, ready s 0ms, start a.1@0, done s failed (signal)");
    fake_exit(&f, "a", 0);
    fake_exit(&f, "queued", 0);
    fake_expect(&f, "done a ok, start queued.1@0, done queued ok");
}

static void interrupted_it_is_cancelled(void **state) {
    (void)state;
    a_service(&answers);
    fake_begin(&f);
    fake_up(&f, "s");
    fake_ready(&f, "s");
    fake_up(&f, "a");
    sched_interrupt(f.sched, f.now);
    fake_expect(&f, "start s.1@0, ready s 0ms, start a.1@0, stop s, stop a");
    fake_die(&f, "s", SIGTERM);
    fake_die(&f, "a", SIGTERM);
    fake_expect(&f, "done s cancelled (cancelled), done a cancelled (cancelled)");
}

static void after_a_drain_it_is_stopped_when_nothing_needs_it(void **state) {
    (void)state;
    a_service(&answers);
    fake_job(&f, "bad", LANE_IO);
    fake_job(&f, "b", LANE_IO);
    fake_after(&f, "b", "a");
    f.plan.on_failure = ON_FAILURE_DRAIN;
    f.plan.max_failures = 1;
    fake_begin(&f);
    fake_up(&f, "s");
    fake_ready(&f, "s");
    fake_up(&f, "a");
    fake_exit(&f, "bad", 1);
    fake_exit(&f, "a", 0);
    unneeded("s");
    fake_die(&f, "s", SIGTERM);
    fake_expect(&f, "start s.1@0, start bad.1@1, ready s 0ms, start a.1@0, "
                    "done bad failed (exit), done b cancelled (cancelled) by bad, done a ok, "
                    "stop s, done s ok");
}

/* What is ready has not ended: nothing that was recorded is built upon. */
static void it_lets_others_in_before_anything_is_recorded(void **state) {
    (void)state;
    a_service(&answers);
    f.hold = true;
    fake_begin(&f);
    fake_up(&f, "s");
    fake_ready(&f, "s");
    fake_exit(&f, "a", 0);
    unneeded("s");
    fake_die(&f, "s", SIGTERM);
    sched_release(f.sched, f.now);
    fake_expect(&f, "start s.1@0, ready s 0ms, start a.1@0, done a ok, stop s, done s ok");
    assert_true(sched_done(f.sched));
}

static uint8_t settled[FAKE_JOBS_MAX];

/* s; a, b after s; c after a: of these a is settled, and a job that has nothing to do with s. */
static void a_part_of_a_run(void) {
    a_service(&answers);
    fake_job(&f, "b", LANE_IO);
    fake_job(&f, "c", LANE_IO);
    fake_job(&f, "other", LANE_IO);
    fake_after(&f, "b", "a");
    fake_after(&f, "c", "b");
    memset(settled, SETTLED_NO, sizeof settled);
    settled[1] = settled[2] = settled[4] = SETTLED_OK;
    f.settled = settled;
    fake_begin(&f);
}

static void what_is_left_out_waits_for_it(void **state) {
    (void)state;
    a_part_of_a_run();
    fake_expect(&f, "done other resumed, start s.1@0");
    fake_up(&f, "s");
    fake_ready(&f, "s");
    fake_expect(&f, "done a resumed, ready s 0ms, done b resumed, start c.1@1");
    fake_exit(&f, "c", 0);
    unneeded("s");
    fake_die(&f, "s", SIGTERM);
    fake_expect(&f, "done c ok, stop s, done s ok");
    assert_true(sched_done(f.sched));
}

static void what_is_left_out_stays_so_when_it_fails(void **state) {
    (void)state;
    a_part_of_a_run();
    fake_exit(&f, "s", 1);
    fake_expect(&f, "done other resumed, start s.1@0, done s failed (exit), done a resumed, "
                    "done b resumed, done c skipped (dependency) by s");
    assert_true(sched_done(f.sched));
}

static void what_is_left_out_stays_so_when_nothing_runs(void **state) {
    (void)state;
    a_part_of_a_run();
    fake_up(&f, "s");
    sched_interrupt(f.sched, f.now);
    fake_die(&f, "s", SIGTERM);
    fake_expect(&f, "done other resumed, start s.1@0, done a resumed, done b resumed, stop s, "
                    "done c cancelled (cancelled), done s cancelled (cancelled)");
    assert_true(sched_done(f.sched));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        story(it_is_up_while_others_run_and_is_stopped_then),
        story(however_it_ends_when_it_is_stopped_that_is_success),
        story(time_makes_it_ready),
        story(what_is_not_ready_in_time_is_stopped_and_tried_again),
        story(a_delay_behind_the_timeout_is_never_over),
        story(an_end_before_it_is_ready_is_a_failure_and_worth_a_retry),
        story(when_it_fails_what_has_not_started_does_not),
        story(an_allowed_failure_shuts_nobody_out),
        story(interrupted_it_is_cancelled),
        story(after_a_drain_it_is_stopped_when_nothing_needs_it),
        story(it_lets_others_in_before_anything_is_recorded),
        story(what_is_left_out_waits_for_it),
        story(what_is_left_out_stays_so_when_it_fails),
        story(what_is_left_out_stays_so_when_nothing_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
