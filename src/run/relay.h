/* SPDX-License-Identifier: MIT */
/* relay: what the scheduler tells, told on, and to those whom it concerns beside: cleanups
 * and services. */
#ifndef MUSTER_RUN_RELAY_H
#define MUSTER_RUN_RELAY_H
#include <uv.h>

#include "run/cleanup.h"
#include "run/followers.h"
#include "run/sched.h"
#include "run/service.h"

struct relay_opts {
    uv_loop_t *loop;
    const struct plan *plan;
    struct run_result *result;
    const struct sched_listener *to; /* who is told, */
    void (*cleaned)(void *ctx, const struct plan_job *job, const struct job_info *chore,
                    struct attempt_end *end); /* of cleanups, too: see cleanups_opts.done */
    void *to_ctx;                             /* of both */
    const struct sched_executor *executor;    /* of cleanups; its context is ctx, too */
    void (*ready)(void *ctx, const struct attempt *a); /* see services_opts */
    void *ctx;
};

struct relay {
    struct relay_opts opts;
    struct followers *followers; /* NULL where neither cleanups nor services need them */
    struct cleanups *cleanups;
    struct services *services; /* NULL where there are none */
};

/* 0 or UV_E…; release it in either case, and close its services before. */
int relay_open(struct relay *r, const struct relay_opts *opts);
void relay_release(struct relay *r);
/* The scheduler's listener, whose context is a struct relay. */
extern const struct sched_listener relay_listener;
#endif
