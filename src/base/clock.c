/* SPDX-License-Identifier: MIT */
/* clock: monotonic time, and how much of it the run spent stopped (SIGTSTP). */
#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t paused_ns; /* written by the main thread, read by all */

int64_t clock_ns(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t clock_run_ns(void) {
    return clock_ns() - atomic_load_explicit(&paused_ns, memory_order_relaxed);
}

void clock_add_pause(int64_t ns) {
    atomic_fetch_add_explicit(&paused_ns, ns, memory_order_relaxed);
}
