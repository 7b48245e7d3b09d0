/* SPDX-License-Identifier: MIT */
/* tags: which jobs have the tags that are wanted. */
#ifndef MUSTER_PLAN_TAGS_H
#define MUSTER_PLAN_TAGS_H
#include "plan/loader.h"

/*
 * Marks in `keep`, a place per job, those with one of the wanted tags
 * (plan_opts.tags). Reports tags that no job has; whether there are none.
 */
bool tags_mark(struct loader *l, bool *keep);
#endif
