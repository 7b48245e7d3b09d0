/* SPDX-License-Identifier: MIT */
/* markdown: the results as GitHub Markdown. */
#ifndef MUSTER_REPORT_MARKDOWN_H
#define MUSTER_REPORT_MARKDOWN_H
#include "report/report.h"

/*
 * The report, with at most `max` bytes: rows and output that do not fit are
 * counted instead. in->all_rows as for the table. 0 or UV_E….
 */
int markdown_write(const struct report_input *in, size_t max, FILE *out);
#endif
