/* SPDX-License-Identifier: MIT */
/* text: values of a manifest from text; text_format.c has the way back. */
#include "base/text.h"

#include <signal.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "base/words.h"

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool text_is(const char *s, size_t n, const char *word) {
    return (!n || *s == *word) && strlen(word) == n && !memcmp(s, word, n);
}

/* What is left of a text that is taken from the front. */
struct rest {
    const char *s;
    size_t n;
};

static bool take_char(struct rest *r, char c) {
    if (!r->n || *r->s != c)
        return false;
    r->s++;
    r->n--;
    return true;
}

/* Takes digits. UV_EINVAL for none, UV_ERANGE (all taken) above UINT64_MAX. */
static int take_digits(struct rest *r, uint64_t *value) {
    bool over = false;
    uint64_t v = 0;

    if (!r->n || !is_digit(*r->s))
        return UV_EINVAL;
    for (; r->n && is_digit(*r->s); r->s++, r->n--)
        over |= __builtin_mul_overflow(v, 10U, &v) ||
                __builtin_add_overflow(v, (unsigned)(*r->s - '0'), &v);
    *value = v;
    return over ? UV_ERANGE : 0;
}

int text_uint64(const char *s, size_t n, uint64_t min, uint64_t max, uint64_t *value) {
    struct rest rest = {s, n};
    uint64_t v = 0;
    int err = take_digits(&rest, &v);

    if (err == UV_EINVAL || rest.n)
        return UV_EINVAL;
    if (err || v < min || v > max)
        return UV_ERANGE;
    *value = v;
    return 0;
}

int text_int64(const char *s, size_t n, int64_t min, int64_t max, int64_t *value) {
    struct rest rest = {s, n};
    bool negative = min < 0 && take_char(&rest, '-');
    uint64_t v = 0;
    int err = text_uint64(rest.s, rest.n, 0, (uint64_t)INT64_MAX + negative, &v);

    if (err)
        return err;
    int64_t result = negative ? (int64_t)(0 - v) : (int64_t)v;
    if (result < min || result > max)
        return UV_ERANGE;
    *value = result;
    return 0;
}

int text_factor(const char *s, size_t n, double min, double max, double *value) {
    struct rest rest = {s, n};
    uint64_t whole = 0, digits = 0, power = 1;
    int err = take_digits(&rest, &whole);

    if (err == UV_EINVAL)
        return err;
    if (take_char(&rest, '.')) {
        if (!rest.n)
            return UV_EINVAL;
        /* 15 digits and a power of ten are exact in a double, and so is their quotient's rounding.
         */
        for (; rest.n && is_digit(*rest.s); rest.s++, rest.n--) {
            if (power < UINT64_C(1000000000000000)) {
                digits = digits * 10 + (unsigned)(*rest.s - '0');
                power *= 10;
            }
        }
    }
    if (rest.n)
        return UV_EINVAL;
    double v = (double)whole + (double)digits / (double)power;
    if (err || v < min || v > max)
        return UV_ERANGE;
    *value = v;
    return 0;
}

/* Falling, as they must stand in a value. */
static const struct unit {
    const char *name;
    int64_t ns;
} duration_units[] = {
    {"d", 86400 * NS_PER_S}, {"h", 3600 * NS_PER_S}, {"m", 60 * NS_PER_S},
    {"s", NS_PER_S},         {"ms", NS_PER_MS},
};
#define DURATION_UNITS (sizeof duration_units / sizeof duration_units[0])
#define UNIT_SECOND    3

/* Takes letters and finds them among the units from `from` on; DURATION_UNITS: not there. */
static size_t take_unit(struct rest *r, size_t from) {
    size_t n = 0, i = from;

    while (n < r->n && r->s[n] >= 'a' && r->s[n] <= 'z')
        n++;
    while (i < DURATION_UNITS && !text_is(r->s, n, duration_units[i].name))
        i++;
    r->s += n;
    r->n -= n;
    return i;
}

/* Digits behind a point, as a part of a unit; at least 1 ns where one is not 0. */
static int take_fraction(struct rest *r, struct rest *digits) {
    *digits = *r;
    while (r->n && is_digit(*r->s)) {
        r->s++;
        r->n--;
    }
    digits->n -= r->n;
    return digits->n ? 0 : UV_EINVAL;
}

static int64_t fraction_ns(struct rest digits, int64_t unit_ns) {
    int64_t ns = 0;
    bool any = false;

    for (; digits.n; digits.s++, digits.n--) {
        any |= *digits.s != '0';
        unit_ns /= 10;
        ns += (*digits.s - '0') * unit_ns;
    }
    return any && !ns ? 1 : ns;
}

int text_duration(const char *s, size_t n, int64_t *ns) {
    struct rest rest = {s, n};
    int64_t total = 0;
    bool over = false;
    size_t next = 0;

    do {
        struct rest digits = {s, 0};
        uint64_t value = 0;
        bool first = rest.s == s;
        int err = take_digits(&rest, &value);
        if (err == UV_EINVAL)
            return err;
        over |= err != 0;
        if (take_char(&rest, '.') && (!first || take_fraction(&rest, &digits)))
            return UV_EINVAL;
        size_t unit = first && !rest.n ? UNIT_SECOND : take_unit(&rest, next);
        if (unit == DURATION_UNITS || (digits.n && rest.n))
            return UV_EINVAL;
        int64_t unit_ns = duration_units[unit].ns;
        over |= value > (uint64_t)(TEXT_DURATION_MAX_NS / unit_ns);
        if (!over)
            total += (int64_t)value * unit_ns + fraction_ns(digits, unit_ns);
        over |= total > TEXT_DURATION_MAX_NS;
        next = unit + 1;
    } while (rest.n);
    if (over)
        return UV_ERANGE;
    *ns = total;
    return 0;
}

static const char size_letters[] = "KMGTPE";

int text_size(const char *s, size_t n, uint64_t *bytes) {
    struct rest rest = {s, n};
    uint64_t value = 0;
    int err = take_digits(&rest, &value);
    unsigned shift = 0;

    if (err == UV_EINVAL)
        return err;
    const char *letter = rest.n ? memchr(size_letters, *rest.s, sizeof size_letters - 1) : NULL;
    if (letter) {
        shift = 10 * (unsigned)(letter - size_letters + 1);
        take_char(&rest, *letter);
        if (rest.n == 2)
            take_char(&rest, 'i');
    }
    take_char(&rest, 'B');
    if (rest.n)
        return UV_EINVAL;
    if (err || value > UINT64_MAX >> shift)
        return UV_ERANGE;
    *bytes = value << shift;
    return 0;
}

int text_rate(const char *s, size_t n, struct text_rate *rate) {
    struct rest rest = {s, n};
    uint64_t count = 0;
    int err = take_digits(&rest, &count);

    if (err == UV_EINVAL || !take_char(&rest, '/') || rest.n != 1)
        return UV_EINVAL;
    const char *unit = memchr("smh", *rest.s, 3);
    if (!unit)
        return UV_EINVAL;
    if (err || !count || count > UINT32_MAX)
        return UV_ERANGE;
    *rate = (struct text_rate){(uint32_t)count, NS_PER_S * (*unit == 's'   ? 1
                                                            : *unit == 'm' ? 60
                                                                           : 3600)};
    return 0;
}

int text_choose(const char *s, size_t n, const char *const *words) {
    for (int i = 0; words[i]; i++)
        if (text_is(s, n, words[i]))
            return i;
    return -1;
}

int text_bool(const char *s, size_t n, bool *value) {
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1", NULL};
    int i = text_choose(s, n, words);

    if (i < 0)
        return UV_EINVAL;
    *value = i % 2;
    return 0;
}

/* "RTMIN+1", "RTMAX-2"; base is RTMIN or RTMAX. */
static int real_time_signal(struct rest rest, const char *base, char sign, int from, int *sig) {
    size_t n = strlen(base);
    uint64_t offset = 0;

    if (rest.n < n || memcmp(rest.s, base, n) != 0)
        return UV_EINVAL;
    rest.s += n;
    rest.n -= n;
    if (rest.n && (!take_char(&rest, sign) ||
                   text_uint64(rest.s, rest.n, 0, (uint64_t)(SIGRTMAX - SIGRTMIN), &offset)))
        return UV_EINVAL;
    *sig = sign == '+' ? from + (int)offset : from - (int)offset;
    return 0;
}

int text_signal(const char *s, size_t n, int *signal) {
    struct rest rest = {s, n};
    uint64_t number;

    if (!text_uint64(s, n, 1, (uint64_t)SIGRTMAX, &number)) {
        *signal = (int)number;
        return 0;
    }
    if (rest.n > 3 && !memcmp(rest.s, "SIG", 3)) {
        rest.s += 3;
        rest.n -= 3;
    }
    for (int i = 1; i < SIGRTMIN; i++) {
        const char *name = sigabbrev_np(i);
        if (name && text_is(rest.s, rest.n, name)) {
            *signal = i;
            return 0;
        }
    }
    if (!real_time_signal(rest, "RTMIN", '+', SIGRTMIN, signal))
        return 0;
    return real_time_signal(rest, "RTMAX", '-', SIGRTMAX, signal);
}

/* Bounds of the numbers of a list, and where they go: min is bit 0. */
struct number_list {
    uint32_t *bits;
    uint64_t min, max;
    bool classes; /* "5xx" is 500-599 */
};

/* "N" or "N-M". */
static int add_numbers(const struct number_list *list, const char *s, size_t n) {
    const char *dash = memchr(s, '-', n);
    bool class = list->classes && n == 3 && is_digit(s[0]) && !memcmp(s + 1, "xx", 2);
    size_t first = dash ? (size_t)(dash - s) : class ? 1 : n;
    uint64_t from, to, unit = class ? 100 : 1;
    int err = text_uint64(s, first, list->min / unit, list->max / unit, &from);

    if (err)
        return err;
    from *= unit;
    to = from + unit - 1;
    if (dash && (err = text_uint64(dash + 1, n - first - 1, list->min, list->max, &to)))
        return err;
    if (to < from)
        return UV_EINVAL;
    for (uint64_t i = from - list->min; i <= to - list->min; i++)
        list->bits[i / 32] |= 1U << i % 32;
    return 0;
}

static int parse_numbers(const struct number_list *list, const char *s, size_t n,
                         struct text_fault *fault) {
    struct words words;
    struct word word;
    bool any = false;
    int got;

    words_init(&words, WORDS_LIST, s, n, NULL);
    while ((got = words_next(&words, &word)) > 0) {
        int err = add_numbers(list, s + word.at, word.len);
        if (err) {
            *fault = (struct text_fault){word.at, word.len};
            return err;
        }
        any = true;
    }
    *fault = got ? (struct text_fault){word.at, word.len} : (struct text_fault){0, n};
    return any && !got ? 0 : UV_EINVAL;
}

int text_exit_list(const char *s, size_t n, uint32_t bits[8], struct text_fault *fault) {
    uint32_t set[8] = {0};
    int err = parse_numbers(&(struct number_list){set, 0, 255, false}, s, n, fault);

    if (!err)
        memcpy(bits, set, sizeof set);
    return err;
}

int text_http_list(const char *s, size_t n, uint32_t bits[16], struct text_fault *fault) {
    uint32_t set[16] = {0};
    int err =
        parse_numbers(&(struct number_list){set, TEXT_HTTP_MIN, TEXT_HTTP_MAX, true}, s, n, fault);

    if (!err)
        memcpy(bits, set, sizeof set);
    return err;
}

/* Whether a number is written with zeros in front, as all of its range then are. */
static bool is_padded(const char *s, size_t n) {
    size_t sign = *s == '-';

    return n > sign + 1 && s[sign] == '0';
}

int text_range(const char *s, size_t n, struct text_range *range, struct text_fault *fault) {
    static const int64_t least[3] = {INT64_MIN, INT64_MIN, 1};
    int64_t values[3] = {0, 0, 1};
    size_t at = 0, width = 0;
    bool padded = false;

    for (size_t i = 0; i < 3; i++) {
        const char *dots = memmem(s + at, n - at, "..", 2);
        size_t len = dots ? (size_t)(dots - s) - at : n - at;
        int err = text_int64(s + at, len, least[i], INT64_MAX, &values[i]);
        if (!err && i < 2 && len >= TEXT_FORMAT_MAX) /* padded wider than numbers are written */
            err = UV_ERANGE;
        if (err) {
            *fault = (struct text_fault){at, len};
            return err;
        }
        if (i < 2) {
            padded = padded || is_padded(s + at, len);
            width = len > width ? len : width;
        }
        at += len + 2;
        if (!dots && i > 0) {
            *range = (struct text_range){.from = values[0],
                                         .step = (uint64_t)values[2],
                                         .down = values[1] < values[0],
                                         .width = padded ? (int)width : 0};
            range->last = range->down ? (uint64_t)values[0] - (uint64_t)values[1]
                                      : (uint64_t)values[1] - (uint64_t)values[0];
            range->last /= range->step;
            return 0;
        }
        if (!dots)
            break;
    }
    *fault = (struct text_fault){0, n};
    return UV_EINVAL;
}

static bool is_name_char(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool text_name_valid(const char *s, size_t n) {
    if (!n || n > TEXT_NAME_MAX || !is_name_char(*s))
        return false;
    for (size_t i = 1; i < n; i++)
        if (!is_name_char(s[i]) && s[i] != '.' && s[i] != '-')
            return false;
    return true;
}

bool text_var_valid(const char *s, size_t n) {
    if (!n || is_digit(*s))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!is_name_char(s[i]))
            return false;
    return true;
}

uint64_t text_hash(const char *s) {
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
    return h;
}
