/* SPDX-License-Identifier: MIT */
/* text: text for people from values, and foreign bytes made fit for them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/utf8.h"

/* Divides, to the nearest; n is not negative. */
static int64_t round_to(int64_t n, int64_t unit) {
    return n / unit + (n % unit >= unit - unit / 2);
}

const char *text_format_wall(int64_t ns, char *buf, size_t size) {
    int64_t centis = round_to(ns, NS_PER_S / 100), tenths = round_to(ns, NS_PER_S / 10),
            seconds = round_to(ns, NS_PER_S), minutes = round_to(ns, 60 * NS_PER_S);

    if (centis < 1000)
        snprintf(buf, size, "%" PRId64 ".%02" PRId64 "s", centis / 100, centis % 100);
    else if (tenths < 600)
        snprintf(buf, size, "%" PRId64 ".%" PRId64 "s", tenths / 10, tenths % 10);
    else if (seconds < 3600)
        snprintf(buf, size, "%" PRId64 "m%02" PRId64 "s", seconds / 60, seconds % 60);
    else
        snprintf(buf, size, "%" PRId64 "h%02" PRId64 "m", minutes / 60, minutes % 60);
    return buf;
}

const char *text_range_number(const struct text_range *range, uint64_t index, char *buf,
                              size_t size) {
    uint64_t away = index * range->step;
    int64_t value = (int64_t)((uint64_t)range->from + (range->down ? -away : away));

    snprintf(buf, size, "%0*" PRId64, range->width, value);
    return buf;
}

/* ns in a unit of 10^digits ns, with as many decimals as it takes; the bytes written. */
static int put_decimal(char *buf, size_t size, int64_t ns, int64_t unit_ns, int digits) {
    int64_t whole = ns / unit_ns, part = ns % unit_ns;

    if (!part)
        return snprintf(buf, size, "%" PRId64, whole);
    for (; part % 10 == 0; digits--)
        part /= 10;
    return snprintf(buf, size, "%" PRId64 ".%0*" PRId64, whole, digits, part);
}

const char *text_format_duration(int64_t ns, char *buf, size_t size) {
    static const struct {
        char name;
        int64_t ns;
    } units[] = {{'d', 86400 * NS_PER_S}, {'h', 3600 * NS_PER_S}, {'m', 60 * NS_PER_S}};
    char text[96];
    int len = 0;

    if (ns > 0 && ns < NS_PER_S) {
        len = put_decimal(text, sizeof text, ns, NS_PER_MS, 6);
        snprintf(buf, size, "%.*sms", len, text);
        return buf;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (ns >= units[i].ns)
            len += snprintf(text + len, sizeof text - (size_t)len, "%" PRId64 "%c",
                            ns / units[i].ns, units[i].name);
        ns %= units[i].ns;
    }
    if (ns || !len) {
        len += put_decimal(text + len, sizeof text - (size_t)len, ns, NS_PER_S, 9);
        text[len++] = 's';
    }
    snprintf(buf, size, "%.*s", len, text);
    return buf;
}

const char *text_format_size(uint64_t bytes, char *buf, size_t size) {
    static const char letters[] = "KMGTPE";
    double value = (double)bytes;
    size_t unit = 0;

    if (bytes < 1024) {
        snprintf(buf, size, "%" PRIu64, bytes);
        return buf;
    }
    /* 1023.5 would be printed as 1024. */
    for (value /= 1024; value >= 1023.5 && unit < sizeof letters - 2; unit++)
        value /= 1024;
    snprintf(buf, size, "%.*f%c", value < 99.95 ? 1 : 0, value, letters[unit]);
    return buf;
}

/* Characters that reorder, break or hide the text around them. */
static bool is_sly(uint32_t c) {
    static const struct {
        uint32_t from, to;
    } ranges[] = {
        {0x80, 0x9f},     {0x61c, 0x61c},   {0x200e, 0x200f}, {0x2028, 0x202e},
        {0x2066, 0x2069}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xfffe, 0xffff},
    };

    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (c >= ranges[i].from && c <= ranges[i].to)
            return true;
    return false;
}

size_t text_visible_step(const char *s, size_t n, const char *keep, char out[TEXT_VISIBLE_MAX]) {
    uint32_t c;
    size_t took = utf8_decode(s, n, &c);

    if (c == UTF8_INVALID || c == 0x7f || (c < 0x20 && !(c && keep && strchr(keep, (int)c)))) {
        snprintf(out, TEXT_VISIBLE_MAX, "\\x%02x", (unsigned char)*s);
        return 1;
    }
    if (is_sly(c)) {
        snprintf(out, TEXT_VISIBLE_MAX, "<U+%04" PRIX32 ">", c);
        return took;
    }
    memcpy(out, s, took);
    out[took] = '\0';
    return took;
}

size_t text_visible(char *buf, size_t size, const char *s, size_t n, const char *keep) {
    size_t need = 0, len = 0;
    char step[TEXT_VISIBLE_MAX];

    for (size_t at = 0; at < n;) {
        at += text_visible_step(s + at, n - at, keep, step);
        size_t step_len = strlen(step);
        /* Once one did not fit, none behind it may slip in. */
        if (need == len && need + step_len < size) {
            memcpy(buf + len, step, step_len);
            len += step_len;
        }
        need += step_len;
    }
    if (size)
        buf[len] = '\0';
    return need;
}

void text_visible_write(FILE *out, const char *s, size_t n, const char *keep) {
    char step[TEXT_VISIBLE_MAX];

    for (size_t at = 0; at < n;) {
        at += text_visible_step(s + at, n - at, keep, step);
        fputs(step, out);
    }
}

char *text_sanitise(const char *s, size_t n, size_t *len) {
    static const char replacement[] = "\xef\xbf\xbd";
    size_t total = 0, took;
    uint32_t c;

    for (size_t at = 0; at < n; at += took) {
        took = utf8_decode(s + at, n - at, &c);
        total += c == UTF8_INVALID ? sizeof replacement - 1 : took;
    }
    char *copy = malloc(total + 1), *to = copy;
    if (!copy)
        return NULL;
    for (size_t at = 0; at < n; at += took) {
        took = utf8_decode(s + at, n - at, &c);
        bool bad = c == UTF8_INVALID;
        to = mempcpy(to, bad ? replacement : s + at, bad ? sizeof replacement - 1 : took);
    }
    *to = '\0';
    *len = total;
    return copy;
}
