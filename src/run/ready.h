/* SPDX-License-Identifier: MIT */
/* ready: the jobs that could start, and which of them is next. Pure. */
#ifndef MUSTER_RUN_READY_H
#define MUSTER_RUN_READY_H
#include <stdbool.h>
#include <stdint.h>

#include "plan/plan.h"
#include "run/heap.h"
#include "run/limit.h"
#include "run/slots.h"
#include "run/waits.h"

/*
 * A job wants slots of its lane and a share of each of its limits (a place
 * under a shared one, bytes of `memory`), and takes all of them at one moment
 * or none. The rules:
 *
 * - Jobs of a lane start in their order (priority, then manifest). One that is
 *   too wide for the free slots holds up those behind it in its lane.
 * - One that must wait for a limit steps aside: others pass, unless they want
 *   that limit too. Of those that want it the first in order is next.
 * - One that wants more memory than is free holds up those behind it that want
 *   memory too: small ones would find room for ever.
 * - One that wants several may see the others taken whenever one gets free.
 *   Once PASSES_MAX others have taken what it wants while it stood first, what
 *   it wants is kept for it against those that come later in order, until it
 *   has all of it. Not while it waits for time to pass: for a token, or for a
 *   circuit. So it starts as soon as those that run have ended.
 *
 * Jobs that want the same are a group, of which only the first is ever looked
 * at. A group stands in its lane's queue, or at the one limit that it must wait
 * for, which lets as many back into each lane as it has room for. A start costs
 * O(log n), however many wait.
 */
struct ready;

struct ready_opts {
    const struct plan *plan;
    const struct slots *slots; /* of each lane; outlive it */
    uint32_t njobs;            /* numbers of jobs are below */
    heap_before_cb before;     /* the order of two jobs */
    const void *ctx;
};

/* NULL: out of memory. All that it needs is taken here. */
struct ready *ready_new(const struct ready_opts *opts);
/* Accepts NULL; returns NULL. */
struct ready *ready_free(struct ready *r);

/* Room for numbers of jobs below njobs. 0 or UV_ENOMEM, which leaves all as it was. */
int ready_reserve(struct ready *r, uint32_t njobs);
/* The group of a job of the plan in a lane that it may be in: what the other calls want to
 * know of it. */
uint32_t ready_group(const struct ready *r, uint32_t index, enum lane lane);

/* A job is ready. */
void ready_push(struct ready *r, uint32_t group, uint32_t job, int64_t now);
/* It no longer is. */
void ready_remove(struct ready *r, uint32_t group, uint32_t job, int64_t now);

enum ready_answer {
    READY_NONE,  /* nothing can start now */
    READY_START, /* *job: it is ready no more and has its limits; its slots are to be taken */
    READY_FAIL,  /* *job: it is ready no more and has to fail by a circuit breaker */
};
enum ready_answer ready_next(struct ready *r, int64_t now, uint32_t *job);

/* Of a job that was to start: its process runs since `start`, or never will. */
void ready_started(struct ready *r, uint32_t group, int64_t start, int64_t now);
/* In place of that: it could not be made now and gives all back. */
void ready_undo(struct ready *r, uint32_t group, uint32_t job, int64_t now);
/* Its attempt has ended, after ready_started(), and gives its limits back. */
void ready_end(struct ready *r, uint32_t group, uint32_t job, enum limit_outcome outcome,
               int64_t now);

/* Some time has passed: limits that wait for it let jobs in again. */
void ready_advance(struct ready *r, int64_t now);
/* When ready_advance() is wanted next, or INT64_MAX. */
int64_t ready_due(const struct ready *r);
/* How many groups there are, and what the jobs of one wait for, after ready_next() has found
 * no more; *what: see run/waits.h. */
uint32_t ready_groups(const struct ready *r);
enum wait_kind ready_waits(struct ready *r, uint32_t group, int64_t now, uint32_t *what);
/* Slots that the next job in a lane wants, 0: there is none. */
uint32_t ready_width(const struct ready *r, enum lane lane);
#endif
