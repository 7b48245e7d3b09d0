/* SPDX-License-Identifier: MIT */
/* rows: the results job after job, in the manifest's order, as all reports read them. */
#ifndef MUSTER_REPORT_ROWS_H
#define MUSTER_REPORT_ROWS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/report.h"

/* One job and what became of it. Valid until the next call of rows_next(). */
struct report_row {
    uint32_t index; /* from 0, in the order of the rows */
    const struct job_info *info;
    const char *name;
    const char *section; /* of the manifest that it comes from */
    const char *item;    /* which of its items, or NULL */
    const struct plan_job *job;
    const struct job_result *result;
    const struct attempt_result *last; /* attempt, or NULL: it never started */
    enum lane lane;                    /* it ended in, where it started */
    const char *cause;                 /* name of the job that failed first, or NULL */
};

/* A walk over all rows; may be made several times. */
struct rows {
    const struct report_input *in;
    struct result_walk walk;
    uint32_t next;
};

void rows_begin(struct rows *rows, const struct report_input *in);
/* The next one, or false at the end. */
bool rows_next(struct rows *rows, struct report_row *row);
/* A job of a run as a row by itself; its index is 0. */
void row_init(struct report_row *row, const struct run_result *run, const struct job_info *info);
/* 0, or UV_E… when there are rows that could not be had. */
int rows_error(const struct rows *rows);

/* Its status as people read it: "ok", "flaky", "allowed", "timeout". */
const char *row_status(const struct report_row *row);
/* Whether it did not go well and that counts: what -q shows. */
bool row_bad(const struct job_result *result);
/* The reason in words, as job_reason_text(). Returns buf. */
const char *row_reason(const struct report_input *in, const struct report_row *row, char *buf,
                       size_t n);
#define ROW_REASON_MAX 512 /* bytes that hold any */
/* How an attempt failed that another one followed: "exit 3". Returns buf. */
const char *attempt_reason(const struct attempt_result *a, char *buf, size_t n);

enum row_stream { ROW_STDOUT, ROW_STDERR, ROW_STREAMS };
/* The end of a captured stream. */
struct row_tail {
    const char *bytes;
    size_t n;
    bool cut; /* the job wrote more */
};
/*
 * Reads at most the last `max` bytes (up to OUTPUT_TAIL_MAX, which `buf` has room
 * for); a character that the cut goes through is left out. 0 or UV_E…, and the
 * tail is what could be read.
 */
int row_tail(const struct report_input *in, const struct report_row *row, enum row_stream stream,
             size_t max, char *buf, struct row_tail *tail);
/* Cuts a tail further, to its last `lines` lines. */
void row_tail_lines(struct row_tail *tail, unsigned lines);
#endif
