/* SPDX-License-Identifier: MIT */
/* test_painted: colours and lines that are written over, and nothing else for terminals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/painted.h"

static void expect(const char *text, bool color, const char *want) {
    char buf[1024];
    bool colored = false;
    size_t n = painted_visible(buf, text, strlen(text), "\n\t", color, &colored);

    buf[n] = '\0';
    assert_string_equal(buf, want);
    assert_int_equal(colored, color && strstr(want, "\033[") != NULL);
}

static void colours_pass(void **state) {
    static const char *const texts[] = {
        "plain\ttext\n",
        "\033[31mred\033[m\n",
        "\033[38;5;196mx\033[0m",
        "\033[38:2:1:2:3mx",
        "\033[1m\033[4m",
        "\xe2\x82\xac\033[1m\xe2\x82\xac",
        "",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect(texts[i], true, texts[i]);
}

static void or_are_left_out(void **state) {
    (void)state;
    expect("a\033[31mred\033[mb\n\033[1m", false, "aredb\n");
}

static void nothing_else_passes(void **state) {
    (void)state;
    expect("\033[2Jx", true, "\\x1b[2Jx");
    expect("\033]0;title\007", true, "\\x1b]0;title\\x07");
    expect("\033[?25l", true, "\\x1b[?25l");
    expect("\033[1A\033[31m!", true, "\\x1b[1A\033[31m!");
    expect("\033", true, "\\x1b");
    expect("\033[", true, "\\x1b[");
    expect("\033[31", true, "\\x1b[31");
    expect("\033[3\n1m", true, "\\x1b[3\n1m");
    expect("\033[>4m", true, "\\x1b[>4m"); /* asks xterm for other keys */
    expect("\033\033[m\033", true, "\\x1b\033[m\\x1b");
    expect("\xc2\x9b"
           "31m",
           true, "<U+009B>31m");
    expect("\xff\b", true, "\\xff\\x08");
    /* So long that it is none: 64 bytes. */
    expect("\033[111111111111111111111111111111111111111111111111111111111111111111m", true,
           "\\x1b[111111111111111111111111111111111111111111111111111111111111111111m");
}

static void the_last_of_a_line_is_left(void **state) {
    (void)state;
    expect(" 10%\r 50%\r100%\nnext\n", true, "100%\nnext\n");
    expect("first\n 10%\r100%", true, "first\n100%");
    expect("dos\r\nlines\r\n", true, "dos\nlines\n");
    expect("90%\r", true, "90%"); /* and then there is nothing more */
    expect("a\r\033[31mb\r\n", true, "\033[31mb\n");
    expect("a\r\rb", true, "b");
}

/* Whatever its blocks, the whole is the same. */
static void blocks(void **state) {
    static const char text[] =
        "a\033[31mred\xe2\x82\xac\033[0m\r\n\033[2J\033[1;4mx\033[m\r\nend\033[";
    char whole[512], parts[512];
    bool colored;
    size_t n = painted_visible(whole, text, sizeof text - 1, "\n", true, &colored);

    (void)state;
    for (size_t block = 1; block < sizeof text; block++) {
        size_t len = 0, at = 0, have = 0;

        while (at < sizeof text - 1) {
            bool last;
            size_t split;

            have = have + block < sizeof text - 1 - at ? have + block : sizeof text - 1 - at;
            last = at + have == sizeof text - 1;
            split = last ? 0 : painted_split(text + at, have);
            len += painted_visible(parts + len, text + at, have - split, "\n", true, &colored);
            at += have - split;
            have = split;
        }
        assert_int_equal(len, n);
        assert_memory_equal(parts, whole, n);
    }
}

static void what_waits_for_the_next_block(void **state) {
    static const struct {
        const char *text;
        size_t split;
    } cases[] = {
        {"", 0},          {"a", 0},          {"\033", 1},         {"a\033[", 2},
        {"a\033[31", 4},  {"a\033[31m", 0},  {"a\033[31x", 0},    {"a\r", 1},
        {"a\xe2\x82", 2}, {"\033[3\xe2", 1}, {"\033]0;title", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(painted_split(cases[i].text, strlen(cases[i].text)), cases[i].split);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colours_pass),
        cmocka_unit_test(or_are_left_out),
        cmocka_unit_test(nothing_else_passes),
        cmocka_unit_test(the_last_of_a_line_is_left),
        cmocka_unit_test(blocks),
        cmocka_unit_test(what_waits_for_the_next_block),
    };

    return cmocka_run_group_tests_name("painted", tests, NULL, NULL);
}
