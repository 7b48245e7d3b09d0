/* SPDX-License-Identifier: MIT */
/* test_facts: what a job wrote to its MUSTER_OUTPUT, and what it put in that file's place. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "base/mask.h"
#include "exec/facts.h"

static struct facts *parse(const char *text) {
    struct facts *facts = facts_parse(text, strlen(text));

    assert_non_null(facts);
    return facts;
}

static void expect(const struct facts *facts, size_t i, const char *name, const char *value) {
    assert_true(i < facts->count);
    assert_string_equal(facts->vars[i].name, name);
    assert_string_equal(facts->vars[i].value, value);
}

static void lines(void **state) {
    struct facts *facts =
        parse("a=1\n\n# b=2\n   \nname_2= b = c \na=last\n_=\nodd=\xff\r\nno_end=x");

    (void)state;
    assert_null(facts->fault);
    assert_int_equal(facts->count, 5);
    expect(facts, 0, "a", "last");
    expect(facts, 1, "name_2", " b = c ");
    expect(facts, 2, "_", "");
    expect(facts, 3, "odd", "\xff\r");
    expect(facts, 4, "no_end", "x");
    assert_null(facts->vars[5].name);
    free(facts);
    facts = parse("");
    assert_null(facts->fault);
    assert_int_equal(facts->count, 0);
    free(facts);
}

static void wrong_lines(void **state) {
    static const struct {
        const char *text;
        size_t n;
        const char *fault;
    } cases[] = {
        {"a=1\nb\n", 6, "line 2: a line is name=value"},
        {" a=1", 4, "line 1: a line is name=value"},
        {"=1", 2, "line 1: a line is name=value"},
        {"a-b=1", 5, "line 1: a line is name=value"},
        {"9=1", 3, "line 1: a line is name=value"},
        {"a=\0", 3, "line 1: a NUL byte cannot be in the environment"},
        {"PATH=x", 6, "line 1: cannot be a variable: it steers the loader or the shell"},
        {"LD_PRELOAD=x", 12, "line 1: cannot be a variable: it steers the loader or the shell"},
        {"IFS=x", 5, "line 1: cannot be a variable: it steers the loader or the shell"},
        {"BASH_ENV=x", 10, "line 1: cannot be a variable: it steers the loader or the shell"},
        {"ENV=x", 5, "line 1: cannot be a variable: it steers the loader or the shell"},
        {"MUSTER_JOB=x", 12, "line 1: cannot be a variable: names in MUSTER_ are muster's own"},
        {"a=1\nMUSTER_OUT_b=x\nc", 19,
         "line 2: cannot be a variable: names in MUSTER_ are muster's own"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct facts *facts = facts_parse(cases[i].text, cases[i].n);

        assert_non_null(facts);
        assert_non_null(facts->fault);
        assert_string_equal(facts->fault, cases[i].fault);
        assert_int_equal(facts->count, 0);
        assert_null(facts->vars[0].name);
        free(facts);
    }
}

static void a_long_line(void **state) {
    size_t most = 64U << 10;
    char *text = malloc(most + 3);
    struct facts *facts;

    (void)state;
    memset(text, 'a', most + 1);
    text[1] = '=';
    text[most] = '\0';
    facts = parse(text);
    assert_null(facts->fault);
    assert_int_equal(strlen(facts->vars[0].value), most - 2);
    free(facts);
    text[most] = 'a';
    text[most + 1] = '\0';
    facts = parse(text);
    assert_string_equal(facts->fault, "line 1: a line has at most 64 KiB");
    free(facts);
    free(text);
}

static void a_copy(void **state) {
    static const struct env_var vars[] = {{"a", "1"}, {"b", ""}};
    struct facts *facts = facts_new(vars, 2);

    (void)state;
    assert_int_equal(facts->count, 2);
    expect(facts, 0, "a", "1");
    expect(facts, 1, "b", "");
    assert_null(facts->vars[2].name);
    assert_null(facts->fault);
    free(facts);
}

static void text_and_back(void **state) {
    struct facts *facts = parse("a=1\nb==\n"), *again;
    size_t n;
    char *text = facts_text(facts, &n);

    (void)state;
    assert_int_equal(n, 8);
    assert_memory_equal(text, "a=1\nb==\n", 8);
    again = facts_parse(text, n);
    assert_int_equal(again->count, 2);
    expect(again, 1, "b", "=");
    free(again);
    free(text);
    free(facts);
}

static void secrets_are_masked(void **state) {
    static const char *const secrets[] = {"MUSTER_OUT_a_b_token", "OTHER", NULL};
    struct plan plan = {.secrets = secrets};
    struct facts *facts = parse("n=12\ntoken=abc\nx=a-23-b"), *seen;
    bool masked;

    (void)state;
    seen = facts_masked(facts, &plan, "c", &masked);
    assert_false(masked);
    free(seen);
    assert_int_equal(mask_set_new(&plan.mask, NULL, &(struct mask_value){"23", 2}, 1), 0);
    seen = facts_masked(facts, &plan, "a.b", &masked);
    assert_true(masked);
    expect(seen, 0, "n", "12");
    expect(seen, 1, "token", "***");
    expect(seen, 2, "x", "a-***-b");
    free(seen);
    free(facts);
    mask_set_free(plan.mask);
}

/* --- files --- */

struct trial {
    char parent[64];
    struct facts_folder *folder;
    char file[FACTS_FILE_MAX];
};

static int begin(void **state) {
    struct trial *t = calloc(1, sizeof *t);

    strcpy(t->parent, "/tmp/test-facts-XXXXXX");
    if (!mkdtemp(t->parent) || setenv("TMPDIR", t->parent, 1) || facts_folder_open(&t->folder))
        return -1;
    facts_file(t->folder, 7, 2, t->file);
    *state = t;
    return 0;
}

/* Nothing is left of the folder. */
static int end(void **state) {
    struct trial *t = *state;
    int error;

    facts_folder_close(t->folder);
    error = rmdir(t->parent);
    unsetenv("TMPDIR");
    free(t);
    return error;
}

static void write_file(const char *path, const char *text) {
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

/* What is found to be said; NULL: there is no file. */
static struct facts *read_it(struct trial *t) {
    struct facts *facts;

    assert_true(facts_made(t->folder, 7, 2));
    assert_int_equal(facts_read(t->folder, 7, 2, &facts), 0);
    assert_int_equal(access(t->file, F_OK), -1);
    return facts;
}

static void refused(struct trial *t, const char *why) {
    struct facts *facts = read_it(t);

    assert_non_null(facts);
    assert_string_equal(facts->fault, why);
    free(facts);
}

static void a_private_folder(void **state) {
    struct trial *t = *state;
    struct facts_folder *other;
    struct stat st;

    assert_int_equal(stat(facts_folder_path(t->folder), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(strncmp(facts_folder_path(t->folder), t->parent, strlen(t->parent)), 0);
    assert_int_equal(facts_folder_open(&other), 0);
    assert_string_not_equal(facts_folder_path(t->folder), facts_folder_path(other));
    assert_null(facts_folder_close(other));
    assert_null(facts_folder_close(NULL));
    assert_null(facts_folder_path(NULL));
}

static void nothing_is_read_that_was_not_made(void **state) {
    struct trial *t = *state;
    struct facts *facts;

    assert_false(facts_made(t->folder, 7, 2));
    assert_int_equal(facts_read(t->folder, 7, 2, &facts), 0);
    assert_null(facts);
}

static void a_file(void **state) {
    struct trial *t = *state;
    char other[FACTS_FILE_MAX];
    struct facts *facts;

    write_file(facts_file(t->folder, 8, 2, other), "b=2\n");
    assert_false(facts_made(t->folder, 7, 2));
    write_file(t->file, "a=1\n");
    facts = read_it(t);
    expect(facts, 0, "a", "1");
    free(facts);
    assert_false(facts_made(t->folder, 7, 2));
    assert_true(facts_made(t->folder, 8, 2));
}

static void a_file_that_got_its_name(void **state) {
    struct trial *t = *state;
    char other[FACTS_FILE_MAX + 8];
    struct facts *facts;

    snprintf(other, sizeof other, "%s.tmp", t->file);
    write_file(other, "a=1\n");
    assert_false(facts_made(t->folder, 7, 2));
    assert_int_equal(rename(other, t->file), 0);
    facts = read_it(t);
    expect(facts, 0, "a", "1");
    free(facts);
}

static void many_files(void **state) {
    struct trial *t = *state;
    char path[FACTS_FILE_MAX];

    for (uint32_t i = 0; i < 1000; i++)
        write_file(facts_file(t->folder, i, 1, path), "a=1\n");
    for (uint32_t i = 0; i < 1000; i++) {
        assert_true(facts_made(t->folder, 999 - i, 1));
        assert_false(facts_made(t->folder, 999 - i, 2));
    }
}

/* A job's own work with the folder hides no file. */
static void the_folders_time_may_change(void **state) {
    struct trial *t = *state;
    struct facts *facts;

    assert_int_equal(utimensat(AT_FDCWD, facts_folder_path(t->folder), NULL, 0), 0);
    assert_false(facts_made(t->folder, 7, 2));
    write_file(t->file, "a=1\n");
    facts = read_it(t);
    expect(facts, 0, "a", "1");
    free(facts);
}

/* One that was made while nobody looked is found, however much later. */
static void made_long_before(void **state) {
    struct trial *t = *state;
    char path[FACTS_FILE_MAX];

    write_file(t->file, "a=1\n");
    for (uint32_t i = 100; i < 200; i++)
        assert_false(facts_made(t->folder, i, 1));
    assert_true(facts_made(t->folder, 7, 2));
    assert_int_equal(unlink(facts_file(t->folder, 7, 2, path)), 0);
    assert_false(facts_made(t->folder, 7, 2));
}

static void a_fifo(void **state) {
    struct trial *t = *state;

    assert_int_equal(mkfifo(t->file, 0600), 0);
    refused(t, "it is no regular file");
}

static void a_link(void **state) {
    struct trial *t = *state;

    assert_int_equal(symlink("/etc/passwd", t->file), 0);
    refused(t, "it is a symbolic link");
}

static void a_device(void **state) {
    struct trial *t = *state;

    assert_int_equal(symlink("/dev/zero", t->file), 0);
    refused(t, "it is a symbolic link");
}

static void a_folder(void **state) {
    struct trial *t = *state;
    char inner[FACTS_FILE_MAX + 8];
    struct facts *facts;

    assert_int_equal(mkdir(t->file, 0700), 0);
    snprintf(inner, sizeof inner, "%s/in", t->file);
    assert_int_equal(mkdir(inner, 0700), 0);
    snprintf(inner, sizeof inner, "%s/in/a", t->file);
    write_file(inner, "a=1\n");
    snprintf(inner, sizeof inner, "%s/up", t->file);
    assert_int_equal(symlink("..", inner), 0);
    assert_true(facts_made(t->folder, 7, 2));
    assert_int_equal(facts_read(t->folder, 7, 2, &facts), 0);
    assert_string_equal(facts->fault, "it is no regular file");
    free(facts);
}

static void much(void **state) {
    struct trial *t = *state;
    char *text = malloc(FACTS_BYTES_MAX + 2);
    struct facts *facts;

    for (size_t i = 0; i < FACTS_BYTES_MAX + 1; i++)
        text[i] = (i + 1) % 1024 == 0 ? '\n' : i % 1024 == 0 ? 'a' : i % 1024 == 1 ? '=' : 'x';
    text[FACTS_BYTES_MAX] = '\0';
    write_file(t->file, text);
    facts = read_it(t);
    assert_null(facts->fault);
    free(facts);
    text[FACTS_BYTES_MAX] = '\n';
    text[FACTS_BYTES_MAX + 1] = '\0';
    write_file(t->file, text);
    refused(t, "it has more than 1 MiB");
    write_file(t->file, "a=1\n");
    assert_int_equal(truncate(t->file, (off_t)1 << 40), 0);
    refused(t, "it has more than 1 MiB");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(wrong_lines),
        cmocka_unit_test(a_long_line),
        cmocka_unit_test(a_copy),
        cmocka_unit_test(text_and_back),
        cmocka_unit_test(secrets_are_masked),
        cmocka_unit_test_setup_teardown(a_private_folder, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_read_that_was_not_made, begin, end),
        cmocka_unit_test_setup_teardown(a_file, begin, end),
        cmocka_unit_test_setup_teardown(a_file_that_got_its_name, begin, end),
        cmocka_unit_test_setup_teardown(many_files, begin, end),
        cmocka_unit_test_setup_teardown(the_folders_time_may_change, begin, end),
        cmocka_unit_test_setup_teardown(made_long_before, begin, end),
        cmocka_unit_test_setup_teardown(a_fifo, begin, end),
        cmocka_unit_test_setup_teardown(a_link, begin, end),
        cmocka_unit_test_setup_teardown(a_device, begin, end),
        cmocka_unit_test_setup_teardown(a_folder, begin, end),
        cmocka_unit_test_setup_teardown(much, begin, end),
    };

    return cmocka_run_group_tests_name("facts", tests, NULL, NULL);
}
