/* SPDX-License-Identifier: MIT */
/* fuzz_values: any bytes as a value of every form, and made fit for people. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"
#include "base/words.h"
#include "fuzz.h"

static void check_numbers(const char *s, size_t n) {
    char text[TEXT_FORMAT_MAX];
    struct text_rate rate;
    struct text_fault fault = {0, 0};
    int64_t ns, again;
    uint64_t bytes;
    double factor;
    uint32_t bits[8];
    bool flag;
    int sig;

    if (!text_duration(s, n, &ns)) {
        demand(ns >= 0 && ns <= TEXT_DURATION_MAX_NS);
        text_format_duration(ns, text, sizeof text);
        text_format_wall(ns, text, sizeof text);
        if (ns % NS_PER_S == 0) {
            text_format_duration(ns, text, sizeof text);
            demand(!text_duration(text, strlen(text), &again) && again == ns);
        }
    }
    if (!text_size(s, n, &bytes))
        demand(strlen(text_format_size(bytes, text, sizeof text)) <= 6);
    if (!text_rate(s, n, &rate))
        demand(rate.count > 0 && rate.per_ns >= NS_PER_S);
    if (!text_int64(s, n, -20, 19, &ns))
        demand(ns >= -20 && ns <= 19);
    text_int64(s, n, INT64_MIN, INT64_MAX, &ns);
    if (!text_uint64(s, n, 1, 100, &bytes))
        demand(bytes >= 1 && bytes <= 100);
    if (!text_factor(s, n, 0.5, 10, &factor))
        demand(factor >= 0.5 && factor <= 10);
    if (!text_signal(s, n, &sig))
        demand(sig >= 1 && sig <= 64);
    text_bool(s, n, &flag);
    if (text_exit_list(s, n, bits, &fault))
        demand(fault.at <= n && fault.len <= n - fault.at);
    if (text_http_list(s, n, &fault))
        demand(fault.at <= n && fault.len <= n - fault.at);
    if (text_range(s, n, &fault))
        demand(fault.at <= n && fault.len <= n - fault.at);
    if (text_name_valid(s, n))
        demand(n >= 1 && n <= TEXT_NAME_MAX && !memchr(s, '/', n));
    if (text_var_valid(s, n))
        demand(!memchr(s, '=', n));
}

static void check_words(enum words_rule rule, const char *s, size_t n) {
    struct arena arena;
    struct words words;
    struct word word;
    size_t end = 0;
    int got;

    arena_init(&arena, NULL);
    words_init(&words, rule, s, n, &arena);
    while ((got = words_next(&words, &word)) > 0) {
        demand(word.at >= end && word.len >= 1 && word.at + word.len <= n);
        demand(word.text_len <= word.len && !word.text[word.text_len]);
        end = word.at + word.len;
        /* Every byte of the text has its place in the word, in order. */
        size_t place = words_place(&words, &word, 0);
        for (size_t i = 0; i < word.text_len && i < 64; i++) {
            demand(place >= word.at && place < end);
            demand(s[place] == word.text[i] || s[place] == '\\');
            size_t next = words_place(&words, &word, i + 1);
            demand(next > place);
            place = next;
        }
    }
    demand(!got || (word.at < n && (s[word.at] == '"' || s[word.at] == '\'')));
    arena_release(&arena);
}

static void check_visible(const char *s, size_t n) {
    size_t len, need = text_visible(NULL, 0, s, n, "\n");
    char *visible = malloc(need + 1);

    demand(visible && text_visible(visible, need + 1, s, n, "\n") == need);
    demand(strlen(visible) == need && is_utf8(visible, need));
    for (size_t i = 0; i < need; i++)
        demand(visible[i] == '\n' || ((unsigned char)visible[i] >= 0x20 && visible[i] != 0x7f));
    free(visible);

    char *clean = text_sanitise(s, n, &len);
    demand(clean && !clean[len] && is_utf8(clean, len));
    demand(utf8_count(clean, len) == utf8_count(s, n));
    demand(!is_utf8(s, n) || (len == n && !memcmp(clean, s, n)));
    free(clean);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    /* A value is never NULL; libFuzzer's first input is. */
    const char *s = n ? (const char *)data : "";

    check_numbers(s, n);
    check_words(WORDS_SHELL, s, n);
    check_words(WORDS_LIST, s, n);
    check_words(WORDS_BLANKS, s, n);
    check_visible(s, n);
    return 0;
}
