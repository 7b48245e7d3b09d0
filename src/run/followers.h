/* SPDX-License-Identifier: MIT */
/* followers: knows when all that comes after a job, directly or not, has ended. Pure. */
#ifndef MUSTER_RUN_FOLLOWERS_H
#define MUSTER_RUN_FOLLOWERS_H
#include <stdbool.h>
#include <stdint.h>

#include "plan/plan.h"

struct followers;

/* NULL when out of memory. The plan outlives it. */
struct followers *followers_new(const struct plan *plan);
/* Accepts NULL; returns NULL. */
struct followers *followers_free(struct followers *f);
/*
 * A job has ended, which is told once. `alone` is called for each job that has not, but
 * of whose followers this was the last. All calls together are linear in the plan.
 */
void followers_ended(struct followers *f, uint32_t job, void (*alone)(void *ctx, uint32_t job),
                     void *ctx);
/* All that comes after the job has ended, or nothing does. */
bool followers_gone(const struct followers *f, uint32_t job);
/* Whether something comes after it at all. */
bool followers_any(const struct followers *f, uint32_t job);
/* All that does has ended, and so has the job. */
bool followers_over(const struct followers *f, uint32_t job);
#endif
