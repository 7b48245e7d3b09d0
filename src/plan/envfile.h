/* SPDX-License-Identifier: MIT */
/* envfile: NAME=value lines. */
#ifndef MUSTER_PLAN_ENVFILE_H
#define MUSTER_PLAN_ENVFILE_H
#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"
#include "plan/plan.h"

/* What a file may have. */
struct envfile_rules {
    size_t line_max;      /* bytes */
    const char *too_long; /* what is said of a line that has more */
    /* What speaks against a name, in words, or NULL. */
    const char *(*name_fault)(const char *name, size_t n);
    bool skip_own; /* what muster sets itself is passed over */
};
extern const struct envfile_rules envfile_variables; /* an env-file */
extern const struct envfile_rules envfile_outputs;   /* what a job wrote to $MUSTER_OUTPUT */

/* One line that is none: its offset, length, and what is wrong in words. */
typedef void (*envfile_fault_cb)(void *ctx, size_t at, size_t n, const char *what);
/*
 * Reads n bytes with a NUL behind: a NAME=value a line, raw to its end; blank
 * lines and lines that begin with # are skipped; of doubles the last counts. All in the arena, a
 * NULL name at the end. Any thread that owns the arena. NULL when out of memory, where the arena
 * does not jump then.
 */
const struct env_var *envfile_parse(struct arena *arena, const struct envfile_rules *rules,
                                    const char *bytes, size_t n, envfile_fault_cb fault, void *ctx);
#endif
