/* SPDX-License-Identifier: MIT */
/* explain: why jobs waited, were tried again, or did not run: told behind the run. */
#ifndef MUSTER_CLI_EXPLAIN_H
#define MUSTER_CLI_EXPLAIN_H
#include <stdint.h>
#include <stdio.h>

#include "run/result.h"
#include "run/waits.h"

struct explain;

/* The run's result and its plan outlive it. NULL when out of memory. Main thread. */
struct explain *explain_new(const struct run_result *run);
/* Accepts NULL; returns NULL. */
struct explain *explain_free(struct explain *e);

/* These accept NULL: nobody wants to know. What there is no memory for is left out. */
void explain_waited(struct explain *e, const struct job_info *job, const struct wait *list,
                    size_t count);
/* Its last attempt ended so, in words, and another follows. */
void explain_retry(struct explain *e, const struct job_info *job, int64_t delay_ns,
                   const char *reason);
/* It has ended, for a reason in words, or "". */
void explain_done(struct explain *e, const struct job_info *job, const char *reason);
/* Writes a line or more for each job, in manifest order, then by index. */
void explain_write(struct explain *e, FILE *out);
#endif
