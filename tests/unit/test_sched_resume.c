/* SPDX-License-Identifier: MIT */
/* test_sched_resume: what an earlier run has settled is left out. */
#include "sched_story.h"

/* Of the jobs in their order. */
static uint8_t settled[FAKE_JOBS_MAX];

static void jobs(const char *names, const uint8_t *values) {
    for (uint32_t i = 0; names[i]; i++) {
        const char name[] = {names[i], '\0'};

        fake_job(&f, name, LANE_IO);
        settled[i] = values[i];
    }
    f.settled = settled;
}

static void what_is_settled_ends_first_and_the_rest_runs(void **state) {
    (void)state;
    jobs("abcd", (const uint8_t[]){SETTLED_NO, SETTLED_OK, SETTLED_NO, SETTLED_OK});
    fake_after(&f, "b", "a"); /* it need not wait */
    fake_after(&f, "c", "b");
    fake_begin(&f);
    fake_expect(&f, "done b resumed, done d resumed, start a.1@0, start c.1@1");
    fake_exit(&f, "a", 0);
    fake_exit(&f, "c", 0);
    fake_expect(&f, "done a ok, done c ok");
    assert_true(sched_done(f.sched));
    assert_int_equal(run_exit_status(fake_result(&f)), 0);
    assert_int_equal(run_totals(fake_result(&f)).by_status[STATUS_RESUMED], 2);
    assert_int_equal(fake_row(&f, "b")->nattempts, 0);
}

static void all_may_be_settled(void **state) {
    (void)state;
    jobs("ab", (const uint8_t[]){SETTLED_OK, SETTLED_SKIPPED});
    fake_begin(&f);
    fake_expect(&f, "done a resumed, done b resumed");
    assert_true(sched_done(f.sched));
    assert_int_equal(run_exit_status(fake_result(&f)), 0);
}

/* As it would be had the job been skipped by choice just now. */
static void what_was_not_wanted_is_not_success(void **state) {
    (void)state;
    jobs("abc", (const uint8_t[]){SETTLED_SKIPPED, SETTLED_NO, SETTLED_NO});
    fake_after(&f, "b", "a");
    fake_after(&f, "c", "a");
    fake_set(&f, "c")->when = WHEN_ALWAYS;
    fake_begin(&f);
    fake_expect(&f, "done a resumed, done b skipped, start c.1@0");
}

static void neither_signal_nor_failure_unsettles(void **state) {
    (void)state;
    jobs("ab", (const uint8_t[]){SETTLED_OK, SETTLED_NO});
    fake_new(&f);
    sched_interrupt(f.sched, f.now); /* before it began */
    fake_begin(&f);
    fake_expect(&f, "done a resumed, done b cancelled (cancelled)");
    assert_int_equal(fake_row(&f, "a")->settled, SETTLED_OK);
    assert_true(sched_done(f.sched));
}

static void dependents_of_what_is_settled_wait_for_no_record(void **state) {
    (void)state;
    f.hold = true;
    jobs("ab", (const uint8_t[]){SETTLED_OK, SETTLED_NO});
    fake_after(&f, "b", "a");
    fake_begin(&f);
    fake_expect(&f, "done a resumed, start b.1@0");
}

static void each_end_settles_what_need_not_run_again(void **state) {
    (void)state;
    jobs("abcdefg", (const uint8_t[]){0, 0, 0, 0, 0, 0, SETTLED_SKIPPED});
    fake_set(&f, "b")->skip_exit.bits[0] = 1U << 7;
    fake_set(&f, "d")->allow_failure = true;
    fake_after(&f, "e", "c");
    fake_after(&f, "f", "b");
    fake_begin(&f);
    fake_exit(&f, "a", 0);
    fake_exit(&f, "b", 7);
    fake_exit(&f, "c", 1);
    fake_exit(&f, "d", 1);
    fake_expect(&f, "done g resumed, start a.1@0, start b.1@1, start c.1@2, start d.1@3, "
                    "done a ok, done b skipped, done f skipped, done c failed (exit), "
                    "done e skipped (dependency) by c, done d failed (exit)");
    assert_int_equal(fake_row(&f, "a")->settled, SETTLED_OK);
    assert_int_equal(fake_row(&f, "b")->settled, SETTLED_SKIPPED);
    assert_int_equal(fake_row(&f, "c")->settled, SETTLED_NO);
    assert_int_equal(fake_row(&f, "d")->settled, SETTLED_NO);
    assert_int_equal(fake_row(&f, "e")->settled, SETTLED_NO);
    assert_int_equal(fake_row(&f, "f")->settled, SETTLED_SKIPPED);
    assert_int_equal(fake_row(&f, "g")->settled, SETTLED_SKIPPED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        story(what_is_settled_ends_first_and_the_rest_runs),
        story(all_may_be_settled),
        story(what_was_not_wanted_is_not_success),
        story(neither_signal_nor_failure_unsettles),
        story(dependents_of_what_is_settled_wait_for_no_record),
        story(each_end_settles_what_need_not_run_again),
    };

    return cmocka_run_group_tests_name("sched_resume", tests, NULL, NULL);
}
