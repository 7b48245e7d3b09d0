/* SPDX-License-Identifier: MIT */
/* test_sched_ends: how an attempt ends, and whether another follows. */
#include <signal.h>
#include <uv.h>

#include "base/clock.h"
#include "sched_story.h"

/* --- exit statuses --- */

static void ok_exit_replaces_and_skip_exit_comes_first(void **state) {
    (void)state;
    fake_job(&f, "three", LANE_IO);
    fake_job(&f, "zero", LANE_IO);
    fake_job(&f, "both", LANE_IO);
    fake_set(&f, "three")->ok_exit.bits[0] = 1U << 3;
    fake_set(&f, "zero")->ok_exit.bits[0] = 1U << 3;
    fake_set(&f, "both")->skip_exit.bits[0] = 1U;
    fake_set(&f, "both")->retries = 3;
    fake_begin(&f);
    fake_exit(&f, "three", 3);
    fake_exit(&f, "zero", 0);
    fake_exit(&f, "both", 0);
    fake_expect(&f, "start three.1@0, start zero.1@1, start both.1@2, done three ok, "
                    "done zero failed (exit), done both skipped");
}

static void a_signal_of_nobody_here_is_a_failure(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_CPU);
    fake_begin(&f);
    fake_die(&f, "a", SIGSEGV);
    fake_expect(&f, "start a.1@0, done a failed (signal)");
    assert_int_equal(fake_row(&f, "a")->attempts[0].signal, SIGSEGV);
    assert_int_equal(fake_row(&f, "a")->attempts[0].exit, -1);
}

static void what_cannot_start_fails(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_IO);
    fake_begin(&f);
    fake_cannot(&f, "a", UV_ENOENT);
    fake_expect(&f, "start a.1@0, unstarted a.1@0, done a failed (spawn)");
    assert_int_equal(fake_row(&f, "a")->nattempts, 1);
    assert_string_equal(fake_row(&f, "a")->attempts[0].detail, "/bin/nope");
}

/* --- retries --- */

static void retries_back_off(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_IO);
    fake_set(&f, "a")->retries = 3;
    fake_set(&f, "a")->retry_max_delay_ns = 3 * NS_PER_S;
    fake_begin(&f);
    fake_exit(&f, "a", 1);
    fake_expect(&f, "start a.1@0, retry a 1000ms");
    fake_pass(&f, NS_PER_S - 1);
    fake_expect(&f, "");
    fake_pass(&f, 1);
    fake_expect(&f, "start a.2@0");
    fake_die(&f, "a", SIGBUS);
    fake_pass(&f, 2 * NS_PER_S);
    fake_expect(&f, "retry a 2000ms, start a.3@0");
    fake_exit(&f, "a", 2);
    fake_pass(&f, 3 * NS_PER_S);
    fake_expect(&f, "retry a 3000ms, start a.4@0"); /* retry-max-delay */
    fake_exit(&f, "a", 0);
    fake_expect(&f, "done a ok");
    assert_true(fake_row(&f, "a")->flaky);
    assert_int_equal(fake_row(&f, "a")->nattempts, 4);
    assert_int_equal(fake_row(&f, "a")->attempts[0].status, STATUS_FAILED);
    assert_int_equal(fake_row(&f, "a")->attempts[1].reason, REASON_SIGNAL);
    assert_int_equal(fake_row(&f, "a")->attempts[3].status, STATUS_OK);
    assert_int_equal(run_totals(fake_result(&f)).retries, 3);
}

static void retries_end(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_IO);
    fake_set(&f, "a")->retries = 1;
    fake_begin(&f);
    fake_exit(&f, "a", 1);
    fake_pass(&f, NS_PER_S);
    fake_exit(&f, "a", 2);
    fake_expect(&f, "start a.1@0, retry a 1000ms, start a.2@0, done a failed (exit)");
    assert_false(fake_row(&f, "a")->flaky);
    assert_int_equal(fake_row(&f, "a")->attempts[1].exit, 2);
}

static void between_attempts_a_job_holds_no_slot(void **state) {
    (void)state;
    f.plan.cpu_workers = 1;
    fake_job(&f, "a", LANE_CPU);
    fake_job(&f, "b", LANE_CPU);
    fake_set(&f, "a")->retries = 1;
    fake_begin(&f);
    fake_exit(&f, "a", 1);
    fake_expect(&f, "start a.1@0, retry a 1000ms, start b.1@0");
    fake_pass(&f, 5 * NS_PER_S);
    fake_expect(&f, ""); /* due, but the worker is taken */
    fake_exit(&f, "b", 0);
    fake_expect(&f, "done b ok, start a.2@0");
}

static void retry_on_chooses(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_IO);
    fake_job(&f, "b", LANE_IO);
    fake_job(&f, "c", LANE_IO);
    for (uint32_t i = 0; i < 3; i++) {
        f.sets[i].retries = 1;
        f.sets[i].retry_on = (struct retry_on){.spawn = true};
        f.sets[i].retry_on.exits.bits[75 / 32] = 1U << 75 % 32;
    }
    fake_begin(&f);
    fake_exit(&f, "a", 75);
    fake_exit(&f, "b", 1);
    fake_cannot(&f, "c", UV_ENOENT);
    fake_expect(&f, "start a.1@0, start b.1@1, start c.1@2, retry a 1000ms, "
                    "done b failed (exit), unstarted c.1@2, retry c 1000ms");
}

static void the_budget_of_retries_is_the_runs(void **state) {
    (void)state;
    f.plan.max_retries = 1;
    fake_job(&f, "a", LANE_IO);
    fake_job(&f, "b", LANE_IO);
    fake_set(&f, "a")->retries = 5;
    fake_set(&f, "b")->retries = 5;
    fake_begin(&f);
    fake_exit(&f, "a", 1);
    fake_exit(&f, "b", 1);
    fake_expect(&f, "start a.1@0, start b.1@1, retry a 1000ms, done b failed (exit)");
    fake_pass(&f, NS_PER_S);
    fake_exit(&f, "a", 1);
    fake_expect(&f, "start a.2@0, done a failed (exit)");
}

/* --- timeouts --- */

static void a_timeout_counts_from_the_start_of_the_process(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_IO);
    fake_set(&f, "a")->timeout_ns = 10 * NS_PER_S;
    fake_begin(&f);
    fake_pass(&f, 60 * NS_PER_S);
    fake_up(&f, "a");
    fake_pass(&f, 10 * NS_PER_S - 1);
    fake_expect(&f, "start a.1@0");
    fake_pass(&f, 1);
    fake_expect(&f, "stop a, late a");
    fake_exit(&f, "a", 0); /* in its grace: late all the same, and the truth is kept */
    fake_expect(&f, "done a timeout (timeout)");
    assert_int_equal(fake_row(&f, "a")->attempts[0].exit, 0);
    assert_int_equal(fake_row(&f, "a")->attempts[0].status, STATUS_TIMEOUT);
}

static void an_end_in_time_disarms_the_timeout(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_IO);
    fake_set(&f, "a")->timeout_ns = NS_PER_S;
    fake_begin(&f);
    fake_exit(&f, "a", 0);
    assert_true(sched_due(f.sched) == INT64_MAX);
}

static void a_timeout_is_retried_and_counts_anew(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_IO);
    fake_set(&f, "a")->timeout_ns = NS_PER_S;
    fake_set(&f, "a")->retries = 1;
    fake_set(&f, "a")->retry_on = (struct retry_on){.timeout = true};
    fake_begin(&f);
    fake_up(&f, "a");
    fake_pass(&f, NS_PER_S);
    fake_die(&f, "a", SIGKILL);
    fake_expect(&f, "start a.1@0, stop a, late a, retry a 1000ms");
    fake_pass(&f, NS_PER_S);
    fake_up(&f, "a");
    fake_pass(&f, NS_PER_S / 2);
    fake_exit(&f, "a", 0);
    fake_expect(&f, "start a.2@0, done a ok");
    assert_true(fake_row(&f, "a")->flaky);
}

static void a_late_job_with_a_failed_dependency_has_no_cause(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_IO);
    fake_job(&f, "b", LANE_IO);
    fake_after(&f, "b", "a");
    fake_set(&f, "b")->when = WHEN_ALWAYS;
    fake_set(&f, "b")->timeout_ns = NS_PER_S;
    fake_begin(&f);
    fake_exit(&f, "a", 1);
    fake_up(&f, "b");
    fake_pass(&f, NS_PER_S);
    fake_die(&f, "b", SIGTERM);
    fake_expect(&f, "start a.1@0, done a failed (exit), start b.1@0, stop b, late b, "
                    "done b timeout (timeout)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        story(ok_exit_replaces_and_skip_exit_comes_first),
        story(a_signal_of_nobody_here_is_a_failure),
        story(what_cannot_start_fails),
        story(retries_back_off),
        story(retries_end),
        story(between_attempts_a_job_holds_no_slot),
        story(retry_on_chooses),
        story(the_budget_of_retries_is_the_runs),
        story(a_timeout_counts_from_the_start_of_the_process),
        story(an_end_in_time_disarms_the_timeout),
        story(a_timeout_is_retried_and_counts_anew),
        story(a_late_job_with_a_failed_dependency_has_no_cause),
    };

    return cmocka_run_group_tests_name("sched_ends", tests, NULL, NULL);
}
