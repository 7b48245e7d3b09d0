/* SPDX-License-Identifier: MIT */
/* test_sched_after: what comes after what, and when. */
#include <stdio.h>
#include <string.h>

#include "sched_story.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        story(after_waits_for_all),
        story(a_failure_skips_what_comes_after_at_once),
        story(when_failure_and_when_always),
        story(skipped_by_choice_skips_by_choice),
        story(a_failure_outweighs_a_skip_by_choice),
        story(an_allowed_failure_is_success_for_what_comes_after),
        story(a_long_chain_of_skips_needs_no_stack),
    };

    return cmocka_run_group_tests_name("sched_after", tests, NULL, NULL);
}
