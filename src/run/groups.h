/* SPDX-License-Identifier: MIT */
/* groups: the jobs of a plan by what they want to start: slots, limits, memory. */
#ifndef MUSTER_RUN_GROUPS_H
#define MUSTER_RUN_GROUPS_H
#include <stdbool.h>
#include <stdint.h>

#include "plan/plan.h"
#include "run/queue.h"
#include "run/slots.h"

#define GROUPS_NONE UINT32_MAX

/* Where a group stands. */
enum place {
    PLACE_NOWHERE, /* it has no job */
    PLACE_LANE,    /* in its lane's queue */
    PLACE_LIMIT,   /* at the limit `at` */
    PLACE_FAILING, /* all its jobs are to fail */
};

/*
 * Jobs that want the same. A gate is one of the plan's limits, by its index, or
 * behind these its memory. Below nwants it is run/ready's, which says how.
 */
struct group {
    enum lane lane;
    uint32_t width;  /* slots */
    uint64_t memory; /* bytes */
    uint32_t *wants; /* gates */
    uint32_t nwants;
    uint32_t twin; /* the same in the CPU lane, of jobs that may go there; else NONE */
    uint32_t jobs; /* queue of those that are ready */
    enum place place;
    uint32_t at;       /* of PLACE_LIMIT */
    uint32_t woken_by; /* gate that let it back into its lane and counts with it, or NONE */
    uint32_t woken_next, woken_before; /* the others that it has let into this lane */
    bool waits;                        /* its first job had to step aside, */
    uint64_t seen;                     /* when so much had been taken of what it wants */
};

struct groups {
    struct group *list;
    uint32_t count;
    uint32_t *of;         /* each job of the plan: its group */
    uint32_t *wants;      /* of all groups */
    uint32_t *members;    /* groups that want a gate: */
    uint32_t *members_at; /* from here on, to where the next gate's begin */
};

/* How many gates a plan has. */
static inline uint32_t groups_gates(const struct plan *p) {
    return p->nlimits + (p->memory > 0);
}
/* 0 or UV_ENOMEM. */
int groups_init(struct groups *g, const struct plan *p, const struct slots *slots);
/* Frees its arrays. All zero is fine too. */
void groups_release(struct groups *g);
#endif
