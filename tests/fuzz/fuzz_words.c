/* SPDX-License-Identifier: MIT */
/* fuzz_words: any bytes split into words, by each rule. */
#include <string.h>

#include "base/mem.h"
#include "base/words.h"
#include "fuzz.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    const char *s = n ? (const char *)data : "";

    check_words(WORDS_SHELL, s, n);
    check_words(WORDS_LIST, s, n);
    check_words(WORDS_BLANKS, s, n);
    check_words(WORDS_NAMES, s, n);
    return 0;
}
