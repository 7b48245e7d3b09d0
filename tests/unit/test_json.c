/* SPDX-License-Identifier: MIT */
/* test_json: the JSON report. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "../fakes/fake_results.h"
#include "base/mask.h"
#include "exec/capture.h"
#include "exec/facts.h"
#include "report/output.h"
#include "report/report.h"

static char *document(const struct report_input *in) {
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    assert_non_null(out);
    assert_int_equal(report_json_write(in, out), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static json_t *parsed(const struct report_input *in) {
    char *text = document(in);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    assert_non_null(root);
    free(text);
    return root;
}

/* The object's members in their order, as compact JSON. */
static void expect(json_t *object, const char *want) {
    char *got = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15));

    assert_string_equal(got, want);
    free(got);
}

static void test_run(void **state) {
    json_t *root = parsed(&(struct report_input){.run = &fake_run});
    (void)state;
    assert_string_equal(json_string_value(json_object_get(root, "muster")), muster_version);
    assert_int_equal(json_integer_value(json_object_get(root, "schema")), 1);
    expect(json_object_get(root, "run"),
           "{\"id\":\"20261121T030405-abcdef\",\"name\":\"nightly\",\"manifest\":\"nightly.ini\","
           "\"started\":\"2026-11-21T03:04:05.007Z\",\"ended\":\"2026-11-21T03:04:08.217Z\","
           "\"wall_s\":3.21,\"exit\":143,\"interrupted_by\":\"SIGTERM\",\"host\":\"localhost\","
           "\"io_limit\":64,\"cpu_workers\":2,\"loop_lag_max_ms\":2.346}");
    expect(json_object_get(root, "totals"),
           "{\"jobs\":10,\"ok\":2,\"failed\":4,\"timeout\":1,\"cancelled\":1,\"skipped\":2,"
           "\"cached\":0,\"resumed\":0,\"flaky\":1,\"allowed\":1,\"retries\":1,"
           "\"job_wall_s\":6.18,\"cpu_s\":1.052,\"outputs\":{}}");
    assert_int_equal(json_array_size(json_object_get(root, "jobs")), FAKE_JOBS);
    json_decref(root);
}

static void test_jobs(void **state) {
    static const struct {
        int job;
        const char *want;
    } cases[] = {
        {FAKE_OK, "{\"name\":\"compile\",\"section\":\"compile\",\"item\":null,\"type\":\"cpu\","
                  "\"lane\":\"cpu\",\"worker\":1,\"status\":\"ok\",\"flaky\":false,"
                  "\"allowed\":false,\"reason\":null,\"cause\":null,\"exit\":0,\"signal\":null,"
                  "\"leftover\":0,\"attempts\":[{\"start_s\":0.25,\"wall_s\":1.1,"
                  "\"cpu_user_s\":1.0,\"cpu_sys_s\":0.0015,\"max_rss\":3145728,\"exit\":0,"
                  "\"signal\":null,\"status\":\"ok\",\"reason\":null,\"stdout_bytes\":3,"
                  "\"stderr_bytes\":0}],\"wait_s\":0.25,\"wall_s\":1.1,\"cpu_s\":1.0015,"
                  "\"max_rss\":3145728,\"stdout\":\"\",\"stderr\":\"\",\"outputs\":{}}"},
        {FAKE_TIMEOUT,
         "{\"name\":\"slow\",\"section\":\"slow\",\"item\":null,\"type\":\"io\",\"lane\":\"io\","
         "\"worker\":null,\"status\":\"timeout\",\"flaky\":false,\"allowed\":false,"
         "\"reason\":\"timeout\",\"cause\":null,\"exit\":null,\"signal\":9,\"leftover\":0,"
         "\"attempts\":[{\"start_s\":0.0,\"wall_s\":3.0,\"cpu_user_s\":0.0,\"cpu_sys_s\":0.0015,"
         "\"max_rss\":3145728,\"exit\":null,\"signal\":9,\"status\":\"timeout\","
         "\"reason\":\"timeout\",\"stdout_bytes\":0,\"stderr_bytes\":0}],\"wait_s\":0.0,"
         "\"wall_s\":3.0,\"cpu_s\":0.0015,\"max_rss\":3145728,\"stdout\":\"\",\"stderr\":\"\","
         "\"outputs\":{}}"},
        {FAKE_BECAUSE,
         "{\"name\":\"package\",\"section\":\"package\",\"item\":null,\"type\":\"cpu\","
         "\"lane\":null,\"worker\":null,\"status\":\"skipped\",\"flaky\":false,\"allowed\":false,"
         "\"reason\":\"dependency\",\"cause\":\"lint\",\"exit\":null,\"signal\":null,"
         "\"leftover\":0,\"attempts\":[],\"wait_s\":0.0,\"wall_s\":0.0,\"cpu_s\":0.0,"
         "\"max_rss\":0,\"stdout\":\"\",\"stderr\":\"\",\"outputs\":{}}"},
    };
    json_t *root = parsed(&(struct report_input){.run = &fake_run});
    json_t *jobs = json_object_get(root, "jobs");

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(json_array_get(jobs, (size_t)cases[i].job), cases[i].want);

    json_t *flaky = json_array_get(jobs, FAKE_FLAKY);
    assert_string_equal(json_string_value(json_object_get(flaky, "status")), "ok");
    assert_true(json_is_true(json_object_get(flaky, "flaky")));
    assert_int_equal(json_array_size(json_object_get(flaky, "attempts")), 2);
    assert_int_equal(json_integer_value(json_object_get(flaky, "leftover")), 2);

    json_t *allowed = json_array_get(jobs, FAKE_ALLOWED);
    assert_string_equal(json_string_value(json_object_get(allowed, "status")), "failed");
    assert_true(json_is_true(json_object_get(allowed, "allowed")));

    json_t *choice = json_array_get(jobs, FAKE_CHOICE);
    assert_true(json_is_null(json_object_get(choice, "reason")));
    json_decref(root);
}

/* What jobs print and manifests are called need not be UTF-8; JSON must be. */
static void test_foreign_bytes(void **state) {
    static const char odd[] = "a\xff\0b\x1b\xe2\x82";
    struct job_result rows[FAKE_JOBS];
    struct plan plan = fake_plan;
    struct run_result run = fake_run;
    struct capture *c = capture_new();
    struct output *o;
    json_t *root, *out;

    (void)state;
    memcpy(rows, fake_rows, sizeof rows);
    plan.path = "odd\xff.ini";
    run.plan = &plan;
    run.jobs = rows;
    assert_int_equal(output_open(&o, false), 0);
    assert_int_equal(capture_add(c, odd, sizeof odd - 1), 0);
    output_job(o, &(struct output_job){.out = c,
                                       .keep = true,
                                       .out_at = &rows[0].out_at,
                                       .out_len = &rows[0].out_len,
                                       .err_at = &rows[0].err_at,
                                       .err_len = &rows[0].err_len});
    output_drain(o);
    char *text = document(&(struct report_input){.run = &run, .output = o});
    root = json_loads(text, JSON_ALLOW_NUL, NULL);
    assert_non_null(root);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(root, "run"), "manifest")),
        "odd\xef\xbf\xbd.ini");
    out = json_object_get(json_array_get(json_object_get(root, "jobs"), 0), "stdout");
    static const char want[] = "a\xef\xbf\xbd\0b\x1b\xef\xbf\xbd";
    assert_int_equal(json_string_length(out), sizeof want - 1);
    assert_memory_equal(json_string_value(out), want, sizeof want - 1);
    json_decref(root);
    free(text);
    output_free(o);
}

/* A tail that was cut does not start with half a character. */
static void test_cut_tail(void **state) {
    struct job_result rows[FAKE_JOBS];
    struct run_result run = fake_run;
    struct capture *c = capture_new();
    struct output *o;
    json_t *root, *out;

    (void)state;
    memcpy(rows, fake_rows, sizeof rows);
    run.jobs = rows;
    assert_int_equal(output_open(&o, false), 0);
    for (unsigned i = 0; i < OUTPUT_TAIL_MAX; i++) /* three bytes each: the cut is within one */
        assert_int_equal(capture_add(c, "\xe2\x82\xac", 3), 0);
    output_job(o, &(struct output_job){.out = c,
                                       .keep = true,
                                       .out_at = &rows[0].out_at,
                                       .out_len = &rows[0].out_len,
                                       .err_at = &rows[0].err_at,
                                       .err_len = &rows[0].err_len});
    output_drain(o);
    root = parsed(&(struct report_input){.run = &run, .output = o});
    out = json_object_get(json_array_get(json_object_get(root, "jobs"), 0), "stdout");
    assert_int_equal(json_string_length(out), OUTPUT_TAIL_MAX / 3 * 3);
    assert_memory_equal(json_string_value(out), "\xe2\x82\xac", 3);
    json_decref(root);
    output_free(o);
}

/* A request that was answered, and one that never got so far. */
static void test_requests(void **state) {
    static const char line[] = "HTTP/1.1 200 OK";
    struct attempt_http *answered = calloc(1, sizeof *answered + sizeof line);
    struct attempt_http *refused = calloc(1, sizeof *refused + 1);
    struct attempt_result *rows = fake_run.jobs[FAKE_FLAKY].attempts;
    json_t *root, *list;

    (void)state;
    *answered = (struct attempt_http){.status = 200,
                                      .whole = true,
                                      .lookup_ns = 1000,
                                      .connect_ns = 2000,
                                      .first_byte_ns = 4000,
                                      .sent = 5,
                                      .received = 6,
                                      .redirects = 7};
    memcpy(answered->line, line, sizeof line);
    rows[0].http = refused;
    rows[1].http = answered;
    root = parsed(&(struct report_input){.run = &fake_run});
    list = json_object_get(json_array_get(json_object_get(root, "jobs"), FAKE_FLAKY), "attempts");
    assert_true(json_is_null(json_object_get(json_array_get(list, 0), "http_status")));
    expect(json_object_get(json_array_get(list, 0), "http"),
           "{\"status_line\":null,\"redirects\":0,\"sent_bytes\":0,\"received_bytes\":0,"
           "\"lookup_s\":null,\"connect_s\":null,\"tls_s\":null,\"first_byte_s\":null}");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 1), "http_status")),
                     200);
    expect(json_object_get(json_array_get(list, 1), "http"),
           "{\"status_line\":\"HTTP/1.1 200 OK\",\"redirects\":7,\"sent_bytes\":5,"
           "\"received_bytes\":6,\"lookup_s\":1e-6,\"connect_s\":2e-6,\"tls_s\":null,"
           "\"first_byte_s\":4e-6}");
    json_decref(root);
    rows[0].http = rows[1].http = NULL;
    free(answered);
    free(refused);
}

/* What jobs told: strings of a job, numbers of the run, and secrets of nobody. */
static void test_outputs(void **state) {
    static const struct env_var told[] = {
        {"n", "2"}, {"part", "0.25"}, {"text", "it is hunter2"}, {"odd", "a\xff"}, {"token", "t"}};
    static const struct env_var other[] = {{"n", "40"}};
    static const char *const secrets[] = {"MUSTER_OUT_compile_token", NULL};
    struct plan plan = *fake_run.plan;
    struct run_result run = fake_run;
    json_t *root, *jobs;

    (void)state;
    plan.secrets = secrets;
    assert_int_equal(mask_set_new(&plan.mask, NULL, &(struct mask_value){"hunter2", 7}, 1), 0);
    run.plan = &plan;
    fake_rows[FAKE_OK].facts = facts_new(told, 5);
    fake_rows[FAKE_FLAKY].facts = facts_new(other, 1);
    root = parsed(&(struct report_input){.run = &run});
    jobs = json_object_get(root, "jobs");
    expect(json_object_get(json_array_get(jobs, FAKE_OK), "outputs"),
           "{\"n\":\"2\",\"part\":\"0.25\",\"text\":\"it is ***\",\"odd\":\"a\xef\xbf\xbd\","
           "\"token\":\"***\"}");
    expect(json_object_get(json_array_get(jobs, FAKE_FLAKY), "outputs"), "{\"n\":\"40\"}");
    expect(json_object_get(json_object_get(root, "totals"), "outputs"), "{\"n\":42,\"part\":0.25}");
    json_decref(root);
    free(fake_rows[FAKE_OK].facts);
    free(fake_rows[FAKE_FLAKY].facts);
    fake_rows[FAKE_OK].facts = fake_rows[FAKE_FLAKY].facts = NULL;
    mask_set_free(plan.mask);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run),      cmocka_unit_test(test_jobs),
        cmocka_unit_test(test_outputs),  cmocka_unit_test(test_foreign_bytes),
        cmocka_unit_test(test_cut_tail), cmocka_unit_test(test_requests),
    };

    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
