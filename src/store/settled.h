/* SPDX-License-Identifier: MIT */
/* settled: which jobs a run of before has settled, so that a later one leaves them out. */
#ifndef MUSTER_STORE_SETTLED_H
#define MUSTER_STORE_SETTLED_H
#include <stdint.h>

#include "plan/plan.h"
#include "store/past.h"

/*
 * Looks up a plan's jobs, by their definitions, among those of a run that does not go
 * on: an enum settled for each in `settled` (room for plan->njobs). *count is how many
 * are not SETTLED_NO. What they told, malloc'd, goes to `facts` (of as many, zeroed). 0
 * or UV_E…, then past->db.why says what is wrong, and there may be facts all the same.
 * Blocks.
 */
int settled_load(struct past *past, int64_t row, const char *id, const struct plan *plan,
                 uint8_t *settled, struct facts **facts, uint32_t *count);
#endif
