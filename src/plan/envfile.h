/* SPDX-License-Identifier: MIT */
/* envfile: NAME=value lines. */
#ifndef MUSTER_PLAN_ENVFILE_H
#define MUSTER_PLAN_ENVFILE_H
#include <stddef.h>

#include "base/mem.h"
#include "plan/plan.h"

/* One line that is none: its offset, length, and what is wrong in words. */
typedef void (*envfile_fault_cb)(void *ctx, size_t at, size_t n, const char *what);
/*
 * Reads n bytes: a NAME=value a line, raw to its end; blank lines and lines
 * that begin with # are skipped, and so is what muster sets itself; of doubles
 * the last counts. All in the arena, a NULL name at the end. Any thread that
 * owns the arena. NULL when out of memory, where the arena does not jump then.
 */
const struct env_var *envfile_parse(struct arena *arena, const char *bytes, size_t n,
                                    envfile_fault_cb fault, void *ctx);
#endif
