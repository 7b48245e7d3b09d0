/* SPDX-License-Identifier: MIT */
/* showing: what runs, for who asks by a signal, and where a job runs for long. */
#ifndef MUSTER_RUN_SHOWING_H
#define MUSTER_RUN_SHOWING_H
#include <stdbool.h>
#include <uv.h>

#include "run/slow.h"

struct cleanups;
struct job_info;
struct lanes;
struct sched;
struct sched_counts;

/* As those of struct session_events. */
struct showing_events {
    void (*say)(void *ctx, const char *text);
    void (*show_slow)(void *ctx, const struct job_info *job, int64_t elapsed_ns,
                      const char *last_line);
    void (*show_running)(void *ctx, const struct job_info *job, uint32_t attempt,
                         int64_t elapsed_ns, const char *last_line);
    void (*tick)(void *ctx, const struct sched_counts *counts);
    uint32_t tick_ms; /* between two ticks; 0: none */
    void (*paused)(void *ctx, bool paused);
};

/* Embedded in its owner; all on the loop's thread. */
struct showing {
    struct showing_events events;
    void *ctx;
    struct lanes *lanes;
    struct sched *sched;
    struct cleanups *cleanups;
    struct slow slow;
    uv_timer_t timer;  /* for what runs for long */
    uv_timer_t ticker; /* for how the run stands */
};

/* Makes the handles. Each of the events may be left out. */
void showing_open(struct showing *s, uv_loop_t *loop, const struct showing_events *events,
                  void *ctx);
/* The run of a plan begins: of these it tells. They stay until showing_rest(). */
void showing_begin(struct showing *s, const struct plan *plan, struct lanes *lanes,
                   struct sched *sched, struct cleanups *cleanups);
/* What runs now, by show_running; a cleanup by say. */
void showing_list(const struct showing *s);
/* This process is about to be stopped, or goes on. */
void showing_pause(const struct showing *s, bool paused);
/* Nothing is looked at any more. */
void showing_rest(struct showing *s);
/* Closes the handles, and frees the rest. */
void showing_close(struct showing *s);
#endif
