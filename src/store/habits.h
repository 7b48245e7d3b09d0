/* SPDX-License-Identifier: MIT */
/* habits: the lanes where jobs of type auto should start, by what they did in runs of before. */
#ifndef MUSTER_STORE_HABITS_H
#define MUSTER_STORE_HABITS_H
#include <stdint.h>

#include "plan/plan.h"

/*
 * For each of the plan's jobs the lane to start in, as enum lane: a job of type auto
 * that burned half a core or more when it last ran, in one of the last few runs of this
 * manifest, starts in the CPU lane, others where their type says. Malloc'd. NULL:
 * there is no history, or it cannot be read. Opens the database in a folder; blocks.
 */
uint8_t *habits_read(const char *folder, const struct plan *plan);
#endif
