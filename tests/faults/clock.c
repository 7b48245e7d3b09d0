/* SPDX-License-Identifier: MIT */
/*
 * clock: preloaded, lets the wall clock jump by CLOCK_JUMP seconds CLOCK_AFTER milliseconds
 * after the program began; with CLOCK_ALL the one that only goes forward, too. It takes all
 * that out of the environment, so that no job has it.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int64_t jump_s, jump_at_ns; /* on the clock that only goes forward */
static int jump_all;

static int64_t monotonic_ns(void) {
    struct timespec t;

    real_clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void resolve(void) {
    if (!real_clock_gettime)
        *(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
}

static __attribute__((constructor)) void begin(void) {
    const char *jump = getenv("CLOCK_JUMP"), *after = getenv("CLOCK_AFTER");

    resolve();
    if (!jump || !after)
        abort();
    jump_s = strtoll(jump, NULL, 10);
    jump_all = getenv("CLOCK_ALL") != NULL;
    jump_at_ns = monotonic_ns() + strtoll(after, NULL, 10) * 1000000;
    unsetenv("CLOCK_JUMP");
    unsetenv("CLOCK_AFTER");
    unsetenv("CLOCK_ALL");
    unsetenv("LD_PRELOAD");
}

int clock_gettime(clockid_t clock, struct timespec *t) {
    int result;

    resolve();
    result = real_clock_gettime(clock, t);
    if (result == 0 && (jump_all || clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) &&
        jump_s && monotonic_ns() >= jump_at_ns)
        t->tv_sec += jump_s;
    return result;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone) {
    struct timespec t;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &t);
    *tv = (struct timeval){.tv_sec = t.tv_sec, .tv_usec = t.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *out) {
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    if (out)
        *out = t.tv_sec;
    return t.tv_sec;
}
