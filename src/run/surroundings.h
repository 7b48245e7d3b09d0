/* SPDX-License-Identifier: MIT */
/* surroundings: what this process has of the machine, and what it is short of. */
#ifndef MUSTER_RUN_SURROUNDINGS_H
#define MUSTER_RUN_SURROUNDINGS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/plan.h"
#include "run/result.h"

/* The soft limit on descriptors goes up to the hard one. What it was: jobs get that back. */
uint64_t surroundings_raise_files(void);
/* The soft limit on core files, which becomes 0 where this process is to leave none. */
uint64_t surroundings_lower_core(bool none);
/* Whether libuv can have its first descriptors: it aborts where it can have an epoll
 * instance but not its first pipe. 0 or UV_E…. */
int surroundings_try_files(void);

/* Gives a run its id, its start and its host. A seed that differs from run to run. */
uint64_t surroundings_name_run(struct run_result *r);

/*
 * What is short where a start is put off by an error, and how narrow the lane is now, as
 * a sentence. False: *told, a bit per cause, says that it was told before.
 */
bool surroundings_shortage(unsigned *told, int error, enum lane lane, uint32_t from, uint32_t to,
                           char *buf, size_t n);
#endif
