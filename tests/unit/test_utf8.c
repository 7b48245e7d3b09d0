/* SPDX-License-Identifier: MIT */
/* test_utf8: characters from bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"

/* Encodes as the standard says; written apart from the decoder, to check it. */
static size_t encode(uint32_t c, char out[4]) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((0xf0U << (4 - n)) | c);
    return n;
}

static void test_every_character(void **state) {
    (void)state;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        char s[4];
        uint32_t got;
        size_t n = encode(c, s);
        if (c >= 0xd800 && c <= 0xdfff) {
            assert_int_equal(utf8_decode(s, n, &got), 1);
            assert_true(got == UTF8_INVALID);
            continue;
        }
        if (utf8_decode(s, n, &got) != n || got != c)
            fail_msg("U+%04X comes back as %X", c, got);
        /* Cut short it is one ill-formed piece, whatever stands behind it. */
        for (size_t cut = 1; cut < n; cut++)
            if (utf8_decode(s, cut, &got) != cut || got != UTF8_INVALID)
                fail_msg("U+%04X cut to %zu bytes passes", c, cut);
    }
}

static void test_invalid(void **state) {
    static const struct {
        const char *s;
        size_t took; /* by the first call */
    } cases[] = {
        {"\x80", 1}, /* a continuation alone */
        {"\xbf\xbf", 1},
        {"\xc0\x80", 1}, /* overlong */
        {"\xc1\xbf", 1},
        {"\xe0\x9f\xbf", 1},
        {"\xf0\x8f\xbf\xbf", 1},
        {"\xed\xa0\x80", 1},     /* a surrogate */
        {"\xf4\x90\x80\x80", 1}, /* past U+10FFFF */
        {"\xf5\x80\x80\x80", 1},
        {"\xfe", 1},
        {"\xff", 1},
        {"\xe2\x82(", 2}, /* cut by another character */
        {"\xf0\x9f\x98(", 3},
        {"\xc3(", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t c;
        assert_int_equal(utf8_decode(cases[i].s, strlen(cases[i].s), &c), cases[i].took);
        assert_true(c == UTF8_INVALID);
    }
}

static void test_count(void **state) {
    (void)state;
    assert_int_equal(utf8_count("", 0), 0);
    assert_int_equal(utf8_count("gr\xc3\xbc\xc3\x9f\xf0\x9f\x98\x80", 10), 5);
    assert_int_equal(utf8_count("\xff\xfe", 2), 2);
}

static void test_split(void **state) {
    (void)state;
    assert_int_equal(utf8_split("", 0), 0);
    assert_int_equal(utf8_split("abc", 3), 0);
    assert_int_equal(utf8_split("a\xc3\xbc", 3), 0);
    assert_int_equal(utf8_split("a\xc3", 2), 1);
    assert_int_equal(utf8_split("a\xe2\x82", 3), 2);
    assert_int_equal(utf8_split("a\xe2\x82\xac", 4), 0);
    assert_int_equal(utf8_split("\xf0\x9f\x98", 3), 3);
    assert_int_equal(utf8_split("\x80\x80\x80\x80", 4), 0); /* belongs to none */
    assert_int_equal(utf8_split("\xff", 1), 1);             /* never completed, and no harm */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_character),
        cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
