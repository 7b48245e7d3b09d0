/* SPDX-License-Identifier: MIT */
/* json: the objects of the results in JSON, schema 1, for all reports that have them. */
#ifndef MUSTER_REPORT_JSON_H
#define MUSTER_REPORT_JSON_H
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "report/rows.h"

/* All return 0 or UV_ENOMEM; trouble of the stream shows in ferror(). */

int json_write_run(const struct run_result *run, FILE *out);
int json_write_totals(const struct run_result *run, FILE *out);
/*
 * A job's object in two parts, without the members "stdout" and "stderr": these
 * belong between them, and where the bytes are the caller knows. The first part
 * ends and the second begins without a comma.
 */
int json_write_job_head(const struct run_result *run, const struct report_row *row, FILE *out);
int json_write_job_rest(const struct run_result *run, const struct report_row *row, FILE *out);
/* A length of time as seconds, rounded to microseconds. */
int json_write_seconds(int64_t ns, FILE *out);
#endif
