/* SPDX-License-Identifier: MIT */
/* words: takes a value apart, as a shell or as a list would, one word a call. */
#ifndef MUSTER_BASE_WORDS_H
#define MUSTER_BASE_WORDS_H
#include <stddef.h>

#include "base/mem.h"

enum words_rule {
    /*
     * `exec`, `shell`: blanks and newlines separate; '…' takes all as it is; in
     * "…" a backslash escapes " \ $ ` and newline; elsewhere it escapes any
     * character; backslash newline is nothing. No expansion, no comments.
     */
    WORDS_SHELL,
    /*
     * Lists: blanks, commas and newlines separate, several are as one; '…' and
     * "…" protect; in "…" a backslash takes the next character as it is.
     */
    WORDS_LIST,
    /* `retry-on`: as lists, but a comma is part of the word. */
    WORDS_BLANKS,
    /* `after`: as lists, but between '[' and ']' blanks and commas are part of the word. */
    WORDS_NAMES,
};

struct words {
    const char *s;
    size_t n;
    enum words_rule rule;
    struct arena *arena; /* for the words' text; NULL: not wanted */
    size_t at;           /* where to go on */
};

struct word {
    size_t at, len;   /* in the value, quotes and all */
    const char *text; /* without them, a NUL behind; NULL without an arena */
    size_t text_len;
};

/* Begins at the start of n bytes, which stay the caller's. */
void words_init(struct words *w, enum words_rule rule, const char *s, size_t n,
                struct arena *arena);
/*
 * Takes the next word. 1, 0 at the end, UV_EINVAL for a quote without its end
 * (word->at is that quote's offset, word->len the rest), UV_ENOMEM when the
 * arena is out of memory and returns. Linear over all calls.
 */
int words_next(struct words *w, struct word *word);
/*
 * Where in the value byte `offset` of word->text stands (offset == text_len:
 * the word's end): for carets. Linear in the word.
 */
size_t words_place(const struct words *w, const struct word *word, size_t offset);
#endif
