/* SPDX-License-Identifier: MIT */
/*
 * sched: decides what starts when. Pure: it touches no process and reads no
 * clock; time comes in with every call (run time, clock_run_ns: without
 * pauses), orders go out through an executor, so tests drive it with fakes.
 */
#ifndef MUSTER_RUN_SCHED_H
#define MUSTER_RUN_SCHED_H
#include <stdbool.h>
#include <stdint.h>

#include "exec/attempt.h"
#include "run/sched_opts.h"

struct sched;

/* NULL when out of memory. All memory that it will need is taken here, but for
 * the attempts' result rows and for items. */
struct sched *sched_new(const struct sched_opts *opts);
/* Accepts NULL; returns NULL. */
struct sched *sched_free(struct sched *s);

/* Makes ready what waits for nothing and starts what has a slot. */
void sched_begin(struct sched *s, int64_t now);
/* The attempt's process runs since `start`, of which the scheduler hears `now`:
 * its wait ends with the first, its timeout counts from the second. */
void sched_started(struct sched *s, const struct attempt *a, pid_t pid, int64_t start, int64_t now);
/* There was no room for the process: the job is ready again, its lane narrows
 * to what runs (at least 1) and widens by one with every start that succeeds;
 * tried again as something ends, or after 10 ms doubling to 1 s. When nothing
 * has run for 30 s the job fails with reason `spawn`. */
void sched_put_off(struct sched *s, const struct attempt *a, int error, int64_t now);
/* The attempt is gone. The scheduler classifies it, retries or ends the job,
 * and starts what has become possible. */
void sched_ended(struct sched *s, const struct attempt *a, struct attempt_end *end, int64_t now);
/* An attempt of a job of type auto that started in the I/O lane has shown that it
 * computes: it counts in the CPU lane as well from now on, and the job's next
 * attempt starts there. No effect on any other, or when it has ended. */
void sched_computes(struct sched *s, uint32_t job, uint32_t attempt);
/* The executor's answer to `cpus` may be another now. */
void sched_granted(struct sched *s, int64_t now);
/* An attempt of a service can be used: what comes after it may start. No effect on one that
 * has ended, or was told to, or had been ready. */
void sched_ready(struct sched *s, const struct attempt *a, int64_t now);
/* All that comes after a service has ended: it is stopped, which is its success. No effect
 * where it does not run. */
void sched_unneeded(struct sched *s, uint32_t job, int64_t now);
/* Fires all timers that are due: timeouts, delays, the deadline. */
void sched_advance(struct sched *s, int64_t now);
/* When sched_advance() is wanted next, or INT64_MAX. */
int64_t sched_due(const struct sched *s);
/* A signal: nothing starts any more, all that runs is stopped, all becomes
 * `cancelled`, reason `cancelled`. Again: no effect. */
void sched_interrupt(struct sched *s, int64_t now);
/*
 * With opts.hold, what comes after a job that is ok starts only when this has been
 * called: from then on an end survives a crash as soon as it was told, and no job
 * builds upon what might be forgotten.
 */
void sched_release(struct sched *s, int64_t now);
/* The source of items has something new. */
void sched_news(struct sched *s, int64_t now);
/* Every job has ended. */
bool sched_done(const struct sched *s);
/* Whether the run's deadline passed while jobs were left. */
bool sched_deadline_passed(const struct sched *s);

struct sched_counts {
    uint32_t by_state[7]; /* enum job_state */
    uint32_t running[LANES], width[LANES];
};
struct sched_counts sched_counts(const struct sched *s);
/* State, start of the current attempt in run time, attempt number: for who shows it. */
struct sched_view {
    int state; /* enum job_state */
    uint32_t attempt;
    int64_t since;
    bool up; /* a service that is, or was, ready */
};
struct sched_view sched_view(const struct sched *s, uint32_t job);
/* The jobs that run, one after the other: begin with *next = 0. False at the end. */
bool sched_next_running(const struct sched *s, uint32_t *next, struct job_info *job);
#endif
