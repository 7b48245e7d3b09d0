/* SPDX-License-Identifier: MIT */
/* record: writes one run and its jobs into the history's database. */
#ifndef MUSTER_STORE_RECORD_H
#define MUSTER_STORE_RECORD_H
#include <stdint.h>

#include "run/result.h"
#include "store/db.h"
#include "store/definition.h"
#include "store/ends.h"

struct capture;

#define RECORD_INLINE_MAX  (64U << 10)        /* longer streams get a file each */
#define RECORD_OUTPUTS_MAX (INT64_C(1) << 30) /* bytes that older runs' output may take */

/* A job's mark and the lane that it ended in; their words in the database. */
enum record_type {
    RECORD_IO,
    RECORD_CPU,
    RECORD_TASK,       /* cpu too */
    RECORD_AUTO,       /* in the I/O lane */
    RECORD_AUTO_CPU,   /* in the CPU lane, */
    RECORD_AUTO_MOVED, /* where it was moved to while it ran */
    RECORD_TYPES,
};
extern const char *const record_types[RECORD_TYPES];

/*
 * What all runs of a manifest share: its real path, or for one without a path
 * (standard input, a pipe) "name:" and the run's name, unless that is NULL.
 * Malloc'd; NULL when out of memory. Blocks.
 */
char *record_key(const char *manifest, const char *name);

/* A job that has ended. */
struct record_job {
    struct job_info info;
    uint32_t seq;      /* its number among all rows */
    const char *cause; /* name of the job that failed first, where that is an item; or NULL */
    const struct definition *definition;
    const char *words;               /* its reason, or NULL */
    const struct capture *out, *err; /* or NULL */
    int lost;                        /* why these are not there, UV_E…, or 0 */
};

/* One run under way. Functions return 0 or UV_E…: db.why says what went wrong;
 * all block and are the store's thread's. The caller of record_job()
 * and record_end() begins and commits. */
struct record {
    struct db db;
    const char *folder;
    const struct run_result *run; /* as it was when it began; the job rows are live */
    char *key;                    /* of its manifest */
    int64_t id;
    int64_t output_bytes;
    bool ended;       /* its row says so, once that is committed */
    char *block;      /* room for a stream of each kind */
    struct ends ends; /* from record_begin() on */
    sqlite3_stmt *job, *attempt, *end;
};

/* Opens the database in a folder. Both outlive the record. */
int record_open(struct record *r, const char *folder, const struct run_result *run);
void record_close(struct record *r);

/*
 * The run's row; committed. What is added to `ends` then is recorded. Jobs that are not
 * SETTLED_NO in `settled` (one per job, or NULL) are in there from the first as `resumed`:
 * at no moment is this run the last one and does not know of them. What an earlier run
 * has settled of items is found by that run's id, `resumes` (or NULL).
 */
int record_begin(struct record *r, const uint8_t *settled, const char *resumes);
/* Removes the oldest runs of the manifest but `keep`, this one among them; those that go on
 * stay. Committed. */
int record_prune(struct record *r, uint32_t keep);
/* After one with much output: removes the oldest outputs of any runs but this that
 * together are more than RECORD_OUTPUTS_MAX. Committed. */
int record_prune_outputs(struct record *r);
/* Gets ready what record_job() and record_end() will need: they take less time then. */
int record_prepare(struct record *r);
/* A job's rows. Where its output cannot be saved they stand without, and *lost is
 * why (UV_E…), else 0. */
int record_job(struct record *r, const struct record_job *job, int *lost);
/* How the run ended; all its jobs have been recorded. */
int record_end(struct record *r, const struct run_result *run);
/* It ended otherwise after all: something could not be delivered. Committed. */
int record_exit(struct record *r, int exit);
#endif
