/* SPDX-License-Identifier: MIT */
/* watcher: looks whether services can be used: a target answers, or a line was printed. */
#ifndef MUSTER_EXEC_WATCHER_H
#define MUSTER_EXEC_WATCHER_H
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "exec/attempt.h"
#include "plan/plan.h"

struct capture;
struct watchers;

/* Whether somebody has to look: else it is a matter of time alone. */
bool watchers_suit(const struct plan_job *job);
/* Those of a run, whose plan outlives them. `ready` is called on the main loop, once for
 * what was added. 0 or UV_E…. All functions: main thread. */
int watchers_open(struct watchers **out, uv_loop_t *loop, const struct plan *plan,
                  void (*ready)(void *ctx, const struct attempt *a), void *ctx);
/*
 * A service that has just been started, with its captured streams, or NULL. 0 or UV_E…:
 * nobody looks then.
 */
int watchers_add(struct watchers *w, const struct attempt *a, struct capture *out,
                 struct capture *err);
/* It has ended, or need not be looked at; one that was not added: no effect. */
void watchers_remove(struct watchers *w, uint32_t job);
/* Why it is not ready yet, "Connection refused"; "" when nothing is known. */
const char *watchers_trouble(const struct watchers *w, uint32_t job);
/* None is looked at any more; freed once the loop has closed their handles. */
void watchers_close(struct watchers *w);
#endif
