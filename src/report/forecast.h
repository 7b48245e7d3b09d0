/* SPDX-License-Identifier: MIT */
/* forecast: how long a run will take yet, by how long its jobs took before. Pure. */
#ifndef MUSTER_REPORT_FORECAST_H
#define MUSTER_REPORT_FORECAST_H
#include <stdint.h>

#include "plan/plan.h"
#include "store/lengths.h"

struct forecast;

/*
 * By what is known of each of the plan's jobs; those that nothing is known of are taken for
 * average, sections with axes for one item. `items` is how many items each has, 0: as many as
 * before; NULL: all do. NULL: of more than half of the jobs nothing is known, or out of memory.
 */
struct forecast *forecast_new(const struct plan *plan, const struct length *lengths,
                              const uint32_t *items);
/* Accepts NULL; returns NULL. */
struct forecast *forecast_free(struct forecast *f);
/* A job has ended, however, or one item of a section. */
void forecast_ended(struct forecast *f, uint32_t section);
/* No more items of a section come. */
void forecast_closed(struct forecast *f, uint32_t section);
/* One that runs for so long by now: to be told of all before forecast_left(). */
void forecast_running(struct forecast *f, uint32_t section, int64_t elapsed_ns);
/* How long it will take yet with lanes of so many slots, of what was told since the last call:
 * the longest of what either lane has to do and of what comes after a job that runs. */
int64_t forecast_left(struct forecast *f, const uint32_t width[LANES]);
#endif
