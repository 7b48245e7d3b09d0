/* SPDX-License-Identifier: MIT */
/* painted: what a job wrote for the terminal that it was given, fit for people's. */
#include "report/painted.h"

#include <string.h>

#include "base/text.h"
#include "base/utf8.h"

#define ESC          '\033'
#define SEQUENCE_MAX 64 /* bytes of one that sets colours; a longer one sets none */

/* How long the sequence at s is (its ESC included) if it sets colours, else 0; *cut: it may be
 * one whose rest is not there. */
static size_t sequence(const char *s, size_t n, bool *cut) {
    size_t len = n < 2 ? n : 2;

    if (n >= 2 && s[1] != '[') {
        *cut = false;
        return 0;
    }
    while (len >= 2 && len < n && len < SEQUENCE_MAX && strchr("0123456789;:", s[len]) && s[len])
        len++;
    *cut = len == n && n < SEQUENCE_MAX;
    return len < n && s[len] == 'm' ? len + 1 : 0;
}

/* How many bytes there are up to what is looked at by itself; the end of a line included. */
static size_t plain_run(const char *s, size_t n) {
    size_t len = 1;

    while (len < n && s[len - 1] != '\n' && s[len] != ESC && s[len] != '\r')
        len++;
    return len;
}

size_t painted_visible(char *buf, const char *s, size_t n, const char *keep, bool color,
                       bool *colored) {
    size_t out = 0, line = 0;

    for (size_t at = 0; at < n;) {
        bool cut, ends = at + 1 == n || s[at + 1] == '\n';
        size_t len = s[at] == ESC ? sequence(s + at, n - at, &cut) : 0;

        if (len > 0 && color) {
            memcpy(buf + out, s + at, len);
            out += len;
            *colored = true;
        } else if (s[at] == '\r') {
            out = ends ? out : line;
            len = 1;
        } else if (len == 0) {
            len = plain_run(s + at, n - at);
            out += text_visible(buf + out, 4 * len + 1, s + at, len, keep);
            line = s[at + len - 1] == '\n' ? out : line;
        }
        at += len;
    }
    return out;
}

size_t painted_split(const char *s, size_t n) {
    size_t back = 1;
    bool cut;

    if (n > 0 && s[n - 1] == '\r')
        return 1;
    while (back < n && back < SEQUENCE_MAX && s[n - back] != ESC)
        back++;
    if (n > 0 && s[n - back] == ESC && sequence(s + n - back, back, &cut) == 0 && cut)
        return back;
    return utf8_split(s, n);
}
