/* SPDX-License-Identifier: MIT */
/* test_lines: lines of files, pipes and FIFOs, as they are and as they come. */
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

#include "../fakes/fake_root.h"
#include "run/lines.h"

#define MANY 300000

static uv_loop_t loop;
static char path[sizeof root + 8], fifo[sizeof root + 8];
static unsigned told;

static int begin(void **state) {
    told = 0;
    if (set_up(state))
        return -1;
    snprintf(path, sizeof path, "%s/list", root);
    snprintf(fifo, sizeof fifo, "%s/fifo", root);
    return mkfifo(fifo, 0600) < 0 ? -1 : uv_loop_init(&loop);
}

static int finish(void **state) {
    uv_run(&loop, UV_RUN_DEFAULT);
    return tear_down(state) || uv_loop_close(&loop);
}

static void news(void *ctx) {
    (void)ctx;
    told++;
}

static void write_file(const char *bytes, size_t n) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    close(fd);
}

static void write_numbers(int n) {
    FILE *out = fopen(path, "we");

    assert_non_null(out);
    for (int i = 0; i < n; i++)
        fprintf(out, "%d\n", i);
    fclose(out);
}

static struct lines_reader *open_reader(const char *name, bool again) {
    struct lines_reader *r =
        lines_open(&(struct lines_opts){.loop = &loop, .path = name, .again = again, .news = news});

    assert_non_null(r);
    return r;
}

/* The next line when it has come: 1, or how it ended. */
static int take(struct lines_reader *r, char *buf, size_t size) {
    const char *line;
    size_t n;
    int got;

    while ((got = lines_take(r, &line, &n)) == 0)
        uv_run(&loop, UV_RUN_ONCE);
    if (got == 1) {
        assert_true(n < size);
        memcpy(buf, line, n);
        buf[n] = '\0';
    }
    return got;
}

static void expect(struct lines_reader *r, const char *const *lines) {
    char line[256];

    for (; *lines; lines++) {
        assert_int_equal(take(r, line, sizeof line), 1);
        assert_string_equal(line, *lines);
    }
    assert_int_equal(take(r, line, sizeof line), UV_EOF);
    assert_int_equal(take(r, line, sizeof line), UV_EOF);
}

static void lines_of_a_file(void **state) {
    static const char bytes[] = "one\r\n\n two \nthr\ree\r\n\xff\n\r\nlast";
    struct lines_reader *r;

    (void)state;
    write_file(bytes, sizeof bytes - 1);
    r = open_reader(path, true);
    const char *const lines[] = {"one", "", " two ", "thr\ree", "\xff", "", "last", NULL};
    expect(r, lines);
    lines_rewind(r);
    expect(r, lines);
    assert_false(lines_are_followed(r));
    lines_close(r);
    write_file("", 0);
    r = open_reader(path, false);
    expect(r, (const char *const[]){NULL});
    lines_close(r);
}

/* Across the blocks in which it is read. */
static void many_lines(void **state) {
    struct lines_reader *r;
    char line[32], want[32];

    (void)state;
    write_numbers(MANY);
    r = open_reader(path, false);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(take(r, line, sizeof line), 1);
        snprintf(want, sizeof want, "%d", i);
        assert_string_equal(line, want);
    }
    assert_int_equal(take(r, line, sizeof line), UV_EOF);
    lines_close(r);
}

static void a_fifo_is_followed(void **state) {
    struct lines_reader *r;
    char line[32];
    const char *none;
    size_t n;
    int fd;

    (void)state;
    r = open_reader(fifo, true);
    assert_int_equal(lines_take(r, &none, &n), 0);
    fd = open(fifo, O_RDWR | O_CLOEXEC);
    assert_int_equal(write(fd, "on", 2), 2);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(lines_take(r, &none, &n), 0);
    assert_int_equal(write(fd, "e\ntwo\nth", 8), 8);
    assert_int_equal(take(r, line, sizeof line), 1);
    assert_string_equal(line, "one");
    assert_true(lines_are_followed(r));
    assert_true(told > 0);
    assert_int_equal(take(r, line, sizeof line), 1);
    assert_string_equal(line, "two");
    assert_int_equal(write(fd, "ree", 3), 3);
    close(fd);
    assert_int_equal(take(r, line, sizeof line), 1);
    assert_string_equal(line, "three");
    assert_int_equal(take(r, line, sizeof line), UV_EOF);
    lines_rewind(r); /* what cannot be read twice was kept */
    expect(r, (const char *const[]){"one", "two", "three", NULL});
    lines_close(r);
}

static void given_up_half_way(void **state) {
    struct lines_reader *r;
    const char *line;
    size_t n;

    (void)state;
    r = open_reader(fifo, false);
    lines_take(r, &line, &n);
    lines_close(r);
    write_numbers(MANY);
    r = open_reader(path, false);
    lines_take(r, &line, &n);
    lines_close(r);
    lines_close(NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(told, 0);
}

static void what_is_no_list(void **state) {
    static const char nul[] = "one\ntw\0o\n";
    char *big = malloc((2U << 20) + 1), line[32];
    struct lines_reader *r;

    (void)state;
    write_file(nul, sizeof nul - 1);
    r = open_reader(path, false);
    assert_int_equal(take(r, line, sizeof line), 1);
    assert_true(take(r, line, sizeof line) < 0);
    assert_non_null(strstr(lines_fault(r), "line 2"));
    lines_close(r);

    assert_non_null(big);
    memset(big, 'x', 2U << 20);
    write_file(big, 2U << 20);
    free(big);
    r = open_reader(path, false);
    assert_true(take(r, line, sizeof line) < 0);
    assert_non_null(strstr(lines_fault(r), "line 1"));
    lines_close(r);

    unlink(path);
    r = open_reader(path, false);
    assert_true(take(r, line, sizeof line) < 0);
    assert_non_null(strstr(lines_fault(r), "No such file"));
    lines_close(r);

    r = open_reader("/tmp", false);
    assert_true(take(r, line, sizeof line) < 0);
    lines_close(r);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void) {
    const struct CMUnitTest tests[] = {
        test(lines_of_a_file),   test(many_lines),      test(a_fifo_is_followed),
        test(given_up_half_way), test(what_is_no_list),
    };

    return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
