/* SPDX-License-Identifier: MIT */
/* test_sched_room: starts that are put off. */
#include <uv.h>

#include "base/clock.h"
#include "sched_story.h"

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
    fake_expect(&f, "unstarted a.1@0, done a failed (spawn), start b.1@0");
    assert_int_equal(fake_row(&f, "a")->attempts[0].error, UV_EAGAIN);
    assert_int_equal(fake_row(&f, "a")->attempts[0].stage, SPAWN_RESOURCES);
    fake_put_off(&f, 1, UV_EAGAIN);
    fake_expect(&f, "unstarted b.1@0, retry b 1000ms"); /* retry-on covers it */
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

int main(void) {
    const struct CMUnitTest tests[] = {
        story(a_put_off_start_narrows_the_lane),
        story(starts_under_way_are_not_what_runs),
        story(a_put_off_start_is_tried_again_by_time),
        story(a_wide_job_is_tried_whole),
        story(with_nothing_running_it_fails_after_30_s),
        story(a_start_in_between_begins_the_30_s_anew),
    };

    return cmocka_run_group_tests_name("sched_room", tests, NULL, NULL);
}
