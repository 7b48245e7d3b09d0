/* SPDX-License-Identifier: MIT */
/* joblog: what ran, in the columns of GNU parallel's --joblog. */
#include "report/report.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/mask.h"
#include "report/escape.h"
#include "report/rows.h"

/* Whether a shell takes the word as it stands. */
static bool word_plain(const char *word) {
    for (const char *c = word; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("_-./,:=@%+", *c) && !((unsigned char)*c >> 7))
            return false;
    return *word && *word != '=';
}

static void write_word(const char *word, FILE *out) {
    if (word_plain(word)) {
        escape_text(out, ESCAPE_TSV, word);
        return;
    }
    fputc('\'', out);
    for (const char *c = word, *quote; *c; c = quote) {
        quote = strchrnul(c, '\'');
        escape_write(out, ESCAPE_TSV, c, (size_t)(quote - c));
        if (*quote) {
            fputs("'\\''", out);
            quote++;
        }
    }
    fputc('\'', out);
}

/* A blank before what a spreadsheet would take for a formula: a shell skips it. */
static void guard(char first, FILE *out) {
    if (first && strchr("=+-@\t\r", first))
        fputc(' ', out);
}

/* The command of a job, or one of its words; secrets in it are masked. 0 or UV_ENOMEM. */
static int write_part(const struct run_result *run, const char *text, bool word, bool first,
                      FILE *out) {
    size_t n;
    char *masked = mask_text(run->plan->mask, text, strlen(text), &n);

    if (!masked)
        return UV_ENOMEM;
    if (!first)
        fputc(' ', out);
    else if (!word || word_plain(masked))
        guard(*masked, out);
    if (word)
        write_word(masked, out);
    else
        escape_text(out, ESCAPE_TSV, masked);
    free(masked);
    return 0;
}

static int write_command(const struct run_result *run, const struct report_row *row, FILE *out) {
    const struct plan_job *job = row->job;
    int error = 0;

    switch (job->action) {
    case ACTION_COMMAND:
        return write_part(run, job->command, false, true, out);
    case ACTION_EXEC:
        for (size_t i = 0; job->argv[i] && !error; i++)
            error = write_part(run, job->argv[i], true, i == 0, out);
        return error;
    default: /* nothing that a shell could run */
        escape_text(out, ESCAPE_TSV, row->name);
        return 0;
    }
}

/* 0 stands for success there, whatever the job's own idea of it is. */
static int exit_value(const struct report_row *row) {
    const struct attempt_result *last = row->last;

    if (row_bad(row->result) && last->exit <= 0 && last->signal == 0)
        return -1; /* timed out and then ended well; could not be started; cancelled */
    return last->exit >= 0 ? last->exit : 0;
}

int report_joblog_write(const struct report_input *in, FILE *out) {
    const struct run_result *run = in->run;
    double epoch_s = (double)run->started.tv_sec + (double)run->started.tv_nsec / 1e9;
    struct report_row row;
    struct rows rows;
    int error = 0;

    fprintf(out, "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n");
    for (rows_begin(&rows, in); !error && rows_next(&rows, &row);) {
        const struct attempt_result *last = row.last;

        if (!last)
            continue; /* who reads it takes what is listed for run */
        fprintf(out, "%" PRIu32 "\t:\t%10.3f\t%10.3f\t0\t%" PRIu64 "\t%d\t%d\t", row.index + 1,
                epoch_s + (double)(last->start_ns - run->start_ns) / 1e9,
                (double)last->wall_ns / 1e9, last->out_bytes, exit_value(&row), last->signal);
        error = write_command(run, &row, out);
        fputc('\n', out);
    }
    return error ? error : rows_error(&rows);
}
