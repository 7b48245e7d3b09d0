/* SPDX-License-Identifier: MIT */
/* definition: what a job is, as one number: its name and all that its keys come to. */
#ifndef MUSTER_STORE_DEFINITION_H
#define MUSTER_STORE_DEFINITION_H
#include <stdint.h>

#include "plan/plan.h"

#define DEFINITION_BYTES 16

/*
 * Two jobs have the same definition when they have the same name and their
 * effective keys, and the variables and environment of the run, are equal; else
 * they differ (but by a chance that can be neglected). The values of secrets do not
 * count, nor do of the keys `secret`, which changes nothing of what a job does, and what
 * a limit that it names is.
 */
struct definition {
    unsigned char bytes[DEFINITION_BYTES];
};

/* Makes the definitions of one plan's jobs. */
struct definer {
    const struct plan *plan;
    struct definition shared;       /* what all jobs have: [vars], [env] */
    const struct job_settings *set; /* the settings that were looked at last, */
    struct definition of_set;       /* and what they came to: most jobs share theirs */
};

/* The plan outlives it. Any thread, one at a time, as definer_job(). */
void definer_init(struct definer *d, const struct plan *plan);
struct definition definer_job(struct definer *d, const struct plan_job *job);
#endif
