/* SPDX-License-Identifier: MIT */
/* tend: what follows from jobs that have ended: others may start or never will, items begin. */
#ifndef MUSTER_RUN_TEND_H
#define MUSTER_RUN_TEND_H
#include <stdbool.h>
#include <stdint.h>

#include "run/sched_state.h"

/*
 * A job that ends is appended to `ended` and looked at by tend_settle() later, so that
 * a chain of 100,000 skipped jobs needs no recursion. Until tend_release() a job that is
 * ok and that others come after is put aside there.
 */

/* Gets ready for items. False: out of memory. After the slots and the ready. */
bool tend_open(struct sched *s);
/* What follows from jobs that have ended: dependents, items, on-failure. Many items that
 * never start are seen to in parts: the next at s->tend_at. */
void tend_settle(struct sched *s, int64_t now);
/* See sched_release(). */
void tend_release(struct sched *s, int64_t now);
#endif
