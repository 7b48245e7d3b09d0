/* SPDX-License-Identifier: MIT */
/* test_table: the table of results and its summary. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../fakes/fake_results.h"
#include "report/report.h"

static char *table(const struct report_input *in) {
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    assert_non_null(out);
    assert_int_equal(report_table_write(in, out), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* Cuts the text at a line's end and gives that line; NULL at the end. */
static char *next_line(char **text) {
    char *line = *text, *end = strchr(line, '\n');

    if (!end)
        return NULL;
    *end = '\0';
    *text = end + 1;
    return line;
}

/* The words of a line, blanks between them made one. */
static const char *squeeze(char *line) {
    char *to = line;

    for (const char *from = line; *from; from++)
        if (*from != ' ' || (to > line && to[-1] != ' '))
            *to++ = *from;
    while (to > line && to[-1] == ' ')
        to--;
    *to = '\0';
    return line;
}

static void test_rows(void **state) {
    static const char *const want[] = {
        "JOB TYPE LANE STATUS TRIES EXIT WALL CPU RSS REASON",
        "compile cpu cpu ok 1 0 1.10s 1.00s 3.0M -",
        "fetch io io flaky 2 0 2.00s 0.00s 3.0M -",
        "lint cpu cpu failed 1 3 0.02s 0.01s 3.0M exit 3",
        "crash io io failed 1 SIGSEGV 0.02s 0.01s 3.0M SIGSEGV",
        "slow io io timeout 1 SIGKILL 3.00s 0.00s 3.0M timed out after 1s, killed after 2s more",
        "missing io io failed 1 - 0.00s 0.00s - cannot enter folder: /no\\x1b[31m/<U+202E>folder: "
        "No such file or directory",
        "optional io io allowed 1 1 0.02s 0.01s 3.0M exit 1",
        "package cpu - skipped - - - - - because lint failed",
        "nothing-to-do io io skipped 1 77 0.02s 0.01s 3.0M -",
        "never cpu - cancelled - - - - - interrupted by SIGTERM",
        "",
        "10 jobs: 2 ok (1 flaky), 4 failed (1 allowed), 1 timeout, 1 cancelled, 2 skipped",
    };
    char *text = table(&(struct report_input){.run = &fake_run}), *rest = text;

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        char *line = next_line(&rest);

        assert_non_null(line);
        assert_string_equal(squeeze(line), want[i]);
    }
    /* 6.18 s of jobs in 3.21 s; CPU 1.052 s */
    assert_string_equal(next_line(&rest),
                        "wall 3.21s, one by one 6.18s, speed-up 1.9, CPU 1.05s (16% of 2 CPUs), "
                        "loop lag 2.3 ms");
    assert_string_equal(next_line(&rest),
                        "lanes: on average I/O 1.3 of 64, CPU 0.3 of 2 jobs at once");
    assert_string_equal(next_line(&rest), "longest: slow 3.00s, fetch 2.00s, compile 1.10s");
    assert_string_equal(next_line(&rest), "stopped by SIGTERM");
    assert_string_equal(rest, "");
    free(text);
}

static void test_failed_only(void **state) {
    static const char *const want[] = {"lint",     "crash",   "slow", "missing",
                                       "optional", "package", "never"};
    char *text = table(&(struct report_input){.run = &fake_run, .failed_only = true}), *rest = text;

    (void)state;
    next_line(&rest);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        char *line = next_line(&rest);

        assert_int_equal(strncmp(line, want[i], strlen(want[i])), 0);
    }
    assert_string_equal(next_line(&rest), "");
    free(text);
}

/* No reason, no column for it. */
static void test_no_reasons(void **state) {
    struct plan plan = fake_plan;
    struct run_result run = fake_run;
    char *text, *rest;

    (void)state;
    plan.njobs = 2;
    run.plan = &plan;
    run.interrupted_by = 0;
    text = rest = table(&(struct report_input){.run = &run});
    assert_string_equal(squeeze(next_line(&rest)), "JOB TYPE LANE STATUS TRIES EXIT WALL CPU RSS");
    assert_null(strstr(rest, "stopped"));
    free(text);
}

/* Past 50 rows only what is not plainly ok, unless all are wanted. */
static void test_many(void **state) {
    enum { MANY = 51 };
    struct plan_job *jobs = calloc(MANY, sizeof *jobs);
    struct job_result *rows = calloc(MANY, sizeof *rows);
    struct plan plan = fake_plan;
    struct run_result run = fake_run;
    struct report_input in = {.run = &run};
    char *text;

    (void)state;
    assert_non_null(jobs);
    assert_non_null(rows);
    for (int i = 0; i < MANY; i++) {
        jobs[i] = fake_jobs[FAKE_OK];
        rows[i] = fake_rows[FAKE_OK];
    }
    jobs[7].name = "shaky";
    rows[7] = fake_rows[FAKE_FLAKY];
    plan.jobs = jobs;
    run.jobs = rows;
    run.plan = &plan;

    plan.njobs = 50;
    text = table(&in);
    assert_non_null(strstr(text, "compile"));
    free(text);

    plan.njobs = MANY;
    text = table(&in);
    assert_null(strstr(text, "\ncompile "));
    assert_non_null(strstr(text, "\nshaky "));
    assert_non_null(strstr(text, "\n51 jobs: 51 ok (1 flaky)\n"));
    free(text);

    in.all_rows = true;
    text = table(&in);
    assert_non_null(strstr(text, "compile"));
    free(text);

    in.all_rows = false;
    rows[7] = fake_rows[FAKE_OK];
    text = table(&in);
    assert_int_equal(strncmp(text, "51 jobs: 51 ok\n", 15), 0);
    free(text);
    free(jobs);
    free(rows);
}

static void test_color(void **state) {
    char *text = table(&(struct report_input){.run = &fake_run, .color = true});

    (void)state;
    assert_non_null(strstr(text, "\033[32mok"));
    assert_non_null(strstr(text, "\033[1;31mfailed"));
    free(text);
    text = table(&(struct report_input){.run = &fake_run});
    assert_null(strchr(text, '\033'));
    free(text);
}

/* A job in the wrong lane, whatever it waits between attempts; at most five. */
static void test_hints(void **state) {
    struct plan_job jobs[7];
    struct job_result rows[7] = {0};
    struct attempt_result waited[] = {{.wall_ns = 2 * NS_PER_S, .user_us = 390000}};
    struct attempt_result computed[] = {{.wall_ns = 2 * NS_PER_S, .user_us = 1010000}};
    struct attempt_result between[] = {{.wall_ns = 2 * NS_PER_S, .user_us = 600000}};
    struct attempt_result brief[] = {{.wall_ns = NS_PER_S / 10, .user_us = 0}};
    struct plan plan = fake_plan;
    struct run_result run = fake_run;
    char *text, *at;
    int hints = 0;

    (void)state;
    for (int i = 0; i < 7; i++) {
        jobs[i] = fake_jobs[FAKE_OK];
        rows[i] = (struct job_result){.status = STATUS_OK, .cause = NO_JOB, .nattempts = 1};
        rows[i].attempts = waited;
    }
    jobs[1].set = fake_jobs[FAKE_FLAKY].set;
    rows[1].attempts = computed;
    plan.jobs = jobs;
    run.jobs = rows;
    run.plan = &plan;

    plan.njobs = 2;
    text = table(&(struct report_input){.run = &run});
    assert_non_null(strstr(text, "hint: compile is marked cpu but mostly waited (CPU 0.39s in "
                                 "2.00s): try type = io\n"));
    assert_non_null(strstr(text, "hint: compile is marked io but mostly computed (CPU 1.01s in "
                                 "2.00s): try type = cpu\n"));
    free(text);

    plan.njobs = 7;
    text = at = table(&(struct report_input){.run = &run});
    while ((at = strstr(at, "hint: "))) {
        at++;
        hints++;
    }
    assert_int_equal(hints, 5);
    free(text);

    plan.njobs = 2;
    rows[0].attempts = brief;
    rows[1].attempts = waited; /* as an I/O job should */
    text = table(&(struct report_input){.run = &run});
    assert_null(strstr(text, "hint: "));
    free(text);
    rows[0].attempts = rows[1].attempts = between;
    text = table(&(struct report_input){.run = &run});
    assert_null(strstr(text, "hint: "));
    free(text);
}

static int set_locale(void **state) {
    (void)state;
    return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),       cmocka_unit_test(test_failed_only),
        cmocka_unit_test(test_no_reasons), cmocka_unit_test(test_many),
        cmocka_unit_test(test_color),      cmocka_unit_test(test_hints),
    };

    return cmocka_run_group_tests_name("table", tests, set_locale, NULL);
}
