/* SPDX-License-Identifier: MIT */
/* rows: the results job after job, in the manifest's order, as all reports read them. */
#include "report/rows.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/utf8.h"
#include "exec/attempt.h"
#include "report/output.h"

void rows_begin(struct rows *rows, const struct report_input *in) {
    *rows = (struct rows){.in = in};
    result_begin(&rows->walk, in->run);
}

void row_init(struct report_row *row, const struct run_result *run, const struct job_info *info) {
    const struct job_result *r = info->result;

    *row = (struct report_row){
        .info = info,
        .name = info->def->name,
        .section = plan_job_section(info->def),
        .item = info->def->item ? item_shown(info->def->item) : NULL,
        .job = info->def,
        .result = r,
        .last = r->nattempts ? &r->attempts[r->nattempts - 1] : NULL,
        .lane = (enum lane)r->lane,
        .cause = r->cause == NO_JOB ? NULL : run_cause(run, r->cause).name,
    };
}

bool rows_next(struct rows *rows, struct report_row *row) {
    const struct job_info *info = result_next(&rows->walk);

    if (!info)
        return false;
    row_init(row, rows->in->run, info);
    row->index = rows->next++;
    return true;
}

int rows_error(const struct rows *rows) {
    return rows->walk.error;
}

const char *row_status(const struct report_row *row) {
    const char *word = status_words[row->result->status];

    return row->result->allowed ? "allowed" : row->result->flaky ? "flaky" : word ? word : "-";
}

bool row_bad(const struct job_result *result) {
    switch ((enum status)result->status) {
    case STATUS_FAILED:
    case STATUS_TIMEOUT:
    case STATUS_CANCELLED:
        return true;
    case STATUS_SKIPPED:
        return result->reason != REASON_NONE; /* else by choice */
    default:
        return false;
    }
}

const char *row_reason(const struct report_input *in, const struct report_row *row, char *buf,
                       size_t n) {
    return job_reason_text(in->run, row->info, buf, n);
}

const char *attempt_reason(const struct attempt_result *a, char *buf, size_t n) {
    if (a->reason == REASON_EXIT)
        snprintf(buf, n, "exit %d%s", a->exit,
                 a->stage == SPAWN_FACTS ? ", but its MUSTER_OUTPUT is of no use" : "");
    else if (a->reason == REASON_SIGNAL)
        signal_name(a->signal, buf, n);
    else if (a->reason == REASON_HTTP && a->detail)
        text_visible(buf, n, a->detail, strlen(a->detail), NULL);
    else
        snprintf(buf, n, "%s", a->reason ? reason_words[a->reason] : "failed");
    return buf;
}

int row_tail(const struct report_input *in, const struct report_row *row, enum row_stream stream,
             size_t max, char *buf, struct row_tail *tail) {
    const struct job_result *r = row->result;
    uint64_t at = stream == ROW_STDOUT ? r->out_at : r->err_at;
    uint64_t len = stream == ROW_STDOUT ? r->out_len : r->err_len, want = len < max ? len : max;
    uint64_t came = 0;
    size_t n = 0, skip = 0;
    int error = 0;

    *tail = (struct row_tail){.bytes = buf};
    if (!in->output || want == 0)
        return 0;
    at += len - want;
    while (n < want) {
        long got = output_tail(in->output, at + n, buf + n, (size_t)want - n);

        if (got <= 0) {
            char last = n > 0 ? buf[n - 1] : '\n';

            if (output_error(in->output)) /* which was told */
                n += output_lost(in->output, last, buf + n, max - n);
            else
                error = got < 0 ? (int)got : UV_EIO;
            break;
        }
        n += (size_t)got;
    }
    if (row->last)
        came = stream == ROW_STDOUT ? row->last->out_bytes : row->last->err_bytes;
    tail->cut = want < len || want < came;
    /* The cut may have gone through a character: its rest is no error of the job's. */
    if (tail->cut || want == OUTPUT_TAIL_MAX)
        skip = utf8_rest(buf, n);
    tail->bytes += skip;
    tail->n = n - skip;
    return error;
}

void row_tail_lines(struct row_tail *tail, unsigned lines) {
    size_t at = tail->n;

    while (at > 0) {
        const char *end = memrchr(tail->bytes, '\n', at - 1);

        at = end ? (size_t)(end - tail->bytes) + 1 : 0;
        if (--lines == 0)
            break;
    }
    tail->cut = tail->cut || at > 0;
    tail->bytes += at;
    tail->n -= at;
}
