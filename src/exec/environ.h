/* SPDX-License-Identifier: MIT */
/* environ: the environment of each attempt. */
#ifndef MUSTER_EXEC_ENVIRON_H
#define MUSTER_EXEC_ENVIRON_H
#include "exec/attempt.h"
#include "plan/plan.h"

struct facts_folder;
struct mask_set;

/* What all attempts of a run share, merged once. Any thread reads it. */
struct environ;

/*
 * Merges muster's own environment (less MUSTER_…, which an outer muster may
 * have set, except MUSTER_DEBUG) with [vars] and [env]. `folder`: of MUSTER_OUTPUT,
 * or NULL: there is none. NULL when out of memory. All must outlive it.
 */
struct environ *environ_new(const struct plan *plan, const char *run_id,
                            const struct facts_folder *folder, char *const *inherited);
/* What MAKEFLAGS is to say to jobs that have a jobserver, of each form. Must outlive it. */
void environ_set_jobserver(struct environ *e, const char *pipe, const char *fifo);
/* Accepts NULL; returns NULL. */
struct environ *environ_free(struct environ *e);
/* An env-file as it was read at a start; all in the arena given. */
struct late_env {
    const struct env_var *vars; /* NULL after an error */
    int error;                  /* 0 or UV_E… */
    const char *fault;          /* "PATH:LINE: what is wrong there", or NULL: the file is */
};
/* Reads an env-file that was not there when the plan was checked. Blocks. */
struct late_env environ_read_late(struct arena *arena, const char *path);
/*
 * The secrets' values where an env-file that was read at the start, or a job before,
 * has some: these and all that the plan knows. *out is NULL where there are none. 0
 * or UV_ENOMEM.
 */
int environ_late_mask(const struct environ *e, const struct env_var *late,
                      const struct told_set *told, struct mask_set **out);
/* The environment of one attempt, one block to free(); NULL when out of memory.
 * `late`: the variables of environ_read_late(), or NULL. `listing`: MUSTER_ITEMS, or NULL. */
char **environ_make(const struct environ *e, const struct plan_job *job, const struct env_var *late,
                    const char *listing, const struct attempt *a);
/* What a persistent worker gets of it with a task: the job's own variables, those of jobs
 * before, its item's, and MUSTER_…; the same. */
char **environ_task(const struct environ *e, const struct plan_job *job, const char *listing,
                    const struct attempt *a);
#endif
