/* SPDX-License-Identifier: MIT */
/* test_makeflags: MAKEFLAGS as makes of all ages write it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/makeflags.h"

static void jobservers_are_found(void **state) {
    static const struct {
        const char *value;
        int r, w;
        const char *fifo;
        uint32_t jobs;
    } rows[] = {
        {"", -1, -1, NULL, 0},
        {"k", -1, -1, NULL, 0},
        {" -j", -1, -1, NULL, 0},
        {" -j2 --jobserver-auth=3,4", 3, 4, NULL, 2},
        {"ks -j12 --jobserver-auth=33,44 -- A=--jobserver-auth=5,6 -j9", 33, 44, NULL, 12},
        {" --jobserver-fds=3,4 -j", 3, 4, NULL, 0},
        {" -j4 --jobserver-auth=fifo:/tmp/GMfifo77", -1, -1, "/tmp/GMfifo77", 4},
        /* the last one counts, */
        {" -j4 --jobserver-auth=fifo:/tmp/x --jobserver-auth=5,6", 5, 6, NULL, 4},
        {"\t-j4 -j3 --jobserver-auth=5,6 --jobserver-auth=fifo:/y", -1, -1, "/y", 3},
        /* also when it says that there is none */
        {" --jobserver-auth=5,6 --jobserver-auth=-2,-2", -1, -1, NULL, 0},
        {" --jobserver-auth=5", -1, -1, NULL, 0},
        {" --jobserver-auth=5,x", -1, -1, NULL, 0},
        {" --jobserver-auth=fifo:", -1, -1, NULL, 0},
        {" --jobserver-auth=99999999999,4", -1, -1, NULL, 0},
        {" -jx -j0 --jobserver-auth=3,4", 3, 4, NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct makeflags m = makeflags_parse(rows[i].value);

        assert_int_equal(m.there, rows[i].fifo || rows[i].r >= 0);
        assert_int_equal(m.read_fd, rows[i].r);
        assert_int_equal(m.write_fd, rows[i].w);
        assert_int_equal(m.jobs, rows[i].jobs);
        assert_int_equal(m.fifo != NULL, rows[i].fifo != NULL);
        if (m.fifo) {
            assert_int_equal(m.fifo_len, strlen(rows[i].fifo));
            assert_memory_equal(m.fifo, rows[i].fifo, m.fifo_len);
        }
    }
}

static void all_else_stays(void **state) {
    static const char *const rows[][2] = {
        {"", ""},
        {"ks", "ks"},
        {" -j2 --jobserver-auth=3,4", ""},
        {"ks -j2 --jobserver-auth=3,4", "ks"},
        {"k -j --jobserver-fds=3,4 --warn -- A=1 B=-j2", "k --warn -- A=1 B=-j2"},
        {" -j2 --no-print-directory --jobserver-auth=fifo:/x", " --no-print-directory"},
        {" --jobserver-style=pipe", " --jobserver-style=pipe"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *rest = makeflags_strip(rows[i][0]);

        assert_string_equal(rest, rows[i][1]);
        free(rest);
    }
}

/* What is in the environment is taken out of it, and looked at. */
static void what_is_taken_is_gone(void **state) {
    struct makeflags m;
    char flags[64];
    int ends[2];

    (void)state;
    assert_int_equal(makeflags_taken(&m), MAKEFLAGS_NONE);
    unsetenv("MAKEFLAGS");
    makeflags_take();
    assert_int_equal(makeflags_taken(&m), MAKEFLAGS_NONE);
    setenv("MAKEFLAGS", "k -j3 --jobserver-auth=897,898", 1); /* nothing is open there */
    setenv("MFLAGS", "-k -j3 --jobserver-auth=897,898", 1);
    makeflags_take();
    assert_int_equal(makeflags_taken(&m), MAKEFLAGS_CLOSED);
    assert_string_equal(getenv("MAKEFLAGS"), "k");
    assert_string_equal(getenv("MFLAGS"), "-k");
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    snprintf(flags, sizeof flags, " -j3 --jobserver-auth=%d,%d", ends[0], ends[1]);
    setenv("MAKEFLAGS", flags, 1);
    makeflags_take();
    assert_int_equal(makeflags_taken(&m), MAKEFLAGS_THERE);
    assert_int_equal(m.read_fd, ends[0]);
    assert_int_equal(m.jobs, 3);
    assert_null(getenv("MAKEFLAGS"));
    setenv("MAKEFLAGS", " --jobserver-auth=fifo:/some/where", 1);
    makeflags_take();
    assert_int_equal(makeflags_taken(&m), MAKEFLAGS_THERE);
    assert_string_equal(m.fifo, "/some/where");
    free((char *)(uintptr_t)m.fifo); /* the process's, else */
    close(ends[0]);
    close(ends[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobservers_are_found),
        cmocka_unit_test(all_else_stays),
        cmocka_unit_test(what_is_taken_is_gone),
    };

    return cmocka_run_group_tests_name("makeflags", tests, NULL, NULL);
}
