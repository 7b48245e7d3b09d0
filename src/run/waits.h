/* SPDX-License-Identifier: MIT */
/* waits: what jobs wait for before they start, and for how long. Pure. */
#ifndef MUSTER_RUN_WAITS_H
#define MUSTER_RUN_WAITS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is waited for, and what wait.what says of it. */
enum wait_kind {
    WAIT_NOTHING,
    WAIT_JOB,         /* the last of those that it comes after: its place in the plan */
    WAIT_SLOT,        /* in a lane: which */
    WAIT_GRANT,       /* the same, of those that are free, but not for muster to take */
    WAIT_ROOM,        /* the machine's, for one more process in a lane: which */
    WAIT_MEMORY,      /* of the plan's */
    WAIT_CONCURRENCY, /* a limit, by its index: others run under it */
    WAIT_RATE,        /* a limit: it has no token */
    WAIT_CIRCUIT,     /* a limit: its circuit is open, or half open */
    WAIT_KINDS,
};

struct wait {
    enum wait_kind kind;
    uint32_t what;
    int64_t ns;
};

/*
 * Jobs of one group (run/groups) wait for the same: of each group it is known what
 * that is, and how long it was what, so that a job's part is what has come to it
 * between its being ready and its start.
 */
struct waits;

/* NULL when out of memory. What there is no memory for later is not told. */
struct waits *waits_new(uint32_t ngroups, uint32_t njobs);
/* Accepts NULL; returns NULL. */
struct waits *waits_free(struct waits *w);
/* The run begins. */
void waits_begin(struct waits *w, int64_t now);
/* What the jobs of a group wait for from now on. */
void waits_are(struct waits *w, uint32_t group, enum wait_kind kind, uint32_t what, int64_t now);
/* One of those that a job comes after has let it go: the last is the one that it waited for. */
void waits_let_go(struct waits *w, uint32_t job, uint32_t before);
/* A job is ready, in a group. */
void waits_ready(struct waits *w, uint32_t job, uint32_t group, int64_t now);
/*
 * It starts, or what it stands for does: what it has waited for, since the last call of
 * waits_ready(), in *list, which is good until the next call. How many.
 */
size_t waits_end(struct waits *w, uint32_t job, int64_t now, const struct wait **list);
/* It never does; or its number is another's from now on. */
void waits_forget(struct waits *w, uint32_t job);
#endif
