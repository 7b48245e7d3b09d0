/* SPDX-License-Identifier: MIT */
/* test_words: values taken apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "base/words.h"

/* Each word as <text>, so that one string shows how a value was split. */
static void split(enum words_rule rule, const char *value, char *out, size_t size) {
    struct arena arena;
    struct words words;
    struct word word;
    size_t len = 0;
    int got;

    arena_init(&arena, NULL);
    words_init(&words, rule, value, strlen(value), &arena);
    *out = '\0';
    while ((got = words_next(&words, &word)) > 0) {
        assert_int_equal(strlen(word.text), word.text_len);
        len += (size_t)snprintf(out + len, size - len, "<%s>", word.text);
    }
    if (got)
        snprintf(out + len, size - len, "!%zu+%zu", word.at, word.len);
    /* It stays at its end. */
    assert_int_equal(words_next(&words, &word), 0);
    arena_release(&arena);
}

static void check_table(enum words_rule rule, const char *const (*cases)[2], size_t n) {
    char out[256];

    for (size_t i = 0; i < n; i++) {
        split(rule, cases[i][0], out, sizeof out);
        if (strcmp(out, cases[i][1]) != 0)
            fail_msg("'%s' gives %s, not %s", cases[i][0], out, cases[i][1]);
    }
}

static void test_shell(void **state) {
    static const char *const cases[][2] = {
        {"", ""},
        {"  \t\n ", ""},
        {"cp a b", "<cp><a><b>"},
        {"  cp\ta\nb  ", "<cp><a><b>"},
        {"a,b", "<a,b>"},
        {"'a b' \"c d\"", "<a b><c d>"},
        {"a' 'b\" \"c", "<a b c>"},
        {"''", "<>"},
        {"\"\" '' x", "<><><x>"},
        {"a\\ b", "<a b>"},
        {"\\'a\\\"", "<'a\">"},
        {"'a\\b'", "<a\\b>"},
        {"'a\"b' \"a'b\"", "<a\"b><a'b>"},
        {"\"a\\\"b\\\\c\\$d\\`e\"", "<a\"b\\c$d`e>"},
        {"\"a\\nb\"", "<a\\nb>"},
        {"a\\\nb", "<ab>"},
        {"a \\\n b", "<a><b>"},
        {"a \\\n", "<a>"},
        {"\"a\\\nb\"", "<ab>"},
        {"'a\\\nb'", "<a\\\nb>"},
        {"$HOME *.c `x` a#b # ; | > &", "<$HOME><*.c><`x`><a#b><#><;><|><>><&>"},
        {"a\\", "<a\\>"},
        {"\\", "<\\>"},
        {"gr\xc3\xbc\xc3\x9f {NAME}", "<gr\xc3\xbc\xc3\x9f><{NAME}>"},
        {"a 'b", "<a>!2+2"},
        {"a b'c d", "<a>!3+4"},
        {"\"a\\\"", "!0+4"},
        {"'a''b", "!3+2"},
    };
    (void)state;
    check_table(WORDS_SHELL, cases, sizeof cases / sizeof cases[0]);
}

static void test_list(void **state) {
    static const char *const cases[][2] = {
        {"", ""},
        {",, ,", ""},
        {"a b,c\nd", "<a><b><c><d>"},
        {"a, b , c,", "<a><b><c>"},
        {"\"a b\" 'c,d'", "<a b><c,d>"},
        {"\"\" a ''", "<><a><>"},
        {"\"a\\\"b\\\\c\\x\"", "<a\"b\\cx>"},
        {"'a\\'", "<a\\>"},
        {"a\\ b", "<a\\><b>"},
        {"C:\\dir", "<C:\\dir>"},
        {"x\"y z\"w", "<xy zw>"},
        {"it's", "!2+2"},
        {"a \"b\\\"", "<a>!2+4"},
    };
    (void)state;
    check_table(WORDS_LIST, cases, sizeof cases / sizeof cases[0]);
}

static void test_blanks(void **state) {
    static const char *const cases[][2] = {
        {"exit:1-3,75 timeout\nsignal", "<exit:1-3,75><timeout><signal>"},
        {",", "<,>"},
    };
    (void)state;
    check_table(WORDS_BLANKS, cases, sizeof cases / sizeof cases[0]);
}

static void test_item_names(void **state) {
    static const char *const cases[][2] = {
        {"a, b[*] c", "<a><b[*]><c>"},
        {"a[x y],b[1,2] c", "<a[x y]><b[1,2]><c>"},
        {"a[x\ny]", "<a[x><y]>"},
        {"a[ , ]", "<a[ , ]>"},
        {"a[\"]\"] 'b[x' y]", "<a[]]><b[x><y]>"},
        {"a[x]b, c", "<a[x]b><c>"},
    };
    (void)state;
    check_table(WORDS_NAMES, cases, sizeof cases / sizeof cases[0]);
}

static void test_places(void **state) {
    static const char value[] = "ab 'c d'\"e\\\"f\"\\ g";
    static const char text[] = "c de\"f g";
    struct arena arena;
    struct words words;
    struct word word;

    (void)state;
    arena_init(&arena, NULL);
    words_init(&words, WORDS_SHELL, value, sizeof value - 1, &arena);
    assert_int_equal(words_next(&words, &word), 1);
    assert_int_equal(word.at, 0);
    assert_int_equal(word.len, 2);
    assert_int_equal(words_place(&words, &word, 1), 1);
    assert_int_equal(words_place(&words, &word, 2), 2);
    assert_int_equal(words_next(&words, &word), 1);
    assert_string_equal(word.text, text);
    assert_int_equal(word.at, 3);
    assert_int_equal(word.len, sizeof value - 1 - 3);
    for (size_t i = 0; i < sizeof text - 1; i++) {
        size_t at = words_place(&words, &word, i);
        /* The place is the byte, or the backslash before it. */
        assert_true(value[at] == text[i] || (value[at] == '\\' && value[at + 1] == text[i]));
    }
    assert_int_equal(words_place(&words, &word, word.text_len), sizeof value - 1);
    assert_int_equal(words_next(&words, &word), 0);
    arena_release(&arena);
}

static void test_without_arena(void **state) {
    struct words words;
    struct word word;

    (void)state;
    words_init(&words, WORDS_LIST, "a \"b c\"", 7, NULL);
    assert_int_equal(words_next(&words, &word), 1);
    assert_int_equal(words_next(&words, &word), 1);
    assert_null(word.text);
    assert_int_equal(word.text_len, 3);
    assert_int_equal(word.at, 2);
    assert_int_equal(words_next(&words, &word), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shell),  cmocka_unit_test(test_list),
        cmocka_unit_test(test_blanks), cmocka_unit_test(test_item_names),
        cmocka_unit_test(test_places), cmocka_unit_test(test_without_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
