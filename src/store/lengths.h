/* SPDX-License-Identifier: MIT */
/* lengths: how long jobs took in runs of before. */
#ifndef MUSTER_STORE_LENGTHS_H
#define MUSTER_STORE_LENGTHS_H
#include <stdint.h>

#include "plan/plan.h"

/* What is known of a job, or of the items of a section, by a run of before. */
struct length {
    int64_t ns;     /* how long it took, all its attempts, an item on an average */
    uint32_t count; /* items that there were; of other jobs 1; 0: nothing is known */
};

/*
 * One for each job of the plan, by the last of the last few runs of this manifest in which it
 * ran to its end. Malloc'd. NULL: there is no history, or it cannot be read. Opens the database
 * in a folder; blocks.
 */
struct length *lengths_read(const char *folder, const struct plan *plan);
#endif
