/* SPDX-License-Identifier: MIT */
/* slow: which running attempts are past their job's `slow`, each told once. */
#ifndef MUSTER_RUN_SLOW_H
#define MUSTER_RUN_SLOW_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/plan.h"

/* All zero: nothing told yet. One thread. */
struct slow {
    int64_t *told; /* by job: the start of the attempt that was told, in run time */
    size_t count;
};

/* How often to look at what runs, in ms; 0: no job has `slow`. */
uint64_t slow_period_ms(const struct plan *plan);
/*
 * Whether an attempt at job `id` that runs since `since` (run time) is to be pointed
 * out now. Where memory is short it may be forgotten.
 */
bool slow_due(struct slow *s, uint32_t id, const struct job_settings *set, int64_t since,
              int64_t now);
void slow_release(struct slow *s);
#endif
