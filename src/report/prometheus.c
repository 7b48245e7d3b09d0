/* SPDX-License-Identifier: MIT */
/* prometheus: the results as metrics in the text format, as node_exporter's textfile
 * collector and the push gateway take them. */
#include "report/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <uv.h>

#include "base/map.h"
#include "report/escape.h"
#include "report/rows.h"

/* Each name is a series that a server keeps for good: past so many only those that went wrong. */
#define JOBS_MAX 1000

static double time_s(const struct timespec *t) {
    return (double)t->tv_sec + (double)t->tv_nsec / 1e9;
}

static double duration(const struct report_row *row) {
    return (double)job_wall_ns(row->result) / 1e9;
}
static double cpu(const struct report_row *row) {
    return (double)job_cpu_us(row->result) / 1e6;
}
static double max_rss(const struct report_row *row) {
    return (double)job_max_rss(row->result);
}
static double attempts(const struct report_row *row) {
    return row->result->nattempts;
}
static double good(const struct report_row *row) {
    return !row_bad(row->result);
}

/* A metric of each job. */
static const struct {
    const char *name, *help;
    double (*value)(const struct report_row *row);
} families[] = {
    {"muster_job_success", "Whether the job went well or need not run.", good},
    {"muster_job_duration_seconds", "From the first start of the job to its last end.", duration},
    {"muster_job_cpu_seconds", "CPU time of all attempts of the job.", cpu},
    {"muster_job_max_rss_bytes", "Most memory that a process of the job had.", max_rss},
    {"muster_job_attempts", "Attempts that the job had.", attempts},
};

static void head(const char *name, const char *help, FILE *out) {
    fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

/* {run="nightly" and what follows it */
static void labels(const struct report_input *in, FILE *out) {
    fprintf(out, "{run=\"");
    escape_text(out, ESCAPE_LABEL, in->run->plan->name);
    fputc('"', out);
}

static void run_metric(const struct report_input *in, const char *name, const char *help,
                       double value, FILE *out) {
    head(name, help, out);
    fputs(name, out);
    labels(in, out);
    fprintf(out, "} %.15g\n", value);
}

static void totals(const struct report_input *in, FILE *out) {
    struct run_totals t = run_totals(in->run);

    head("muster_jobs", "Jobs of the run by status.", out);
    for (int status = STATUS_OK; status < STATUSES; status++) {
        fprintf(out, "muster_jobs");
        labels(in, out);
        fprintf(out, ",status=\"%s\"} %" PRIu32 "\n", status_words[status], t.by_status[status]);
    }
    run_metric(in, "muster_run_flaky_jobs", "Jobs that were ok after a retry.", t.flaky, out);
    run_metric(in, "muster_run_retries", "Attempts after the first of all jobs.", t.retries, out);
    run_metric(in, "muster_run_cpu_seconds", "CPU time of all jobs.", (double)t.cpu_us / 1e6, out);
}

/* ---- metrics of jobs ---- */

/* Which jobs have metrics. */
struct shown {
    bool many;      /* only those that did not go well */
    bool *repeated; /* rows whose name one before has, too; of `cap` */
    size_t cap;
};

static bool is_shown(const struct shown *shown, const struct report_row *row) {
    return !shown->many || row_bad(row->result);
}

/* Takes in what a row has for its name. */
static int note_name(struct shown *shown, struct map *names, const char *name, size_t n,
                     uint32_t row) {
    bool *repeated;

    if (map_get(names, name, n) == MAP_NONE) {
        const char *copy = arena_strndup(names->arena, name, n);

        if (!copy || !map_reserve(names, 1))
            return UV_ENOMEM;
        map_add(names, copy, n, 0);
        return 0;
    }
    repeated = mem_grow(shown->repeated, row, &shown->cap, sizeof *repeated);
    if (!repeated)
        return UV_ENOMEM;
    shown->repeated = repeated;
    repeated[row] = true;
    return 0;
}

/* Finds items that share a name, as equal lines do, and so would share a series. Goes by what
 * is written: that of two names may be the same. 0 or UV_E…. */
static int find_repeated(const struct report_input *in, struct shown *shown) {
    char *name = NULL;
    size_t n = 0;
    FILE *text = open_memstream(&name, &n);
    int error = text ? 0 : UV_ENOMEM;
    struct report_row row;
    struct arena arena;
    struct rows rows;
    struct map names;

    arena_init(&arena, NULL);
    map_init(&names, &arena);
    for (rows_begin(&rows, in); !error && rows_next(&rows, &row);) {
        if (!row.item || !is_shown(shown, &row))
            continue;
        rewind(text);
        escape_text(text, ESCAPE_LABEL, row.name);
        error = fflush(text) == 0 ? 0 : UV_ENOMEM;
        if (!error)
            error = note_name(shown, &names, name, (size_t)ftello(text), row.index);
    }
    arena_release(&arena);
    if (text)
        fclose(text);
    free(name);
    return error;
}

/* 0 or UV_E…. */
static int family(const struct report_input *in, const struct shown *shown, size_t which,
                  FILE *out) {
    struct report_row row;
    struct rows rows;

    head(families[which].name, families[which].help, out);
    for (rows_begin(&rows, in); rows_next(&rows, &row);) {
        if (!is_shown(shown, &row))
            continue;
        fputs(families[which].name, out);
        labels(in, out);
        fprintf(out, ",job=\"");
        escape_text(out, ESCAPE_LABEL, row.name);
        fputc('"', out);
        if (row.index < shown->cap && shown->repeated[row.index])
            fprintf(out, ",index=\"%" PRIu64 "\"", row.job->item->index);
        fprintf(out, ",lane=\"%s\",status=\"%s\"} %.15g\n", lane_words[row.lane], row_status(&row),
                families[which].value(&row));
    }
    return rows_error(&rows);
}

int report_prometheus_write(const struct report_input *in, FILE *out) {
    const struct run_result *run = in->run;
    struct shown shown = {.many = run_totals(run).jobs > JOBS_MAX};
    int error;

    head("muster_run_info", "The run that these figures are of.", out);
    fprintf(out, "muster_run_info");
    labels(in, out);
    fprintf(out, ",id=\"%s\",version=\"%s\",manifest=\"", run->id, muster_version);
    escape_text(out, ESCAPE_LABEL, run->plan->path);
    fprintf(out, "\"} 1\n");
    run_metric(in, "muster_run_exit_status", "Exit status of the run, 128+N after signal N.",
               run->exit, out);
    run_metric(in, "muster_run_start_time_seconds", "When the run started, in Unix time.",
               time_s(&run->started), out);
    run_metric(in, "muster_run_end_time_seconds", "When the run ended, in Unix time.",
               time_s(&run->ended), out);
    run_metric(in, "muster_run_duration_seconds", "How long the run took.",
               (double)run->wall_ns / 1e9, out);
    run_metric(in, "muster_loop_lag_max_seconds", "Longest that muster kept events waiting.",
               (double)run->loop_lag_ns / 1e9, out);
    totals(in, out);
    error = find_repeated(in, &shown);
    for (size_t i = 0; !error && i < sizeof families / sizeof *families; i++)
        error = family(in, &shown, i, out);
    free(shown.repeated);
    return error;
}
