/* SPDX-License-Identifier: MIT */
/* clock: monotonic time, and how much of it the run spent stopped (SIGTSTP). */
#ifndef MUSTER_BASE_CLOCK_H
#define MUSTER_BASE_CLOCK_H
#include <stdint.h>

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

/* CLOCK_MONOTONIC in nanoseconds: for lengths that are reported. Any thread. */
int64_t clock_ns(void);
/*
 * The same less all pauses: for limits, delays and deadlines, which a pause
 * must not use up. Any thread.
 */
int64_t clock_run_ns(void);
/* Adds a pause that has just ended. Any thread. */
void clock_add_pause(int64_t ns);
#endif
