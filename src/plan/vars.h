/* SPDX-License-Identifier: MIT */
/* vars: variables, and texts that name them. */
#ifndef MUSTER_PLAN_VARS_H
#define MUSTER_PLAN_VARS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/map.h"
#include "plan/manifest.h"
#include "plan/plan.h"

/* A part of a text: bytes that stand for themselves, or a {NAME}. */
struct piece {
    bool reference;
    size_t at, len;   /* in the text, braces and all */
    const char *text; /* the bytes, or the name */
    size_t text_len;
};
/*
 * Takes the next part of n bytes from *at on, which it moves. "{{" and "}}"
 * are a part of one byte; "{" before anything but NAME} is itself. False at
 * the end.
 */
bool vars_next_piece(const char *s, size_t n, size_t *at, struct piece *piece);

struct var {
    const char *name;
    struct text text;  /* as [vars] has it */
    struct span at;    /* of its name there; {0, 0}: of --define */
    const char *value; /* set by vars_expand */
    int state;
};

struct vars {
    struct arena *arena, *scratch; /* values go to the first */
    struct diag *diag;
    struct map names;
    struct var *list;
    size_t count, cap;
    const struct env_var *axes; /* stronger than these while an item's values are put in;
                                 * a NULL name ends it; or NULL */
    unsigned suggestions;       /* made so far */
};

void vars_init(struct vars *v, struct arena *arena, struct arena *scratch, struct diag *diag);
/*
 * What speaks against a variable's name in words, or NULL: its form, and names
 * that steer muster, the loader or the shell.
 */
const char *vars_name_fault(const char *name, size_t n);
/* Declares a variable of [vars], after those of --define. The name's form was checked. */
void vars_declare(struct vars *v, const char *name, size_t n, struct span at, struct text text);
/* Takes a NAME=VALUE of --define, which is stronger than [vars]. Reports a bad one. */
void vars_define(struct vars *v, const char *define);
/* Puts values into values, whatever their order. Reports cycles and unknown names. */
void vars_expand(struct vars *v);
/* A variable, or NULL. */
const struct var *vars_get(const struct vars *v, const char *name, size_t n);
/*
 * s with all values put in, NUL behind, in the arena; *len is its length.
 * Calls `missing` for each name that is not declared, up to a few. NULL after
 * such, or when the result is absurdly long (`missing` is then called with
 * NULL). A text without braces is copied.
 */
typedef void (*vars_missing_cb)(void *ctx, const struct piece *piece);
const char *vars_put_in(const struct vars *v, const char *s, size_t n, size_t *len,
                        vars_missing_cb missing, void *ctx);
/* The declared name nearest to a word, or NULL. */
const char *vars_nearest(struct vars *v, const char *name, size_t n);
/* A copy for after the plan was sealed, all in its arena. */
struct vars *vars_keep(const struct vars *v);
/* All variables as environment, a NULL name at the end. */
const struct env_var *vars_environment(const struct vars *v);
#endif
