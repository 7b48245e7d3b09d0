/* SPDX-License-Identifier: MIT */
/* test_output: what reaches standard error, and the tails that are kept. */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "exec/capture.h"
#include "report/output.h"

/* Standard error goes to an unnamed file meanwhile. */
static FILE *stream;
static int saved, file;

static int begin(void **state) {
    (void)state;
    stream = tmpfile();
    file = stream ? fileno(stream) : -1;
    saved = dup(STDERR_FILENO);
    return file < 0 || dup2(file, STDERR_FILENO) < 0 ? -1 : 0;
}

static int end(void **state) {
    (void)state;
    dup2(saved, STDERR_FILENO);
    close(saved);
    return fclose(stream);
}

/* What was written; to be freed. */
static char *written(void) {
    off_t n = lseek(file, 0, SEEK_END);
    char *text = malloc((size_t)n + 1);

    assert_non_null(text);
    assert_int_equal(pread(file, text, (size_t)n, 0), n);
    text[n] = '\0';
    return text;
}

static void expect(const char *want) {
    char *got = written();

    assert_string_equal(got, want);
    free(got);
}

static struct capture *filled(const char *bytes, size_t n) {
    struct capture *c = capture_new();

    assert_non_null(c);
    assert_int_equal(capture_add(c, bytes, n), 0);
    return c;
}

static struct output *opened(bool tty) {
    struct output *o;

    assert_int_equal(output_open(&o, tty), 0);
    return o;
}

/* Shows one stream of a job under the header "x: exit 1". */
static void show(struct output *o, const char *bytes, size_t n, uint32_t lines) {
    output_job(o, &(struct output_job){
                      .header = strdup("x: exit 1"), .out = filled(bytes, n), .lines = lines});
}

static void test_order(void **state) {
    struct output *o = opened(false);

    (void)state;
    output_text(o, "one\n", 4);
    output_printf(o, "%s %d\n", "two", 2);
    show(o, "three\n", 6, UINT32_MAX);
    output_text(o, "four\n", 5);
    output_free(o);
    expect("one\ntwo 2\n--- x: exit 1 ---\nthree\nfour\n");
}

static void test_last_lines(void **state) {
    static const struct {
        const char *bytes;
        uint32_t lines;
        const char *want;
    } cases[] = {
        {"a\nb\nc\n", 2, "--- x: exit 1 (last 2 lines) ---\nb\nc\n"},
        {"a\nb\nc", 2, "--- x: exit 1 (last 2 lines) ---\nb\nc\n"},
        {"a\nb\nc\n", 3, "--- x: exit 1 ---\na\nb\nc\n"},
        {"a\nb\nc\n", 4, "--- x: exit 1 ---\na\nb\nc\n"},
        {"\n\n\n", 2, "--- x: exit 1 (last 2 lines) ---\n\n\n"},
        {"a", 1, "--- x: exit 1 ---\na\n"},
        {"a\nb\n", 0, ""},
        {"", 5, ""},
        {"a\nb\n", UINT32_MAX, "--- x: exit 1 ---\na\nb\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct output *o = opened(false);

        assert_int_equal(ftruncate(file, 0), 0);
        lseek(file, 0, SEEK_SET);
        show(o, cases[i].bytes, strlen(cases[i].bytes), cases[i].lines);
        output_free(o);
        expect(cases[i].want);
    }
}

/* Lines that lie across the blocks in which a capture is read. */
static void test_last_lines_of_many(void **state) {
    struct output *o = opened(false);
    struct capture *c = capture_new();
    char line[64], *want = malloc(64 * 60), *at = want;

    (void)state;
    assert_non_null(want);
    at += sprintf(at, "--- x: exit 1 (last 50 lines) ---\n");
    for (int i = 0; i < 100000; i++) {
        int n = snprintf(line, sizeof line, "line %d of a job that says much\n", i);

        assert_int_equal(capture_add(c, line, (size_t)n), 0);
        if (i >= 100000 - 50)
            at += sprintf(at, "%s", line);
    }
    output_job(o, &(struct output_job){.header = strdup("x: exit 1"), .out = c, .lines = 50});
    output_free(o);
    expect(want);
    free(want);
}

/* A line without an end is not shown without an end. */
static void test_long_line(void **state) {
    struct output *o = opened(false);
    size_t n = 3 * OUTPUT_SHOW_MAX;
    char *bytes = malloc(n), *got;

    (void)state;
    assert_non_null(bytes);
    memset(bytes, 'x', n);
    show(o, bytes, n, 50);
    output_free(o);
    got = written();
    assert_int_equal(strlen(got),
                     strlen("--- x: exit 1 (last 50 lines) ---\n\n") + OUTPUT_SHOW_MAX);
    free(got);
    free(bytes);
}

static void test_streams_apart(void **state) {
    struct output *o = opened(false);

    (void)state;
    output_job(o, &(struct output_job){.header = strdup("x: ok"),
                                       .out = filled("out", 3),
                                       .err = filled("err\n", 4),
                                       .lines = UINT32_MAX});
    output_job(o, &(struct output_job){.err = filled("only\n", 5), .lines = 1});
    output_free(o);
    expect("--- x: ok ---\nout\nerr\nonly\n");
}

static void test_bytes_unchanged(void **state) {
    struct output *o = opened(false);
    static const char bytes[] = "\x1b[31m\xff\r\n";

    (void)state;
    output_job(o, &(struct output_job){.out = filled(bytes, sizeof bytes - 1), .lines = 9});
    output_free(o);
    expect(bytes);
}

static void test_terminal(void **state) {
    struct output *o = opened(true);
    static const char bytes[] = "\x1b[31m\xff\r\t\xe2\x80\xae\xc3\xa4\n";

    (void)state;
    output_job(o, &(struct output_job){.out = filled(bytes, sizeof bytes - 1), .lines = 9});
    output_free(o);
    expect("\\x1b[31m\\xff\\x0d\t<U+202E>\xc3\xa4\n");
}

/* A character that lies across two blocks stays one. */
static void test_terminal_split(void **state) {
    static const char *const characters[] = {"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x99\x82"};
    enum { BLOCK = 262144 }; /* bytes that are made visible at once */
    char *bytes = malloc(BLOCK + 8), *got;

    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < 3; i++)
        for (size_t before = 1; before < strlen(characters[i]); before++) {
            struct output *o = opened(true);
            size_t n = BLOCK - before, len = strlen(characters[i]);

            memset(bytes, 'x', n);
            memcpy(bytes + n, characters[i], len);
            memcpy(bytes + n + len, "\n", 1);
            assert_int_equal(ftruncate(file, 0), 0);
            lseek(file, 0, SEEK_SET);
            output_job(
                o, &(struct output_job){.out = filled(bytes, n + len + 1), .lines = UINT32_MAX});
            output_free(o);
            got = written();
            assert_int_equal(strlen(got), n + len + 1);
            assert_memory_equal(got, bytes, n + len + 1);
            free(got);
        }
    free(bytes);
}

/* A character that never ends is shown at the end. */
static void test_terminal_cut(void **state) {
    struct output *o = opened(true);

    (void)state;
    output_job(o, &(struct output_job){.out = filled("a\xe2\x82", 3), .lines = 9});
    output_free(o);
    char *got = written();
    assert_int_equal(strncmp(got, "a\\xe2", 5), 0);
    assert_int_equal(got[strlen(got) - 1], '\n');
    free(got);
}

static void test_tails(void **state) {
    struct output *o = opened(false);
    uint64_t places[3][4];
    size_t n = OUTPUT_TAIL_MAX + 1000;
    char *bytes = malloc(n), *tail = malloc(OUTPUT_TAIL_MAX);

    (void)state;
    assert_non_null(bytes);
    assert_non_null(tail);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)('a' + i % 26);
    for (int i = 0; i < 3; i++)
        output_job(o, &(struct output_job){
                          .out = i == 1 ? filled(bytes, n) : filled("out", 3),
                          .err = i == 2 ? filled("error", 5) : NULL,
                          .keep = true,
                          .out_at = &places[i][0],
                          .out_len = &places[i][1],
                          .err_at = &places[i][2],
                          .err_len = &places[i][3],
                      });
    output_drain(o);
    assert_int_equal(output_error(o), 0);
    assert_int_equal(places[0][1], 3);
    assert_int_equal(places[0][3], 0);
    assert_int_equal(output_tail(o, places[0][0], tail, 3), 3);
    assert_memory_equal(tail, "out", 3);
    assert_int_equal(places[1][1], OUTPUT_TAIL_MAX);
    assert_int_equal(output_tail(o, places[1][0], tail, OUTPUT_TAIL_MAX), OUTPUT_TAIL_MAX);
    assert_memory_equal(tail, bytes + 1000, OUTPUT_TAIL_MAX);
    assert_int_equal(places[2][3], 5);
    assert_int_equal(output_tail(o, places[2][2], tail, 5), 5);
    assert_memory_equal(tail, "error", 5);
    output_free(o);
    expect("");
    free(bytes);
    free(tail);
}

/* More than is given back to the disk while it is shown: every byte, and the tail. */
static void test_very_much(void **state) {
    enum { SIZE = 40 << 20, PART = 1 << 20 };
    struct output *o = opened(false);
    struct capture *c = capture_new();
    char *part = malloc(PART), *got = malloc(PART);
    uint64_t places[4];

    (void)state;
    for (size_t at = 0; at < SIZE; at += PART) {
        for (size_t i = 0; i < PART; i++)
            part[i] = (char)((at + i) * 2654435761U >> 24);
        assert_int_equal(capture_add(c, part, PART), 0);
    }
    output_job(o, &(struct output_job){.out = c,
                                       .lines = UINT32_MAX,
                                       .keep = true,
                                       .out_at = &places[0],
                                       .out_len = &places[1],
                                       .err_at = &places[2],
                                       .err_len = &places[3]});
    output_drain(o);
    for (size_t at = 0; at < SIZE; at += PART) {
        for (size_t i = 0; i < PART; i++)
            part[i] = (char)((at + i) * 2654435761U >> 24);
        assert_int_equal(pread(file, got, PART, (off_t)at), PART);
        assert_memory_equal(got, part, PART);
    }
    assert_int_equal(places[1], OUTPUT_TAIL_MAX);
    assert_int_equal(output_tail(o, places[0], got, OUTPUT_TAIL_MAX), OUTPUT_TAIL_MAX);
    assert_memory_equal(got, part + PART - OUTPUT_TAIL_MAX, OUTPUT_TAIL_MAX);
    output_free(o);
    free(part);
    free(got);
}

/* A stream that lost bytes says so, shown and kept. */
static void test_lost(void **state) {
    struct output *o = opened(false);
    struct rlimit old, none;
    struct capture *c = capture_new();
    char *bytes = calloc(1, 3 * CAPTURE_MEMORY_MAX), tail[4096];
    uint64_t out_at, out_len, err_at, err_len;
    static const char mark[] = "[output lost: File too large]\n";

    (void)state;
    assert_non_null(bytes);
    memset(bytes, 'x', 3 * CAPTURE_MEMORY_MAX);
    getrlimit(RLIMIT_FSIZE, &old);
    none = old;
    none.rlim_cur = 100; /* of the spill file */
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &none);
    assert_int_equal(capture_add(c, bytes, 3 * CAPTURE_MEMORY_MAX), UV_EFBIG);
    setrlimit(RLIMIT_FSIZE, &old);

    output_job(o, &(struct output_job){.header = strdup("x: ok"),
                                       .out = c,
                                       .lines = UINT32_MAX,
                                       .keep = true,
                                       .out_at = &out_at,
                                       .out_len = &out_len,
                                       .err_at = &err_at,
                                       .err_len = &err_len});
    output_drain(o);
    assert_true(out_len > strlen(mark) && out_len < sizeof tail);
    assert_int_equal(output_tail(o, out_at, tail, (size_t)out_len), out_len);
    assert_memory_equal(tail + out_len - strlen(mark), mark, strlen(mark));
    output_free(o);
    char *got = written();
    assert_string_equal(got + strlen(got) - strlen(mark) - 1, "\n[output lost: File too large]\n");
    free(got);
    free(bytes);
}

/* Nobody reads: the run goes on, and its tails are there. */
static void test_reader_gone(void **state) {
    struct output *o = opened(false);
    int ends[2];
    uint64_t places[4];
    char tail[4];

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    for (int i = 0; i < 100; i++)
        output_printf(o, "line %d\n", i);
    output_job(o, &(struct output_job){.out = filled("tail", 4),
                                       .lines = 50,
                                       .keep = true,
                                       .out_at = &places[0],
                                       .out_len = &places[1],
                                       .err_at = &places[2],
                                       .err_len = &places[3]});
    output_drain(o);
    dup2(file, STDERR_FILENO);
    assert_int_equal(output_error(o), 0);
    assert_int_equal(output_tail(o, places[0], tail, 4), 4);
    assert_memory_equal(tail, "tail", 4);
    output_free(o);
}

/* A reader that is slow, on a pipe that does not block, loses nothing. */
static void test_reader_slow(void **state) {
    struct output *o = opened(false);
    int ends[2];
    size_t want = 0, got = 0;
    char buf[4096];
    ssize_t n;

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    for (int i = 0; i < 20000; i++) { /* more than a pipe holds */
        output_text(o, "sixteen bytes..\n", 16);
        want += 16;
    }
    while (got < want && (n = read(ends[0], buf, sizeof buf)) > 0)
        got += (size_t)n;
    assert_int_equal(got, want);
    output_free(o);
    close(ends[0]);
    dup2(file, STDERR_FILENO);
}

/* Nothing of what is held back is written, until it may be, or there is no more to come. */
static void test_held(void **state) {
    struct output *o = opened(false);

    (void)state;
    output_hold(o, true);
    output_text(o, "one\n", 4);
    usleep(20000); /* a thread that did not wait would have written by then */
    expect("");
    output_hold(o, false);
    while (lseek(file, 0, SEEK_END) < 4)
        usleep(1000);
    output_hold(o, true);
    output_text(o, "two\n", 4);
    output_drain(o);
    expect("one\ntwo\n");
    output_free(o);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_order),       TEST(test_last_lines),     TEST(test_last_lines_of_many),
        TEST(test_long_line),   TEST(test_streams_apart),  TEST(test_bytes_unchanged),
        TEST(test_terminal),    TEST(test_terminal_split), TEST(test_terminal_cut),
        TEST(test_tails),       TEST(test_very_much),      TEST(test_lost),
        TEST(test_reader_gone), TEST(test_reader_slow),    TEST(test_held),
    };

    return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
