/* SPDX-License-Identifier: MIT */
/* test_sched: the scheduler's rules one by one, as short stories. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <uv.h>

#include "base/clock.h"
#include "../fakes/fake_run.h"
#include "run/job.h"

static struct fake_run f;

static int begin_story(void **state) {
    (void)state;
    fake_init(&f);
    return 0;
}

static int end_story(void **state) {
    (void)state;
    fake_release(&f);
    return 0;
}

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

/* --- after and when --- */

static void after_waits_for_all(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_IO);
    fake_job(&f, "b", LANE_IO);
    fake_job(&f, "c", LANE_CPU);
    fake_after(&f, "c", "a");
    fake_after(&f, "c", "b");
    fake_begin(&f);
    fake_exit(&f, "b", 0);
    fake_expect(&f, "start a.1@0, start b.1@1, done b ok");
    fake_exit(&f, "a", 0);
    fake_expect(&f, "done a ok, start c.1@0");
}

static void a_failure_skips_what_comes_after_at_once(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_IO);
    fake_job(&f, "slow", LANE_IO);
    fake_job(&f, "b", LANE_IO);
    fake_job(&f, "c", LANE_IO);
    fake_after(&f, "b", "a");
    fake_after(&f, "b", "slow");
    fake_after(&f, "c", "b");
    fake_begin(&f);
    fake_exit(&f, "a", 3);
    fake_expect(&f, "start a.1@0, start slow.1@1, done a failed (exit), "
                    "done b skipped (dependency) by a, done c skipped (dependency) by a");
    fake_exit(&f, "slow", 0);
    fake_expect(&f, "done slow ok");
    assert_true(sched_done(f.sched));
}

static void when_failure_and_when_always(void **state) {
    (void)state;
    fake_job(&f, "bad", LANE_IO);
    fake_job(&f, "good", LANE_IO);
    fake_job(&f, "mail", LANE_IO);
    fake_job(&f, "idle", LANE_IO);
    fake_job(&f, "log", LANE_IO);
    fake_after(&f, "mail", "bad");
    fake_after(&f, "mail", "good");
    fake_set(&f, "mail")->when = WHEN_FAILURE;
    fake_after(&f, "idle", "good");
    fake_set(&f, "idle")->when = WHEN_FAILURE;
    fake_after(&f, "log", "bad");
    fake_set(&f, "log")->when = WHEN_ALWAYS;
    fake_begin(&f);
    fake_expect(&f, "start bad.1@0, start good.1@1");
    fake_exit(&f, "bad", 1);
    fake_expect(&f, "done bad failed (exit), start log.1@0");
    fake_exit(&f, "good", 0);
    fake_expect(&f, "done good ok, done idle skipped, start mail.1@1");
    fake_exit(&f, "mail", 9);
    fake_expect(&f, "done mail failed (exit)"); /* its own failure: no cause */
}

static void skipped_by_choice_skips_by_choice(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_IO);
    fake_job(&f, "b", LANE_IO);
    fake_job(&f, "c", LANE_IO);
    fake_job(&f, "d", LANE_IO);
    fake_job(&f, "e", LANE_IO);
    fake_set(&f, "a")->skip_exit.bits[77 / 32] = 1U << 77 % 32;
    fake_after(&f, "b", "a");
    fake_after(&f, "c", "b");
    fake_after(&f, "d", "c");
    fake_set(&f, "d")->when = WHEN_ALWAYS;
    fake_after(&f, "e", "a");
    fake_set(&f, "e")->when = WHEN_FAILURE;
    fake_begin(&f);
    fake_exit(&f, "a", 77);
    fake_expect(&f, "start a.1@0, done a skipped, done b skipped, done e skipped, "
                    "done c skipped, start d.1@0");
    fake_exit(&f, "d", 0);
    assert_int_equal(run_exit_status(fake_result(&f)), 0);
}

static void a_failure_outweighs_a_skip_by_choice(void **state) {
    (void)state;
    fake_job(&f, "skip", LANE_IO);
    fake_job(&f, "bad", LANE_IO);
    fake_job(&f, "c", LANE_IO);
    fake_job(&f, "m", LANE_IO);
    fake_set(&f, "skip")->skip_exit.bits[0] = 1U << 7;
    fake_after(&f, "c", "skip");
    fake_after(&f, "c", "bad");
    fake_after(&f, "m", "skip");
    fake_after(&f, "m", "bad");
    fake_set(&f, "m")->when = WHEN_FAILURE;
    fake_begin(&f);
    fake_exit(&f, "skip", 7);
    fake_expect(&f, "start skip.1@0, start bad.1@1, done skip skipped");
    fake_exit(&f, "bad", 1);
    fake_expect(&f, "done bad failed (exit), done c skipped (dependency) by bad, start m.1@0");
}

static void an_allowed_failure_is_success_for_what_comes_after(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_IO);
    fake_job(&f, "b", LANE_IO);
    fake_set(&f, "a")->allow_failure = true;
    fake_after(&f, "b", "a");
    f.plan.on_failure = ON_FAILURE_CANCEL;
    fake_begin(&f);
    fake_exit(&f, "a", 1);
    fake_expect(&f, "start a.1@0, done a failed (exit), start b.1@0");
    assert_true(fake_row(&f, "a")->allowed);
    fake_exit(&f, "b", 0);
    assert_int_equal(run_exit_status(fake_result(&f)), 0);
    assert_int_equal(run_totals(fake_result(&f)).allowed, 1);
}

static void a_long_chain_of_skips_needs_no_stack(void **state) {
    char name[16], last[16] = "";

    (void)state;
    for (int i = 0; i < FAKE_JOBS_MAX; i++) {
        snprintf(name, sizeof name, "j%d", i);
        fake_job(&f, name, LANE_IO);
        if (i > 0)
            fake_after(&f, name, last);
        memcpy(last, name, sizeof last);
    }
    fake_begin(&f);
    fake_exit(&f, "j0", 1);
    assert_true(sched_done(f.sched));
    assert_int_equal(fake_row(&f, last)->cause, 0);
}

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
    fake_expect(&f, "start a.1@0, done a failed (spawn)");
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
                    "done b failed (exit), retry c 1000ms");
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

/* --- no room for processes --- */

static void a_put_off_start_narrows_the_lane(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_IO);
    fake_job(&f, "b", LANE_IO);
    fake_job(&f, "c", LANE_IO);
    fake_begin(&f);
    fake_up(&f, "a");
    fake_put_off(&f, 1, UV_EAGAIN);
    fake_put_off(&f, 2, UV_EAGAIN);
    fake_expect(&f, "start a.1@0, start b.1@1, start c.1@2");
    assert_int_equal(sched_counts(f.sched).width[LANE_IO], 1);
    fake_exit(&f, "a", 0); /* something has ended: tried again */
    fake_expect(&f, "done a ok, start b.1@0");
    fake_up(&f, "b"); /* and with success: wider by one */
    fake_expect(&f, "start c.1@1");
    assert_int_equal(fake_row(&f, "b")->nattempts, 0);
    fake_exit(&f, "b", 0);
    fake_exit(&f, "c", 0);
    assert_int_equal(run_exit_status(fake_result(&f)), 0);
}

static void starts_under_way_are_not_what_runs(void **state) {
    (void)state;
    f.plan.io_limit = 4;
    for (char name[] = "a"; name[0] <= 'f'; name[0]++)
        fake_job(&f, name, LANE_IO);
    fake_begin(&f);
    fake_up(&f, "a");
    fake_put_off(&f, 1, UV_EAGAIN);
    assert_int_equal(sched_counts(f.sched).width[LANE_IO], 1);
    assert_int_equal(sched_counts(f.sched).running[LANE_IO], 3);
    fake_up(&f, "c");
    assert_int_equal(sched_counts(f.sched).width[LANE_IO], 2);
    fake_up(&f, "d");
    assert_int_equal(sched_counts(f.sched).width[LANE_IO], 3);
    f.log_len = 0;
    fake_exit(&f, "a", 0);
    fake_expect(&f, "done a ok, start b.1@0");
}

static void a_put_off_start_is_tried_again_by_time(void **state) {
    int64_t delay = 10 * NS_PER_MS;

    (void)state;
    fake_job(&f, "long", LANE_CPU);
    fake_job(&f, "a", LANE_IO);
    fake_begin(&f);
    fake_up(&f, "long");
    f.log_len = 0;
    for (int i = 0; i < 12; i++) {
        fake_put_off(&f, 1, UV_EMFILE);
        assert_true(sched_due(f.sched) == f.now + delay);
        fake_pass(&f, delay - 1);
        fake_expect(&f, "");
        fake_pass(&f, 1);
        fake_expect(&f, "start a.1@0");
        delay = delay * 2 < NS_PER_S ? delay * 2 : NS_PER_S;
    }
    fake_pass(&f, 100 * NS_PER_S);
    fake_put_off(&f, 1, UV_EMFILE); /* for long, but something runs: no failure */
    fake_expect(&f, "");
    fake_pass(&f, NS_PER_S);
    fake_up(&f, "a");
    fake_expect(&f, "start a.1@0");
}

static void a_wide_job_is_tried_whole(void **state) {
    (void)state;
    f.plan.cpu_workers = 4;
    fake_job(&f, "a", LANE_CPU);
    fake_job(&f, "w", LANE_CPU);
    fake_set(&f, "w")->cpus = 3;
    fake_begin(&f);
    fake_up(&f, "a");
    fake_put_off(&f, 1, UV_ENOMEM);
    assert_int_equal(sched_counts(f.sched).width[LANE_CPU], 1);
    fake_pass(&f, 10 * NS_PER_MS);
    fake_expect(&f, "start a.1@0, start w.1@1, start w.1@1");
}

static void with_nothing_running_it_fails_after_30_s(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_IO);
    fake_job(&f, "b", LANE_IO);
    fake_set(&f, "b")->retries = 1;
    f.plan.io_limit = 1;
    fake_begin(&f);
    for (int64_t end = f.now + 30 * NS_PER_S; f.now < end; fake_pass(&f, NS_PER_S)) {
        assert_int_equal(fake_row(&f, "a")->status, STATUS_NONE);
        fake_put_off(&f, 0, UV_EAGAIN);
    }
    f.log_len = 0;
    fake_put_off(&f, 0, UV_EAGAIN);
    fake_expect(&f, "done a failed (spawn), start b.1@0");
    assert_int_equal(fake_row(&f, "a")->attempts[0].error, UV_EAGAIN);
    assert_int_equal(fake_row(&f, "a")->attempts[0].stage, SPAWN_RESOURCES);
    fake_put_off(&f, 1, UV_EAGAIN);
    fake_expect(&f, "retry b 1000ms"); /* retry-on covers it */
    fake_pass(&f, NS_PER_S);
    fake_exit(&f, "b", 0);
    fake_expect(&f, "start b.2@0, done b ok");
}

static void a_start_in_between_begins_the_30_s_anew(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_IO);
    fake_job(&f, "b", LANE_IO);
    fake_set(&f, "b")->priority = -1;
    f.plan.io_limit = 1;
    fake_begin(&f);
    for (int i = 0; i < 20; i++, fake_pass(&f, NS_PER_S))
        fake_put_off(&f, 0, UV_EAGAIN);
    fake_exit(&f, "a", 0);
    f.log_len = 0;
    for (int i = 0; i < 20; i++, fake_pass(&f, NS_PER_S))
        fake_put_off(&f, 1, UV_EAGAIN);
    assert_int_equal(fake_row(&f, "b")->status, STATUS_NONE);
    fake_exit(&f, "b", 0);
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

#define story(test) cmocka_unit_test_setup_teardown(test, begin_story, end_story)

int main(void) {
    const struct CMUnitTest tests[] = {
        story(one_job_runs),
        story(no_jobs_is_done),
        story(a_lane_is_no_wider_than_its_limit),
        story(lanes_are_independent),
        story(higher_priority_goes_first_then_manifest_order),
        story(a_wide_job_takes_the_lowest_workers),
        story(after_waits_for_all),
        story(a_failure_skips_what_comes_after_at_once),
        story(when_failure_and_when_always),
        story(skipped_by_choice_skips_by_choice),
        story(a_failure_outweighs_a_skip_by_choice),
        story(an_allowed_failure_is_success_for_what_comes_after),
        story(a_long_chain_of_skips_needs_no_stack),
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
        story(a_put_off_start_narrows_the_lane),
        story(starts_under_way_are_not_what_runs),
        story(a_put_off_start_is_tried_again_by_time),
        story(a_wide_job_is_tried_whole),
        story(with_nothing_running_it_fails_after_30_s),
        story(a_start_in_between_begins_the_30_s_anew),
        story(wait_is_from_ready_to_first_start),
        story(wait_ends_with_the_start_not_with_the_news),
        story(counts_and_views),
        story(leftovers_are_summed),
    };

    return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
