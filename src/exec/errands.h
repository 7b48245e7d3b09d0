/* SPDX-License-Identifier: MIT */
/* errands: makes all attempts of a run that need no process of their own. */
#ifndef MUSTER_EXEC_ERRANDS_H
#define MUSTER_EXEC_ERRANDS_H
#include "exec/errand.h"

struct errands;

/* All: main thread, from the loop, never from within a call. */
struct errands_events {
    /* It was begun. */
    void (*started)(void *ctx, struct errand *e);
    /* It has ended, or was never begun (end.error). The callee takes over what its end
     * owns, and calls errands_free(). */
    void (*ended)(void *ctx, struct errand *e);
};

/* Whether a job's attempts are errands. */
bool errands_suit(const struct plan_job *job);
/* Of env, the loop, the plan and the environ are the caller's, and outlive them. 0 or UV_E…. */
int errands_open(struct errands **out, const struct errand_env *env,
                 const struct errands_events *events, void *ctx);
/* An attempt to be begun by the loop; NULL when out of memory. */
struct errand *errands_add(struct errands *es, const struct attempt *a);
void errands_free(struct errand *e);
/* None is left. `closed` follows, from the loop. */
void errands_close(struct errands *es, void (*closed)(void *ctx), void *ctx);
#endif
