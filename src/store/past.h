/* SPDX-License-Identifier: MIT */
/* past: reads the runs of before, as reports want them. */
#ifndef MUSTER_STORE_PAST_H
#define MUSTER_STORE_PAST_H
#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "run/result.h"
#include "store/db.h"
#include "store/outputs.h"
#include "store/record.h"

/* The history, open for reading. Functions return 0 or UV_E…, and then db.why says
 * what is wrong, in words. All block; one thread at a time. */
struct past {
    struct db db;
    const char *folder;
};

/* In the state folder, whose path outlives it. UV_ENOENT: nothing was ever recorded. Close
 * in either case. */
int past_open(struct past *p, const char *folder);
void past_close(struct past *p);

/* One run in short. Text is valid during the call that it is handed to. */
struct past_run {
    const char *id, *title, *manifest;
    struct timespec started;
    int64_t wall_ns; /* when it has ended */
    int exit;        /* -1: it has not ended */
    int interrupted_by;
    bool alive;               /* it has not ended and goes on, else it was lost */
    struct run_totals totals; /* of a run that has not ended: so far, */
    struct facts *sums;       /* and of what its jobs told, or NULL: nothing */
};

typedef int (*past_run_cb)(void *ctx, const struct past_run *run);
/* Calls `each` for every run, newest first; with a `key` (see record_key()) for
 * those of one manifest. Ends early with what `each` returns if that is not 0. */
int past_list(struct past *p, const char *key, past_run_cb each, void *ctx);

/* The newest run whose id begins so ("": any), with a `key` (see record_key()) of that
 * manifest: its row's id, and its own in `id`. UV_ENOENT: none; UV_EEXIST: more than one,
 * *id is the newest's. */
int past_find(struct past *p, const char *key, const char *prefix, int64_t *row, char id[32]);

/* What is known of a job's captured output. */
struct past_output {
    int64_t size[2];  /* bytes kept of each enum outputs_stream */
    const char *lost; /* why not all are, or NULL */
};

/* A whole run. Its plan has what reports want to know: names, lanes, limits. */
struct past_details {
    struct arena arena; /* all that is in it */
    struct plan plan;
    struct job_settings sets[RECORD_TYPES];
    struct past_waiting *waiting; /* jobs of the plan of a run that has not ended */
    uint32_t nwaiting, next_waiting, room;
    struct run_result run;       /* its job rows are the arena's, too */
    struct past_output *outputs; /* one per job */
    uint32_t *seqs;              /* the numbers of their rows */
    struct past_seq *order;      /* the same, sorted */
    int64_t *causes;             /* of their causes', -1: none */
    const char **cause_names;    /* where these are items, or NULL */
    struct past *past;           /* that it is loaded from, while it is */
    int64_t row;
    bool alive; /* as of struct past_run */
};

/*
 * Loads a run. Jobs of a lost one that are not recorded are `cancelled`, reason
 * `lost`; of one that goes on they have no status yet.
 */
int past_load(struct past *p, int64_t row, struct past_details **out);
/* Accepts NULL; returns NULL. */
struct past_details *past_details_free(struct past_details *d);

typedef int (*past_bytes_cb)(void *ctx, const char *bytes, size_t n);
/*
 * Hands over a stream of a job from byte `from` to its end, in pieces. UV_ENOENT: it
 * was removed to make room. Ends early with what `take` returns if that is not 0.
 */
int past_read(struct past *p, const struct past_details *d, uint32_t job,
              enum outputs_stream stream, int64_t from, past_bytes_cb take, void *ctx);
#endif
