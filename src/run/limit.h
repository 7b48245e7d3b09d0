/* SPDX-License-Identifier: MIT */
/* limit: one limit that jobs share: how many run, its token bucket, its circuit. Pure. */
#ifndef MUSTER_RUN_LIMIT_H
#define MUSTER_RUN_LIMIT_H
#include <stdbool.h>
#include <stdint.h>

#include "plan/plan.h"

#define LIMIT_NEVER INT64_MAX

enum limit_circuit {
    LIMIT_CLOSED,    /* all may pass */
    LIMIT_OPEN,      /* none, until the cooldown is over */
    LIMIT_HALF_OPEN, /* one, the probe, by whose end it closes or opens again */
};

/* What an attempt's end says to a circuit breaker. */
enum limit_outcome { LIMIT_GOOD, LIMIT_BAD, LIMIT_NEITHER };

/*
 * Time is run time, and comes in with every call. A token is spoken for when an
 * attempt is decided on and leaves the bucket when its process starts: so it is
 * starts that keep to the rate, however late they are, and a start that is put off
 * takes none.
 */
struct limit {
    const struct plan_limit *is;
    uint32_t used;   /* attempts that run under it */
    uint32_t tokens; /* whole ones in the bucket, as of `filled` */
    uint32_t spoken; /* how many of these are spoken for */
    int64_t part;    /* of the next one, in 1/rate.per_ns */
    int64_t filled;
    uint32_t failures; /* in a row */
    enum limit_circuit circuit;
    uint32_t probe;      /* the job that is it, or NO_JOB */
    int64_t closed_till; /* no probe before: of an open circuit */
};

/* Nothing runs, the bucket is full, the circuit closed. */
void limit_init(struct limit *l, const struct plan_limit *is);
/* How many attempts may start now. */
uint32_t limit_room(struct limit *l, int64_t now);
/* When there is room where there is none now, if by time alone; or LIMIT_NEVER. */
int64_t limit_due(struct limit *l, int64_t now);
/* Whether it keeps out by time or by its circuit, and not by how many run. */
bool limit_shut(struct limit *l, int64_t now);
/* Whether jobs fail by it rather than wait: its circuit is open and it says so. */
bool limit_refuses(const struct limit *l, int64_t now);
/* An attempt of a job takes its place, and speaks for a token; there is room. */
void limit_take(struct limit *l, uint32_t job, int64_t now);
/* Its process runs since `start`, or it is certain by then that it never will. */
void limit_started(struct limit *l, int64_t start);
/* In place of that: it was not made, and gives all back. */
void limit_undo(struct limit *l, uint32_t job);
/* It has ended, after limit_started(). Whether that has opened the circuit. */
bool limit_end(struct limit *l, uint32_t job, enum limit_outcome outcome, int64_t now);
#endif
