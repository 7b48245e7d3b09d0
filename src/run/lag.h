/* SPDX-License-Identifier: MIT */
/*
 * lag: how long a loop is kept from waiting: from the end of one wait to the beginning
 * of the next. libuv notes the time when its wait ends, and it is found there, unless a
 * callback has called uv_update_time() since; those that do tell lag_note() before.
 * (uv_metrics_idle_time() of libuv 1.44 forgets a wait that it resumes for its last
 * millisecond.)
 */
#ifndef MUSTER_RUN_LAG_H
#define MUSTER_RUN_LAG_H
#include <stdint.h>
#include <uv.h>

struct lag {
    uv_check_t check;     /* runs after each wait and what it brought, */
    uv_prepare_t prepare; /* and this before each */
    int64_t *worst_ns;    /* the owner's */
    int64_t busy_since;   /* clock_ns(): when the last wait ended */
    int64_t awake_since;  /* first callback after it, or 0 */
};

/* From now on. *worst_ns is kept at the longest so far. */
void lag_open(struct lag *l, uv_loop_t *loop, int64_t *worst_ns);
/* A callback begins. */
void lag_note(struct lag *l);
/* What was until now does not count. */
void lag_restart(struct lag *l);
/* Its handles are closed by the loop. */
void lag_close(struct lag *l);
#endif
