/* SPDX-License-Identifier: MIT */
/* test_standing: how a run stands, laid out for screens of any size. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "report/standing.h"

static int utf8(void **state) {
    (void)state;
    return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

/* In the midst of a run. */
static struct standing some(void) {
    return (struct standing){
        .jobs = 120,
        .done = 37,
        .failed = 2,
        .running = 9,
        .delayed = 1,
        .retries = 3,
        .used = {6, 3},
        .width = {64, 4},
        .elapsed_ns = 38 * NS_PER_S + 999,
        .left_ns = 130 * NS_PER_S + 1,
        .more = 6,
        .njobs = 3,
        .job = {{"fetch-customers", LANE_IO, 1, 75 * NS_PER_S},
                {"build", LANE_CPU, 2, 5 * NS_PER_S},
                {"index", LANE_CPU, 1, 999 * NS_PER_MS}},
    };
}

/* What it looks like, a line below the other. */
static void expect_on(const struct standing *s, struct standing_screen screen, const char *want) {
    char got[STANDING_LINES_MAX * (STANDING_LINE_BYTES + 1)] = "";
    struct standing_lines lines;

    standing_lay_out(s, &screen, &lines);
    for (size_t i = 0; i < lines.count; i++) {
        unsigned columns;

        assert_true(lines.line[i].columns < screen.columns || screen.columns < 2);
        if (!screen.color) {
            assert_int_equal(standing_fit(lines.line[i].text, 1000, &columns),
                             strlen(lines.line[i].text));
            assert_int_equal(columns, lines.line[i].columns);
        }
        strcat(got, lines.line[i].text);
        strcat(got, "\n");
    }
    assert_string_equal(got, want);
}

static void wide(void **state) {
    const struct standing s = some();

    (void)state;
    expect_on(&s, (struct standing_screen){120, 40, false},
              "[######--------------]  37/120 done  2 failed  9 running  73 waiting  1 delayed  "
              "3 retries  1.0/s  38s  ETA 2m10s\n"
              "I/O 6/64 [#---------]  CPU 3/4 [#######---]\n"
              "   1m15s  I/O  fetch-customers\n"
              "      5s  CPU  build (attempt 2)\n"
              "      0s  CPU  index\n"
              "          and 6 more\n");
}

/* What matters least goes first. */
static void narrower_and_narrower(void **state) {
    const struct standing s = some();

    (void)state;
    expect_on(&s, (struct standing_screen){80, 4, false},
              "37/120 done  2 failed  9 running  73 waiting  3 retries  38s  ETA 2m10s\n"
              "I/O 6/64 [#---------]  CPU 3/4 [#######---]\n");
    expect_on(&s, (struct standing_screen){40, 10, false},
              "37/120 done  2 failed  ETA 2m10s\n"
              "I/O 6/64  CPU 3/4\n"
              "   1m15s  I/O  fetch-customers\n"
              "      5s  CPU  build (attempt 2)\n"
              "          and 7 more\n");
    expect_on(&s, (struct standing_screen){24, 8, false},
              "37/120 done  2 failed\n"
              "I/O 6/64  CPU 3/4\n"
              "   1m15s  I/O  fetch-..\n"
              "          and 8 more\n");
    expect_on(&s, (struct standing_screen){10, 3, false}, "37/120 do\n");
    expect_on(&s, (struct standing_screen){1, 1, false}, "3\n");
}

static void nothing_is_known_of_the_rest(void **state) {
    struct standing s = {.jobs = 5, .left_ns = -1, .width = {64, 2}};

    (void)state;
    expect_on(&s, (struct standing_screen){100, 24, false},
              "[--------------------]  0/5 done  5 waiting  0s\n"
              "I/O 0/64 [----------]  CPU 0/2 [----------]\n");
    s.done = s.retries = 1;
    s.elapsed_ns = 90 * NS_PER_S;
    expect_on(&s, (struct standing_screen){100, 3, false},
              "[####----------------]  1/5 done  4 waiting  1 retry  40/h  1m30s\n");
    s.elapsed_ns = 20 * NS_PER_S;
    expect_on(&s, (struct standing_screen){100, 3, false},
              "[####----------------]  1/5 done  4 waiting  1 retry  3.0/m  20s\n");
}

/* More jobs may come: of how many nobody knows. */
static void an_open_end(void **state) {
    struct standing s = {.jobs = 9,
                         .open = true,
                         .done = 4,
                         .running = 5,
                         .elapsed_ns = 8 * NS_PER_S,
                         .left_ns = -1};

    (void)state;
    expect_on(&s, (struct standing_screen){60, 3, false}, "4 done  5 running  30/m  8s\n");
    s.left_ns = NS_PER_S;
    s.done = 9;
    expect_on(&s, (struct standing_screen){60, 3, false}, "9 done  5 running  1.1/s  8s  ETA 1s\n");
}

static void at_the_end_nothing_is_left(void **state) {
    struct standing s = {.jobs = 3000, .done = 3000, .elapsed_ns = 2 * NS_PER_S, .left_ns = 0};

    (void)state;
    expect_on(&s, (struct standing_screen){60, 3, false},
              "[####################]  3000/3000 done  1500/s  2s\n");
}

static void hours(void **state) {
    struct standing s = {.jobs = 9, .elapsed_ns = 7322 * NS_PER_S, .left_ns = 90061 * NS_PER_S};

    (void)state;
    expect_on(&s, (struct standing_screen){60, 3, false},
              "0/9 done  9 waiting  2h2m  ETA 1d1h1m\n");
}

/* The one that there is room for is shown; how many more there are is in the first line. */
static void room_for_one_job(void **state) {
    const struct standing s = some();

    (void)state;
    expect_on(&s, (struct standing_screen){40, 6, false},
              "37/120 done  2 failed  ETA 2m10s\n"
              "I/O 6/64  CPU 3/4\n"
              "   1m15s  I/O  fetch-customers\n");
}

static void wide_characters_are_cut_by_columns(void **state) {
    struct standing s = {.jobs = 1, .left_ns = -1, .njobs = 1};
    struct standing_lines lines;
    unsigned used;

    (void)state;
    assert_int_equal(standing_fit("日本語", 5, &used), 6);
    assert_int_equal(used, 4);
    assert_int_equal(standing_fit("e\xcc\x81x", 1, &used), 3); /* the accent takes none */
    assert_int_equal(used, 1);
    assert_int_equal(standing_fit("", 5, &used), 0);
    snprintf(s.job[0].name, sizeof s.job[0].name, "日本語日本語日本語");
    expect_on(&s, (struct standing_screen){26, 24, false},
              "0/1 done  1 waiting  0s\n"
              "I/O 0/0  CPU 0/0\n"
              "      0s  I/O  日本語日..\n");
    /* Whatever the width, and whatever is in the way. */
    for (unsigned columns = 1; columns < 200; columns++) {
        standing_lay_out(&s, &(struct standing_screen){columns, 24, true}, &lines);
        for (size_t i = 0; i < lines.count; i++)
            assert_true(lines.line[i].columns < columns || columns == 1);
    }
}

static void colours(void **state) {
    const struct standing s = {.jobs = 4, .done = 2, .failed = 1, .left_ns = -1, .width = {1, 1}};

    (void)state;
    expect_on(&s, (struct standing_screen){40, 4, true},
              "2/4 done  \033[31m1 failed\033[m  2 waiting  0s\n"
              "I/O 0/1  CPU 0/1\n");
}

static void a_sentence(void **state) {
    const struct standing s = some();
    char buf[STANDING_LINE_BYTES];

    (void)state;
    assert_string_equal(standing_sentence(&s, buf),
                        "37/120 done, 2 failed, 9 running, 73 waiting, 1 delayed, 3 retries, "
                        "1.0/s, 38s, ETA 2m10s");
}

/* Numbers as long as they get, and names. */
static void nothing_is_too_long(void **state) {
    struct standing s = {.jobs = UINT32_MAX,
                         .done = UINT32_MAX - 3,
                         .failed = UINT32_MAX,
                         .running = UINT32_MAX,
                         .delayed = UINT32_MAX,
                         .retries = UINT32_MAX,
                         .used = {UINT32_MAX, UINT32_MAX},
                         .width = {UINT32_MAX, UINT32_MAX},
                         .elapsed_ns = INT64_MAX,
                         .left_ns = INT64_MAX,
                         .more = UINT32_MAX,
                         .njobs = STANDING_JOBS_MAX};
    struct standing_lines lines;
    char buf[STANDING_LINE_BYTES];

    (void)state;
    for (size_t i = 0; i < STANDING_JOBS_MAX; i++) {
        memset(s.job[i].name, 'x', STANDING_NAME_MAX - 1);
        s.job[i].attempt = UINT32_MAX;
        s.job[i].elapsed_ns = INT64_MAX;
    }
    for (unsigned columns = 1; columns < 300; columns++)
        for (unsigned rows = 1; rows < 30; rows++) {
            standing_lay_out(&s, &(struct standing_screen){columns, rows, rows % 2}, &lines);
            assert_true(lines.count <= STANDING_LINES_MAX);
            assert_true(lines.count <= (rows / 2 ? rows / 2 : 1));
            for (size_t i = 0; i < lines.count; i++)
                assert_true(strlen(lines.line[i].text) < STANDING_LINE_BYTES);
        }
    assert_true(strlen(standing_sentence(&s, buf)) < STANDING_LINE_BYTES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wide),
        cmocka_unit_test(narrower_and_narrower),
        cmocka_unit_test(nothing_is_known_of_the_rest),
        cmocka_unit_test(an_open_end),
        cmocka_unit_test(at_the_end_nothing_is_left),
        cmocka_unit_test(hours),
        cmocka_unit_test(room_for_one_job),
        cmocka_unit_test(wide_characters_are_cut_by_columns),
        cmocka_unit_test(colours),
        cmocka_unit_test(a_sentence),
        cmocka_unit_test(nothing_is_too_long),
    };

    return cmocka_run_group_tests_name("standing", tests, utf8, NULL);
}
