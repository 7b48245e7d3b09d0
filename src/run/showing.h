/* SPDX-License-Identifier: MIT */
/* showing: what runs, for who asks by a signal, and where a job runs for long. */
#ifndef MUSTER_RUN_SHOWING_H
#define MUSTER_RUN_SHOWING_H
#include <stdbool.h>
#include <uv.h>

#include "run/slow.h"

struct cleanups;
struct lanes;
struct sched;
struct session_opts;

/* Embedded in its owner; all on the loop's thread. */
struct showing {
    const struct session_opts *opts; /* with the events by which it shows */
    struct lanes *lanes;
    struct sched *sched;
    struct cleanups *cleanups;
    struct slow slow;
    uv_timer_t timer;  /* for what runs for long */
    uv_timer_t ticker; /* for how the run stands */
};

/* Makes the handles. The options outlive it; each event that it calls may be left out. */
void showing_open(struct showing *s, uv_loop_t *loop, const struct session_opts *opts);
/* The run begins: of these it tells. They stay until showing_rest(). */
void showing_begin(struct showing *s, struct lanes *lanes, struct sched *sched,
                   struct cleanups *cleanups);
/* What runs now, by show_running; a cleanup by say. */
void showing_list(const struct showing *s);
/* This process is about to be stopped, or goes on. */
void showing_pause(const struct showing *s, bool paused);
/* Nothing is looked at any more. */
void showing_rest(struct showing *s);
/* Closes the handles, and frees the rest. */
void showing_close(struct showing *s);
#endif
