/* SPDX-License-Identifier: MIT */
/* supply: the items of all sections of a plan, as the scheduler asks for them. */
#ifndef MUSTER_RUN_SUPPLY_H
#define MUSTER_RUN_SUPPLY_H
#include <uv.h>

#include "plan/plan.h"
#include "run/instances.h"

/* All on the loop's thread. */
struct supply;

/* The functions for struct sched_opts; their ctx is the supply. */
extern const struct item_source supply_source;

/* `news(ctx)` says that sched_news() is to be called. NULL when out of memory. */
struct supply *supply_new(const struct plan *plan, uv_loop_t *loop, void (*news)(void *ctx),
                          void *ctx);
/* Closes what is open, which the loop then finishes. Accepts NULL; returns NULL. */
struct supply *supply_free(struct supply *s);
#endif
