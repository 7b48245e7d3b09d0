/* SPDX-License-Identifier: MIT */
/* jsonl: the events of a run as JSON, a line each. */
#ifndef MUSTER_REPORT_JSONL_H
#define MUSTER_REPORT_JSONL_H
#include <sys/types.h>

#include "exec/attempt.h"
#include "run/result.h"

/*
 * Each returns a malloc'd line with its newline, or NULL when out of memory. Their
 * times are those of the call. Main thread; none blocks.
 */
char *jsonl_run_start(const struct run_result *run);
/* `pid` 0: it has none, or could not be started. */
char *jsonl_job_start(const struct run_result *run, const struct job_info *job,
                      const struct attempt *a, pid_t pid);
/* Its last attempt failed, another one follows. */
char *jsonl_job_retry(const struct run_result *run, const struct job_info *job, int64_t delay_ns);
char *jsonl_run_end(const struct run_result *run);

/*
 * A job's end as two parts of a line, between which the members "stdout" and
 * "stderr" belong, with a comma before each. 0 or UV_ENOMEM, *head and *rest are NULL then.
 */
int jsonl_job_end(const struct run_result *run, const struct job_info *job, char **head,
                  char **rest);
#endif
