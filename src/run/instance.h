/* SPDX-License-Identifier: MIT */
/* instance: one item of a section, as a job that lives. */
#ifndef MUSTER_RUN_INSTANCE_H
#define MUSTER_RUN_INSTANCE_H
#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "plan/plan.h"
#include "run/result.h"
#include "run/telling.h"

struct kin;

/* What becomes of items that are not to start any more. */
struct closing {
    struct verdict verdict;
    uint32_t cause; /* see job_result */
};

/* How a job has ended, for those that come after it. */
struct fare {
    bool failed, unwanted;
    uint32_t cause;              /* of failed */
    const struct told_set *told; /* what they get to see, or NULL */
};

/* One item of a section. */
struct instance {
    uint32_t id, section;        /* its number; its section's */
    bool used;                   /* else it waits to be used again, */
    struct instance *next;       /* of those that do, or NULL */
    bool unstarted;              /* it waits for its start, for the first time */
    bool dep_failed;             /* of those with the same values that it comes after one did not */
    bool dep_unwanted;           /* succeed, or was skipped by choice */
    uint32_t cause;              /* of dep_failed: what job_result.cause has, or NO_JOB */
    const struct told_set *told; /* by those, or NULL */
    struct plan_job def;
    uint8_t settled;               /* enum settled, before this run */
    const char *fault;             /* why its values do not do, or NULL */
    const struct closing *closing; /* it is not to start, or NULL */
    struct job_result result;
    struct arena arena; /* of def */
    struct kin *kin;
    _Alignas(8) char own[]; /* the scheduler's part */
};
#endif
