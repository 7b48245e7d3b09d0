/* SPDX-License-Identifier: MIT */
/* summary: the sentences at a run's end, for all reports that people read. */
#ifndef MUSTER_REPORT_SUMMARY_H
#define MUSTER_REPORT_SUMMARY_H
#include "report/report.h"

/*
 * Lines of plain text: counts by status; times, speed-up and CPU use; how full
 * the lanes were and which jobs took longest; why the run was stopped, if it was;
 * and hints about jobs in the wrong lane. With in->failed_only only counts, times
 * and the stop. Foreign bytes of names are made visible.
 */
void summary_write(const struct report_input *in, FILE *out);
/* The same as a malloc'd string, or NULL. */
char *summary_text(const struct report_input *in);

#define SUMMARY_HINTS_MAX   5 /* that it gives */
#define SUMMARY_LONGEST_MAX 3 /* jobs that it names as such */
/* Whether a job seems to be in the wrong lane. */
bool summary_hints_at(const struct job_info *job);
#endif
