/* SPDX-License-Identifier: MIT */
/* words: takes a value apart, as a shell or as a list would, one word a call. */
#include "base/words.h"

#include <stdbool.h>
#include <string.h>
#include <uv.h>

/* What one pass over a word is to find; walk() is the one place that knows the rules. */
struct walk {
    char *text;    /* where to put the word's text, or NULL */
    size_t stop;   /* stop before this byte of the text */
    size_t length; /* bytes of text seen */
    size_t at;     /* where in the value the walk ended */
};

static bool is_separator(const struct words *w, char c) {
    return c == ' ' || c == '\t' || c == '\n' ||
           (c == ',' && (w->rule == WORDS_LIST || w->rule == WORDS_NAMES));
}

/* Whether the backslash at `at` escapes what follows it; quote is 0, ' or ". */
static bool escapes(const struct words *w, size_t at, char quote) {
    if (quote == '\'' || at + 1 >= w->n)
        return false;
    if (w->rule != WORDS_SHELL)
        return quote == '"';
    return !quote || memchr("\"\\$`\n", w->s[at + 1], 5);
}

/* From walk->at to the word's end or the stop. 0, or UV_EINVAL with at on an unclosed quote. */
static int walk_word(const struct words *w, struct walk *walk) {
    char quote = 0;
    bool inside = false; /* of [] */
    size_t at = walk->at, opened = at;

    while (at < w->n) {
        char c = w->s[at];
        if (!quote && is_separator(w, c) && (!inside || c == '\n'))
            break;
        if (!quote && w->rule == WORDS_NAMES && (c == '[' || c == ']'))
            inside = c == '[';
        if (quote ? c == quote : c == '"' || c == '\'') {
            opened = at++;
            quote = quote ? 0 : c;
            continue;
        }
        size_t from = at;
        if (c == '\\' && escapes(w, at, quote)) {
            c = w->s[++at];
            if (c == '\n' && w->rule == WORDS_SHELL) {
                at++;
                continue;
            }
        }
        if (walk->length == walk->stop) {
            walk->at = from;
            return 0;
        }
        if (walk->text)
            walk->text[walk->length] = c;
        walk->length++;
        at++;
    }
    walk->at = quote ? opened : at;
    return quote ? UV_EINVAL : 0;
}

void words_init(struct words *w, enum words_rule rule, const char *s, size_t n,
                struct arena *arena) {
    *w = (struct words){.s = s, .n = n, .rule = rule, .arena = arena};
}

/* Past separators; a backslash newline before a word is nothing, as in a shell. */
static void skip_separators(struct words *w) {
    while (w->at < w->n) {
        if (is_separator(w, w->s[w->at]))
            w->at++;
        else if (w->rule == WORDS_SHELL && w->n - w->at >= 2 && !memcmp(w->s + w->at, "\\\n", 2))
            w->at += 2;
        else
            return;
    }
}

int words_next(struct words *w, struct word *word) {
    skip_separators(w);
    *word = (struct word){.at = w->at};
    if (w->at == w->n)
        return 0;
    struct walk walk = {.stop = SIZE_MAX, .at = w->at};
    if (walk_word(w, &walk)) {
        word->at = walk.at;
        word->len = w->n - walk.at;
        w->at = w->n;
        return UV_EINVAL;
    }
    word->len = walk.at - w->at;
    word->text_len = walk.length;
    if (w->arena) {
        char *text = arena_alloc(w->arena, walk.length + 1);
        if (!text)
            return UV_ENOMEM;
        if (walk.length == word->len) /* nothing in it is taken away */
            memcpy(text, w->s + w->at, walk.length);
        else
            walk_word(w, &(struct walk){.text = text, .stop = SIZE_MAX, .at = w->at});
        word->text = text;
    }
    w->at = walk.at;
    return 1;
}

size_t words_place(const struct words *w, const struct word *word, size_t offset) {
    struct walk walk = {.stop = offset, .at = word->at};

    walk_word(w, &walk);
    return walk.at;
}
