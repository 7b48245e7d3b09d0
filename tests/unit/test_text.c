/* SPDX-License-Identifier: MIT */
/* test_text: values to and from text. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "base/clock.h"
#include "base/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MIN_NS   (60 * NS_PER_S)
#define HOUR_NS  (3600 * NS_PER_S)
#define DAY_NS   (86400 * NS_PER_S)

/* An exact copy on the heap, so that a sanitizer sees a read behind its end. */
static char *slice(const char *s, size_t *n) {
    *n = strlen(s);
    char *copy = malloc(*n ? *n : 1);
    assert_non_null(copy);
    memcpy(copy, s, *n);
    return copy;
}

static void test_duration(void **state) {
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {
        {"0", 0},
        {"90", 90 * NS_PER_S},
        {"250ms", 250 * NS_PER_MS},
        {"30s", 30 * NS_PER_S},
        {"5m", 5 * MIN_NS},
        {"1h30m", 90 * MIN_NS},
        {"2d", 2 * DAY_NS},
        {"1d2h3m4s5ms", DAY_NS + 2 * HOUR_NS + 3 * MIN_NS + 4 * NS_PER_S + 5 * NS_PER_MS},
        {"1h90m", HOUR_NS + 90 * MIN_NS},
        {"0.5", NS_PER_S / 2},
        {"1.5s", 3 * NS_PER_S / 2},
        {"0.25d", DAY_NS / 4},
        {"1.5ms", 1500000},
        {"007s", 7 * NS_PER_S},
        {"0.0000000000001", 1},
        {"0.000", 0},
        {"1000000000", TEXT_DURATION_MAX_NS},
        {"1000000000s", TEXT_DURATION_MAX_NS},
    };
    static const char *const wrong[] = {
        "",
        "s",
        "30x",
        "30 s",
        " 30s",
        "30s ",
        "+1",
        "-1",
        "1e3",
        "0x10",
        "1h1h",
        "30m1h",
        "1m5",
        "1.5m2s",
        "1m2.5s",
        ".5",
        "1.",
        "1.s",
        "1..5",
        "1.5.5",
        "1S",
        "1H",
        "1min",
        "1sec",
        "1,5s",
        "1\xc2\xa0s",
        "\xef\xbc\x91s",
        "1us",
        "1ms1s",
        "inf",
        "nan",
        "1h ",
        "5m\n",
        "99999999999999999999x",
    };
    static const char *const over[] = {
        "1000000001",
        "1000000000.5",
        "11575d",
        "16666667m",
        "277778h",
        "99999999999999999999",
        "9223372036854775808s",
        "1000000001000ms",
        "11574d2h",
        "99999999999999999999d1h",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        int64_t ns = -1;
        size_t n;
        char *s = slice(good[i].text, &n);
        assert_int_equal(text_duration(s, n, &ns), 0);
        assert_int_equal(ns, good[i].ns);
        free(s);
    }
    for (size_t i = 0; i < COUNT(wrong) + COUNT(over); i++) {
        bool form = i < COUNT(wrong);
        int64_t ns = -1;
        size_t n;
        char *s = slice(form ? wrong[i] : over[i - COUNT(wrong)], &n);
        if (text_duration(s, n, &ns) != (form ? UV_EINVAL : UV_ERANGE))
            fail_msg("'%.*s' is taken wrongly", (int)n, s);
        assert_int_equal(ns, -1);
        free(s);
    }
}

static void test_size(void **state) {
    static const struct {
        const char *text;
        int err;
        uint64_t bytes;
    } cases[] = {
        {"0", 0, 0},
        {"4096", 0, 4096},
        {"100B", 0, 100},
        {"512K", 0, 512 << 10},
        {"512KB", 0, 512 << 10},
        {"512KiB", 0, 512 << 10},
        {"64M", 0, 64 << 20},
        {"2GiB", 0, UINT64_C(2) << 30},
        {"3T", 0, UINT64_C(3) << 40},
        {"1P", 0, UINT64_C(1) << 50},
        {"15E", 0, UINT64_C(15) << 60},
        {"16E", UV_ERANGE, 0},
        {"18446744073709551615", 0, UINT64_MAX},
        {"18446744073709551616", UV_ERANGE, 0},
        {"18014398509481984K", UV_ERANGE, 0},
        {"", UV_EINVAL, 0},
        {"K", UV_EINVAL, 0},
        {"512k", UV_EINVAL, 0},
        {"512Ki", UV_EINVAL, 0},
        {"512iB", UV_EINVAL, 0},
        {"512KBB", UV_EINVAL, 0},
        {"512 K", UV_EINVAL, 0},
        {"1.5G", UV_EINVAL, 0},
        {"-1", UV_EINVAL, 0},
        {"+1", UV_EINVAL, 0},
        {"1e3", UV_EINVAL, 0},
        {"0x10", UV_EINVAL, 0},
        {"1KM", UV_EINVAL, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t bytes = 0;
        size_t n;
        char *s = slice(cases[i].text, &n);
        if (text_size(s, n, &bytes) != cases[i].err || bytes != cases[i].bytes)
            fail_msg("'%s' is taken wrongly", cases[i].text);
        free(s);
    }
}

static void test_rate(void **state) {
    static const struct {
        const char *text;
        int err;
        uint32_t count;
        int64_t per_ns;
    } cases[] = {
        {"10/s", 0, 10, NS_PER_S},
        {"600/m", 0, 600, MIN_NS},
        {"1000/h", 0, 1000, HOUR_NS},
        {"4294967295/s", 0, UINT32_MAX, NS_PER_S},
        {"4294967296/s", UV_ERANGE, 0, 0},
        {"0/s", UV_ERANGE, 0, 0},
        {"99999999999999999999/s", UV_ERANGE, 0, 0},
        {"10", UV_EINVAL, 0, 0},
        {"/s", UV_EINVAL, 0, 0},
        {"10/", UV_EINVAL, 0, 0},
        {"10/d", UV_EINVAL, 0, 0},
        {"10/sec", UV_EINVAL, 0, 0},
        {"1.5/s", UV_EINVAL, 0, 0},
        {"-1/s", UV_EINVAL, 0, 0},
        {"10 /s", UV_EINVAL, 0, 0},
        {"", UV_EINVAL, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct text_rate rate = {0, 0};
        size_t n;
        char *s = slice(cases[i].text, &n);
        if (text_rate(s, n, &rate) != cases[i].err || rate.count != cases[i].count ||
            rate.per_ns != cases[i].per_ns)
            fail_msg("'%s' is taken wrongly", cases[i].text);
        free(s);
    }
}

static void test_int64(void **state) {
    static const struct {
        const char *text;
        int64_t min, max;
        int err;
        int64_t value;
    } cases[] = {
        {"0", 0, 10, 0, 0},
        {"10", 0, 10, 0, 10},
        {"11", 0, 10, UV_ERANGE, 0},
        {"0", 1, 10, UV_ERANGE, 0},
        {"-20", -20, 19, 0, -20},
        {"-21", -20, 19, UV_ERANGE, 0},
        {"-0", -20, 19, 0, 0},
        {"-1", 0, 10, UV_EINVAL, 0},
        {"+1", -5, 10, UV_EINVAL, 0},
        {"--1", -5, 10, UV_EINVAL, 0},
        {"-", -5, 10, UV_EINVAL, 0},
        {"", -5, 10, UV_EINVAL, 0},
        {"1e3", -5, 5000, UV_EINVAL, 0},
        {"0x10", -5, 5000, UV_EINVAL, 0},
        {"1.0", -5, 5000, UV_EINVAL, 0},
        {"1 ", -5, 5000, UV_EINVAL, 0},
        {"1\xc2\xa0", -5, 5000, UV_EINVAL, 0},
        {"\xef\xbc\x91", -5, 5000, UV_EINVAL, 0},
        {"9223372036854775807", INT64_MIN, INT64_MAX, 0, INT64_MAX},
        {"9223372036854775808", INT64_MIN, INT64_MAX, UV_ERANGE, 0},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, 0, INT64_MIN},
        {"-9223372036854775809", INT64_MIN, INT64_MAX, UV_ERANGE, 0},
        {"99999999999999999999999", INT64_MIN, INT64_MAX, UV_ERANGE, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t value = 0;
        size_t n;
        char *s = slice(cases[i].text, &n);
        if (text_int64(s, n, cases[i].min, cases[i].max, &value) != cases[i].err ||
            value != cases[i].value)
            fail_msg("'%s' is taken wrongly", cases[i].text);
        free(s);
    }
}

static void test_uint64(void **state) {
    uint64_t value = 7;

    (void)state;
    assert_int_equal(text_uint64("18446744073709551615", 20, 0, UINT64_MAX, &value), 0);
    assert_true(value == UINT64_MAX);
    assert_int_equal(text_uint64("18446744073709551616", 20, 0, UINT64_MAX, &value), UV_ERANGE);
    assert_int_equal(text_uint64("-1", 2, 0, UINT64_MAX, &value), UV_EINVAL);
    assert_int_equal(text_uint64("0", 1, 1, 4, &value), UV_ERANGE);
    assert_int_equal(text_uint64("12", 1, 1, 4, &value), 0);
    assert_int_equal(value, 1);
}

static void test_factor(void **state) {
    static const struct {
        const char *text;
        int err;
        double value;
    } cases[] = {
        {"0", 0, 0.0},
        {"2", 0, 2.0},
        {"0.5", 0, 0.5},
        {"0.1", 0, 0.1},
        {"0.3", 0, 0.3},
        {"1.05", 0, 1.05},
        {"0.333333333333333333333333", 0, 0.333333333333333},
        {"10", 0, 10.0},
        {"10.01", UV_ERANGE, -1},
        {"99999999999999999999999", UV_ERANGE, -1},
        {"", UV_EINVAL, -1},
        {".5", UV_EINVAL, -1},
        {"5.", UV_EINVAL, -1},
        {"1.5.5", UV_EINVAL, -1},
        {"-1", UV_EINVAL, -1},
        {"+1", UV_EINVAL, -1},
        {"1e1", UV_EINVAL, -1},
        {"0x1", UV_EINVAL, -1},
        {"1,5", UV_EINVAL, -1},
        {"nan", UV_EINVAL, -1},
        {"inf", UV_EINVAL, -1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        double value = -1;
        size_t n;
        char *s = slice(cases[i].text, &n);
        int err = text_factor(s, n, 0, 10, &value);
        if (err != cases[i].err || value < cases[i].value || value > cases[i].value)
            fail_msg("'%s' is taken wrongly: %d, %.17g", cases[i].text, err, value);
        free(s);
    }
}

static void test_bool(void **state) {
    static const char *const yes[] = {"yes", "true", "on", "1"};
    static const char *const no[] = {"no", "false", "off", "0"};
    static const char *const wrong[] = {"", "y", "Yes", "TRUE", "2", "yes ", "01", "ja", "nope"};
    bool value;

    (void)state;
    for (size_t i = 0; i < COUNT(yes); i++) {
        value = false;
        assert_int_equal(text_bool(yes[i], strlen(yes[i]), &value), 0);
        assert_true(value);
        value = true;
        assert_int_equal(text_bool(no[i], strlen(no[i]), &value), 0);
        assert_false(value);
    }
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_int_equal(text_bool(wrong[i], strlen(wrong[i]), &value), UV_EINVAL);
}

static void test_signal(void **state) {
    const struct {
        const char *text;
        int sig;
    } good[] = {
        {"TERM", SIGTERM},
        {"SIGTERM", SIGTERM},
        {"15", 15},
        {"HUP", SIGHUP},
        {"KILL", SIGKILL},
        {"USR1", SIGUSR1},
        {"RTMIN", SIGRTMIN},
        {"RTMIN+1", SIGRTMIN + 1},
        {"SIGRTMIN+2", SIGRTMIN + 2},
        {"RTMAX", SIGRTMAX},
        {"SIGRTMAX-3", SIGRTMAX - 3},
        {"64", SIGRTMAX},
        {"RTMIN+30", SIGRTMAX},
        {"SEGV", SIGSEGV},
        {"1", 1},
    };
    static const char *const wrong[] = {
        "",           "SIG",     "term",    "SIGterm", "0",        "65",
        "-15",        "RTMIN-1", "RTMAX+1", "RTMIN+",  "RTMIN+31", "RTMIN+x",
        "SIGSIGTERM", "TERM ",   "TERMX",   "TER",     "RTMINX",
    };
    int sig;

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        sig = 0;
        size_t n;
        char *s = slice(good[i].text, &n);
        if (text_signal(s, n, &sig) || sig != good[i].sig)
            fail_msg("'%s' is taken for %d", good[i].text, sig);
        free(s);
    }
    for (size_t i = 0; i < COUNT(wrong); i++) {
        size_t n;
        char *s = slice(wrong[i], &n);
        if (text_signal(s, n, &sig) != UV_EINVAL)
            fail_msg("'%s' is taken for %d", wrong[i], sig);
        free(s);
    }
}

static void test_exit_list(void **state) {
    static const struct {
        const char *text;
        int err;
        int set[6]; /* -1 ends */
        struct text_fault fault;
    } cases[] = {
        {"0", 0, {0, -1}, {0, 0}},
        {"1-3,75", 0, {1, 2, 3, 75, -1}, {0, 0}},
        {"255", 0, {255, -1}, {0, 0}},
        {"31-32 64", 0, {31, 32, 64, -1}, {0, 0}},
        {"1, 2,\n3,", 0, {1, 2, 3, -1}, {0, 0}},
        {"5-5", 0, {5, -1}, {0, 0}},
        {"", UV_EINVAL, {-1}, {0, 0}},
        {",", UV_EINVAL, {-1}, {0, 1}},
        {"256", UV_ERANGE, {-1}, {0, 3}},
        {"0,256", UV_ERANGE, {-1}, {2, 3}},
        {"1,3-2", UV_EINVAL, {-1}, {2, 3}},
        {"1-", UV_EINVAL, {-1}, {0, 2}},
        {"-1", UV_EINVAL, {-1}, {0, 2}},
        {"1-2-3", UV_EINVAL, {-1}, {0, 5}},
        {"0 x", UV_EINVAL, {-1}, {2, 1}},
        {"0 \"1\"", UV_EINVAL, {-1}, {2, 3}},
        {"0 \"1", UV_EINVAL, {-1}, {2, 2}},
        {"1 - 3", UV_EINVAL, {-1}, {2, 1}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint32_t bits[8] = {0}, want[8] = {0};
        struct text_fault fault = {0, 0};
        size_t n;
        char *s = slice(cases[i].text, &n);
        for (const int *p = cases[i].set; *p >= 0; p++)
            want[*p / 32] |= 1U << *p % 32;
        assert_int_equal(text_exit_list(s, n, bits, &fault), cases[i].err);
        assert_memory_equal(bits, want, sizeof bits);
        if (cases[i].err) {
            assert_int_equal(fault.at, cases[i].fault.at);
            assert_int_equal(fault.len, cases[i].fault.len);
        }
        free(s);
    }
}

static void test_http_list(void **state) {
    struct text_fault fault;
    uint32_t bits[16];

    (void)state;
    assert_int_equal(text_http_list("200-299,404", 11, bits, &fault), 0);
    for (int i = 0; i < 512; i++)
        assert_int_equal(bits[i / 32] >> i % 32 & 1, (i >= 100 && i < 200) || i == 304);
    assert_int_equal(text_http_list("599", 3, bits, &fault), 0);
    assert_int_equal(text_http_list("100 5xx", 7, bits, &fault), 0);
    for (int i = 0; i < 512; i++)
        assert_int_equal(bits[i / 32] >> i % 32 & 1, i == 0 || (i >= 400 && i < 500));
    assert_int_equal(text_http_list("6xx", 3, bits, &fault), UV_ERANGE);
    assert_int_equal(text_http_list("0xx", 3, bits, &fault), UV_ERANGE);
    assert_int_equal(text_http_list("xx", 2, bits, &fault), UV_EINVAL);
    assert_int_equal(text_http_list("2xx-3xx", 7, bits, &fault), UV_EINVAL);
    assert_int_equal(text_http_list("200,600", 7, bits, &fault), UV_ERANGE);
    assert_int_equal(fault.at, 4);
    assert_int_equal(text_http_list("99", 2, bits, &fault), UV_ERANGE);
    assert_int_equal(text_http_list("2xy", 3, bits, &fault), UV_EINVAL);
    assert_int_equal(text_http_list("", 0, bits, &fault), UV_EINVAL);
}

static void test_range(void **state) {
    static const struct {
        const char *text;
        int err;
        size_t at, len;
    } cases[] = {
        {"1..100", 0, 0, 0},
        {"1..100..5", 0, 0, 0},
        {"3..1", 0, 0, 0},
        {"01..10", 0, 0, 0},
        {"-5..5", 0, 0, 0},
        {"1", UV_EINVAL, 0, 1},
        {"", UV_EINVAL, 0, 0},
        {"1..", UV_EINVAL, 3, 0},
        {"..5", UV_EINVAL, 0, 0},
        {"1..5..0", UV_ERANGE, 6, 1},
        {"1..5..-1", UV_EINVAL, 6, 2},
        {"1..5..2..3", UV_EINVAL, 0, 10},
        {"1...5", UV_EINVAL, 3, 2},
        {"a..z", UV_EINVAL, 0, 1},
        {"1..99999999999999999999", UV_ERANGE, 3, 20},
        {"1 .. 5", UV_EINVAL, 0, 2},
        {"0000000000000000000000000000001..2", 0, 0, 0},
        {"00000000000000000000000000000001..2", UV_ERANGE, 0, 32},
        {"1-5", UV_EINVAL, 0, 3},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct text_fault fault = {0, 0};
        struct text_range range;
        size_t n;
        char *s = slice(cases[i].text, &n);
        if (text_range(s, n, &range, &fault) != cases[i].err || fault.at != cases[i].at ||
            fault.len != cases[i].len)
            fail_msg("'%s': %zu, %zu", cases[i].text, fault.at, fault.len);
        free(s);
    }
}

static void test_range_numbers(void **state) {
    static const struct {
        const char *text, *numbers;
    } cases[] = {
        {"1..4", "1 2 3 4"},
        {"4..1", "4 3 2 1"},
        {"08..11", "08 09 10 11"},
        {"1..010..4", "001 005 009"},
        {"-02..1", "-02 -01 000 001"},
        {"3..3", "3"},
        {"10..1..4", "10 6 2"},
        {"9223372036854775806..9223372036854775807", "9223372036854775806 9223372036854775807"},
        {"-9223372036854775808..9223372036854775807..9223372036854775807",
         "-9223372036854775808 -1 9223372036854775806"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct text_fault fault;
        struct text_range range;
        char numbers[256] = "", number[TEXT_FORMAT_MAX];

        assert_int_equal(text_range(cases[i].text, strlen(cases[i].text), &range, &fault), 0);
        for (uint64_t k = 0; k <= range.last; k++)
            snprintf(numbers + strlen(numbers), sizeof numbers - strlen(numbers), "%s%s",
                     k ? " " : "", text_range_number(&range, k, number, sizeof number));
        assert_string_equal(numbers, cases[i].numbers);
    }
}

static void test_names(void **state) {
    char longest[TEXT_NAME_MAX + 1];

    (void)state;
    memset(longest, 'x', sizeof longest);
    assert_true(text_name_valid("a", 1));
    assert_true(text_name_valid("_a.b-C9", 7));
    assert_true(text_name_valid("0", 1));
    assert_true(text_name_valid(longest, TEXT_NAME_MAX));
    assert_false(text_name_valid(longest, TEXT_NAME_MAX + 1));
    assert_false(text_name_valid("", 0));
    assert_false(text_name_valid(".a", 2));
    assert_false(text_name_valid("-a", 2));
    assert_false(text_name_valid("a/b", 3));
    assert_false(text_name_valid("a b", 3));
    assert_false(text_name_valid("\xc3\xa4", 2));
    assert_true(text_var_valid("A_b9", 4));
    assert_true(text_var_valid("_", 1));
    assert_false(text_var_valid("9a", 2));
    assert_false(text_var_valid("a-b", 3));
    assert_false(text_var_valid("a.b", 3));
    assert_false(text_var_valid("", 0));
}

static void test_choose(void **state) {
    static const char *const words[] = {"wait", "skip", "fail", NULL};

    (void)state;
    assert_int_equal(text_choose("skip", 4, words), 1);
    assert_int_equal(text_choose("skip", 3, words), -1);
    assert_int_equal(text_choose("skips", 5, words), -1);
    assert_int_equal(text_choose("", 0, words), -1);
}

static void test_format_wall(void **state) {
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {0, "0.00s"},
        {500 * NS_PER_MS, "0.50s"},
        {4999999, "0.00s"},
        {5000000, "0.01s"},
        {9994 * NS_PER_MS, "9.99s"},
        {9995 * NS_PER_MS, "10.0s"},
        {12300 * NS_PER_MS, "12.3s"},
        {59949 * NS_PER_MS, "59.9s"},
        {59950 * NS_PER_MS, "1m00s"},
        {245 * NS_PER_S, "4m05s"},
        {3599499 * NS_PER_MS, "59m59s"},
        {3599500 * NS_PER_MS, "1h00m"},
        {123 * MIN_NS, "2h03m"},
        {50 * HOUR_NS, "50h00m"},
        {INT64_MAX, "2562047h47m"},
    };
    char buf[TEXT_FORMAT_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(text_format_wall(cases[i].ns, buf, sizeof buf), cases[i].text);
    assert_string_equal(text_format_wall(245 * NS_PER_S, buf, 3), "4m");
}

static void test_format_duration(void **state) {
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {0, "0s"},
        {1, "0.000001ms"},
        {1500000, "1.5ms"},
        {250 * NS_PER_MS, "250ms"},
        {1500 * NS_PER_MS, "1.5s"},
        {30 * NS_PER_S, "30s"},
        {60 * NS_PER_S, "1m"},
        {90 * NS_PER_S, "1m30s"},
        {120 * NS_PER_S, "2m"},
        {3601 * NS_PER_S, "1h1s"},
        {90500 * NS_PER_MS, "1m30.5s"},
        {2 * DAY_NS, "2d"},
        {DAY_NS + NS_PER_MS, "1d0.001s"},
        {TEXT_DURATION_MAX_NS, "11574d1h46m40s"},
    };
    char buf[TEXT_FORMAT_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(text_format_duration(cases[i].ns, buf, sizeof buf), cases[i].text);
    assert_true(strlen(text_format_duration(INT64_MAX, buf, sizeof buf)) < sizeof buf - 1);
}

static void test_format_size(void **state) {
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0"},
        {1023, "1023"},
        {1024, "1.0K"},
        {UINT64_C(12900000), "12.3M"},
        {102348, "99.9K"},
        {102360, "100K"},
        {1024 * 1024 - 1, "1.0M"},
        {UINT64_C(2) << 30, "2.0G"},
        {UINT64_MAX, "16.0E"},
    };
    char buf[TEXT_FORMAT_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(text_format_size(cases[i].bytes, buf, sizeof buf), cases[i].text);
}

static void test_visible(void **state) {
    static const struct {
        const char *text, *keep, *visible;
    } cases[] = {
        {"plain", NULL, "plain"},
        {"", NULL, ""},
        {"\x1b[31mred", NULL, "\\x1b[31mred"},
        {"a\tb\nc", NULL, "a\\x09b\\x0ac"},
        {"a\tb\nc\r", "\n\t", "a\tb\nc\\x0d"},
        {"\x7f", NULL, "\\x7f"},
        {"\xc2\x85", NULL, "<U+0085>"},
        {"a\xe2\x80\xae"
         "b",
         NULL, "a<U+202E>b"},
        {"\xe2\x81\xa6", NULL, "<U+2066>"},
        {"\xef\xbb\xbf", NULL, "<U+FEFF>"},
        {"gr\xc3\xbc\xc3\x9f", NULL, "gr\xc3\xbc\xc3\x9f"},
        {"\xff\xc3", NULL, "\\xff\\xc3"},
        {"\xe2\x80", NULL, "\\xe2\\x80"},
        {"\xf0\x9f\x98\x80", NULL, "\xf0\x9f\x98\x80"},
    };
    char buf[64], *written = NULL;
    size_t size = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t n;
        char *s = slice(cases[i].text, &n);
        assert_int_equal(text_visible(buf, sizeof buf, s, n, cases[i].keep),
                         strlen(cases[i].visible));
        assert_string_equal(buf, cases[i].visible);
        FILE *f = open_memstream(&written, &size);
        assert_non_null(f);
        text_visible_write(f, s, n, cases[i].keep);
        fclose(f);
        assert_string_equal(written, cases[i].visible);
        free(written);
        free(s);
    }
    assert_int_equal(text_visible(buf, sizeof buf, "a\0b", 3, "\n"), 6);
    assert_string_equal(buf, "a\\x00b");
    /* Cut between characters; nothing short slips in behind what did not fit. */
    assert_int_equal(text_visible(buf, 5,
                                  "ab\x1b"
                                  "c",
                                  4, NULL),
                     7);
    assert_string_equal(buf, "ab");
    assert_int_equal(text_visible(NULL, 0, "\x1b", 1, NULL), 4);
}

static void test_sanitise(void **state) {
    static const struct {
        const char *text;
        size_t n;
        const char *clean;
        size_t len;
    } cases[] = {
        {"", 0, "", 0},
        {"ok", 2, "ok", 2},
        {"a\0b", 3, "a\0b", 3},
        {"\xff", 1, "\xef\xbf\xbd", 3},
        {"a\xe2\x82z", 4, "a\xef\xbf\xbdz", 5},
        {"\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 9},
        {"\x82\xac", 2, "\xef\xbf\xbd\xef\xbf\xbd", 6},
        {"\xe2\x82\xac", 3, "\xe2\x82\xac", 3},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t len = 99;
        char *clean = text_sanitise(cases[i].text, cases[i].n, &len);
        assert_non_null(clean);
        assert_int_equal(len, cases[i].len);
        assert_memory_equal(clean, cases[i].clean, len + 1);
        free(clean);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duration),    cmocka_unit_test(test_size),
        cmocka_unit_test(test_rate),        cmocka_unit_test(test_int64),
        cmocka_unit_test(test_uint64),      cmocka_unit_test(test_factor),
        cmocka_unit_test(test_bool),        cmocka_unit_test(test_signal),
        cmocka_unit_test(test_exit_list),   cmocka_unit_test(test_http_list),
        cmocka_unit_test(test_range),       cmocka_unit_test(test_range_numbers),
        cmocka_unit_test(test_names),       cmocka_unit_test(test_choose),
        cmocka_unit_test(test_format_wall), cmocka_unit_test(test_format_duration),
        cmocka_unit_test(test_format_size), cmocka_unit_test(test_visible),
        cmocka_unit_test(test_sanitise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
