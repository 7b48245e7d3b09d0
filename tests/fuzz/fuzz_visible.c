/* SPDX-License-Identifier: MIT */
/* fuzz_visible: any bytes made fit for people, for a terminal or a report. */
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "fuzz.h"

/* The first character of s, made visible alone: never nothing, never too much. */
static size_t check_step(const char *s, size_t n) {
    char out[TEXT_VISIBLE_MAX];
    size_t took = text_visible_step(s, n, "\n", out);

    demand(took >= 1 && took <= n && took <= 4);
    demand(memchr(out, '\0', sizeof out) && (*out || s[0] == '\0'));
    return took;
}

/* Into less room than it needs: the beginning of the same, of whole characters. */
static void check_cut(const char *s, size_t n, const char *whole, size_t need, size_t room) {
    char *cut = malloc(room);
    size_t len;

    demand(cut && text_visible(cut, room, s, n, "\n") == need);
    len = strlen(cut);
    demand(len < room && len <= need && memcmp(cut, whole, len) == 0 && is_utf8(cut, len));
    demand(len == need || len + TEXT_VISIBLE_MAX >= room);
    free(cut);
}

static void check_visible(const char *s, size_t n) {
    size_t len, need = text_visible(NULL, 0, s, n, "\n");
    char *visible = malloc(need + 1);

    demand(visible && text_visible(visible, need + 1, s, n, "\n") == need);
    demand(strlen(visible) == need && is_utf8(visible, need));
    for (size_t i = 0; i < need; i++)
        demand(visible[i] == '\n' || ((unsigned char)visible[i] >= 0x20 && visible[i] != 0x7f));
    for (size_t at = 0; at < n;)
        at += check_step(s + at, n - at);
    for (size_t room = need + 1; room > 0; room /= 2)
        check_cut(s, n, visible, need, room);
    /* What is visible stays as it is, so that nothing grows from one step to the next. */
    demand(text_visible(NULL, 0, visible, need, "\n") == need);
    free(visible);

    char *clean = text_sanitise(s, n, &len);
    demand(clean && !clean[len] && is_utf8(clean, len));
    demand(utf8_count(clean, len) == utf8_count(s, n));
    demand(!is_utf8(s, n) || (len == n && !memcmp(clean, s, n)));
    free(clean);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    check_visible(n ? (const char *)data : "", n);
    return 0;
}
