/* SPDX-License-Identifier: MIT */
/* ci_report: what a CI service is told of the results. */
#ifndef MUSTER_REPORT_CI_REPORT_H
#define MUSTER_REPORT_CI_REPORT_H
#include <stdbool.h>

#include "report/ci.h"
#include "report/report.h"

/* Failed jobs as annotations at their places in the manifest, ten at most. GitHub only;
 * commands are let through. */
void ci_annotate(const struct ci *ci, const struct report_input *in, FILE *out);
/* Whether ci_summarise() will write something, with the ends of jobs' output. */
bool ci_summarises(const struct ci *ci);
/*
 * Appends the Markdown report to the file that $GITHUB_STEP_SUMMARY names, so that it stays
 * below 1 MiB. GitHub only, and where it is set. 0 or UV_E….
 */
int ci_summarise(const struct ci *ci, const struct report_input *in);
#endif
