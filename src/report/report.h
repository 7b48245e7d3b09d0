/* SPDX-License-Identifier: MIT */
/* report: writes the results of a run, one file per format behind one table. */
#ifndef MUSTER_REPORT_REPORT_H
#define MUSTER_REPORT_REPORT_H
#include <stdbool.h>
#include <stdio.h>

#include "plan/plan.h"
#include "run/result.h"

struct output;
struct past_run;

extern const char muster_version[];          /* "0.1.0" */
extern const char *const lane_words[LANES];  /* "io", "cpu" */
extern const char *const lane_titles[LANES]; /* "I/O", "CPU" */
/* A job's mark: "io", "cpu", "auto". */
const char *type_word(const struct plan_job *job);

#define REPORT_ROWS_MAX 50 /* of the table: with more jobs only rows that are not plainly ok */

struct report_input {
    const struct run_result *run;
    const struct output *output; /* for the tails of the jobs' output; may be NULL */
    bool color;                  /* standard output may be coloured */
    bool all_rows;               /* table: past REPORT_ROWS_MAX, too (it goes to a file) */
    bool failed_only;            /* table: -q with a failure: only what is not ok */
};

/* One format. write() returns 0 or UV_E…; stdio errors show in ferror(). */
struct report_writer {
    enum report_format format;
    bool tails; /* it shows the ends of the jobs' output */
    bool brief; /* on standard output it has REPORT_ROWS_MAX plain rows at most */
    int (*write)(const struct report_input *in, FILE *out);
};
/* The row of a format; NULL: of jsonl, which is written while the run goes on. */
const struct report_writer *report_writer(enum report_format format);

int report_table_write(const struct report_input *in, FILE *out);
int report_json_write(const struct report_input *in, FILE *out);
/* One run of the history as a JSON object. 0 or UV_E…. */
int report_json_write_past(const struct past_run *run, FILE *out);
int report_junit_write(const struct report_input *in, FILE *out);
int report_tap_write(const struct report_input *in, FILE *out);
int report_joblog_write(const struct report_input *in, FILE *out);
int report_markdown_write(const struct report_input *in, FILE *out);
int report_html_write(const struct report_input *in, FILE *out);
int report_trace_write(const struct report_input *in, FILE *out);
int report_prometheus_write(const struct report_input *in, FILE *out);
#endif
