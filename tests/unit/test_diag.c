/* SPDX-License-Identifier: MIT */
/* test_diag: messages, excerpts, carets, suggestions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/diag.h"

struct fixture {
    struct arena arena;
    struct sources sources;
    struct source *source;
    struct diag diag;
};

/* A source with this text, and nothing said of it. */
static void begin(struct fixture *f, const char *text) {
    arena_init(&f->arena, NULL);
    sources_init(&f->sources, &f->arena);
    assert_int_equal(sources_add(&f->sources, "m.ini", text, strlen(text), &f->source), 0);
    diag_init(&f->diag, &f->arena, &f->sources);
}

static struct span at(const struct fixture *f, uint32_t offset, uint32_t len) {
    return (struct span){f->source->base + offset, len};
}

static void end(struct fixture *f, int color, const char *expected) {
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    assert_non_null(out);
    diag_render(&f->diag, "m.ini", out, color);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
    sources_release(&f->sources);
    arena_release(&f->arena);
}

static void test_caret(void **state) {
    struct fixture f;

    (void)state;
    begin(&f, "[a]\ntimeout = 30x\n");
    diag_error(&f.diag, at(&f, 14, 3), "timeout: '%s' is not a duration", "30x");
    end(&f, 0,
        "m.ini:2:11: error: timeout: '30x' is not a duration\n"
        "    2 | timeout = 30x\n"
        "      |           ^~~\n"
        "muster: m.ini: 1 error, nothing was run\n");
}

static void test_file_order_and_notes(void **state) {
    struct fixture f;

    (void)state;
    begin(&f, "a = 1\na = 2\n");
    diag_error(&f.diag, at(&f, 6, 1), "second");
    diag_note(&f.diag, at(&f, 0, 1), "first");
    diag_warning(&f.diag, at(&f, 4, 1), "earlier");
    diag_error(&f.diag, at(&f, 6, 1), "third");
    diag_error(&f.diag, (struct span){0, 0}, "no place");
    diag_warning(&f.diag, (struct span){0, 0}, "careful");
    end(&f, 0,
        "muster: no place\n"
        "muster: warning: careful\n"
        "m.ini:1:5: warning: earlier\n"
        "    1 | a = 1\n"
        "      |     ^\n"
        "m.ini:2:1: error: second\n"
        "    2 | a = 2\n"
        "      | ^\n"
        "m.ini:1:1: note: first\n"
        "    1 | a = 1\n"
        "      | ^\n"
        "m.ini:2:1: error: third\n"
        "    2 | a = 2\n"
        "      | ^\n"
        "muster: m.ini: 3 errors, nothing was run\n");
}

static void test_warnings_alone(void **state) {
    struct fixture f;

    (void)state;
    begin(&f, "a = 1\n");
    diag_note(&f.diag, at(&f, 0, 1), "hangs on nothing");
    diag_warning(&f.diag, at(&f, 0, 1), "look");
    end(&f, 0, "m.ini:1:1: warning: look\n    1 | a = 1\n      | ^\n");
}

/* Tabs are a blank, foreign bytes are seen, and the caret stands under what it means. */
static void test_odd_bytes(void **state) {
    struct fixture f;

    (void)state;
    begin(&f, "\ta\x1b[31m\xc3\xb6\xff = bad\n");
    diag_error(&f.diag, at(&f, 13, 3), "'\x1b' \xe2\x80\xae");
    end(&f, 0,
        "m.ini:1:13: error: '\\x1b' <U+202E>\n"
        "    1 |  a\\x1b[31m\xc3\xb6\\xff = bad\n"
        "      |                   ^~~\n"
        "muster: m.ini: 1 error, nothing was run\n");
}

static void test_ends_of_lines(void **state) {
    struct fixture f;

    (void)state;
    begin(&f, "key =\r\n\nlast");
    diag_error(&f.diag, at(&f, 5, 0), "missing");
    diag_error(&f.diag, at(&f, 7, 0), "empty");
    diag_error(&f.diag, at(&f, 8, 100), "beyond");
    diag_error(&f.diag, at(&f, 12, 0), "end");
    end(&f, 0,
        "m.ini:1:6: error: missing\n    1 | key =\n      |      ^\n"
        "m.ini:2:1: error: empty\n    2 |\n      | ^\n"
        "m.ini:3:1: error: beyond\n    3 | last\n      | ^~~~\n"
        "m.ini:3:5: error: end\n    3 | last\n      |     ^\n"
        "muster: m.ini: 4 errors, nothing was run\n");
}

/* Of a long line as much is shown as fits around the caret. */
static void test_long_line(void **state) {
    struct fixture f;
    char text[1001], expected[1200];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[1000] = '\0';
    text[500] = '!';
    begin(&f, text);
    diag_error(&f.diag, at(&f, 500, 1), "here");
    snprintf(expected, sizeof expected,
             "m.ini:1:501: error: here\n    1 | ...%.47s!%.46s...\n      | %50s^\n"
             "muster: m.ini: 1 error, nothing was run\n",
             text, text, "");
    end(&f, 0, expected);
    begin(&f, text);
    diag_error(&f.diag, at(&f, 2, 900), "start");
    diag_error(&f.diag, at(&f, 999, 1), "end");
    char tildes[98];
    memset(tildes, '~', 97);
    tildes[97] = '\0';
    snprintf(expected, sizeof expected,
             "m.ini:1:3: error: start\n    1 | %.97s...\n      |   ^%s\n"
             "m.ini:1:1000: error: end\n    1 | ...%.97s\n      | %99s^\n"
             "muster: m.ini: 2 errors, nothing was run\n",
             text, tildes, text, "");
    end(&f, 0, expected);
}

static void test_color(void **state) {
    struct fixture f;

    (void)state;
    begin(&f, "a\n");
    diag_error(&f.diag, at(&f, 0, 1), "x");
    end(&f, 1,
        "\033[1mm.ini:1:1: \033[0m\033[1;31merror: \033[0mx\n    1 | a\n"
        "      | \033[1;31m^\033[0m\n"
        "muster: m.ini: 1 error, nothing was run\n");
}

static void test_nearest(void **state) {
    static const char *const words[] = {"timeout", "retries", "retry-on", "type",
                                        "io",      "cpu",     NULL};
    static const struct {
        const char *word, *near;
    } cases[] = {
        {"timout", "timeout"},
        {"tiemout", "timeout"},
        {"Timeout", "timeout"},
        {"retrys", "retries"},
        {"tpye", "type"},
        {"typ", "type"},
        {"cpi", "cpu"},
        {"timeout", "timeout"},
        {"x", NULL},
        {"", NULL},
        {"banana", NULL},
        {"oi", NULL},
        {"retry", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *near = diag_nearest(cases[i].word, strlen(cases[i].word), words);
        if (cases[i].near)
            assert_string_equal(near ? near : "(none)", cases[i].near);
        else
            assert_null(near);
    }
    char far[300];
    memset(far, 'a', sizeof far);
    assert_null(diag_nearest(far, sizeof far, words));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_caret),          cmocka_unit_test(test_file_order_and_notes),
        cmocka_unit_test(test_warnings_alone), cmocka_unit_test(test_odd_bytes),
        cmocka_unit_test(test_ends_of_lines),  cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_color),          cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
