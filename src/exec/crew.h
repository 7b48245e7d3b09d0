/* SPDX-License-Identifier: MIT */
/* crew: the persistent workers of a run: who of them does the next task. */
#ifndef MUSTER_EXEC_CREW_H
#define MUSTER_EXEC_CREW_H
#include <stdint.h>
#include <uv.h>

#include "exec/hand.h"

struct crews;
struct starter;

struct crews_opts {
    uv_loop_t *loop;
    struct pollset *set;               /* of that loop */
    struct starter *starter;           /* both outlive the crews */
    const struct process_env *process; /* copied */
};

/* No process yet: they are started as tasks want them. NULL: out of memory. All
 * functions: main thread. */
struct crews *crews_new(const struct crews_opts *opts);
/* A number for a request, higher than all before. */
uint64_t crews_next_id(struct crews *c);
/*
 * Has a hand of a worker of the plan do it, of which no more than worker->count are
 * out at once; see hand_give(), and UV_ENOMEM.
 */
int crews_give(struct crews *c, const struct plan_worker *worker, struct hand_order *o);
/* The machine is short of descriptors, or processes: those that have nothing to do leave. */
void crews_spare(struct crews *c);
/* No order is out and none will come: all leave. `closed` follows, at once where nobody
 * is there. */
void crews_close(struct crews *c, void (*closed)(void *ctx), void *ctx);
#endif
