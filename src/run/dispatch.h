/* SPDX-License-Identifier: MIT */
/* dispatch: the scheduler's orders to the lanes, and what comes back. */
#ifndef MUSTER_RUN_DISPATCH_H
#define MUSTER_RUN_DISPATCH_H
#include "run/session_state.h"

/* The context of all of these is a struct session; all on the loop's thread. */
extern const struct sched_executor dispatch_executor;
extern const struct lanes_events dispatch_events;
/* The jobserver has more tokens. */
void dispatch_tokens(void *ctx);
/* There are more items, or an end of them. */
void dispatch_items(void *ctx);
/* See services_opts. */
void dispatch_service_ready(void *ctx, const struct attempt *a);
#endif
