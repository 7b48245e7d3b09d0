/* SPDX-License-Identifier: MIT */
/* service: jobs that stay up: when they are ready, and when nothing needs them any more. */
#ifndef MUSTER_RUN_SERVICE_H
#define MUSTER_RUN_SERVICE_H
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "exec/attempt.h"
#include "exec/lanes.h"
#include "plan/plan.h"
#include "run/followers.h"

struct services;

struct services_opts {
    uv_loop_t *loop;
    const struct plan *plan;
    /* An attempt can be used; by the loop. */
    void (*ready)(void *ctx, const struct attempt *a);
    void *ctx;
};

/* The followers are the caller's. 0 or UV_E…. All functions: main thread. */
int services_open(struct services **out, const struct services_opts *opts,
                  const struct followers *followers);
/* A service runs, as the scheduler knows. 0; UV_E…: nobody looks whether it is ready. */
int services_started(struct services *s, const struct attempt *a, struct lanes_streams streams);
/* It has ended: where it was not ready, why not becomes the detail of its end. */
void services_ended(struct services *s, const struct attempt *a, struct attempt_end *end);
/* It is ready, or alone: of all that comes after it the last has ended. */
void services_note(struct services *s, uint32_t job);
/* Takes out one that nothing needs any more, for the scheduler to be told. False: there is none. */
bool services_next_unneeded(struct services *s, uint32_t *job);
/* Freed by services_free() once the loop has ended. */
void services_close(struct services *s);
/* Accepts NULL; returns NULL. */
struct services *services_free(struct services *s);
#endif
