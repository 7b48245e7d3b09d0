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

static const char *get(char **block, const char *name) {
    const char *found = NULL;
    size_t n = strlen(name);

    for (; *block; block++) {
        if (strncmp(*block, name, n) != 0 || (*block)[n] != '=')
            continue;
        assert_null(found); /* no name twice */
        found = *block + n + 1;
    }
    return found;
}

static void layers(void **state) {
    struct plan plan = {.vars = vars, .env = env};
    struct env_file file = {.vars = env_file};
    struct job_settings set = {.type = LANE_CPU, .retries = 3, .env_file = &file};
    struct plan_job job = {.name = "job", .set = &set, .env = own};
    struct environ *e = environ_new(&plan, "run-id", NULL, inherited);
    char **block = environ_make(e, &job, NULL, NULL, &cpu_attempt);

    (void)state;
    assert_string_equal(get(block, "PATH"), "/bin");
    assert_string_equal(get(block, "A"), "var");
    assert_null(get(block, "MUSTER_OUTPUT")); /* there is no folder */
    assert_string_equal(get(block, "B"), "env");
    assert_string_equal(get(block, "C"), "file");
    assert_string_equal(get(block, "D"), "own");
    assert_string_equal(get(block, "E"), "own");
    assert_string_equal(get(block, "MUSTER_JOB"), "job");
    assert_string_equal(get(block, "MUSTER_RUN"), "run-id");
    assert_string_equal(get(block, "MUSTER_LANE"), "cpu");
    assert_string_equal(get(block, "MUSTER_ATTEMPT"), "2");
    assert_string_equal(get(block, "MUSTER_ATTEMPTS"), "4");
    assert_string_equal(get(block, "MUSTER_SLOT"), "5");
    assert_string_equal(get(block, "MUSTER_WORKER"), "5");
    assert_string_equal(get(block, "MUSTER_DEBUG"), "exec");
    free(block);
    environ_free(e);
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
    struct environ *e = environ_new(&plan, "run-id", NULL, inherited);
    char **block = environ_make(e, &job, NULL, NULL, &attempt);

    (void)state;
    assert_string_equal(get(block, "A"), "one");
    assert_string_equal(get(block, "B"), "env");
    assert_string_equal(get(block, "D"), "env");
    assert_string_equal(get(block, "MUSTER_JOB"), "each[one,two,]");
    assert_string_equal(get(block, "MUSTER_ITEM"), "one,two,");
    assert_string_equal(get(block, "MUSTER_INDEX"), "7");
    assert_null(get(block, "MUSTER_ITEMS"));
    free(block);
    job.env = own;
    block = environ_make(e, &job, NULL, NULL, &attempt);
    assert_string_equal(get(block, "D"), "own");
    free(block);
    environ_free(e);
}

static void a_batch(void **state) {
    static const struct plan_axis axis = {.name = "A"};
    static const char *const values[] = {"one", "two"};
    const struct plan_items items = {.section = "each", .axes = &axis, .naxes = 1, .batch = 2};
    const struct plan_item item = {.index = 3, .text = "#3", .values = values, .nvalues = 2};
    struct plan plan = {.vars = vars};
    struct job_settings set = {.type = LANE_IO};
    struct plan_job job = {.name = "each[#3]", .set = &set, .items = &items, .item = &item};
    struct environ *e = environ_new(&plan, "run-id", NULL, inherited);
    char **block = environ_make(e, &job, NULL, "/tmp/list", &attempt);

    (void)state;
    assert_string_equal(get(block, "A"), "var"); /* it has no one value */
    assert_null(get(block, "MUSTER_ITEM"));
    assert_string_equal(get(block, "MUSTER_INDEX"), "3");
    assert_string_equal(get(block, "MUSTER_ITEMS"), "/tmp/list");
    free(block);
    environ_free(e);
}

static void clear_env(void **state) {
    struct plan plan = {.vars = vars};
    struct job_settings set = {.type = LANE_IO, .clear_env = true};
    struct plan_job job = {.name = "job", .set = &set};
    struct environ *e = environ_new(&plan, "run-id", NULL, inherited);
    char **block = environ_make(e, &job, NULL, NULL, &attempt);

    (void)state;
    assert_string_equal(get(block, "PATH"), "/bin");
    assert_string_equal(get(block, "HOME"), "/root");
    assert_string_equal(get(block, "A"), "var");
    assert_null(get(block, "MUSTER_DEBUG"));
    assert_null(get(block, "MUSTER_WORKER"));
    assert_string_equal(get(block, "MUSTER_SLOT"), "5");
    assert_string_equal(get(block, "MUSTER_LANE"), "io");
    free(block);
    environ_free(e);
}

static void an_empty_environment(void **state) {
    struct plan plan = {0};
    struct job_settings set = {0};
    struct plan_job job = {.name = "job", .set = &set};
    char *none[] = {NULL};
    struct environ *e = environ_new(&plan, "run-id", NULL, none);
    char **block = environ_make(e, &job, NULL, NULL, &attempt);
    size_t n = 0;

    (void)state;
    while (block[n])
        n++;
    assert_int_equal(n, 6);
    free(block);
    environ_free(e);
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
    struct environ *e = environ_new(&plan, "run-id", NULL, inherited);
    static const struct env_var without[] = {{"A", "b"}, {0}};
    struct mask_set *set;
    size_t len;

    (void)state;
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
    environ_free(e);
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
    struct environ *e = environ_new(&plan, "run-id", folder, inherited);
    after.told = &told.set;
    char **block = environ_make(e, &job, NULL, NULL, &after);
    assert_string_equal(get(block, "MUSTER_OUT_a_x"), "told");
    assert_string_equal(get(block, "MUSTER_OUT_b_token"), "t0k=n");
    assert_null(get(block, "MUSTER_OUT_c_y"));
    assert_string_equal(get(block, "KEPT"), "1");
    assert_string_equal(get(block, "MUSTER_OUTPUT"), facts_file(folder, 0, 2, file));
    free(block);
    environ_free(e);
    facts_folder_close(folder);
}

static void secrets_of_jobs_before(void **state) {
    static const char *const secrets[] = {"MUSTER_OUT_b_toke", "MUSTER_OUT_b_token", NULL};
    struct plan plan = {.vars = vars};
    struct environ *e = environ_new(&plan, "run-id", NULL, inherited);
    struct mask_set *set;
    size_t len;

    (void)state;
    assert_int_equal(environ_late_mask(e, NULL, &told.set, &set), 0);
    assert_null(set);
    plan.secrets = secrets;
    assert_int_equal(environ_late_mask(e, NULL, &told.set, &set), 0);
    char *text = mask_text(set, "told t0k=n", 10, &len);
    assert_string_equal(text, "told ***");
    free(text);
    mask_set_free(set);
    environ_free(e);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers),
        cmocka_unit_test(an_item),
        cmocka_unit_test(a_batch),
        cmocka_unit_test(clear_env),
        cmocka_unit_test(an_empty_environment),
        cmocka_unit_test(a_late_env_file),
        cmocka_unit_test(a_late_env_file_with_a_wrong_line),
        cmocka_unit_test(a_late_env_file_that_is_none),
        cmocka_unit_test(secrets_of_a_late_env_file),
        cmocka_unit_test(outputs_of_jobs_before),
        cmocka_unit_test(secrets_of_jobs_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
