/* SPDX-License-Identifier: MIT */
/* test_lengths: how long jobs took, by a history made for each case. */
#include <stdbool.h>
#include <string.h>

#include "store/lengths.h"
#include "store_case.h"

enum { FIRST, SECOND, NEW, JOBS };

static struct job_settings settings;
static struct plan_job jobs[JOBS] = {[FIRST] = {.name = "first", .set = &settings},
                                     [SECOND] = {.name = "second", .set = &settings},
                                     [NEW] = {.name = "new", .set = &settings}};
static struct plan plan = {.path = "lengths.ini", .name = "lengths", .jobs = jobs, .njobs = JOBS};

static int fresh_plan(void **state) {
    plan.name = "lengths";
    return fresh_folder(state);
}

/* A run in which the first two took so many seconds, and ended so. */
static void record(const char *id, int64_t first, int64_t second, enum status status) {
    const int64_t lengths[JOBS] = {first, second, -1};
    struct attempt_result attempts[JOBS];
    struct job_result rows[JOBS];
    struct run_result run = named(id);

    run.plan = &plan;
    run.jobs = rows;
    for (int i = 0; i < JOBS; i++) {
        bool ran = lengths[i] >= 0;

        attempts[i] = (struct attempt_result){
            .start_ns = run.start_ns, .wall_ns = lengths[i] * NS_PER_S, .status = (uint8_t)status};
        rows[i] = (struct job_result){.status = (uint8_t)(ran ? status : STATUS_SKIPPED),
                                      .cause = NO_JOB,
                                      .worker = -1,
                                      .nattempts = ran,
                                      .attempts = &attempts[i]};
    }
    record_run(&run);
}

static void expect(int64_t first, int64_t second) {
    const int64_t want[JOBS] = {first, second, -1};
    struct length *got = lengths_read(folder, &plan);

    assert_non_null(got);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(got[i].count, want[i] >= 0);
        assert_int_equal(got[i].ns, want[i] >= 0 ? want[i] * NS_PER_S : 0);
    }
    free(got);
}

static void without_a_history_nothing_is_known(void **state) {
    (void)state;
    assert_null(lengths_read(folder, &plan));
}

static void the_last_time_counts(void **state) {
    (void)state;
    record("1", 5, 7, STATUS_OK);
    expect(5, 7);
    record("2", 6, -1, STATUS_FAILED);
    expect(6, 7);
    record("3", 1, 1, STATUS_CANCELLED); /* half-way: says nothing */
    expect(6, 7);
    record("4", 0, -1, STATUS_OK);
    expect(0, -1); /* more than three runs ago is forgotten */
}

static void nonsense_is_not_taken_over(void **state) {
    (void)state;
    record("1", 5, 7, STATUS_OK);
    run_sql("UPDATE job SET wall = -1 WHERE seq = 0");
    expect(-1, 7);
    run_sql("DROP TABLE job");
    assert_null(lengths_read(folder, &plan));
}

/* Those of a section are one: what an item took on an average, and how many there were. */
static void items(void **state) {
    struct length *got;

    (void)state;
    record("1", 5, 8, STATUS_OK);
    run_sql("UPDATE job SET name = 'new[' || name || '[x]]'");
    got = lengths_read(folder, &plan);
    assert_non_null(got);
    assert_int_equal(got[NEW].count, 2);
    assert_int_equal(got[NEW].ns, 13 * NS_PER_S / 2);
    assert_int_equal(got[FIRST].count, 0);
    free(got);
    run_sql("UPDATE run SET ok = 30000"); /* too many to be read */
    got = lengths_read(folder, &plan);
    assert_non_null(got);
    assert_int_equal(got[NEW].count, 0);
    free(got);
}

static void other_manifests_have_times_of_their_own(void **state) {
    (void)state;
    record("1", 5, 7, STATUS_OK);
    plan.name = "another";
    expect(-1, -1);
}

#define lengths_test(test) cmocka_unit_test_setup_teardown(test, fresh_plan, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        lengths_test(without_a_history_nothing_is_known),
        lengths_test(the_last_time_counts),
        lengths_test(nonsense_is_not_taken_over),
        lengths_test(items),
        lengths_test(other_manifests_have_times_of_their_own),
    };

    return cmocka_run_group_tests_name("lengths", tests, NULL, NULL);
}
