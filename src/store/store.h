/* SPDX-License-Identifier: MIT */
/*
 * store: the history of a run as it goes on, written by a thread of its own, so
 * that neither a slow disk nor another process that has the database locked ever
 * holds the loop.
 */
#ifndef MUSTER_STORE_STORE_H
#define MUSTER_STORE_STORE_H
#include <stdbool.h>
#include <stdint.h>

#include "run/result.h"

struct capture;
struct store;

#define STORE_KEEP_DEFAULT 100 /* runs of a manifest */

struct store_opts {
    const char *folder; /* the state folder's path, copied */
    uint32_t keep;      /* runs of this manifest that stay, this one among them */
    /* An enum settled per job that an earlier run has settled, or NULL; stays. They are
     * recorded as soon as the run is. */
    const uint8_t *settled;
    const char *resumes; /* id of that run, or NULL; stays */
};

/*
 * Makes one that has not begun; NULL when out of memory. Main thread, as all that
 * follow; only store_wait(), store_finish(), store_close() and
 * store_free() block.
 */
struct store *store_new(const struct store_opts *opts);
/*
 * The run begins: its id, start and plan are known, the rows of its jobs are at
 * run->jobs and stay. `wake` is called, on any thread, when store_ready() has become
 * true or there is trouble. Where descriptors are short, and so from the first where
 * it is not `roomy`, nothing is opened before the run ends: all is recorded then.
 */
void store_begin(struct store *s, const struct run_result *run, bool roomy, void (*wake)(void *arg),
                 void *arg);
/* No call of `wake` comes any more. */
void store_rest(struct store *s);
/*
 * A job's result stands: it and the job's definition stay, but of an item both are
 * copied. With the reason in words
 * (copied; "" or NULL: none), and the captured streams, which are shared (may be NULL).
 */
void store_add(struct store *s, const struct job_info *job, const char *words, struct capture *out,
               struct capture *err);
/* Whether an end that is added survives whatever happens to this process, from the
 * call on; also true when that cannot be had. */
bool store_ready(struct store *s);
/* Whether it has thousands to write yet. */
bool store_behind(struct store *s);
/* Waits until it is. */
void store_wait(struct store *s);
/* The run has ended as it says. Waits until that, and every job, is recorded. */
void store_finish(struct store *s, const struct run_result *run);
/* What went wrong since the last call, a sentence malloc'd; NULL: nothing. */
char *store_trouble(struct store *s);
/* Whether a record or output was lost to a disk that is full or broken. */
bool store_lost(struct store *s);
/* The run ends with that status, which is recorded if it has changed, and the thread
 * ends. Trouble may be left to tell. */
void store_close(struct store *s, int exit);
/* Closes it if need be. Accepts NULL; returns NULL. */
struct store *store_free(struct store *s);
#endif
