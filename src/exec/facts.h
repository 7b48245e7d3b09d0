/* SPDX-License-Identifier: MIT */
/* facts: what a job tells by the file $MUSTER_OUTPUT, and what is told to those after it. */
#ifndef MUSTER_EXEC_FACTS_H
#define MUSTER_EXEC_FACTS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/plan.h"

#define FACTS_BYTES_MAX (1U << 20) /* of one file */

/* What one attempt told. One block to free(). */
struct facts {
    char *fault;           /* why none of it can be used, in words, or NULL */
    size_t count;          /* of vars */
    struct env_var vars[]; /* names as for variables, none twice; a NULL name ends them */
};

/* A copy of n name=value pairs; NULL when out of memory. Any thread. */
struct facts *facts_new(const struct env_var *vars, size_t n);
/*
 * A copy of what a job told in which nothing of a secret is seen: neither its value nor
 * that of an output whose variable is called secret. *masked: there was something. NULL
 * when out of memory. Any thread.
 */
struct facts *facts_masked(const struct facts *facts, const struct plan *plan, const char *job,
                           bool *masked);
/* The file that would say this: malloc'd, its length in *n; NULL when out of memory. */
char *facts_text(const struct facts *facts, size_t *n);
/* What a file of n bytes, with a NUL behind, says; NULL when out of memory. Any thread. */
struct facts *facts_parse(const char *bytes, size_t n);

/* A variable of the jobs that come after. */
struct told {
    char *entry;     /* MUSTER_OUT_job_name=value */
    const char *job; /* whose it is */
};

/* All such variables of a job. Never changed once made; the run's. */
struct told_set {
    const char *fault; /* why they cannot be had, in words, or NULL */
    size_t count;
    const struct told *list[]; /* in the order of their entries' names, none twice */
};

/*
 * The folder in which jobs make their files: of this user alone, and of a name that
 * none can guess. The file of an attempt is not there before the job makes it, so
 * that those without one cost next to nothing: the folder's time tells whether anything
 * was ever made in it, and only then the file is looked for. (A watch by inotify(7)
 * would cost 8 to 20 ms as it is closed: the kernel waits for a grace period then.)
 */
struct facts_folder;

/* Makes one. 0 or UV_E…: none can be made anywhere. Blocks. */
int facts_folder_open(struct facts_folder **out);
/* Removes it if nothing is in it; nothing is made in it any more. Blocks. */
void facts_folder_remove(struct facts_folder *f);
/* Removes it, unless it is, with all that is in it. Blocks. Accepts NULL; returns NULL. */
struct facts_folder *facts_folder_close(struct facts_folder *f);
/* Its path, absolute. Accepts NULL, and returns NULL then. */
const char *facts_folder_path(const struct facts_folder *f);

/* The file of an attempt, into buf. Returns buf. */
#define FACTS_FILE_MAX 4200
const char *facts_file(const struct facts_folder *f, uint32_t job, uint32_t attempt,
                       char buf[FACTS_FILE_MAX]);
/* Whether an attempt of which nothing lives may have made its file; two calls of stat(2) at
 * most. Any thread. */
bool facts_made(struct facts_folder *f, uint32_t job, uint32_t attempt);
/*
 * What that file says; it is removed. *out is NULL where there is none. 0, or
 * UV_ENOMEM. Blocks. Any thread.
 */
int facts_read(struct facts_folder *f, uint32_t job, uint32_t attempt, struct facts **out);
#endif
