/* SPDX-License-Identifier: MIT */
/* validate: rules that only the whole plan can break, and the order that follows. */
#ifndef MUSTER_PLAN_VALIDATE_H
#define MUSTER_PLAN_VALIDATE_H
#include "plan/loader.h"

/*
 * Checks names, lanes and order of all jobs, resolves `after`, sets
 * plan->order when there is no cycle.
 */
void validate_jobs(struct loader *l);
/* Reports jobs whose outputs a job after both would get by the same variables. */
void clash_check(struct loader *l);
/* Leaves only the wanted jobs and what they come after. Reports names and tags nobody bears. */
void select_jobs(struct loader *l);
#endif
