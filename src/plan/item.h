/* SPDX-License-Identifier: MIT */
/* item: the job that one item of a section is. */
#ifndef MUSTER_PLAN_ITEM_H
#define MUSTER_PLAN_ITEM_H
#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"
#include "plan/plan.h"

/*
 * Makes the job of one item of a section: named after it, with its values where
 * the section has them in its own. *job points into the plan, the item and the
 * arena, which all must outlive it; the arena's `on_oom` is the callee's for the
 * time. 0; UV_EINVAL: the values do not do, *fault says why, *job has its name;
 * UV_ENOMEM.
 */
int item_make_job(const struct plan *plan, const struct plan_job *section,
                  const struct plan_item *item, struct arena *arena, struct plan_job *job,
                  const char **fault);
/* Whether items of a section have each their own of what stands at this offset of struct
 * job_settings; the section's is none then. */
bool item_has_own(const struct plan_job *section, size_t offset);
#endif
