/* SPDX-License-Identifier: MIT */
/* utf8: characters from bytes. */
#include "base/utf8.h"

/*
 * Unicode 15, table 3-7: by the lead byte, how many bytes follow it and what
 * the first of them may be. The others are 80 to BF.
 */
static const struct lead {
    uint8_t from, to, follow, low, high;
} leads[] = {
    {0xc2, 0xdf, 1, 0x80, 0xbf}, {0xe0, 0xe0, 2, 0xa0, 0xbf}, {0xe1, 0xec, 2, 0x80, 0xbf},
    {0xed, 0xed, 2, 0x80, 0x9f}, {0xee, 0xef, 2, 0x80, 0xbf}, {0xf0, 0xf0, 3, 0x90, 0xbf},
    {0xf1, 0xf3, 3, 0x80, 0xbf}, {0xf4, 0xf4, 3, 0x80, 0x8f},
};

size_t utf8_decode(const char *s, size_t n, uint32_t *c) {
    const unsigned char *b = (const unsigned char *)s;

    if (b[0] < 0x80) {
        *c = b[0];
        return 1;
    }
    *c = UTF8_INVALID;
    for (size_t i = 0; i < sizeof leads / sizeof leads[0]; i++) {
        const struct lead *lead = &leads[i];
        if (b[0] < lead->from || b[0] > lead->to)
            continue;
        uint32_t value = b[0] & (0x3fU >> lead->follow);
        for (size_t k = 1; k <= lead->follow; k++) {
            unsigned low = k == 1 ? lead->low : 0x80, high = k == 1 ? lead->high : 0xbf;
            if (k == n || b[k] < low || b[k] > high)
                return k;
            value = value << 6 | (b[k] & 0x3fU);
        }
        *c = value;
        return lead->follow + 1U;
    }
    return 1;
}

size_t utf8_count(const char *s, size_t n) {
    size_t count = 0;
    uint32_t c;

    for (size_t at = 0; at < n; count++)
        at += utf8_decode(s + at, n - at, &c);
    return count;
}

size_t utf8_split(const char *s, size_t n) {
    for (size_t back = 1; back <= 3 && back <= n; back++) {
        unsigned char c = (unsigned char)s[n - back];

        if ((c & 0xc0) == 0x80)
            continue; /* inside a character: its first byte is further left */
        if (c >= 0xf0)
            return back < 4 ? back : 0;
        if (c >= 0xe0)
            return back < 3 ? back : 0;
        return c >= 0xc0 && back < 2 ? back : 0;
    }
    return 0;
}

size_t utf8_rest(const char *s, size_t n) {
    size_t rest = 0;

    while (rest < 3 && rest < n && ((unsigned char)s[rest] & 0xc0) == 0x80)
        rest++;
    return rest;
}
