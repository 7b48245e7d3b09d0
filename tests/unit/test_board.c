/* SPDX-License-Identifier: MIT */
/* test_board: how a run stands by what was told of it, and how long it will take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "report/board.h"
#include "run/job.h"

#define JOBS 600

static struct job_settings io = {.type = LANE_IO, .cpus = 1};
static struct job_settings cpu = {.type = LANE_CPU, .cpus = 1};
static struct job_settings wide = {.type = LANE_CPU, .cpus = 2};
static struct plan_job defs[JOBS];
static struct job_result results[JOBS];
static char names[JOBS][16];
static uint32_t order[JOBS];
static struct plan plan = {.jobs = defs, .njobs = JOBS, .order = order};
static struct board board;

static int begin(void **state) {
    (void)state;
    plan.njobs = JOBS;
    for (uint32_t i = 0; i < JOBS; i++) {
        snprintf(names[i], sizeof names[i], "job%u", i);
        defs[i] = (struct plan_job){.name = names[i], .set = &io};
        results[i] = (struct job_result){0};
        order[i] = i;
    }
    return board_init(&board, &plan, NULL);
}

/* A new board of the first jobs alone. */
static void only(uint32_t njobs, const struct length *lengths) {
    board_release(&board);
    plan.njobs = njobs;
    assert_int_equal(board_init(&board, &plan, lengths), 0);
}

static int end(void **state) {
    (void)state;
    board_release(&board);
    return 0;
}

static struct job_info info(uint32_t id) {
    return (struct job_info){.id = id, .section = id, .def = &defs[id], .result = &results[id]};
}

static void started(uint32_t id, uint32_t attempt, int64_t now) {
    const struct job_info job = info(id);

    board_started(&board, &job, attempt, now);
}

static void ended(uint32_t id, enum status status) {
    const struct job_info job = info(id);

    results[id].status = (uint8_t)status;
    board_ended(&board, &job);
}

static void counts(void **state) {
    const struct sched_counts c = {
        .by_state = {[JOB_BACKOFF] = 1}, .running = {3, 1}, .width = {64, 2}};
    const struct job_info tried = info(2);
    struct standing s;

    (void)state;
    started(1, 1, 100);
    started(2, 1, 200);
    board_retry(&board, &tried);
    ended(0, STATUS_OK);
    ended(3, STATUS_FAILED);
    ended(4, STATUS_TIMEOUT);
    results[5].allowed = true;
    ended(5, STATUS_FAILED);
    ended(6, STATUS_SKIPPED);
    board_read(&board, &c, 50, 50 + NS_PER_S, &s);
    assert_int_equal(s.jobs, JOBS);
    assert_false(s.open);
    assert_int_equal(s.done, 5);
    assert_int_equal(s.failed, 2);
    assert_int_equal(s.retries, 1);
    assert_int_equal(s.running, 1);
    assert_int_equal(s.delayed, 1);
    assert_int_equal(s.used[LANE_IO], 3);
    assert_int_equal(s.width[LANE_CPU], 2);
    assert_int_equal(s.elapsed_ns, NS_PER_S);
    assert_int_equal(s.left_ns, -1);
    assert_int_equal(s.njobs, 1);
    assert_string_equal(s.job[0].name, "job1");
}

/* The longest first, whatever ends in between; a job that was tried again is a new one. */
static void the_longest(void **state) {
    const struct sched_counts c = {0};
    const struct job_info tried = info(1);
    struct standing s;

    (void)state;
    for (uint32_t i = 0; i < JOBS; i++)
        started(i, 1, i);
    board_retry(&board, &tried);
    started(1, 2, JOBS);
    results[3].lane = LANE_CPU; /* moved into it while it runs */
    ended(0, STATUS_OK);
    ended(4, STATUS_OK);
    ended(JOBS - 1, STATUS_OK);
    board_read(&board, &c, 0, 1000, &s);
    assert_int_equal(s.running, JOBS - 3);
    assert_int_equal(s.more, JOBS - 3 - STANDING_JOBS_MAX);
    assert_string_equal(s.job[0].name, "job2");
    assert_int_equal(s.job[0].elapsed_ns, 998);
    assert_string_equal(s.job[1].name, "job3");
    assert_int_equal(s.job[1].lane, LANE_CPU);
    assert_string_equal(s.job[2].name, "job5");
    for (uint32_t i = 2; i < JOBS - 1; i++)
        if (i != 4)
            ended(i, STATUS_OK);
    board_read(&board, &c, 0, 1000, &s);
    assert_int_equal(s.njobs, 1);
    assert_int_equal(s.more, 0);
    assert_string_equal(s.job[0].name, "job1");
    assert_int_equal(s.job[0].attempt, 2);
    ended(1, STATUS_OK);
    ended(1, STATUS_OK); /* it does not run any more */
    assert_null(board.first);
    assert_null(board.last);
}

static void names_are_made_visible(void **state) {
    const struct sched_counts c = {0};
    struct standing s;

    (void)state;
    defs[0].name = "a[\033[31m]";
    started(0, 1, 0);
    board_read(&board, &c, 0, 0, &s);
    assert_string_equal(s.job[0].name, "a[\\x1b[31m]");
}

static void by_the_rate(void **state) {
    const struct sched_counts c = {0};
    struct standing s;

    (void)state;
    only(10, NULL);
    for (uint32_t i = 0; i < 2; i++)
        ended(i, STATUS_OK);
    board_read(&board, &c, 0, 10 * NS_PER_S, &s);
    assert_int_equal(s.left_ns, -1); /* too few */
    ended(2, STATUS_OK);
    board_read(&board, &c, 0, NS_PER_S, &s);
    assert_int_equal(s.left_ns, -1); /* too early */
    board_read(&board, &c, 0, 6 * NS_PER_S, &s);
    assert_int_equal(s.left_ns, 14 * NS_PER_S);
}

/* Seconds that are left with lanes of 4 and 2. */
static int64_t left(struct forecast *f) {
    return forecast_left(f, (const uint32_t[]){4, 2}) / NS_PER_S;
}

static void by_the_history(void **state) {
    const struct length lengths[6] = {{8 * NS_PER_S, 1}, {8 * NS_PER_S, 1}, {0, 0},
                                      {4 * NS_PER_S, 1}, {4 * NS_PER_S, 1}, {6 * NS_PER_S, 1}};
    struct forecast *f;

    (void)state;
    plan.njobs = 6;
    defs[3].set = defs[4].set = &cpu;
    defs[5].set = &wide;
    f = forecast_new(&plan, lengths, NULL); /* that of job 2 is the others' average: 6 s */
    assert_non_null(f);
    /* I/O: 22 s by 4, CPU: (4 + 4 + 2 * 6) s by 2. */
    assert_int_equal(left(f), 10);
    forecast_running(f, 0, NS_PER_S);
    forecast_running(f, 5, 5 * NS_PER_S);
    assert_int_equal(left(f), 7); /* 7 s of job 0, 10 s by 2 */
    forecast_ended(f, 5);
    forecast_running(f, 0, 20 * NS_PER_S); /* longer than it was thought */
    assert_int_equal(left(f), 4);
    forecast_ended(f, 0);
    forecast_ended(f, 3);
    forecast_ended(f, 4);
    assert_int_equal(left(f), 3); /* 14 s by 4 */
    forecast_ended(f, 1);
    forecast_ended(f, 2);
    assert_int_equal(left(f), 0);
    forecast_free(f);
}

/* A chain takes as long as all of it, however wide the lanes are. */
static void a_chain(void **state) {
    const struct length lengths[4] = {
        {2 * NS_PER_S, 1}, {3 * NS_PER_S, 1}, {5 * NS_PER_S, 1}, {NS_PER_S, 1}};
    const uint32_t first = 2, second = 1;
    struct forecast *f;

    (void)state;
    plan.njobs = 4;
    defs[1].after = &first; /* 2, then 1, then 0 */
    defs[1].nafter = 1;
    defs[0].after = &second;
    defs[0].nafter = 1;
    memcpy(order, (const uint32_t[]){2, 3, 1, 0}, 4 * sizeof *order);
    f = forecast_new(&plan, lengths, NULL);
    assert_non_null(f);
    forecast_running(f, 2, NS_PER_S);
    forecast_running(f, 3, 0);
    assert_int_equal(left(f), 9);
    forecast_ended(f, 2);
    forecast_running(f, 1, 0);
    assert_int_equal(left(f), 5);
    forecast_free(f);
}

static void too_little_is_known(void **state) {
    const struct length lengths[3] = {{0, 0}, {NS_PER_S, 1}, {0, 0}};

    (void)state;
    plan.njobs = 3;
    assert_null(forecast_new(&plan, lengths, NULL));
    plan.njobs = 0;
    assert_null(forecast_new(&plan, lengths, NULL));
    assert_null(forecast_free(NULL));
}

static void a_board_asks_the_forecast(void **state) {
    const struct length lengths[2] = {{8 * NS_PER_S, 1}, {4 * NS_PER_S, 1}};
    const struct sched_counts c = {.width = {2, 2}};
    struct standing s;

    (void)state;
    only(2, lengths);
    started(0, 1, 0);
    started(1, 1, 0);
    board_read(&board, &c, 0, NS_PER_S, &s);
    assert_int_equal(s.left_ns, 7 * NS_PER_S);
    ended(0, STATUS_OK);
    board_read(&board, &c, 0, NS_PER_S, &s);
    assert_int_equal(s.left_ns, 3 * NS_PER_S);
}

/* ---- sections with axes ---- */

static const char *const two[] = {"a", "b"};
static const struct plan_axis list = {.name = "A", .kind = AXIS_LIST, .values = two, .nvalues = 2};
static const struct plan_axis lines = {.name = "A", .kind = AXIS_LINES};
static const struct plan_axis range = {.name = "B", .kind = AXIS_RANGE, .range = {.last = 4}};
static const struct plan_axis huge = {
    .name = "B", .kind = AXIS_RANGE, .range = {.last = UINT64_MAX - 1}};

static void how_many_items(void **state) {
    const struct plan_axis both[] = {list, range}, unknown[] = {list, lines}, many[] = {huge, huge};

    (void)state;
    assert_int_equal(board_items(&(struct plan_items){.axes = both, .naxes = 2}), 10);
    assert_int_equal(board_items(&(struct plan_items){.axes = &range, .naxes = 1, .batch = 2}), 3);
    assert_int_equal(board_items(&(struct plan_items){.axes = unknown, .naxes = 2}), 0);
    assert_int_equal(board_items(&(struct plan_items){.axes = many, .naxes = 2}), 0);
    assert_int_equal(board_items(&(struct plan_items){
                         .axes = both, .naxes = 2, .excluded = two, .nexcluded = 1}),
                     0);
}

/* Job 0 has five items, job 1 nobody knows how many, job 2 is one. */
static struct standing of_items(const struct length *lengths) {
    static const struct plan_items five = {.axes = &range, .naxes = 1},
                                   some = {.axes = &lines, .naxes = 1};

    defs[0].items = &five;
    defs[1].items = &some;
    only(3, lengths);
    return (struct standing){0};
}

/* An item of a section, or what stands for those that there are not. */
static void item_ended(uint32_t section, bool is_item) {
    static const struct plan_item item;
    struct job_result result = {.status = STATUS_OK};
    struct plan_job def = defs[section];
    const struct job_info job = {
        .id = 100 + section, .section = section, .def = &def, .result = &result};

    def.item = is_item ? &item : NULL;
    board_started(&board, &job, 1, 0);
    board_ended(&board, &job);
}

static void jobs_that_are_not_known_yet(void **state) {
    const struct sched_counts c = {.width = {2, 2}};
    struct standing s = of_items(NULL);

    (void)state;
    board_read(&board, &c, 0, 0, &s);
    assert_int_equal(s.jobs, 6);
    assert_true(s.open);
    for (int i = 0; i < 3; i++)
        item_ended(1, true);
    item_ended(0, true);
    board_read(&board, &c, 0, 100 * NS_PER_S, &s);
    assert_int_equal(s.jobs, 9);
    assert_int_equal(s.done, 4);
    assert_int_equal(s.left_ns, -1); /* the rate is of no use */
    board_section_ended(&board, 1);
    board_read(&board, &c, 0, 100 * NS_PER_S, &s);
    assert_false(s.open);
    assert_int_equal(s.jobs, 9);
    assert_int_equal(s.left_ns, 125 * NS_PER_S);
    item_ended(0, false); /* the others were skipped, in one */
    board_read(&board, &c, 0, 100 * NS_PER_S, &s);
    assert_int_equal(s.jobs, 6);
    assert_int_equal(s.done, 5);
}

static void items_by_the_history(void **state) {
    const struct length lengths[3] = {{NS_PER_S, 2}, {2 * NS_PER_S, 8}, {4 * NS_PER_S, 1}};
    const struct sched_counts c = {.width = {1, 1}};
    struct standing s = of_items(lengths);

    (void)state;
    board_read(&board, &c, 0, 0, &s); /* 5 * 1, as many as there are; 8 * 2, as there were; 4 */
    assert_int_equal(s.left_ns, 25 * NS_PER_S);
    item_ended(0, true);
    item_ended(1, true);
    board_read(&board, &c, 0, 0, &s);
    assert_int_equal(s.left_ns, 22 * NS_PER_S);
    board_section_ended(&board, 1);
    board_read(&board, &c, 0, 0, &s);
    assert_int_equal(s.left_ns, 8 * NS_PER_S);
}

#define board_test(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        board_test(counts),
        board_test(the_longest),
        board_test(names_are_made_visible),
        board_test(by_the_rate),
        board_test(by_the_history),
        board_test(a_chain),
        board_test(too_little_is_known),
        board_test(a_board_asks_the_forecast),
        board_test(how_many_items),
        board_test(jobs_that_are_not_known_yet),
        board_test(items_by_the_history),
    };

    return cmocka_run_group_tests_name("board", tests, NULL, NULL);
}
