/* SPDX-License-Identifier: MIT */
/* lists: values that are words: commands, names, exit statuses, reports. */
#include <string.h>
#include <uv.h>

#include "base/text.h"
#include "base/words.h"
#include "plan/parse.h"

/*
 * The next word of p->s, with variables put in when the form wants that word
 * by word. 1, 0 at the end, -1 after a fault, which ends the words.
 */
static int next_word(struct parse *p, struct words *w, bool put, struct word *word,
                     struct span *at) {
    int got = words_next(w, word);

    if (got < 0) {
        parse_fault(p, word->at, 1, "the quote is never closed");
        return -1;
    }
    if (!got)
        return 0;
    *at = parse_span(p, word->at, word->len);
    if (!put ||
        (!memchr(word->text, '{', word->text_len) && !memchr(word->text, '}', word->text_len)))
        return 1;
    size_t len;
    word->text = parse_put_in(p, word->text, word->text_len, *at, &len);
    word->text_len = word->text ? len : 0;
    return word->text ? 1 : -1;
}

/* --- commands --- */

/* Splits a command into words, NULL at the end. NULL after a fault. */
static const char *const *split_command(struct parse *p, bool put) {
    struct words w;
    struct word word;
    struct span at;
    struct values *v = p->v;
    size_t n = 0, faults = 0;
    int got;

    words_init(&w, WORDS_SHELL, p->s, p->n, p->v->arena);
    while ((got = next_word(p, &w, put, &word, &at)) != 0) {
        if (got < 0 && ++faults == PARSE_FAULTS_MAX)
            break;
        if (got > 0 && word.text_len > PLAN_STRING_MAX)
            faults += !parse_fault_at(p, at,
                                      "a word of %zu bytes is more than the kernel takes as one "
                                      "argument (%u)",
                                      word.text_len, PLAN_STRING_MAX);
        v->words = arena_grow(v->scratch, v->words, n, &v->words_cap, sizeof *v->words);
        v->words[n++] = word.text;
    }
    if (faults)
        return NULL;
    if (!n || !*v->words[0]) {
        parse_fault(p, 0, p->n, "the program is missing");
        return NULL;
    }
    const char **argv = arena_array(v->arena, const char *, n + 1);
    memcpy(argv, v->words, n * sizeof *argv);
    return argv;
}

bool parse_exec(struct parse *p, void *out) {
    const char *const *argv = split_command(p, true);

    *(struct action_value *)out = (struct action_value){.action = ACTION_EXEC, .argv = argv};
    return argv;
}

bool parse_shell(struct parse *p, void *out) {
    const char *const *words = split_command(p, false);

    if (words && !p->silent)
        parse_warn_of_references(p);
    *(const char *const **)out = words;
    return words;
}

/* --- lists of names --- */

/* What each word of a list must be: NULL, or what it is not in words. */
typedef const char *(*word_fault_cb)(const char *s, size_t n);

static bool parse_list(struct parse *p, enum words_rule rule, word_fault_cb fault,
                       struct names *out) {
    struct words w;
    struct word word;
    struct span at;
    size_t cap = 0, faults = 0;
    int got;

    *out = (struct names){0};
    words_init(&w, rule, p->s, p->n, p->v->scratch);
    while ((got = next_word(p, &w, true, &word, &at)) != 0 && faults < PARSE_FAULTS_MAX) {
        const char *what = got > 0 && fault ? fault(word.text, word.text_len) : NULL;
        if (what)
            parse_fault_at(p, at, "'%s' %s", parse_shown(p, word.text, word.text_len), what);
        faults += got < 0 || what;
        if (got < 0 || what)
            continue;
        out->list = arena_grow(p->v->scratch, out->list, out->count, &cap, sizeof *out->list);
        out->list[out->count++] = (struct name){word.text, (uint32_t)word.text_len, at};
    }
    return !faults;
}

static const char *plain_name_fault(const char *s, size_t n) {
    return text_name_valid(s, n) ? NULL : "is not a name (letters, digits, '_', '.' and '-')";
}

static const char *name_fault(const char *s, size_t n) {
    return text_name_valid(s, n) ? NULL : "is not a name (letters, digits, '_', '.' and '-')";
}

/* A name, or the name of items: "job[value]", "job[*]". */
static const char *after_fault(const char *s, size_t n) {
    const char *open = memchr(s, '[', n);

    if (!open)
        return plain_name_fault(s, n);
    if (s[n - 1] == ']' && text_name_valid(s, (size_t)(open - s)))
        return NULL;
    return "is not a name, or one with an item (job, job[value] or job[*])";
}

static const char *var_fault(const char *s, size_t n) {
    return text_var_valid(s, n) ? NULL : "is not the name of a variable (letters, digits and '_')";
}

static const char *pair_fault(const char *s, size_t n) {
    const char *equals = memchr(s, '=', n);

    return equals && text_var_valid(s, (size_t)(equals - s)) ? NULL : "is not NAME=VALUE";
}

bool parse_names(struct parse *p, void *out) {
    return parse_list(p, WORDS_LIST, name_fault, out);
}

bool parse_tags(struct parse *p, void *out) {
    return parse_list(p, WORDS_LIST, plain_name_fault, out);
}

bool parse_after(struct parse *p, void *out) {
    return parse_list(p, WORDS_NAMES, after_fault, out);
}

bool parse_vars(struct parse *p, void *out) {
    struct names names;

    if (!parse_list(p, WORDS_LIST, var_fault, &names))
        return false;
    const char **vars = arena_array(p->v->arena, const char *, names.count + 1);
    for (uint32_t i = 0; i < names.count; i++)
        vars[i] = arena_strndup(p->v->arena, names.list[i].text, names.list[i].len);
    *(const char *const **)out = vars;
    return true;
}

bool parse_words(struct parse *p, void *out) {
    return parse_list(p, WORDS_LIST, NULL, out);
}

bool parse_pairs(struct parse *p, void *out) {
    return parse_list(p, WORDS_BLANKS, pair_fault, out);
}

/* --- exit and HTTP statuses --- */

bool parse_exits(struct parse *p, void *out) {
    struct text_fault fault = {0, p->n};
    struct exit_set *set = out;

    *set = (struct exit_set){0};
    int err = p->n ? text_exit_list(p->s, p->n, set->bits, &fault) : 0;
    return !err || parse_fault(p, fault.at, fault.len,
                               "'%s' is not an exit status (0 to 255, such as 1-3,75)",
                               parse_shown(p, p->s + fault.at, fault.len));
}

bool parse_statuses(struct parse *p, void *out) {
    struct text_fault fault;
    struct http_set *set = out;

    return !text_http_list(p->s, p->n, set->bits, &fault) ||
           parse_fault(p, fault.at, fault.len,
                       "'%s' is not an HTTP status (100 to 599, such as 200-299,304 or 2xx)",
                       parse_shown(p, p->s + fault.at, fault.len));
}

/* --- retry-on --- */

/* A class that stands alone, and what it sets. */
static bool *retry_class(struct retry_on *set, const char *s, size_t n) {
    static const char *const words[] = {"any", "timeout", "signal", "spawn", "http", "lost", NULL};
    bool *const flags[] = {&set->any,   &set->timeout, &set->signal,
                           &set->spawn, &set->http,    &set->lost};
    int i = text_choose(s, n, words);

    return i < 0 ? NULL : flags[i];
}

/* The place of a part of a word's text; with variables in it, of the word. */
static struct span part_span(const struct parse *p, const struct words *w, const struct word *word,
                             struct span at, struct text_fault part) {
    if (memchr(p->s + word->at, '{', word->len) || memchr(p->s + word->at, '}', word->len))
        return at;
    size_t first = words_place(w, word, part.at);
    return parse_span(p, first, words_place(w, word, part.at + part.len - 1) + 1 - first);
}

/* Takes one word of retry-on in. False after a fault. */
static bool add_retry_word(struct parse *p, struct retry_on *set, const struct words *w,
                           const struct word *word, struct span at) {
    const char *s = word->text;
    size_t n = word->text_len;
    bool *flag = retry_class(set, s, n);
    bool exits = n > 5 && !memcmp(s, "exit:", 5), http = n > 5 && !memcmp(s, "http:", 5);
    struct exit_set more = {0};
    struct http_set statuses = {0};
    struct text_fault fault;

    if (flag)
        return *flag = true;
    if (!exits && !http)
        return parse_fault_at(
            p, at, "'%s' is not any, exit:LIST, timeout, signal, spawn, lost, http or http:LIST",
            parse_shown(p, s, n));
    if (exits ? text_exit_list(s + 5, n - 5, more.bits, &fault)
              : text_http_list(s + 5, n - 5, statuses.bits, &fault)) {
        fault.at += 5;
        return parse_fault_at(p, part_span(p, w, word, at, fault), "'%s' is not %s",
                              parse_shown(p, s + fault.at, fault.len),
                              exits ? "an exit status (0 to 255, such as 1-3,75)"
                                    : "an HTTP status (100 to 599, such as 429,5xx)");
    }
    for (size_t i = 0; i < sizeof more.bits / sizeof *more.bits; i++)
        set->exits.bits[i] |= more.bits[i];
    for (size_t i = 0; i < sizeof statuses.bits / sizeof *statuses.bits; i++)
        set->statuses.bits[i] |= statuses.bits[i];
    return true;
}

bool parse_retry_on(struct parse *p, void *out) {
    struct retry_on *set = out;
    struct words w;
    struct word word;
    struct span at;
    int got;

    *set = (struct retry_on){0};
    words_init(&w, WORDS_BLANKS, p->s, p->n, p->v->scratch);
    while ((got = next_word(p, &w, true, &word, &at)) > 0)
        if (!add_retry_word(p, set, &w, &word, at))
            return false;
    return !got;
}

/* --- reports --- */

bool parse_reports(struct parse *p, void *out) {
    struct reports *reports = out;
    struct names names;

    if (!parse_list(p, WORDS_LIST, NULL, &names))
        return false;
    *reports = (struct reports){.list = arena_array(p->v->arena, struct report_spec, names.count),
                                .at = arena_array(p->v->scratch, struct span, names.count)};
    unsigned faults = 0;
    for (uint32_t i = 0; i < names.count && faults < PARSE_FAULTS_MAX; i++) {
        const struct name *name = &names.list[i];
        const char *colon = memchr(name->text, ':', name->len);
        size_t n = colon ? (size_t)(colon - name->text) : name->len;
        int format = text_choose(name->text, n, report_format_words);
        const char *shown = parse_shown(p, name->text, n);
        if (format < 0) {
            const char *near = diag_nearest(name->text, n, report_format_words);
            faults += !parse_fault_at(
                p, name->at, "'%s' is not a report format (such as table, json, junit)" DIAG_NEAR,
                shown, DIAG_NEAR_ARGS(near));
        } else if (colon && n + 1 == name->len) {
            faults += !parse_fault_at(p, name->at, "a file is missing behind '%s:'", shown);
        } else {
            const char *file = colon ? parse_path(p, colon + 1, name->len - n - 1) : NULL;
            reports->list[reports->count] =
                (struct report_spec){.format = (enum report_format)format, .file = file};
            reports->at[reports->count++] = name->at;
        }
    }
    return !faults;
}
