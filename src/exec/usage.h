/* SPDX-License-Identifier: MIT */
/* usage: what a process that goes on, and those below it, have used so far. */
#ifndef MUSTER_EXEC_USAGE_H
#define MUSTER_EXEC_USAGE_H
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define USAGE_PIDS_MAX 16 /* of a tree that are looked at */

/* A tree of processes, and what it had used when it was looked at last. */
struct usage {
    pid_t pids[USAGE_PIDS_MAX];       /* that were there then, its root the first */
    clockid_t clocks[USAGE_PIDS_MAX]; /* of their CPU time */
    unsigned count;
    pid_t root;
    int64_t user_us, sys_us; /* CPU time of these, and of those that they have waited for */
    int64_t waited_us;       /* of the last alone */
    uint64_t rss, peak;      /* bytes: resident then, the most that it ever was */
};

/* A tree that has used nothing yet. */
void usage_init(struct usage *u, pid_t root);
/* Looks at the whole of it, in /proc: some 40 us a process. Any thread. */
void usage_look(struct usage *u);
/* Looks at the CPU time alone of the processes that are known: some 1 us each. */
void usage_glance(struct usage *u);
/* The peak is what is resident now, as far as the kernel lets that be said. */
void usage_forget_peak(struct usage *u);
#endif
