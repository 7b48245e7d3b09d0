/* SPDX-License-Identifier: MIT */
/* table: a row per job and a summary, for people. */
#include "report/report.h"

#include <inttypes.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "base/text.h"
#include "report/print.h"

#define ROWS_MAX  50 /* with more jobs only the rows that are not plain ok */
#define HINTS_MAX 5
#define CELL_MAX  512

/*
 * The share of a CPU that a job used. Between the two a hint would guess: what
 * computes gets half a CPU or less as soon as the machine is busy.
 */
#define WAITING_SHARE   0.2
#define COMPUTING_SHARE 0.5
#define HINT_WALL_NS    (NS_PER_S / 4) /* of shorter jobs the start alone is much */

/* What a row is made of. */
struct row {
    const struct report_input *in;
    const struct job_info *info;
    const struct plan_job *job;
    const struct job_result *result;
    const struct attempt_result *last; /* attempt, or NULL */
};

typedef void (*cell_cb)(const struct row *r, char *buf, size_t n);

static const char nothing[] = "-";

static void cell_job(const struct row *r, char *buf, size_t n) {
    snprintf(buf, n, "%s", r->job->name);
}

static void cell_type(const struct row *r, char *buf, size_t n) {
    snprintf(buf, n, "%s", lane_words[r->job->set->type]);
}

static void cell_lane(const struct row *r, char *buf, size_t n) {
    snprintf(buf, n, "%s", r->last ? lane_words[r->job->set->type] : nothing);
}

static void cell_status(const struct row *r, char *buf, size_t n) {
    const char *word = status_words[r->result->status];

    snprintf(buf, n, "%s",
             r->result->allowed ? "allowed"
             : r->result->flaky ? "flaky"
             : word             ? word
                                : nothing);
}

static void cell_tries(const struct row *r, char *buf, size_t n) {
    if (r->last)
        snprintf(buf, n, "%" PRIu32, r->result->nattempts);
    else
        snprintf(buf, n, "%s", nothing);
}

static void cell_exit(const struct row *r, char *buf, size_t n) {
    if (r->last && r->last->exit >= 0)
        snprintf(buf, n, "%d", r->last->exit);
    else if (r->last && r->last->signal)
        signal_name(r->last->signal, buf, n);
    else
        snprintf(buf, n, "%s", nothing);
}

static void cell_wall(const struct row *r, char *buf, size_t n) {
    if (r->last)
        text_format_wall(job_wall_ns(r->result), buf, n);
    else
        snprintf(buf, n, "%s", nothing);
}

static void cell_cpu(const struct row *r, char *buf, size_t n) {
    if (r->last)
        text_format_wall(job_cpu_us(r->result) * 1000, buf, n);
    else
        snprintf(buf, n, "%s", nothing);
}

static void cell_rss(const struct row *r, char *buf, size_t n) {
    uint64_t rss = job_max_rss(r->result);

    if (rss)
        text_format_size(rss, buf, n);
    else
        snprintf(buf, n, "%s", nothing);
}

/*
 * libsmartcols makes control bytes and invalid UTF-8 visible by itself, and
 * would do so once more to "\x1b"; what it lets pass is replaced here.
 */
static void cell_reason(const struct row *r, char *buf, size_t n) {
    char raw[CELL_MAX], step[TEXT_VISIBLE_MAX];
    size_t len, used, at = 0;

    job_reason_text(r->in->run, r->info, raw, sizeof raw);
    if (!*raw)
        snprintf(raw, sizeof raw, "%s", nothing);
    len = strlen(raw);
    for (size_t i = 0; i < len; i += used) {
        const char *shown = raw + i;
        size_t size;

        used = text_visible_step(raw + i, len - i, NULL, step);
        size = used;
        if (step[0] == '<' && raw[i] != '<') { /* "<U+202E>" */
            shown = step;
            size = strlen(step);
        }
        if (at + size >= n)
            break;
        memcpy(buf + at, shown, size);
        at += size;
    }
    buf[at] = '\0';
}

static const struct column {
    const char *head;
    cell_cb cell;
    int flags;
} columns[] = {
    {"JOB", cell_job, 0},
    {"TYPE", cell_type, 0},
    {"LANE", cell_lane, 0},
    {"STATUS", cell_status, 0},
    {"TRIES", cell_tries, SCOLS_FL_RIGHT},
    {"EXIT", cell_exit, SCOLS_FL_RIGHT},
    {"WALL", cell_wall, SCOLS_FL_RIGHT},
    {"CPU", cell_cpu, SCOLS_FL_RIGHT},
    {"RSS", cell_rss, SCOLS_FL_RIGHT},
    {"REASON", cell_reason, 0}, /* the last: left out when nobody has one */
};
#define COLUMNS       (sizeof columns / sizeof *columns)
#define STATUS_COLUMN 3

static const char *const status_colors[STATUSES] = {
    [STATUS_OK] = "\033[32m",        [STATUS_FAILED] = "\033[1;31m",
    [STATUS_TIMEOUT] = "\033[1;31m", [STATUS_CANCELLED] = "\033[33m",
    [STATUS_SKIPPED] = "\033[33m",   [STATUS_CACHED] = "\033[36m",
    [STATUS_RESUMED] = "\033[36m",
};
static const char unstable_color[] = "\033[33m"; /* flaky, allowed */

/* Whether a job did not go well. */
static bool job_bad(const struct job_result *r) {
    switch ((enum status)r->status) {
    case STATUS_FAILED:
    case STATUS_TIMEOUT:
    case STATUS_CANCELLED:
        return true;
    case STATUS_SKIPPED:
        return r->reason != REASON_NONE; /* else by choice */
    default:
        return false;
    }
}

static bool row_wanted(const struct report_input *in, const struct job_result *r) {
    if (in->failed_only)
        return job_bad(r);
    if (in->all_rows || in->run->plan->njobs <= ROWS_MAX)
        return true;
    return r->status != STATUS_OK || r->flaky;
}

static int add_row(struct libscols_table *table, const struct row *r, size_t ncolumns) {
    struct libscols_line *line = scols_table_new_line(table, NULL);
    char buf[CELL_MAX];
    const char *color;
    int error = 0;

    if (!line)
        return UV_ENOMEM;
    for (size_t i = 0; i < ncolumns && !error; i++) {
        columns[i].cell(r, buf, sizeof buf);
        error = scols_line_set_data(line, i, buf);
    }
    color =
        r->result->flaky || r->result->allowed ? unstable_color : status_colors[r->result->status];
    if (!error && r->in->color && color)
        error = scols_cell_set_color(scols_line_get_cell(line, STATUS_COLUMN), color);
    return error;
}

static int fill_table(struct libscols_table *table, const struct report_input *in, bool reasons) {
    size_t ncolumns = reasons ? COLUMNS : COLUMNS - 1;
    const struct job_info *job;
    struct result_walk walk;
    int error;

    for (size_t i = 0; i < ncolumns; i++)
        if (!scols_table_new_column(table, columns[i].head, 0, columns[i].flags))
            return UV_ENOMEM;
    result_begin(&walk, in->run);
    while ((job = result_next(&walk))) {
        const struct job_result *result = job->result;
        struct row r = {in, job, job->def, result, NULL};

        if (!row_wanted(in, result))
            continue;
        if (result->nattempts)
            r.last = &result->attempts[result->nattempts - 1];
        error = add_row(table, &r, ncolumns);
        if (error)
            return error;
    }
    return walk.error;
}

static int write_rows(const struct report_input *in, FILE *out) {
    struct libscols_table *table;
    bool any = false, reasons = false;
    const struct job_info *job;
    struct result_walk walk;
    int error;

    result_begin(&walk, in->run);
    while ((job = result_next(&walk)))
        if (row_wanted(in, job->result)) {
            any = true;
            reasons = reasons || job->result->reason != REASON_NONE;
        }
    if (!any)
        return 0;
    table = scols_new_table();
    if (!table)
        return UV_ENOMEM;
    error = fill_table(table, in, reasons);
    if (!error) {
        scols_table_enable_colors(table, in->color);
        error = print_table(table, out);
    }
    scols_unref_table(table);
    if (!error)
        fputc('\n', out);
    return error;
}

/* "9 ok (1 flaky), 2 failed, 1 skipped" */
static void write_counts(const struct report_input *in, FILE *out) {
    struct run_totals t = run_totals(in->run);
    const char *between = ": ";

    fprintf(out, "%" PRIu32 " job%s", t.jobs, t.jobs == 1 ? "" : "s");
    for (int status = STATUS_OK; status < STATUSES; status++) {
        if (!t.by_status[status])
            continue;
        fprintf(out, "%s%" PRIu32 " %s", between, t.by_status[status], status_words[status]);
        if (t.noted[status])
            fprintf(out, " (%" PRIu32 " %s)", t.noted[status],
                    status == STATUS_OK ? "flaky" : "allowed");
        between = ", ";
    }
    fputc('\n', out);
}

/* "wall 3.21s, one by one 8.40s, speed-up 2.6, CPU 5.10s (79% of 2 CPUs), loop lag 3 ms" */
static void write_times(const struct run_result *run, FILE *out) {
    struct run_totals t = run_totals(run);
    double wall_s = (double)run->wall_ns / 1e9, lag_ms = (double)run->loop_lag_ns / 1e6;
    uint32_t cpus = run->cpus;
    char wall[TEXT_FORMAT_MAX], sum[TEXT_FORMAT_MAX], cpu[TEXT_FORMAT_MAX];

    fprintf(out, "wall %s, one by one %s, ", text_format_wall(run->wall_ns, wall, sizeof wall),
            text_format_wall(t.job_wall_ns, sum, sizeof sum));
    fprintf(out, "speed-up %.1f, CPU %s (%.0f%% of %" PRIu32 " CPU%s), loop lag %.*f ms\n",
            wall_s > 0 ? (double)t.job_wall_ns / 1e9 / wall_s : 0.0,
            text_format_wall(t.cpu_us * 1000, cpu, sizeof cpu),
            wall_s > 0 ? (double)t.cpu_us / 1e4 / wall_s / cpus : 0.0, cpus, cpus == 1 ? "" : "s",
            lag_ms < 9.95 ? 1 : 0, lag_ms);
}

/* Why the run did not go to its end. */
static void write_stop(const struct run_result *run, FILE *out) {
    char buf[TEXT_FORMAT_MAX];

    if (run->interrupted_by)
        fprintf(out, "stopped by %s\n", signal_name(run->interrupted_by, buf, sizeof buf));
    else if (run->deadline_passed)
        fprintf(out, "stopped by the deadline of %s\n",
                text_format_duration(run->plan->deadline_ns, buf, sizeof buf));
}

/* Jobs that seem to be in the wrong lane. */
static void write_hints(const struct run_result *run, FILE *out) {
    const struct job_info *job;
    struct result_walk walk;
    int hints = 0;

    result_begin(&walk, run);
    while (hints < HINTS_MAX && (job = result_next(&walk))) {
        const struct job_result *r = job->result;
        enum lane type = job->def->set->type;
        int64_t cpu_ns = job_cpu_us(r) * 1000, wall_ns = 0;
        char cpu[TEXT_FORMAT_MAX], wall[TEXT_FORMAT_MAX];
        double share;

        for (uint32_t a = 0; a < r->nattempts; a++) /* without the delays between them */
            wall_ns += r->attempts[a].wall_ns;
        /* What was stopped half-way might have gone on otherwise. */
        if (wall_ns <= HINT_WALL_NS || r->status == STATUS_CANCELLED)
            continue;
        share = (double)cpu_ns / (double)wall_ns;
        if (type == LANE_CPU ? share >= WAITING_SHARE : share <= COMPUTING_SHARE)
            continue;
        hints++;
        fprintf(out, "hint: %s is marked %s but mostly %s (CPU %s in %s): try type = %s\n",
                job->def->name, lane_words[type], type == LANE_CPU ? "waited" : "computed",
                text_format_wall(cpu_ns, cpu, sizeof cpu),
                text_format_wall(wall_ns, wall, sizeof wall),
                lane_words[type == LANE_CPU ? LANE_IO : LANE_CPU]);
    }
}

int report_table_write(const struct report_input *in, FILE *out) {
    int error = write_rows(in, out);

    if (error)
        return error;
    write_counts(in, out);
    write_times(in->run, out);
    write_stop(in->run, out);
    if (!in->failed_only)
        write_hints(in->run, out);
    return 0;
}
