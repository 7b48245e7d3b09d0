/* SPDX-License-Identifier: MIT */
/* test_mask: secret values in texts and in streams, against a model that tries everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mask.h"
#include "../fakes/naive_mask.h"

#define VALUES_MAX 6

static uint32_t state;

static uint32_t roll(uint32_t below) {
    state = state * 1664525U + 1013904223U;
    return (state >> 8) % below;
}

/* The values of a list that ends with NULL. */
static struct mask_set *set_of(const char *const *list) {
    struct mask_value values[VALUES_MAX];
    struct mask_set *set;
    size_t n = 0;

    for (; list[n]; n++)
        values[n] = (struct mask_value){list[n], strlen(list[n])};
    assert_int_equal(mask_set_new(&set, NULL, values, n), 0);
    return set;
}

static void test_words(void **unused) {
    static const struct {
        const char *values[VALUES_MAX];
        const char *text, *masked;
    } cases[] = {
        {{"secret"}, "a secret!", "a ***!"},
        {{"secret"}, "secretsecret", "******"},
        {{"secret"}, "secre t", "secre t"},
        {{"secret"}, "secsecret", "sec***"},
        {{"secret"}, "", ""},
        {{"pass", "password"}, "password pass passwor", "*** *** ***wor"},
        {{"password", "word"}, "password word passwor", "*** *** passwor"},
        {{"abc", "cde"}, "abcde abc cde bcd", "*** *** *** bcd"},
        {{"ab", "cd", "abcdef"}, "abcdef abcde", "*** ******e"},
        {{"aa"}, "aaa aaaa a", "*** *** a"},
        {{"a"}, "banana", "b***n***n***"},
        {{"line one\nline two"}, "line one\nline two\nline one\n", "***\nline one\n"},
        {{"", "x"}, "x y", "*** y"},
        {{"***"}, "** ***", "** ***"},
        {{"bb", "abbc"}, "abbabbc", "a******"},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mask_set *set = set_of(cases[i].values);
        size_t len;
        char *got = mask_text(set, cases[i].text, strlen(cases[i].text), &len);

        assert_string_equal(got, cases[i].masked);
        assert_int_equal(len, strlen(got));
        free(got);
        mask_set_free(set);
    }
}

static void test_nothing_to_mask(void **unused) {
    static const struct mask_value empty[] = {{"", 0}, {"", 0}};
    struct mask_set *set;
    char text[] = "text";
    size_t len;

    (void)unused;
    assert_int_equal(mask_set_new(&set, NULL, empty, 2), 0);
    assert_null(set);
    assert_int_equal(mask_set_new(&set, NULL, NULL, 0), 0);
    assert_null(set);
    char *copy = mask_text(NULL, text, 4, &len);
    assert_string_equal(copy, "text");
    free(copy);
    mask_buffer(NULL, text, sizeof text);
    assert_string_equal(text, "text");
}

static void test_added_to_others(void **unused) {
    static const char *const first[] = {"one", "twofold", NULL};
    static const struct mask_value more[] = {{"two", 3}, {"one", 3}, {"\0x", 2}};
    struct mask_set *base = set_of(first), *set;
    size_t len;

    (void)unused;
    assert_int_equal(mask_set_new(&set, base, more, 3), 0);
    base = mask_set_free(base);
    char *got = mask_text(set, "one two twofold \0x x", 20, &len);
    assert_int_equal(len, strlen("*** *** *** *** x"));
    assert_memory_equal(got, "*** *** *** *** x", len);
    free(got);
    mask_set_free(set);
}

static void test_buffer_is_cut(void **unused) {
    static const char *const values[] = {"a", NULL};
    struct mask_set *set = set_of(values);
    char text[8] = "xaya";

    (void)unused;
    mask_buffer(set, text, sizeof text);
    assert_string_equal(text, "x***y**");
    mask_set_free(set);
}

static void test_offsets_move_along(void **unused) {
    static const char *const values[] = {"secret", NULL};
    static const char text[] = "k = secret; x";
    struct mask_set *set = set_of(values);
    unsigned char marks[sizeof text];
    size_t len, at[] = {0, 4, 7, 10, 12, 13};
    static const size_t moved[] = {0, 4, 4, 7, 9, 10};

    (void)unused;
    mask_find(set, text, strlen(text), marks);
    char *got = mask_put(text, strlen(text), marks, &len, at, 6);
    assert_string_equal(got, "k = ***; x");
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(at[i], moved[i]);
    free(got);
    mask_set_free(set);
}

/* What a stream makes of a text, put in and taken out in pieces of up to so much. */
static char *stream_text(const struct mask_set *set, size_t longest, const char *s, size_t n,
                         uint32_t piece, size_t *len) {
    struct mask *m = mask_new(set);
    char *out = malloc(3 * n + 1);
    size_t done = 0, got;

    assert_non_null(m);
    *len = 0;
    while (done < n || mask_pending(m)) {
        size_t room, some = 1 + roll(piece);
        char *to = mask_room(m, &room);

        if (some > n - done)
            some = n - done;
        if (some > room)
            some = room;
        memcpy(to, s + done, some);
        mask_added(m, some);
        done += some;
        if (done == n)
            mask_end(m);
        do
            *len += got = mask_take(m, out + *len, 1 + roll(piece));
        while (got && roll(4));
        if (done < n && !mask_pending(m)) { /* no more is held back than may be needed */
            mask_room(m, &room);
            assert_true(room >= MASK_ROOM && room <= MASK_ROOM + longest - 1);
        }
    }
    assert_int_equal(mask_total(m), n);
    mask_end(m);
    assert_int_equal(mask_take(m, out, 1), 0);
    out[*len] = '\0';
    mask_free(m);
    return out;
}

static void check_random(uint32_t letters, uint32_t value_max, uint32_t text_max, uint32_t piece) {
    char bytes[VALUES_MAX][64], *text = malloc(text_max + 1);
    struct mask_value values[VALUES_MAX];
    size_t count = 1 + roll(VALUES_MAX), n = roll(text_max + 1), want, got, longest = 0;
    struct mask_set *set;

    for (size_t k = 0; k < count; k++) {
        values[k] = (struct mask_value){bytes[k], 1 + roll(value_max)};
        for (size_t i = 0; i < values[k].n; i++)
            bytes[k][i] = (char)('a' + roll(letters));
        longest = values[k].n > longest ? values[k].n : longest;
    }
    for (size_t i = 0; i < n;) { /* letters, and now and then a value or its beginning */
        const struct mask_value *v = &values[roll((uint32_t)count)];
        size_t some = roll(3) ? 1 : 1 + roll((uint32_t)v->n);

        if (some > n - i)
            some = n - i;
        if (some == 1)
            text[i] = (char)('a' + roll(letters));
        else
            memcpy(text + i, v->bytes, some);
        i += some;
    }
    assert_int_equal(mask_set_new(&set, NULL, values, count), 0);
    char *naive = naive_mask(values, count, text, n, &want);
    char *whole = mask_text(set, text, n, &got);
    assert_int_equal(got, want);
    assert_memory_equal(whole, naive, want);
    char *pieces = stream_text(set, longest, text, n, piece, &got);
    assert_int_equal(got, want);
    assert_memory_equal(pieces, naive, want);
    free(pieces);
    free(whole);
    free(naive);
    free(text);
    mask_set_free(set);
}

static void test_as_the_model_has_it(void **unused) {
    (void)unused;
    for (uint32_t i = 0; i < 60000; i++) {
        state = i;
        check_random(1 + roll(4), 1 + roll(8), 60, 1 + roll(16));
    }
    for (uint32_t i = 0; i < 30; i++) {
        state = i;
        check_random(2 + roll(3), 1 + roll(60), 3 * MASK_ROOM, MASK_ROOM);
    }
}

/* Long values that are all beginnings of one another's inside: linear, not more. */
static void test_long_values(void **unused) {
    enum { LONG = 120000 };
    char *value = malloc(LONG + 2), *text = malloc(4 * LONG);
    struct mask_value values[2] = {{value, LONG}, {value, LONG + 1}};
    struct mask_set *set;
    size_t len;

    (void)unused;
    memset(value, 'a', LONG + 1);
    value[LONG] = 'b';
    memset(text, 'a', 4 * LONG);
    assert_int_equal(mask_set_new(&set, NULL, values, 2), 0);
    state = 7;
    char *got = stream_text(set, LONG + 1, text, 4 * LONG, MASK_ROOM, &len);
    assert_string_equal(got, "***");
    free(got);
    text[LONG - 1] = text[2 * LONG] = '-';
    got = stream_text(set, LONG + 1, text, 4 * LONG, MASK_ROOM, &len);
    assert_int_equal(len, LONG + 3 + 1 + 3);
    assert_memory_equal(got, text, LONG);
    assert_string_equal(got + LONG, "***-***");
    free(got);
    mask_set_free(set);
    free(value);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_nothing_to_mask),
        cmocka_unit_test(test_added_to_others),
        cmocka_unit_test(test_buffer_is_cut),
        cmocka_unit_test(test_offsets_move_along),
        cmocka_unit_test(test_as_the_model_has_it),
        cmocka_unit_test(test_long_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
