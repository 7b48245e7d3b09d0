/* SPDX-License-Identifier: MIT */
/* test_habits: in which lanes jobs of type auto start, by a history made for each case. */
#include <stdbool.h>
#include <string.h>

#include "store/habits.h"
#include "store_case.h"

static const char *const names[] = {"burner", "waiter", "half", "new", "marked"};
enum { BURNER, WAITER, HALF, NEW, MARKED, JOBS };

static struct job_settings settings = {.automatic = true};
static struct job_settings fixed = {.type = LANE_CPU};
static struct plan_job jobs[JOBS];
static struct plan plan = {.path = "habits.ini", .name = "habits", .jobs = jobs, .njobs = JOBS};

static int fresh_plan(void **state) {
    for (int i = 0; i < JOBS; i++)
        jobs[i] = (struct plan_job){.name = names[i], .set = i == MARKED ? &fixed : &settings};
    plan.name = "habits";
    return fresh_folder(state);
}

/* A run in which each job computed for so many of ten parts of its time, but for
 * those with -1, which have no attempt. */
static void record(const char *id, const int tenths[JOBS], enum status status) {
    struct attempt_result attempts[JOBS];
    struct job_result rows[JOBS];
    struct run_result run = named(id);

    run.plan = &plan;
    run.jobs = rows;
    for (int i = 0; i < JOBS; i++) {
        attempts[i] = (struct attempt_result){.start_ns = run.start_ns,
                                              .wall_ns = 1000000000,
                                              .user_us = tenths[i] * 99999,
                                              .sys_us = 0,
                                              .status = (uint8_t)status};
        rows[i] = (struct job_result){.status = (uint8_t)status,
                                      .cause = NO_JOB,
                                      .worker = -1,
                                      .nattempts = tenths[i] >= 0,
                                      .attempts = &attempts[i]};
    }
    record_run(&run);
}

static void expect(const char *lanes) {
    uint8_t *got = habits_read(folder, &plan);

    assert_non_null(got);
    for (int i = 0; i < JOBS; i++)
        if (got[i] != (lanes[i] == 'c' ? LANE_CPU : LANE_IO))
            fail_msg("%s: in lane %d", names[i], got[i]);
    free(got);
}

static void without_a_history_nothing_is_said(void **state) {
    (void)state;
    assert_null(habits_read(folder, &plan));
}

static void half_a_core_is_computing(void **state) {
    (void)state;
    record("1", (int[]){10, 1, 5, -1, 0}, STATUS_OK);
    expect("ciiic"); /* half: a little less than that */
    run_sql("UPDATE attempt SET user_us = 500000 WHERE seq = 2");
    expect("cicic");
}

static void the_last_time_counts(void **state) {
    (void)state;
    record("1", (int[]){10, 0, -1, -1, 0}, STATUS_OK);
    record("2", (int[]){0, 10, -1, 9, 0}, STATUS_FAILED);
    expect("icicc");
    record("3", (int[]){10, -1, -1, -1, 0}, STATUS_CANCELLED); /* half-way: says nothing */
    expect("icicc");
    for (int i = 4; i < 9; i++)
        record((char[]){(char)('0' + i), 0}, (int[]){-1, 0, -1, -1, 0}, STATUS_OK);
    expect("iiiic"); /* more than five runs ago is forgotten */
}

static void other_manifests_have_habits_of_their_own(void **state) {
    (void)state;
    record("1", (int[]){10, 10, 10, 10, 0}, STATUS_OK);
    plan.name = "another";
    expect("iiiic");
}

#define habit_test(test) cmocka_unit_test_setup_teardown(test, fresh_plan, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        habit_test(without_a_history_nothing_is_said),
        habit_test(half_a_core_is_computing),
        habit_test(the_last_time_counts),
        habit_test(other_manifests_have_habits_of_their_own),
    };

    return cmocka_run_group_tests_name("habits", tests, NULL, NULL);
}
