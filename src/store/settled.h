/* SPDX-License-Identifier: MIT */
/* settled: which jobs a run of before has settled, so that a later one leaves them out. */
#ifndef MUSTER_STORE_SETTLED_H
#define MUSTER_STORE_SETTLED_H
#include <stddef.h>
#include <stdint.h>

#include "plan/plan.h"
#include "run/result.h"
#include "store/past.h"

/* What a run has settled. */
struct settled_set;

/*
 * Looks up a plan's jobs, by their definitions, among those of a run that does not go
 * on: an enum settled for each in `settled` (room for plan->njobs); a service is not where
 * something that comes after it is to run. *count is how many are not SETTLED_NO. What they
 * told, malloc'd, goes to `facts` (of as many, zeroed). *set is for items, to be freed; what
 * that run had left out of them is in it too. 0 or UV_E…, then past->db.why says what is
 * wrong, and there may be facts all the same. Blocks.
 */
int settled_load(struct past *past, int64_t row, const char *id, const struct plan *plan,
                 uint8_t *settled, struct facts **facts, uint32_t *count, struct settled_set **set);
/* What became of an item there. *told: what it told, to free(), or NULL; that there is no
 * memory for it settles nothing. Main thread. */
enum settled settled_item(struct settled_set *set, const struct plan_job *job, struct facts **told);
/* How many items that run has settled, whether or not they are the plan's. */
size_t settled_items(const struct settled_set *set);
/* Accepts NULL; returns NULL. */
struct settled_set *settled_free(struct settled_set *set);
#endif
