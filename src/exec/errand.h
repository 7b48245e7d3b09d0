/* SPDX-License-Identifier: MIT */
/* errand: an attempt that needs no process of its own, and is made on the main loop. */
#ifndef MUSTER_EXEC_ERRAND_H
#define MUSTER_EXEC_ERRAND_H
#include <stdbool.h>
#include <uv.h>

#include "exec/attempt.h"
#include "exec/live.h"
#include "plan/plan.h"

struct errand;
struct fetcher;
struct resolver;

/* One kind of errand. All on the loop's thread. */
struct errand_way {
    size_t size; /* of what embeds struct errand at its head; zeroed */
    /* Begins. 0; or UV_E…: nothing was begun, end.stage and detail say at what. */
    int (*begin)(struct errand *e);
    /* It was begun, and is to end at once. */
    void (*stop)(struct errand *e);
};

/* What all errands of a run share. */
struct errand_env {
    uv_loop_t *loop;
    const struct plan *plan;
    struct resolver *resolver; /* NULL where no job waits for a host */
    struct fetcher *fetcher;   /* NULL where no job has an URL */
};

/* Those that were begun and those that have ended wait for the loop to tell. */
struct errand_queue {
    struct errand *head, **last;
};

struct errand {
    struct live live;
    const struct errand_way *way;
    const struct errand_env *env;
    struct errand *next; /* in its queue */
    struct errand_queue *over;
    uv_async_t *wake;
    struct attempt attempt;
    const struct plan_job *job;
    struct attempt_end end; /* filled as things become known */
    bool running;           /* begun, and `started` was told */
    bool stopped;           /* stop() was called, or it is not to begin */
};

/* Its way has come to the end of it, and has nothing open any more: notes how long
 * it took, and has that told from the loop. */
void errand_end(struct errand *e);

void errand_queue_init(struct errand_queue *q);
void errand_queue_push(struct errand_queue *q, struct errand *e);
/* The oldest, or NULL. */
struct errand *errand_queue_pop(struct errand_queue *q);
#endif
