/* SPDX-License-Identifier: MIT */
/* test_environ: what wins over what in a job's environment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "base/mask.h"
#include "base/mem.h"
#include "exec/environ.h"
#include "exec/facts.h"

static char inherited_path[] = "PATH=/bin";
static char inherited_a[] = "A=inherited";
static char inherited_home[] = "HOME=/root";
static char inherited_outer[] = "MUSTER_WORKER=7";
static char inherited_debug[] = "MUSTER_DEBUG=exec";
static char *inherited[] = {inherited_path,  inherited_a,     inherited_home,
                            inherited_outer, inherited_debug, NULL};

static const struct env_var vars[] = {{"A", "var"}, {"B", "var"}, {"C", "var"}, {0}};
static const struct env_var env[] = {{"B", "env"}, {"C", "env"}, {"D", "env"}, {0}};
static const struct env_var env_file[] = {{"C", "file"}, {"D", "file"}, {"E", "file"}, {0}};
static const struct env_var own[] = {{"D", "own"}, {"E", "own"}, {"MUSTER_JOB", "forged"}, {0}};

static const struct attempt attempt = {.job = 0, .number = 2, .slot = 5};
static const struct attempt cpu_attempt = {.job = 0, .number = 2, .slot = 5, .lane = LANE_CPU};

static struct environ *e;
static char **block; /* of one attempt */

static void make(const struct plan *plan, const struct facts_folder *folder,
                 const struct plan_job *job, const char *listing, const struct attempt *a) {
    e = environ_new(plan, "run-id", folder, inherited);
    assert_non_null(e);
    block = environ_make(e, job, NULL, listing, a);
    assert_non_null(block);
}

static int forget(void **state) {
    (void)state;
    free(block);
    block = NULL;
    e = environ_free(e);
    return 0;
}

/* A variable stands there once, with this value; NULL: not at all. */
static void expect(const char *name, const char *value) {
    const char *found = NULL;
    size_t n = strlen(name);

    for (char **at = block; *at; at++) {
        if (strncmp(*at, name, n) != 0 || (*at)[n] != '=')
            continue;
        assert_null(found);
        found = *at + n + 1;
    }
    if (value)
        assert_string_equal(found, value);
    else
        assert_null(found);
}

static void layers(void **state) {
    struct plan plan = {.vars = vars, .env = env};
    struct env_file file = {.vars = env_file};
    struct job_settings set = {.type = LANE_CPU, .retries = 3, .env_file = &file};
    struct plan_job job = {.name = "job", .set = &set, .env = own};

    (void)state;
    make(&plan, NULL, &job, NULL, &cpu_attempt);
    expect("PATH", "/bin");
    expect("A", "var");
    expect("MUSTER_OUTPUT", NULL); /* there is no folder */
    expect("B", "env");
    expect("C", "file");
    expect("D", "own");
    expect("E", "own");
    expect("MUSTER_JOB", "job");
    expect("MUSTER_RUN", "run-id");
    expect("MUSTER_LANE", "cpu");
    expect("MUSTER_ATTEMPT", "2");
    expect("MUSTER_ATTEMPTS", "4");
    expect("MUSTER_SLOT", "5");
    expect("MUSTER_WORKER", "5");
    expect("MUSTER_DEBUG", "exec");
}

/* Its axes: over [vars], under [env] and the job's own. */
static void an_item(void **state) {
    static const struct plan_axis axes[] = {{.name = "A"}, {.name = "B"}, {.name = "D"}};
    static const char *const values[] = {"one", "two", ""};
    const struct plan_items items = {.section = "each", .axes = axes, .naxes = 3};
    const struct plan_item item = {.index = 7, .text = "one,two,", .values = values, .nvalues = 3};
    struct plan plan = {.vars = vars, .env = env};
    struct job_settings set = {.type = LANE_IO};
    struct plan_job job = {.name = "each[one,two,]", .set = &set, .items = &items, .item = &item};

    (void)state;
    make(&plan, NULL, &job, NULL, &attempt);
    expect("A", "one");
    expect("B", "env");
    expect("D", "env");
    expect("MUSTER_JOB", "each[one,two,]");
    expect("MUSTER_ITEM", "one,two,");
    expect("MUSTER_INDEX", "7");
    expect("MUSTER_ITEMS", NULL);
    free(block);
    job.env = own;
    block = environ_make(e, &job, NULL, NULL, &attempt);
    expect("D", "own");
}

static void a_batch(void **state) {
    static const struct plan_axis axis = {.name = "A"};
    static const char *const values[] = {"one", "two"};
    const struct plan_items items = {.section = "each", .axes = &axis, .naxes = 1, .batch = 2};
    const struct plan_item item = {.index = 3, .text = "#3", .values = values, .nvalues = 2};
    struct plan plan = {.vars = vars};
    struct job_settings set = {.type = LANE_IO};
    struct plan_job job = {.name = "each[#3]", .set = &set, .items = &items, .item = &item};

    (void)state;
    make(&plan, NULL, &job, "/tmp/list", &attempt);
    expect("A", "var"); /* it has no one value */
    expect("MUSTER_ITEM", NULL);
    expect("MUSTER_INDEX", "3");
    expect("MUSTER_ITEMS", "/tmp/list");
}

static void clear_env(void **state) {
    struct plan plan = {.vars = vars};
    struct job_settings set = {.type = LANE_IO, .clear_env = true};
    struct plan_job job = {.name = "job", .set = &set};

    (void)state;
    make(&plan, NULL, &job, NULL, &attempt);
    expect("PATH", "/bin");
    expect("HOME", "/root");
    expect("A", "var");
    expect("MUSTER_DEBUG", NULL);
    expect("MUSTER_WORKER", NULL);
    expect("MUSTER_SLOT", "5");
    expect("MUSTER_LANE", "io");
}

static void an_empty_environment(void **state) {
    struct plan plan = {0};
    struct job_settings set = {0};
    struct plan_job job = {.name = "job", .set = &set};
    char *none[] = {NULL};
    size_t n = 0;

    (void)state;
    e = environ_new(&plan, "run-id", NULL, none);
    block = environ_make(e, &job, NULL, NULL, &attempt);
    while (block[n])
        n++;
    assert_int_equal(n, 6);
}

static struct late_env read_late(struct arena *arena, const char *bytes) {
    char path[] = "/tmp/late-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, strlen(bytes)), strlen(bytes));
    close(fd);
    struct late_env late = environ_read_late(arena, path);
    unlink(path);
    return late;
}

static void a_late_env_file(void **state) {
    struct arena arena;

    (void)state;
    arena_init(&arena, NULL);
    struct late_env late = read_late(&arena, "A=1\n\n# none\nB=2");
    assert_int_equal(late.error, 0);
    assert_null(late.fault);
    assert_string_equal(late.vars[1].name, "B");
    assert_string_equal(late.vars[1].value, "2");
    assert_null(late.vars[2].name);
    arena_release(&arena);
}

static void a_late_env_file_with_a_wrong_line(void **state) {
    struct arena arena;

    (void)state;
    arena_init(&arena, NULL);
    struct late_env late = read_late(&arena, "A=1\n\n9=2\nwrong\n");
    assert_null(late.vars);
    assert_int_equal(late.error, UV_EINVAL);
    assert_string_equal(strchr(late.fault, ':'), ":3: a line is NAME=value");
    arena_release(&arena);
}

static void a_late_env_file_that_is_none(void **state) {
    struct arena arena;

    (void)state;
    arena_init(&arena, NULL);
    struct late_env late = environ_read_late(&arena, "/");
    assert_null(late.vars);
    assert_int_equal(late.error, UV_EISDIR);
    assert_null(late.fault);
    arena_release(&arena);
}

static void secrets_of_a_late_env_file(void **state) {
    static const char *const secrets[] = {"E", "NOWHERE", "D", NULL};
    static const struct mask_value known = {"known", 5};
    struct plan plan = {.vars = vars, .env = env, .secrets = secrets};
    static const struct env_var without[] = {{"A", "b"}, {0}};
    struct mask_set *set;
    size_t len;

    (void)state;
    e = environ_new(&plan, "run-id", NULL, inherited);
    assert_int_equal(mask_set_new(&plan.mask, NULL, &known, 1), 0);
    assert_int_equal(environ_late_mask(e, NULL, NULL, &set), 0);
    assert_null(set);
    assert_int_equal(environ_late_mask(e, without, NULL, &set), 0);
    assert_null(set);
    assert_int_equal(environ_late_mask(e, env_file, NULL, &set), 0);
    char *text = mask_text(set, "a known file", 12, &len);
    assert_string_equal(text, "a *** ***");
    free(text);
    mask_set_free(set);
    mask_set_free(plan.mask);
}

static const struct told one = {(char[]){"MUSTER_OUT_a_x=told"}, "a"};
static const struct told two = {(char[]){"MUSTER_OUT_b_token=t0k=n"}, "b"};
static struct {
    struct told_set set;
    const struct told *list[2];
} told = {.set = {.count = 2}, .list = {&one, &two}};

static void outputs_of_jobs_before(void **state) {
    static const struct env_var forged[] = {
        {"MUSTER_OUT_a_x", "forged"}, {"MUSTER_OUT_c_y", "forged"}, {"KEPT", "1"}, {0}};
    struct plan plan = {.vars = vars};
    struct job_settings set = {.type = LANE_IO};
    struct plan_job job = {.name = "job", .set = &set, .env = forged};
    struct attempt after = attempt;
    struct facts_folder *folder;
    char file[FACTS_FILE_MAX];

    (void)state;
    assert_int_equal(facts_folder_open(&folder), 0);
    after.told = &told.set;
    make(&plan, folder, &job, NULL, &after);
    expect("MUSTER_OUT_a_x", "told");
    expect("MUSTER_OUT_b_token", "t0k=n");
    expect("MUSTER_OUT_c_y", NULL);
    expect("KEPT", "1");
    expect("MUSTER_OUTPUT", facts_file(folder, 0, 2, file));
    facts_folder_close(folder);
}

static void secrets_of_jobs_before(void **state) {
    static const char *const secrets[] = {"MUSTER_OUT_b_toke", "MUSTER_OUT_b_token", NULL};
    struct plan plan = {.vars = vars};
    struct mask_set *set;
    size_t len;

    (void)state;
    e = environ_new(&plan, "run-id", NULL, inherited);
    assert_int_equal(environ_late_mask(e, NULL, &told.set, &set), 0);
    assert_null(set);
    plan.secrets = secrets;
    assert_int_equal(environ_late_mask(e, NULL, &told.set, &set), 0);
    char *text = mask_text(set, "told t0k=n", 10, &len);
    assert_string_equal(text, "told ***");
    free(text);
    mask_set_free(set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(layers, forget),
        cmocka_unit_test_teardown(an_item, forget),
        cmocka_unit_test_teardown(a_batch, forget),
        cmocka_unit_test_teardown(clear_env, forget),
        cmocka_unit_test_teardown(an_empty_environment, forget),
        cmocka_unit_test(a_late_env_file),
        cmocka_unit_test(a_late_env_file_with_a_wrong_line),
        cmocka_unit_test(a_late_env_file_that_is_none),
        cmocka_unit_test_teardown(secrets_of_a_late_env_file, forget),
        cmocka_unit_test_teardown(outputs_of_jobs_before, forget),
        cmocka_unit_test_teardown(secrets_of_jobs_before, forget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
