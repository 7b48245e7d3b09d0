/* SPDX-License-Identifier: MIT */
/* telling: what of the outputs of jobs before a job gets to see. Pure. */
#ifndef MUSTER_RUN_TELLING_H
#define MUSTER_RUN_TELLING_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "exec/facts.h"

/* What jobs get beside what those before them see. */
struct told_gifts {
    struct told_gift *list;
    size_t count, cap;
};

/* All that is told in a run, embedded in its owner. One thread. */
struct telling {
    struct arena arena;
    const struct told_set **seen; /* by jobs: what each sees; when it has ended: those after it */
    size_t count;                 /* of these; none before somebody has told something */
    struct told_gifts gifts[2];   /* for jobs themselves; for those after them */
    bool lost;                    /* there was no memory for it */
};

void telling_init(struct telling *t);
/* Frees all sets. */
void telling_release(struct telling *t);
/* What a job, which can start now, sees: NULL: nothing. Lives as long as the run. */
const struct told_set *telling_see(struct telling *t, uint32_t job, const struct plan_job *def);
/* A job has ended. `facts`: what it told, or NULL; they are copied. */
void telling_end(struct telling *t, uint32_t job, const struct plan_job *def,
                 const struct facts *facts);
/* A job sees this too, or, `after`, those after it do: before its telling_see() or telling_end().
 * NULL: nothing. */
void telling_give(struct telling *t, uint32_t job, bool after, const struct told_set *set);

/*
 * What is in any of n sets, some of which may be NULL or the same. NULL: nothing.
 * Two jobs that would give the same variable, or a lack of memory, are the set's
 * fault: who gets it cannot run.
 */
const struct told_set *telling_join(struct telling *t, const struct told_set *const *sets,
                                    size_t n);
/* The same and what a job (its name is copied) told itself. */
const struct told_set *telling_add(struct telling *t, const struct told_set *set, const char *job,
                                   const struct facts *facts);
#endif
