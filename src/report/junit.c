/* SPDX-License-Identifier: MIT */
/* junit: the results as JUnit XML, as CI servers read it. */
#include "report/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "base/clock.h"
#include "report/escape.h"
#include "report/output.h"
#include "report/rows.h"

/* Of each stream: GitLab takes no file of 30 MB or more, and of what went well little is read. */
#define OK_BYTES    (4U << 10)
#define TOTAL_BYTES (16U << 20) /* of all output; escaped it grows */

enum outcome { OUTCOME_OK, OUTCOME_SKIPPED, OUTCOME_FAILURE, OUTCOME_ERROR, OUTCOMES };
static const char *const outcome_elements[OUTCOMES] = {
    [OUTCOME_SKIPPED] = "skipped", [OUTCOME_FAILURE] = "failure", [OUTCOME_ERROR] = "error"};

/* An attempt that says itself what was wrong failed; what could not be found out is an error. */
static enum outcome outcome_of_reason(uint8_t reason) {
    switch ((enum reason)reason) {
    case REASON_TIMEOUT:
    case REASON_SPAWN:
    case REASON_CANCELLED:
    case REASON_DEADLINE:
    case REASON_NOT_READY:
    case REASON_LOST:
    case REASON_OOM:
        return OUTCOME_ERROR;
    default:
        return OUTCOME_FAILURE;
    }
}

/* A failure that was allowed must not make a server call the run failed. */
static enum outcome outcome_of(const struct report_row *row) {
    switch ((enum status)row->result->status) {
    case STATUS_OK:
        return OUTCOME_OK;
    case STATUS_FAILED:
    case STATUS_TIMEOUT:
        return row->result->allowed ? OUTCOME_SKIPPED : outcome_of_reason(row->result->reason);
    case STATUS_CANCELLED:
        return row->last ? OUTCOME_ERROR : OUTCOME_SKIPPED;
    default:
        return OUTCOME_SKIPPED;
    }
}

/* The report under way. */
struct junit {
    const struct report_input *in;
    FILE *out;
    char *buf;   /* OUTPUT_TAIL_MAX bytes */
    size_t room; /* bytes of output that may still be shown */
    int error;   /* the first: a tail could not be read */
};

static double seconds(int64_t ns) {
    return ns > 0 ? (double)ns / 1e9 : 0;
}

static void attribute(struct junit *j, const char *name, const char *value) {
    fprintf(j->out, " %s=\"", name);
    escape_text(j->out, ESCAPE_ATTRIBUTE, value);
    fputc('"', j->out);
}

/* An element with a stream's end, unless that is empty. */
static void stream(struct junit *j, const struct report_row *row, enum row_stream which) {
    static const char *const elements[ROW_STREAMS] = {"system-out", "system-err"};
    size_t max = row_bad(row->result) || row->result->flaky ? OUTPUT_TAIL_MAX : OK_BYTES;
    struct row_tail tail;
    int error;

    error = row_tail(j->in, row, which, max < j->room ? max : j->room, j->buf, &tail);
    if (!j->error)
        j->error = error;
    j->room -= tail.n;
    if (tail.n == 0 && !tail.cut)
        return;
    fprintf(j->out, "<%s>%s", elements[which], tail.cut ? "[earlier output left out]\n" : "");
    escape_write(j->out, ESCAPE_XML, tail.bytes, tail.n);
    fprintf(j->out, "</%s>", elements[which]);
}

/* Attempts that another one followed. */
static void earlier_attempts(struct junit *j, const struct report_row *row) {
    const char *kind = row->result->status == STATUS_OK ? "flaky" : "rerun";

    for (uint32_t i = 0; i + 1 < row->result->nattempts; i++) {
        const struct attempt_result *a = &row->result->attempts[i];
        const char *what = outcome_of_reason(a->reason) == OUTCOME_ERROR ? "Error" : "Failure";
        char reason[ROW_REASON_MAX];

        fprintf(j->out, "<%s%s", kind, what);
        attribute(j, "message", attempt_reason(a, reason, sizeof reason));
        attribute(j, "type", a->reason ? reason_words[a->reason] : "failed");
        fprintf(j->out, ">attempt %" PRIu32 " of %" PRIu32 ", %.3f s</%s%s>", i + 1,
                row->result->nattempts, seconds(a->wall_ns), kind, what);
    }
}

static void testcase(struct junit *j, const struct report_row *row) {
    enum outcome outcome = outcome_of(row);
    const char *element = outcome_elements[outcome];
    char reason[ROW_REASON_MAX];

    fprintf(j->out, "<testcase");
    attribute(j, "classname", j->in->run->plan->name);
    attribute(j, "name", row->name);
    fprintf(j->out, " time=\"%.3f\">", seconds(job_wall_ns(row->result)));
    row_reason(j->in, row, reason, sizeof reason);
    if (!*reason)
        snprintf(reason, sizeof reason, "%s", row_status(row));
    if (element) {
        fprintf(j->out, "<%s type=\"%s\" message=\"%s", element,
                row->result->reason ? reason_words[row->result->reason] : row_status(row),
                row->result->allowed ? "allowed to fail: " : "");
        escape_text(j->out, ESCAPE_ATTRIBUTE, reason);
        fprintf(j->out, "\"/>");
    }
    earlier_attempts(j, row);
    stream(j, row, ROW_STDOUT);
    stream(j, row, ROW_STDERR);
    fprintf(j->out, "</testcase>\n");
}

/* The attributes of a suite; `whole`: those of the root, which knows fewer. */
static void suite(struct junit *j, const uint32_t counts[OUTCOMES], bool whole) {
    const struct run_result *run = j->in->run;
    uint32_t tests = 0;

    for (int i = 0; i < OUTCOMES; i++)
        tests += counts[i];
    fprintf(j->out, whole ? "<testsuites" : "<testsuite");
    attribute(j, "name", run->plan->name);
    fprintf(j->out, " tests=\"%" PRIu32 "\" failures=\"%" PRIu32 "\" errors=\"%" PRIu32 "\"", tests,
            counts[OUTCOME_FAILURE], counts[OUTCOME_ERROR]);
    if (!whole) {
        struct tm tm;
        char date[32];

        fprintf(j->out, " skipped=\"%" PRIu32 "\"", counts[OUTCOME_SKIPPED]);
        if (gmtime_r(&run->started.tv_sec, &tm) &&
            strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm))
            attribute(j, "timestamp", date);
        attribute(j, "hostname", run->host);
    }
    fprintf(j->out, " time=\"%.3f\">\n", seconds(run->wall_ns));
}

int report_junit_write(const struct report_input *in, FILE *out) {
    struct junit j = {.in = in, .out = out, .buf = malloc(OUTPUT_TAIL_MAX), .room = TOTAL_BYTES};
    uint32_t counts[OUTCOMES] = {0};
    struct report_row row;
    struct rows rows;

    if (!j.buf)
        return UV_ENOMEM;
    for (rows_begin(&rows, in); rows_next(&rows, &row);)
        counts[outcome_of(&row)]++;
    fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    suite(&j, counts, true);
    suite(&j, counts, false);
    fprintf(out, "<properties><property name=\"run\" value=\"%s\"/><property", in->run->id);
    attribute(&j, "name", "manifest");
    attribute(&j, "value", in->run->plan->path);
    fprintf(out, "/></properties>\n");
    for (rows_begin(&rows, in); rows_next(&rows, &row);)
        testcase(&j, &row);
    fprintf(out, "</testsuite>\n</testsuites>\n");
    free(j.buf);
    return j.error ? j.error : rows_error(&rows);
}
