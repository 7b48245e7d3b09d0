/* SPDX-License-Identifier: MIT */
/* test_sched_stop: what stops a run: failures, signals, the deadline. */
#include <signal.h>
#include <uv.h>

#include "base/clock.h"
#include "run/job.h"
#include "sched_story.h"

/* --- on-failure --- */

static void three_jobs_under(enum on_failure what) {
    f.plan.on_failure = what;
    f.plan.io_limit = 3;
    fake_job(&f, "a", LANE_IO);
    fake_job(&f, "run", LANE_IO);
    fake_job(&f, "back", LANE_IO);
    fake_job(&f, "ready", LANE_IO);
    fake_job(&f, "wait", LANE_IO);
    fake_job(&f, "dep", LANE_IO);
    fake_after(&f, "wait", "run");
    fake_after(&f, "dep", "a");
    fake_set(&f, "back")->retries = 2;
    fake_set(&f, "run")->retries = 2;
    fake_begin(&f);
    fake_up(&f, "run");
    fake_exit(&f, "back", 1);
    fake_up(&f, "ready");
    f.log_len = 0;
}

static void drain_lets_end_what_runs(void **state) {
    (void)state;
    fake_job(&f, "x", LANE_CPU);
    f.plan.cpu_workers = 1;
    fake_job(&f, "y", LANE_CPU);
    three_jobs_under(ON_FAILURE_DRAIN);
    fake_exit(&f, "a", 1);
    fake_expect(&f, "done a failed (exit), done dep skipped (dependency) by a, "
                    "done y cancelled (cancelled) by a, done back cancelled (cancelled) by a, "
                    "done wait cancelled (cancelled) by a");
    fake_exit(&f, "run", 1); /* no further attempt */
    fake_exit(&f, "ready", 0);
    fake_put_off(&f, fake_index(&f, "x"), UV_EAGAIN);
    fake_expect(&f, "done run failed (exit), done ready ok, done x cancelled (cancelled) by a");
    assert_true(sched_done(f.sched));
    assert_int_equal(run_exit_status(fake_result(&f)), 1);
}

static void cancel_stops_what_runs(void **state) {
    (void)state;
    three_jobs_under(ON_FAILURE_CANCEL);
    fake_exit(&f, "a", 1);
    fake_expect(&f, "done a failed (exit), done dep skipped (dependency) by a, stop run, "
                    "done back cancelled (cancelled) by a, stop ready, "
                    "done wait cancelled (cancelled) by a");
    fake_die(&f, "run", SIGTERM);
    fake_exit(&f, "ready", 0);
    fake_expect(&f, "done run cancelled (cancelled) by a, done ready cancelled (cancelled) by a");
    assert_int_equal(fake_row(&f, "run")->attempts[0].status, STATUS_CANCELLED);
    assert_int_equal(fake_row(&f, "run")->attempts[0].signal, SIGTERM);
    assert_true(sched_done(f.sched));
}

static void max_failures_counts_jobs_and_names_the_first(void **state) {
    (void)state;
    f.plan.on_failure = ON_FAILURE_CANCEL;
    f.plan.max_failures = 2;
    fake_job(&f, "a", LANE_IO);
    fake_job(&f, "al", LANE_IO);
    fake_job(&f, "b", LANE_IO);
    fake_job(&f, "c", LANE_IO);
    fake_set(&f, "al")->allow_failure = true;
    fake_begin(&f);
    fake_up(&f, "c");
    fake_exit(&f, "al", 1);
    fake_exit(&f, "a", 1);
    f.log_len = 0;
    fake_exit(&f, "b", 1);
    fake_expect(&f, "done b failed (exit), stop c");
    fake_die(&f, "c", SIGTERM);
    fake_expect(&f, "done c cancelled (cancelled) by a");
}

static void continue_goes_on(void **state) {
    (void)state;
    f.plan.io_limit = 1;
    fake_job(&f, "a", LANE_IO);
    fake_job(&f, "b", LANE_IO);
    fake_begin(&f);
    fake_exit(&f, "a", 1);
    fake_expect(&f, "start a.1@0, done a failed (exit), start b.1@0");
}

/* --- signals and deadline --- */

static void an_interruption_cancels_all(void **state) {
    (void)state;
    three_jobs_under(ON_FAILURE_CONTINUE);
    sched_interrupt(f.sched, f.now);
    sched_interrupt(f.sched, f.now);
    fake_expect(&f, "stop a, stop run, done back cancelled (cancelled), stop ready, "
                    "done wait cancelled (cancelled), done dep cancelled (cancelled)");
    fake_exit(&f, "run", 0);
    fake_die(&f, "ready", SIGTERM);
    /* Never started: no row. */
    fake_ended(&f, fake_index(&f, "a"), (struct attempt_end){.error = UV_ECANCELED, .exit = -1});
    fake_expect(&f, "done run cancelled (cancelled), done ready cancelled (cancelled), "
                    "done a cancelled (cancelled)");
    assert_int_equal(fake_row(&f, "a")->nattempts, 0);
    assert_int_equal(fake_row(&f, "run")->attempts[0].exit, 0);
    assert_true(sched_done(f.sched));
}

static void an_interruption_before_the_beginning(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_IO);
    fake_new(&f);
    sched_interrupt(f.sched, f.now);
    fake_begin(&f);
    fake_expect(&f, "done a cancelled (cancelled)");
    assert_true(sched_done(f.sched));
}

static void a_late_job_stays_late_when_interrupted(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_IO);
    fake_set(&f, "a")->timeout_ns = NS_PER_S;
    fake_set(&f, "a")->retries = 5;
    fake_begin(&f);
    fake_up(&f, "a");
    fake_pass(&f, NS_PER_S);
    sched_interrupt(f.sched, f.now);
    fake_die(&f, "a", SIGKILL);
    fake_expect(&f, "start a.1@0, stop a, late a, done a timeout (timeout)");
}

static void what_is_cancelled_while_it_starts_ends(void **state) {
    (void)state;
    fake_job(&f, "up", LANE_IO);
    fake_job(&f, "off", LANE_IO);
    fake_set(&f, "up")->timeout_ns = NS_PER_S;
    fake_begin(&f);
    sched_interrupt(f.sched, f.now);
    fake_up(&f, "up");
    assert_true(sched_due(f.sched) == INT64_MAX); /* its timeout means nothing now */
    fake_put_off(&f, fake_index(&f, "off"), UV_EAGAIN);
    fake_die(&f, "up", SIGTERM);
    fake_expect(&f, "start up.1@0, start off.1@1, stop up, stop off, "
                    "done off cancelled (cancelled), done up cancelled (cancelled)");
    assert_true(sched_done(f.sched));
}

static void the_deadline_ends_the_run(void **state) {
    (void)state;
    f.plan.deadline_ns = 10 * NS_PER_S;
    f.plan.io_limit = 1;
    fake_job(&f, "a", LANE_IO);
    fake_job(&f, "b", LANE_IO);
    fake_job(&f, "c", LANE_IO);
    fake_after(&f, "c", "a");
    fake_set(&f, "c")->when = WHEN_ALWAYS;
    fake_begin(&f);
    fake_up(&f, "a");
    fake_pass(&f, 10 * NS_PER_S);
    fake_expect(&f, "start a.1@0, stop a, done b cancelled (deadline), done c cancelled "
                    "(deadline)");
    assert_true(sched_deadline_passed(f.sched));
    fake_die(&f, "a", SIGTERM);
    fake_expect(&f, "done a cancelled (deadline)");
    assert_int_equal(run_exit_status(fake_result(&f)), 124);
}

static void a_run_that_ends_in_time_has_met_its_deadline(void **state) {
    (void)state;
    f.plan.deadline_ns = NS_PER_S;
    fake_job(&f, "a", LANE_IO);
    fake_begin(&f);
    fake_exit(&f, "a", 0);
    assert_true(sched_due(f.sched) == INT64_MAX);
    f.now += 2 * NS_PER_S;
    sched_advance(f.sched, f.now);
    assert_false(sched_deadline_passed(f.sched));
}

static void nothing_starts_between_the_deadline_and_its_call(void **state) {
    (void)state;
    f.plan.deadline_ns = NS_PER_S;
    f.plan.io_limit = 1;
    fake_job(&f, "a", LANE_IO);
    fake_job(&f, "b", LANE_IO);
    fake_begin(&f);
    fake_up(&f, "a");
    f.now += NS_PER_S; /* the loop is late */
    fake_exit(&f, "a", 0);
    fake_expect(&f, "start a.1@0, done a ok");
    assert_true(sched_due(f.sched) <= f.now);
    sched_advance(f.sched, f.now);
    fake_expect(&f, "done b cancelled (deadline)");
}

static void counts_and_views(void **state) {
    struct sched_counts c;

    (void)state;
    three_jobs_under(ON_FAILURE_CONTINUE);
    c = sched_counts(f.sched);
    assert_int_equal(c.by_state[JOB_STARTING], 1);
    assert_int_equal(c.by_state[JOB_RUNNING], 2);
    assert_int_equal(c.by_state[JOB_BACKOFF], 1);
    assert_int_equal(c.by_state[JOB_WAITING], 2);
    assert_int_equal(c.running[LANE_IO], 3);
    assert_int_equal(c.width[LANE_IO], 3);
    assert_int_equal(sched_view(f.sched, fake_index(&f, "back")).attempt, 2);
    assert_int_equal(sched_view(f.sched, fake_index(&f, "run")).state, JOB_RUNNING);
    assert_true(sched_view(f.sched, fake_index(&f, "run")).since == f.now);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        story(drain_lets_end_what_runs),
        story(cancel_stops_what_runs),
        story(max_failures_counts_jobs_and_names_the_first),
        story(continue_goes_on),
        story(an_interruption_cancels_all),
        story(an_interruption_before_the_beginning),
        story(a_late_job_stays_late_when_interrupted),
        story(what_is_cancelled_while_it_starts_ends),
        story(the_deadline_ends_the_run),
        story(a_run_that_ends_in_time_has_met_its_deadline),
        story(nothing_starts_between_the_deadline_and_its_call),
        story(counts_and_views),
    };

    return cmocka_run_group_tests_name("sched_stop", tests, NULL, NULL);
}
