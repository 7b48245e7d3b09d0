/* SPDX-License-Identifier: MIT */
/* vars: variables, and texts that name them. */
#include "plan/vars.h"

#include <string.h>

#include "base/text.h"
#include "base/trace.h"
#include "base/utf8.h"

#define GROWTH_MAX      (1U << 20) /* bytes by which a text may grow when values are put in */
#define MISSING_MAX     10         /* reported in one text: nobody reads more of one line */
#define SUGGESTIONS_MAX 50         /* in a run: each looks at all names */

static bool is_name_byte(char c) {
    return (c >= '0' && c <= '9') || text_var_valid(&c, 1);
}

bool vars_next_piece(const char *s, size_t n, size_t *at, struct piece *piece) {
    size_t from = *at, i = from;

    if (i >= n)
        return false;
    *piece = (struct piece){.at = from, .text = s + from};
    while (i < n && s[i] != '{' && s[i] != '}')
        i++;
    piece->len = piece->text_len = i - from;
    if (i == from) {
        size_t end = i + 1;
        while (end < n && s[i] == '{' && is_name_byte(s[end]))
            end++;
        if (end < n && s[end] == '}' && text_var_valid(s + i + 1, end - i - 1)) {
            piece->reference = true;
            piece->text = s + i + 1;
            piece->text_len = end - i - 1;
            piece->len = end + 1 - from;
        } else {
            piece->len = 1 + (i + 1 < n && s[i + 1] == s[i]);
            piece->text_len = 1;
        }
    }
    *at = from + piece->len;
    return true;
}

void vars_init(struct vars *v, struct arena *arena, struct arena *scratch, struct diag *diag) {
    *v = (struct vars){.arena = arena, .scratch = scratch, .diag = diag};
    map_init(&v->names, scratch);
}

const char *vars_name_fault(const char *name, size_t n) {
    /* What glibc's loader and libraries or a shell act upon before the job does. */
    static const char *const refused[] = {
        "PATH",     "IFS", "ENV",        "BASH_ENV",       "CDPATH", "SHELLOPTS",
        "BASHOPTS", "PS4", "GCONV_PATH", "GLIBC_TUNABLES", NULL};

    if (!text_var_valid(name, n))
        return "is not the name of a variable (letters, digits and '_', no digit first)";
    if (n >= 7 && !memcmp(name, "MUSTER_", 7))
        return "cannot be a variable: names in MUSTER_ are muster's own";
    if ((n >= 3 && !memcmp(name, "LD_", 3)) || text_choose(name, n, refused) >= 0)
        return "cannot be a variable: it steers the loader or the shell";
    return NULL;
}

const struct var *vars_get(const struct vars *v, const char *name, size_t n) {
    uint32_t i = map_get(&v->names, name, n);

    return i == MAP_NONE ? NULL : &v->list[i];
}

/* A new variable at the end of the list. */
static struct var *add_var(struct vars *v, const char *name, size_t n) {
    v->list = arena_grow(v->scratch, v->list, v->count, &v->cap, sizeof *v->list);
    struct var *var = &v->list[v->count];
    *var = (struct var){.name = arena_strndup(v->arena, name, n)};
    map_set(&v->names, var->name, n, (uint32_t)v->count++);
    return var;
}

void vars_declare(struct vars *v, const char *name, size_t n, struct span at, struct text text) {
    if (map_get(&v->names, name, n) != MAP_NONE)
        return; /* --define is stronger, and came first */
    struct var *var = add_var(v, name, n);

    var->at = at;
    var->text = text;
}

void vars_define(struct vars *v, const char *define) {
    const char *equals = strchr(define, '=');
    const char *fault = equals ? vars_name_fault(define, (size_t)(equals - define)) : NULL;

    if (!equals || equals == define) {
        diag_error(v->diag, (struct span){0, 0}, "--define: '%s' is not NAME=VALUE", define);
        return;
    }
    size_t n = (size_t)(equals - define);
    if (fault) {
        diag_error(v->diag, (struct span){0, 0}, "--define: '%.*s' %s", (int)n, define, fault);
        return;
    }
    if (strlen(define) > PLAN_STRING_MAX) {
        diag_error(v->diag, (struct span){0, 0},
                   "--define: '%.*s' is too long for the environment (%zu bytes, at most %u)",
                   (int)n, define, strlen(define), PLAN_STRING_MAX);
        return;
    }
    uint32_t i = map_get(&v->names, define, n);
    struct var *var = i == MAP_NONE ? add_var(v, define, n) : &v->list[i];
    var->at = (struct span){0, 0};
    var->value = arena_strndup(v->arena, equals + 1, strlen(equals + 1));
}

struct vars *vars_keep(const struct vars *v) {
    struct vars *copy = arena_new(v->arena, struct vars);

    vars_init(copy, v->arena, v->arena, NULL);
    for (size_t i = 0; i < v->count; i++) {
        struct var *var = add_var(copy, v->list[i].name, strlen(v->list[i].name));
        var->value = v->list[i].value;
        var->state = v->list[i].state;
    }
    return copy;
}

/* --- putting values in --- */

/* The value of a name, "" for one that has none yet; NULL: it is not declared. */
static const char *find_value(const struct vars *v, const struct piece *name) {
    const struct var *var;

    for (const struct env_var *axis = v->axes; axis && axis->name; axis++)
        if (text_is(name->text, name->text_len, axis->name))
            return axis->value;
    var = vars_get(v, name->text, name->text_len);
    return var && !var->value ? "" : var ? var->value : NULL;
}

const char *vars_put_in(const struct vars *v, const char *s, size_t n, size_t *len,
                        vars_missing_cb missing, void *ctx) {
    struct piece piece;
    unsigned unknown = 0;

    *len = 0;
    for (size_t at = 0; vars_next_piece(s, n, &at, &piece);) {
        if (!piece.reference) {
            *len += piece.text_len;
            continue;
        }
        const char *value = find_value(v, &piece);
        if (value)
            *len += strlen(value);
        else if (unknown++ < MISSING_MAX)
            missing(ctx, &piece);
    }
    if (unknown)
        return NULL;
    if (*len > n + GROWTH_MAX) {
        missing(ctx, NULL);
        return NULL;
    }
    char *out = arena_alloc(v->arena, *len + 1), *to = out;
    for (size_t at = 0; vars_next_piece(s, n, &at, &piece);) {
        if (piece.reference) {
            piece.text = find_value(v, &piece);
            piece.text_len = strlen(piece.text);
        }
        if (piece.text_len)
            memcpy(to, piece.text, piece.text_len);
        to += piece.text_len;
    }
    return out;
}

const char *vars_nearest(struct vars *v, const char *name, size_t n) {
    if (v->suggestions++ >= SUGGESTIONS_MAX)
        return NULL;
    const char **names = arena_array(v->scratch, const char *, v->count + 1);
    for (size_t i = 0; i < v->count; i++)
        names[i] = v->list[i].name;
    return diag_nearest(name, n, names);
}

/* --- values of variables --- */

enum { VAR_NEW, VAR_ACTIVE, VAR_DONE };

/* A variable whose text is being walked, and how far. */
struct frame {
    struct var *var;
    size_t at;
};

/* For messages about one variable's text. */
struct reporter {
    struct vars *vars;
    const struct var *var;
};

static void report_missing(void *ctx, const struct piece *piece) {
    const struct reporter *r = ctx;

    if (!piece) {
        diag_error(r->vars->diag, r->var->at, "%s: the value gets too long", r->var->name);
        return;
    }
    const char *near = vars_nearest(r->vars, piece->text, piece->text_len);
    diag_error(r->vars->diag, text_span(&r->var->text, piece->at, piece->len),
               "%s: variable '%.*s' is not declared" DIAG_NEAR, r->var->name, (int)piece->text_len,
               piece->text, DIAG_NEAR_ARGS(near));
}

/* Names the variables of a cycle, from `first` up the stack and back to it. */
static void report_cycle(struct vars *v, const struct frame *stack, size_t depth,
                         const struct var *first) {
    size_t from = depth;

    while (stack[--from].var != first)
        ;
    char *chain = arena_printf(v->scratch, "%s", first->name);
    for (size_t i = from; i < depth && i < from + 50; i++)
        chain = arena_printf(v->scratch, "%s uses %s", chain,
                             (i + 1 < depth ? stack[i + 1].var : first)->name);
    diag_error(v->diag, first->at, "%s: cycle: %s%s", first->name, chain,
               depth > from + 50 ? " ..." : "");
}

static void finish_var(struct vars *v, struct var *var) {
    struct reporter reporter = {v, var};
    size_t len;

    var->value = vars_put_in(v, var->text.bytes, var->text.len, &len, report_missing, &reporter);
    var->state = VAR_DONE;
    if (var->value && strlen(var->name) + 1 + len > PLAN_STRING_MAX) {
        var->value = NULL;
        diag_error(v->diag, var->at,
                   "%s: with its value of %zu bytes it is too long for the "
                   "environment (%u bytes with the name)",
                   var->name, len, PLAN_STRING_MAX);
    }
    if (!var->value)
        var->value = "";
}

/* Expands one variable and those that it needs, by a stack of our own: chains may be long. */
static void expand_var(struct vars *v, struct var *var, struct frame *stack) {
    size_t depth = 0;

    var->state = VAR_ACTIVE;
    stack[depth++] = (struct frame){var, 0};
    while (depth) {
        struct frame *top = &stack[depth - 1];
        struct piece piece;
        if (!vars_next_piece(top->var->text.bytes, top->var->text.len, &top->at, &piece)) {
            finish_var(v, top->var);
            depth--;
            continue;
        }
        uint32_t i = piece.reference ? map_get(&v->names, piece.text, piece.text_len) : MAP_NONE;
        if (i == MAP_NONE || v->list[i].state == VAR_DONE)
            continue;
        if (v->list[i].state == VAR_ACTIVE) {
            report_cycle(v, stack, depth, &v->list[i]);
            continue;
        }
        v->list[i].state = VAR_ACTIVE;
        stack[depth++] = (struct frame){&v->list[i], 0};
    }
}

void vars_expand(struct vars *v) {
    struct frame *stack = arena_array(v->scratch, struct frame, v->count);

    for (size_t i = 0; i < v->count; i++)
        if (v->list[i].value)
            v->list[i].state = VAR_DONE; /* of --define: taken as it is */
    for (size_t i = 0; i < v->count; i++)
        if (v->list[i].state == VAR_NEW)
            expand_var(v, &v->list[i], stack);
    trace(TRACE_PLAN, "%zu variables", v->count);
}

const struct env_var *vars_environment(const struct vars *v) {
    struct env_var *env = arena_array(v->arena, struct env_var, v->count + 1);

    for (size_t i = 0; i < v->count; i++)
        env[i] = (struct env_var){v->list[i].name, v->list[i].value};
    return env;
}
