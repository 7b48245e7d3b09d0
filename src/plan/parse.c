/* SPDX-License-Identifier: MIT */
/* parse: one value while it is being read: its text, its variables, its faults. */
#include "plan/parse.h"

#include <stdarg.h>
#include <string.h>

#define SHOWN_MAX 60 /* bytes of a value in a message */

/* --- faults --- */

__attribute__((format(printf, 3, 0))) static bool fault_va(struct parse *p, struct span at,
                                                           const char *fmt, va_list args) {
    diag_error(p->v->diag, at, "%.*s: %s", p->key_len, p->key,
               arena_vprintf(p->v->scratch, fmt, args));
    return false;
}

bool parse_fault_at(struct parse *p, struct span at, const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    fault_va(p, at, fmt, args);
    va_end(args);
    return false;
}

struct span parse_span(const struct parse *p, size_t at, size_t n) {
    return p->changed ? text_span(&p->raw, 0, p->raw.len) : text_span(&p->raw, at, n);
}

bool parse_fault(struct parse *p, size_t at, size_t n, const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    fault_va(p, parse_span(p, at, n), fmt, args);
    va_end(args);
    return false;
}

const char *parse_clip(struct arena *arena, const char *s, size_t n) {
    size_t cut = n;

    if (n > SHOWN_MAX)
        for (cut = SHOWN_MAX; cut && ((unsigned char)s[cut] & 0xc0) == 0x80; cut--)
            ;
    return arena_printf(arena, "%.*s%s", (int)cut, s, cut < n ? "..." : "");
}

const char *parse_shown(struct parse *p, const char *s, size_t n) {
    return parse_clip(p->v->scratch, s, n);
}

/* --- variables --- */

struct part {
    struct parse *p;
    const char *s;
    struct span at; /* of s, byte for byte, or of a word that s came from */
    bool exact;
};

static void report_missing(void *ctx, const struct piece *piece) {
    const struct part *part = ctx;
    struct vars *vars = part->p->v->vars;

    if (!piece) {
        parse_fault_at(part->p, part->at, "with its variables it gets too long");
        return;
    }
    struct span at = part->at;
    if (part->exact)
        at = part->s == part->p->raw.bytes
                 ? text_span(&part->p->raw, piece->at, piece->len)
                 : (struct span){at.at + (uint32_t)piece->at, (uint32_t)piece->len};
    if (part->p->row && part->p->row->type == VALUE_INCLUDE) {
        parse_fault_at(part->p, at,
                       "variable '%.*s' is not one of --define; others are not known yet",
                       (int)piece->text_len, piece->text);
        return;
    }
    const char *near = vars_nearest(vars, piece->text, piece->text_len);
    parse_fault_at(part->p, at, "variable '%.*s' is not declared" DIAG_NEAR, (int)piece->text_len,
                   piece->text, DIAG_NEAR_ARGS(near));
}

const char *parse_put_in(struct parse *p, const char *s, size_t n, struct span at, size_t *len) {
    struct part part = {p, s, at, at.len == n};

    return vars_put_in(p->v->vars, s, n, len, report_missing, &part);
}

/* Whether a name is a variable's, or an axis of the section that the text stands in. */
static bool is_declared(const struct parse *p, const struct piece *name) {
    if (vars_get(p->v->vars, name->text, name->text_len))
        return true;
    for (uint32_t i = 0; p->section && i < p->section->nentries; i++) {
        const struct entry *e = &p->section->entries[i];
        if (!e->row || e->row->effect != EFFECT_AXIS)
            continue;
        size_t skip = strlen(e->row->name);
        const char *tail = source_text(p->section->source, e->key) + skip;
        if (e->key.len >= skip + name->text_len && !memcmp(tail, name->text, name->text_len) &&
            (e->key.len == skip + name->text_len || tail[name->text_len] == '.'))
            return true;
    }
    return false;
}

/* A shell's text gets no values; who wrote {NAME} of a declared one may not know that. */
void parse_warn_of_references(struct parse *p) {
    struct piece piece;

    for (size_t at = 0; vars_next_piece(p->s, p->n, &at, &piece);) {
        bool shells_own = piece.at && p->s[piece.at - 1] == '$';
        if (!piece.reference || shells_own || !is_declared(p, &piece))
            continue;
        diag_warning(
            p->v->diag, parse_span(p, piece.at, piece.len),
            "%.*s: '{%.*s}' stays as it is in a text for the shell; \"$%.*s\" is its value",
            p->key_len, p->key, (int)piece.text_len, piece.text, (int)piece.text_len, piece.text);
        return;
    }
}

bool parse_put_in_all(struct parse *p) {
    if (!memchr(p->s, '{', p->n) && !memchr(p->s, '}', p->n))
        return true;
    struct span whole = text_span(&p->raw, 0, p->raw.len);
    struct part part = {p, p->s, whole, true};
    size_t n;
    p->s = vars_put_in(p->v->vars, p->s, p->n, &n, report_missing, &part);
    p->changed = true;
    p->n = n;
    return p->s;
}

const char *parse_path(struct parse *p, const char *s, size_t n) {
    return source_resolve(p->v->arena, p->folder, arena_strndup(p->v->scratch, s, n));
}
