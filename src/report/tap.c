/* SPDX-License-Identifier: MIT */
/* tap: the results in the Test Anything Protocol, version 13. */
#include "report/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "report/escape.h"
#include "report/output.h"
#include "report/rows.h"
#include "report/summary.h"

#define TAIL_LINES 50

/* A failure that is known of and not counted. Two words, so that it is no mark of our own. */
static const char directive_allowed[] = "TO"
                                        "DO allowed to fail:";

/* Lines as comments. */
static void comments(const char *text, size_t n, FILE *out) {
    while (n > 0) {
        const char *end = memchr(text, '\n', n);
        size_t len = end ? (size_t)(end - text) : n;

        fputs("# ", out);
        escape_write(out, ESCAPE_COMMENT, text, len);
        fputc('\n', out);
        text += len;
        n -= len;
        if (end) {
            text++;
            n--;
        }
    }
}

/* "not ok 3 - lint", "ok 4 - next # SKIP because lint failed" */
static void write_point(const struct report_row *row, const char *reason, FILE *out) {
    const struct job_result *r = row->result;
    bool skipped = r->status == STATUS_SKIPPED;

    fprintf(out, "%s %" PRIu32 " - ", row_bad(r) && !skipped ? "not ok" : "ok", row->index + 1);
    escape_text(out, ESCAPE_TAP, row->name);
    if (r->allowed || skipped || r->status == STATUS_CACHED || r->status == STATUS_RESUMED)
        fprintf(out, " # %s ", r->allowed ? directive_allowed : "SKIP");
    else
        return;
    escape_text(out, ESCAPE_TAP, *reason ? reason : row_status(row));
}

/* Its facts as a YAML block. */
static void write_block(const struct report_row *row, const char *reason, FILE *out) {
    const struct job_result *r = row->result;

    fprintf(out, "  ---\n  status: %s\n", row_status(row));
    if (*reason) {
        fprintf(out, "  message: '");
        escape_text(out, ESCAPE_YAML, reason);
        fprintf(out, "'\n");
    }
    fprintf(out, "  attempts: %" PRIu32 "\n", r->nattempts);
    if (row->last && row->last->exit >= 0)
        fprintf(out, "  exit: %d\n", row->last->exit);
    if (row->last && row->last->signal)
        fprintf(out, "  signal: %d\n", row->last->signal);
    fprintf(out, "  wall_s: %.3f\n  ...\n", (double)job_wall_ns(r) / 1e9);
}

int report_tap_write(const struct report_input *in, FILE *out) {
    char *buf = malloc(OUTPUT_TAIL_MAX), *summary = summary_text(in), reason[ROW_REASON_MAX];
    int error = buf && summary ? 0 : UV_ENOMEM;
    struct report_row row;
    struct rows rows;

    fprintf(out, "TAP version 13\n1..%" PRIu32 "\n", run_totals(in->run).jobs);
    for (rows_begin(&rows, in); !error && rows_next(&rows, &row);) {
        row_reason(in, &row, reason, sizeof reason);
        write_point(&row, reason, out);
        fputc('\n', out);
        if (row.result->status == STATUS_OK && !row.result->flaky)
            continue;
        write_block(&row, reason, out);
        for (int i = 0; i < ROW_STREAMS && row_bad(row.result); i++) {
            struct row_tail tail;
            int lost = row_tail(in, &row, (enum row_stream)i, OUTPUT_TAIL_MAX, buf, &tail);

            error = error ? error : lost;
            row_tail_lines(&tail, TAIL_LINES);
            comments(tail.bytes, tail.n, out);
        }
    }
    if (!error)
        error = rows_error(&rows);
    if (summary)
        comments(summary, strlen(summary), out);
    free(summary);
    free(buf);
    return error;
}
