/* SPDX-License-Identifier: MIT */
/* escape: foreign bytes as text of a report's own grammar. */
#include "report/escape.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

/* A character and what stands for it. */
struct pair {
    char c;
    const char *as;
};

struct grammar {
    const char *keep; /* control characters that stay, or have a row below */
    bool drop_ansi;   /* escape sequences of terminals are left out */
    struct pair pairs[20];
    const char *lone; /* where one of these follows itself it is written as its number */
};

/* clang-format off */
#define MARKUP {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}
/* clang-format on */
#define COMMANDS ":#" /* lines of a CI log that begin with "::" or have "##[" */

static const struct grammar grammars[ESCAPES] = {
    [ESCAPE_XML] = {"\n\t\r", true, {MARKUP, {'\r', "&#13;"}}, COMMANDS},
    [ESCAPE_ATTRIBUTE] = {NULL, false, {MARKUP}, COMMANDS},
    [ESCAPE_HTML] = {"\n\t", false, {MARKUP, {'\'', "&#39;"}}, COMMANDS},
    /* "@" would call people, "#" issues, "$" formulas. */
    [ESCAPE_MARKDOWN] = {"\n\t",
                         false,
                         {{'&', "&amp;"},
                          {'<', "&lt;"},
                          {'>', "&gt;"},
                          {'|', "\\|"},
                          {'\\', "\\\\"},
                          {'`', "\\`"},
                          {'*', "\\*"},
                          {'_', "\\_"},
                          {'~', "\\~"},
                          {'[', "\\["},
                          {']', "\\]"},
                          {'!', "\\!"},
                          {'$', "&#36;"},
                          {'@', "&#64;"},
                          {'#', "&#35;"},
                          {'\n', " "},
                          {'\t', " "}}},
    [ESCAPE_TAP] = {"\n\t", false, {{'#', "\\#"}, {'\\', "\\\\"}, {'\n', " "}, {'\t', " "}}},
    [ESCAPE_COMMENT] = {"\t", false, {{0, NULL}}},
    [ESCAPE_YAML] = {"\n\t", false, {{'\'', "''"}, {'\n', " "}, {'\t', " "}}},
    [ESCAPE_LABEL] = {"\n", false, {{'\\', "\\\\"}, {'"', "\\\""}, {'\n', "\\n"}}},
    [ESCAPE_TSV] = {"\n\t", false, {{'\n', "\\n"}, {'\t', "\\t"}}},
};

static const char *find_pair(const struct grammar *g, char c) {
    for (const struct pair *p = g->pairs; p->as; p++)
        if (p->c == c)
            return p->as;
    return NULL;
}

/* How many bytes at s an escape sequence of a terminal takes (ECMA-48), 0: none. */
static size_t ansi_length(const char *s, size_t n) {
    size_t i = 2;

    if (n < 2 || s[0] != '\033')
        return 0;
    if (s[1] == '[') { /* parameters, intermediates, one final byte */
        while (i < n && s[i] >= 0x20 && s[i] <= 0x3f)
            i++;
        return i < n && s[i] >= 0x40 && s[i] <= 0x7e ? i + 1 : 0;
    }
    if (s[1] == ']') { /* up to BEL or ESC \ */
        for (; i < n && s[i] != '\n'; i++) {
            if (s[i] == '\007')
                return i + 1;
            if (s[i] == '\033' && i + 1 < n && s[i + 1] == '\\')
                return i + 2;
        }
        return 0;
    }
    return s[1] >= 0x40 && s[1] <= 0x5f ? 2 : 0;
}

static bool is_lone(const struct grammar *g, char c) {
    return g->lone && strchr(g->lone, c);
}

/* How many bytes at s need nothing done to them. */
static size_t plain_length(const struct grammar *g, const char *s, size_t n) {
    size_t i = 0;

    while (i < n && s[i] >= ' ' && s[i] <= '~' && !find_pair(g, s[i]) && !is_lone(g, s[i]))
        i++;
    return i;
}

/* Writes a character behind another one. */
static void put(FILE *out, const struct grammar *g, char before, char c) {
    const char *as = find_pair(g, c);

    if (as)
        fputs(as, out);
    else if (c == before && is_lone(g, c))
        fprintf(out, "&#%d;", c);
    else
        fputc(c, out);
}

void escape_write(FILE *out, enum escape how, const char *s, size_t n) {
    const struct grammar *g = &grammars[how];
    char before = ' ';
    size_t at = 0;

    while (at < n) {
        char step[TEXT_VISIBLE_MAX];
        size_t plain = plain_length(g, s + at, n - at), used;

        fwrite(s + at, 1, plain, out);
        at += plain;
        before = plain ? ' ' : before;
        if (at == n)
            break;
        used = g->drop_ansi ? ansi_length(s + at, n - at) : 0;
        if (!used) {
            used = text_visible_step(s + at, n - at, g->keep, step);
            for (const char *c = step; *c; before = *c++)
                put(out, g, before, *c);
        }
        at += used;
    }
}

void escape_text(FILE *out, enum escape how, const char *s) {
    escape_write(out, how, s, strlen(s));
}
