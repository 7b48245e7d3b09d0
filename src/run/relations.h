/* SPDX-License-Identifier: MIT */
/* relations: which sections with items go through the same list, joined by `[*]`. */
#ifndef MUSTER_RUN_RELATIONS_H
#define MUSTER_RUN_RELATIONS_H
#include <stdbool.h>
#include <stdint.h>

#include "plan/plan.h"
#include "run/result.h"

#define NO_SECTION UINT32_MAX

/* Of a section with items. Those that are joined, by whatever way round, are a family. */
struct relation {
    uint32_t job;    /* the section, in the plan */
    uint32_t lead;   /* the section of its family that the manifest has first */
    uint32_t next;   /* the next of its family, or NO_SECTION */
    uint32_t npairs; /* edges by which it comes after others, item by item */
    bool followed;   /* others come so after it */
    bool knotted;    /* of a lead: one of the family waits, by another way than `[*]`, for all
                        items of one of the same: these must not wait for those that wait */
};

/*
 * Fills of[] for n sections, in the plan's order. by_job[]: for jobs of the plan that have items,
 * which one it is. 0 or UV_ENOMEM.
 */
int relations_find(const struct plan *plan, const uint32_t *by_job, uint32_t n,
                   struct relation *of);

/* The k-th of the jobs that another comes after, when item by item; else NO_JOB. */
static inline uint32_t relations_pair(const struct plan_job *job, uint32_t k) {
    return job_after_item(job, k) == AFTER_SAME ? job->after[k] : NO_JOB;
}
#endif
