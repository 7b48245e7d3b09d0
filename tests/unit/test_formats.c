/* SPDX-License-Identifier: MIT */
/* test_formats: the reports for other programs, of a run that ended in every way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "../fakes/fake_results.h"
#include "exec/capture.h"
#include "report/markdown.h"
#include "report/output.h"
#include "report/report.h"
#include "report/rows.h"

static char *written(enum report_format format, const struct report_input *in) {
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    assert_non_null(out);
    assert_int_equal(report_writer(format)->write(in, out), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static char *fake_written(enum report_format format) {
    return written(format, &(struct report_input){.run = &fake_run});
}

/* All of these stand in the text, in this order. */
static void expect_all(const char *text, const char *const *want) {
    for (; *want; want++) {
        text = strstr(text, *want);
        if (!text)
            fail_msg("not there, or not in its order: %s", *want);
        text += strlen(*want);
    }
}

static void test_table_of_writers(void **state) {
    (void)state;
    for (int format = 0; format < REPORTS; format++) {
        const struct report_writer *w = report_writer((enum report_format)format);

        assert_non_null(report_format_words[format]);
        assert_int_equal(w == NULL, format == REPORT_JSONL); /* that one comes as events */
    }
    assert_null(report_format_words[REPORTS]);
}

static void test_junit(void **state) {
    static const char *const want[] = {
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "<testsuites name=\"nightly\" tests=\"10\" failures=\"2\" errors=\"2\" time=\"3.210\">\n",
        "<testsuite name=\"nightly\" tests=\"10\" failures=\"2\" errors=\"2\" skipped=\"4\" "
        "timestamp=\"2026-11-21T03:04:05\" hostname=\"",
        "<testcase classname=\"nightly\" name=\"compile\" time=\"1.100\"></testcase>\n",
        "name=\"fetch\" time=\"2.000\"><flakyFailure message=\"exit 75\" type=\"exit\">",
        "name=\"lint\" time=\"0.020\"><failure type=\"exit\" message=\"exit 3\"/>",
        "name=\"crash\" time=\"0.020\"><failure type=\"signal\" message=\"SIGSEGV\"/>",
        "name=\"slow\" time=\"3.000\"><error type=\"timeout\" message=\"timed out after 1s, killed",
        "name=\"missing\" time=\"0.000\"><error type=\"spawn\" message=\"cannot enter folder: "
        "/no\\x1b[31m/&lt;U+202E&gt;folder: No such file or directory\"/>",
        "name=\"optional\" time=\"0.020\"><skipped type=\"exit\" message=\"allowed to fail: exit "
        "1\"/>",
        "name=\"package\" time=\"0.000\"><skipped type=\"dependency\" message=\"because lint "
        "failed\"/>",
        "name=\"nothing-to-do\" time=\"0.020\"><skipped type=\"skipped\" message=\"skipped\"/>",
        "name=\"never\" time=\"0.000\"><skipped type=\"cancelled\" message=\"interrupted by "
        "SIGTERM\"/>",
        "</testsuite>\n</testsuites>\n",
        NULL,
    };
    char *text = fake_written(REPORT_JUNIT);

    (void)state;
    expect_all(text, want);
    free(text);
}

static void test_tap(void **state) {
    static const char *const want[] = {
        "TAP version 13\n1..10\nok 1 - compile\nok 2 - fetch\n  ---\n  status: flaky\n",
        "not ok 3 - lint\n  ---\n  status: failed\n  message: 'exit 3'\n  attempts: 1\n"
        "  exit: 3\n  wall_s: 0.020\n  ...\n",
        "not ok 4 - crash\n",
        "  signal: 11\n",
        "not ok 5 - slow\n",
        "not ok 6 - missing\n",
        "  message: 'cannot enter folder: /no\\x1b[31m/<U+202E>folder: No such file or "
        "directory'\n",
        "not ok 7 - optional # TO"
        "DO allowed to fail: exit 1\n",
        "ok 8 - package # SKIP because lint failed\n",
        "ok 9 - nothing-to-do # SKIP skipped\n",
        "not ok 10 - never\n",
        "# 10 jobs: 2 ok (1 flaky), 4 failed (1 allowed), 1 timeout, 1 cancelled, 2 skipped\n",
        "# stopped by SIGTERM\n",
        NULL,
    };
    char *text = fake_written(REPORT_TAP);

    (void)state;
    expect_all(text, want);
    free(text);
}

static void test_joblog(void **state) {
    static const struct job_settings set = {.type = LANE_IO};
    static const char *const words[] = {"=cmd", "a b", "it's", "", "x=1", NULL};
    static struct plan_job jobs[] = {
        {.name = "a", .set = &set, .action = ACTION_COMMAND, .command = "=1+1\n\tx\033"},
        {.name = "b", .set = &set, .action = ACTION_EXEC, .argv = words},
        {.name = "c", .set = &set, .action = ACTION_EXEC, .argv = words},
        {.name = "d", .set = &set, .action = ACTION_COMMAND, .command = "-rf"},
    };
    struct job_result rows[] = {fake_rows[FAKE_OK], fake_rows[FAKE_TIMEOUT],
                                fake_rows[FAKE_BECAUSE], fake_rows[FAKE_SPAWN]};
    struct plan plan = fake_plan;
    struct run_result run = fake_run;
    char *text;

    (void)state;
    plan.jobs = jobs;
    plan.njobs = 4;
    run.plan = &plan;
    run.jobs = rows;
    rows[2].cause = NO_JOB;
    text = written(REPORT_JOBLOG, &(struct report_input){.run = &run});
    assert_string_equal(
        text, "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"
              "1\t:\t1795230245.257\t     1.100\t0\t3\t0\t0\t =1+1\\n\\tx\\x1b\n"
              "2\t:\t1795230245.007\t     3.000\t0\t0\t0\t9\t'=cmd' 'a b' 'it'\\''s' '' x=1\n"
              "4\t:\t1795230245.007\t     0.000\t0\t0\t-1\t0\t -rf\n");
    free(text);
}

static void test_markdown(void **state) {
    static const char *const want[] = {
        "### muster: nightly\n\n- 10 jobs: 2 ok (1 flaky), 4 failed (1 allowed)",
        "| JOB | TYPE | LANE | STATUS | TRIES | EXIT | WALL | CPU | RSS | REASON |\n",
        "| --- | --- | --- | --- | --: | --: | --: | --: | --: | --- |\n",
        "| compile | cpu | cpu | ok | 1 | 0 | 1.10s | 1.00s | 3.0M | - |\n",
        "| lint | cpu | cpu | **failed** | 1 | 3 |",
        "| optional | io | io | allowed | 1 | 1 |",
        "| package | cpu | - | **skipped** | - | - | - | - | - | because lint failed |\n",
        NULL,
    };
    char *text = fake_written(REPORT_MARKDOWN);

    (void)state;
    expect_all(text, want);
    free(text);
}

/* What does not fit is counted. */
static void test_markdown_room(void **state) {
    struct report_input in = {.run = &fake_run};
    char *text;
    size_t n;

    (void)state;
    for (size_t max = 600; max < 3000; max += 100) {
        FILE *out = open_memstream(&text, &n);

        assert_non_null(out);
        assert_int_equal(markdown_write(&in, max, out), 0);
        fclose(out);
        assert_in_range(n, 1, max);
        if (!strstr(text, "| never |"))
            assert_non_null(strstr(text, "more rows did not fit."));
        free(text);
    }
}

static void test_html(void **state) {
    static const char *const want[] = {
        "<!DOCTYPE html>",
        "<span class=\"badge failed\">exit 143</span>",
        "<li>stopped by SIGTERM</li>",
        "I/O lane: 6 jobs, at most 1 at once",
        "<li>fetch</li>",
        "<a href=\"#j1\"><rect class=\"failed\" x=\"0.000%\" width=\"15.576%\"",
        "<title>fetch, attempt 1: exit 75, 0.50s from 0.00s</title>",
        "<line class=\"delay\" x1=\"15.576%\" x2=\"46.729%\"",
        "<title>fetch, attempt 2: ok, 0.50s from 1.50s</title>",
        "CPU lane: 2 jobs, at most 1 at once",
        "<rect class=\"wait\" x=\"0.000%\" width=\"7.788%\"",
        "<tbody id=\"j0\" data-status=\"ok\" data-lane=\"cpu\"><tr><td>compile</td>",
        "cannot enter folder: /no\\x1b[31m/&lt;U+202E&gt;folder",
        "</html>\n",
        NULL,
    };
    char *text = fake_written(REPORT_HTML);

    (void)state;
    expect_all(text, want);
    free(text);
}

/* With many jobs a line is a slot, and all stays bounded. */
static void test_html_dense(void **state) {
    enum { MANY = 9000, SLOTS = 300 };
    struct plan_job *jobs = calloc(MANY, sizeof *jobs);
    struct job_result *rows = calloc(MANY, sizeof *rows);
    struct attempt_result *attempts = calloc(MANY, sizeof *attempts);
    struct plan plan = fake_plan;
    struct run_result run = fake_run;
    size_t bars = 0;
    char *text;

    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        jobs[i] = fake_jobs[i % 2 ? FAKE_OK : FAKE_SIGNAL];
        attempts[i] = *fake_rows[FAKE_OK].attempts;
        attempts[i].slot = i % SLOTS;
        attempts[i].wall_ns = (i % 1000) * NS_PER_MS;
        if (i == 4444) /* short, but it failed */
            attempts[i] = *fake_rows[FAKE_FAILED].attempts;
        rows[i] = fake_rows[i == 4444 ? FAKE_FAILED : FAKE_OK];
        rows[i].lane = (uint8_t)jobs[i].set->type;
        rows[i].attempts = &attempts[i];
    }
    plan.jobs = jobs;
    plan.njobs = MANY;
    run.plan = &plan;
    run.jobs = rows;
    text = written(REPORT_HTML, &(struct report_input){.run = &run});
    for (char *c = text; (c = strstr(c, "<a href=")); c++)
        bars++;
    assert_in_range(bars, 5000, 8000);
    assert_non_null(strstr(text, "<a href=\"#j4444\"><rect class=\"failed\""));
    assert_non_null(strstr(text, "at most 300 at once"));
    assert_non_null(strstr(text, "<p>3999 more jobs that were ok are not listed.</p>"));
    free(text);
    free(jobs);
    free(rows);
    free(attempts);
}

static void test_trace(void **state) {
    char *text = fake_written(REPORT_TRACE);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *events, *event;
    size_t i, complete = 0;

    (void)state;
    assert_non_null(root);
    events = json_object_get(root, "traceEvents");
    json_array_foreach(events, i, event) {
        const char *kind = json_string_value(json_object_get(event, "ph"));

        if (strcmp(kind, "M") == 0)
            continue;
        assert_string_equal(kind, "X");
        assert_true(json_is_number(json_object_get(event, "ts")));
        assert_true(json_is_number(json_object_get(event, "dur")));
        complete++;
    }
    assert_int_equal(complete, 8); /* flaky has two, "missing" never ran */
    event = json_array_get(events, 4);
    assert_string_equal(json_string_value(json_object_get(event, "name")), "compile");
    assert_true(json_number_value(json_object_get(event, "ts")) == 250000);
    assert_true(json_number_value(json_object_get(event, "dur")) == 1100000);
    json_decref(root);
    free(text);
}

static void test_prometheus(void **state) {
    static const char *const want[] = {
        "muster_run_info{run=\"nightly\",id=\"20261121T030405-abcdef\"",
        "# TYPE muster_run_exit_status gauge\nmuster_run_exit_status{run=\"nightly\"} 143\n",
        "muster_run_start_time_seconds{run=\"nightly\"} 1795230245.007\n",
        "muster_run_duration_seconds{run=\"nightly\"} 3.21\n",
        "muster_jobs{run=\"nightly\",status=\"failed\"} 4\n",
        "muster_job_success{run=\"nightly\",job=\"compile\",lane=\"cpu\",status=\"ok\"} 1\n",
        "muster_job_success{run=\"nightly\",job=\"lint\",lane=\"cpu\",status=\"failed\"} 0\n",
        "muster_job_duration_seconds{run=\"nightly\",job=\"compile\",lane=\"cpu\",status=\"ok\"} "
        "1.1\n",
        NULL,
    };
    char *text = fake_written(REPORT_PROMETHEUS);

    (void)state;
    expect_all(text, want);
    free(text);
}

/* The ends of a job's output reach every format that shows them. */
static void test_tails(void **state) {
    static const enum report_format formats[] = {REPORT_JUNIT, REPORT_TAP, REPORT_MARKDOWN,
                                                 REPORT_HTML, REPORT_JSON};
    struct capture *c = capture_new();
    struct job_result rows[FAKE_JOBS];
    struct run_result run = fake_run;
    struct output *o;

    (void)state;
    memcpy(rows, fake_rows, sizeof rows);
    run.jobs = rows;
    assert_int_equal(output_open(&o, false), 0);
    assert_int_equal(capture_add(c, "one\nlast ```` words\n", 20), 0);
    output_job(o, &(struct output_job){.out = c,
                                       .keep = true,
                                       .out_at = &rows[FAKE_FAILED].out_at,
                                       .out_len = &rows[FAKE_FAILED].out_len,
                                       .err_at = &rows[FAKE_FAILED].err_at,
                                       .err_len = &rows[FAKE_FAILED].err_len});
    output_drain(o);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        char *text = written(formats[i], &(struct report_input){.run = &run, .output = o});

        assert_true(report_writer(formats[i])->tails);
        assert_non_null(strstr(text, "last ```` words"));
        if (formats[i] == REPORT_MARKDOWN)
            assert_non_null(strstr(text, "\n`````text\none\nlast ```` words\n`````\n"));
        free(text);
    }
    output_free(o);
}

static void test_tail_lines(void **state) {
    static const struct {
        const char *bytes;
        unsigned lines;
        const char *want;
    } cases[] = {
        {"a\nb\nc\n", 2, "b\nc\n"},
        {"a\nb\nc", 2, "b\nc"},
        {"a\nb\n", 2, "a\nb\n"},
        {"a\n", 5, "a\n"},
        {"", 1, ""},
        {"\n\n", 1, "\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct row_tail tail = {.bytes = cases[i].bytes, .n = strlen(cases[i].bytes)};

        row_tail_lines(&tail, cases[i].lines);
        assert_int_equal(tail.n, strlen(cases[i].want));
        assert_memory_equal(tail.bytes, cases[i].want, tail.n);
        assert_int_equal(tail.cut, tail.n < strlen(cases[i].bytes));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_of_writers),
        cmocka_unit_test(test_junit),
        cmocka_unit_test(test_tap),
        cmocka_unit_test(test_joblog),
        cmocka_unit_test(test_markdown),
        cmocka_unit_test(test_markdown_room),
        cmocka_unit_test(test_html),
        cmocka_unit_test(test_html_dense),
        cmocka_unit_test(test_trace),
        cmocka_unit_test(test_prometheus),
        cmocka_unit_test(test_tails),
        cmocka_unit_test(test_tail_lines),
    };

    return cmocka_run_group_tests_name("formats", tests, NULL, NULL);
}
