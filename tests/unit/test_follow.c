/* SPDX-License-Identifier: MIT */
/* test_follow: running jobs' output as lines and in files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "exec/capture.h"
#include "report/follow.h"

static char *shown; /* the lines, "job|line\n" */
static size_t nshown;
static FILE *lines;

static void on_line(void *ctx, const struct follow_stream *stream, const char *line, size_t n) {
    (void)ctx;
    fprintf(lines, "%s|", stream->job);
    fwrite(line, 1, n, lines);
    fputc('\n', lines);
}

/* What was shown since the last call. */
static void expect_shown(const char *want) {
    fflush(lines);
    assert_string_equal(shown, want);
    rewind(lines);
    fflush(lines);
    memset(shown, 0, strlen(shown));
}

static int setup(void **state) {
    (void)state;
    lines = open_memstream(&shown, &nshown);
    fflush(lines);
    return lines ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    fclose(lines);
    free(shown);
    return 0;
}

static struct capture *begin(struct follows *f, const char *job, uint32_t attempt, bool is_err) {
    struct capture *c = capture_new();

    assert_non_null(c);
    follows_add(f, &(struct follow_stream){.capture = capture_share(c),
                                           .job = strdup(job),
                                           .attempt = attempt,
                                           .is_err = is_err});
    return c;
}

static void add(struct capture *c, const char *text) {
    assert_int_equal(capture_add(c, text, strlen(text)), 0);
}

static void test_whole_lines(void **state) {
    struct capture *a, *b;
    struct follows f;

    (void)state;
    assert_int_equal(follows_init(&f, -1, on_line, NULL), 0);
    a = begin(&f, "a", 1, false);
    b = begin(&f, "b", 1, false);
    follows_step(&f);
    expect_shown("");
    add(a, "one\ntw");
    follows_step(&f);
    follows_step(&f);
    expect_shown("a|one\n");
    add(a, "o\n\nhalf");
    follows_step(&f);
    expect_shown("a|two\na|\n");
    add(b, "x\n");
    follows_end(&f, a);
    follows_end(&f, b);
    expect_shown("a|half [no newline]\nb|x\n");
    follows_end(&f, a); /* no longer there */
    expect_shown("");
    assert_int_equal(f.count, 0);
    capture_free(a);
    capture_free(b);
    assert_int_equal(follows_release(&f), 0);
}

/* Bytes that left memory are found in the file; a line without end comes in pieces. */
static void test_long(void **state) {
    size_t n = 3 << 20;
    char *text = malloc(n + 1), *at;
    struct capture *c;
    struct follows f;
    unsigned pieces = 0;

    (void)state;
    memset(text, 'x', n);
    text[n] = '\0';
    assert_int_equal(follows_init(&f, -1, on_line, NULL), 0);
    c = begin(&f, "long", 1, false);
    add(c, "first\n");
    add(c, text);
    follows_step(&f);
    add(c, "\nlast\n");
    follows_end(&f, c);
    fflush(lines);
    assert_int_equal(strncmp(shown, "long|first\nlong|xxx", 19), 0);
    for (at = shown; (at = strstr(at, " [line goes on]\n")); at++)
        pieces++;
    assert_int_equal(pieces, 3);
    assert_non_null(strstr(shown, "x\nlong|last\n"));
    assert_null(strstr(shown, "[no newline]"));
    n = 0;
    for (at = shown; *at; at++)
        n += *at == 'x';
    assert_int_equal(n, 3 << 20);
    capture_free(c);
    assert_int_equal(follows_release(&f), 0);
    free(text);
}

static void test_lost(void **state) {
    struct capture *c;
    struct follows f;

    (void)state;
    assert_int_equal(follows_init(&f, -1, on_line, NULL), 0);
    c = begin(&f, "a", 1, false);
    add(c, "kept\n");
    capture_fail(c, UV_EIO);
    follows_end(&f, c);
    expect_shown("a|kept\na|[output lost: Input/output error]\n");
    capture_free(c);
    assert_int_equal(follows_release(&f), 0);
}

static void expect_file(const char *dir, const char *name, const char *want) {
    char path[512], got[1024] = "";
    FILE *in;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    in = fopen(path, "r");
    assert_non_null(in);
    got[fread(got, 1, sizeof got - 1, in)] = '\0';
    fclose(in);
    assert_string_equal(got, want);
    assert_int_equal(unlink(path), 0);
}

/* Files grow while their job runs, and replace what was there, links too. */
static void test_files(void **state) {
    char dir[] = "/tmp/test_follow-XXXXXX", path[64];
    struct capture *out, *err, *none;
    struct follows f;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/a.2.log", dir);
    assert_int_equal(symlink("/nowhere/at/all", path), 0);
    assert_int_equal(follows_init(&f, open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), NULL, NULL),
                     0);
    out = begin(&f, "a", 2, false);
    err = begin(&f, "a", 2, true);
    none = begin(&f, "b[x/y]", 1, false);
    add(out, "one\nhal");
    follows_step(&f);
    assert_int_equal(access(path, R_OK), 0);
    add(out, "f");
    add(err, "e\001\377");
    follows_end(&f, out);
    capture_fail(err, UV_ENOSPC);
    follows_end(&f, err);
    follows_end(&f, none);
    assert_int_equal(follows_release(&f), 0);
    expect_file(dir, "a.2.log", "one\nhalf");
    expect_file(dir, "a.2.err.log", "e\001\377\n[output lost: No space left on device]\n");
    expect_file(dir, "b%5Bx%2Fy%5D.1.log", "");
    expect_file(dir, "index.tsv",
                "FILE\tJOB\tATTEMPT\tSTREAM\tBYTES\na.2.log\ta\t2\tstdout\t8\n"
                "a.2.err.log\ta\t2\tstderr\t3\nb%5Bx%2Fy%5D.1.log\tb[x/y]\t1\tstdout\t0\n");
    assert_int_equal(rmdir(dir), 0);
    capture_free(out);
    capture_free(err);
    capture_free(none);
}

static void test_names(void **state) {
    char long_name[300], name[FOLLOW_FILE_MAX], other[FOLLOW_FILE_MAX];

    (void)state;
    follow_file_name("a.b-C_9", 12, false, name);
    assert_string_equal(name, "a.b-C_9.12.log");
    follow_file_name("j[\xc3\xa4 ..%/]", 1, true, name);
    assert_string_equal(name, "j%5B%C3%A4%20..%25%2F%5D.1.err.log");
    memset(long_name, 'n', sizeof long_name);
    long_name[200] = '\0';
    follow_file_name(long_name, 1, false, name);
    assert_int_equal(strlen(name), 206);
    long_name[200] = 'n';
    long_name[299] = '\0';
    follow_file_name(long_name, 1, false, name);
    assert_int_equal(strlen(name), 200 + 17 + 6);
    long_name[298] = 'm'; /* told apart by the hash */
    follow_file_name(long_name, 1, false, other);
    assert_string_not_equal(name, other);
    memset(long_name, '/', sizeof long_name - 1);
    follow_file_name(long_name, UINT32_MAX, true, name);
    assert_int_equal(strspn(name, "%2F"), 198);
    assert_int_equal(strlen(name), 198 + 17 + strlen(".4294967295.err.log"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost, setup, teardown),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests_name("follow", tests, NULL, NULL);
}
