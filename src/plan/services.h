/* SPDX-License-Identifier: MIT */
/* services: what is wrong with jobs that are expected to stay up. */
#ifndef MUSTER_PLAN_SERVICES_H
#define MUSTER_PLAN_SERVICES_H
#include "plan/loader.h"

/* Reports it. The order of the jobs is known. */
void services_check(struct loader *l);
#endif
