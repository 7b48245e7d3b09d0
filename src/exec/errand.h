/* SPDX-License-Identifier: MIT */
/* errand: an attempt that needs no process of its own, and is made on the main loop. */
#ifndef MUSTER_EXEC_ERRAND_H
#define MUSTER_EXEC_ERRAND_H
#include <stdbool.h>
#include <sys/queue.h>
#include <uv.h>

#include "exec/attempt.h"
#include "exec/live.h"
#include "exec/probe.h"
#include "plan/plan.h"

struct crews;
struct environ;
struct errand;
struct errands;
struct facts_folder;

/* One kind of errand. All on the loop's thread. */
struct errand_way {
    size_t size; /* of what embeds struct errand at its head; zeroed */
    /* Begins. 0; 1: errand_begun() or errand_end() will tell, from the loop; or UV_E…:
     * nothing was begun, end.stage (if not: resources) and detail say at what. */
    int (*begin)(struct errand *e);
    /* It is to end at once; begin() has told 0 or 1. */
    void (*stop)(struct errand *e);
};

/* What all errands of a run share. */
struct errand_env {
    uv_loop_t *loop;
    const struct plan *plan;
    const struct environ *environ;
    struct errands *home;
    void (*begun)(struct errand *e); /* see errand_begun() */
    void (*ended)(struct errand *e); /* see errand_end() */
    struct probe_env probe;
    struct crews *crews;        /* NULL where there are no persistent workers */
    struct facts_folder *facts; /* may be NULL */
};

struct errand {
    struct live live;
    const struct errand_way *way;
    const struct errand_env *env;
    STAILQ_ENTRY(errand) next; /* of those that wait with it */
    struct attempt attempt;
    const struct plan_job *job;
    struct attempt_end end; /* filled as things become known */
    pid_t pid;              /* of the process that does it, or 0 */
    bool begun;             /* begin() has told 0 or 1 */
    bool running;           /* `started` was told */
    bool stopped;           /* stop() was called, or it is not to begin */
};

/* What begin() left open: it runs. From the loop. */
void errand_begun(struct errand *e);
/* Its way has come to the end of it, and has nothing open any more: notes how long
 * it took, and has that told from the loop.
 * Where it never ran, end.error says why, and end.stage at what: if not, at resources. */
void errand_end(struct errand *e);

/* Sets what it is to say of its end (end.detail), in the place of what it said before,
 * secrets masked. */
void errand_explain(struct errand *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#endif
