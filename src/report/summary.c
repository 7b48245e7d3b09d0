/* SPDX-License-Identifier: MIT */
/* summary: the sentences at a run's end, for all reports that people read. */
#include "report/summary.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "report/rows.h"

#define NAME_MAX_SHOWN 512 /* bytes */

/*
 * The share of a CPU that a job used. Between the two a hint would guess: what
 * computes gets half a CPU or less as soon as the machine is busy.
 */
#define WAITING_SHARE   0.2
#define COMPUTING_SHARE 0.5
#define HINT_WALL_NS    (NS_PER_S / 4) /* of shorter jobs the start alone is much */

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

/* "lanes: on average I/O 3.4 of 64, CPU 1.8 of 2 jobs at once", those that had any. */
static void write_lanes(const struct report_input *in, FILE *out) {
    const struct run_result *run = in->run;
    const uint32_t widths[LANES] = {run->plan->io_limit, run->plan->cpu_workers};
    double busy_ns[LANES] = {[LANE_IO] = (double)run->items.busy_ns[LANE_IO],
                             [LANE_CPU] = (double)run->items.busy_ns[LANE_CPU]};
    const char *between = "lanes: on average ";
    struct report_row row;
    struct rows rows;

    for (rows_begin(&rows, in); rows_next(&rows, &row);)
        busy_ns[row.lane] += (double)job_busy_ns(row.result);
    for (int lane = 0; lane < LANES && run->wall_ns > 0; lane++) {
        if (busy_ns[lane] <= 0)
            continue;
        fprintf(out, "%s%s %.1f of %" PRIu32, between, lane_titles[lane],
                busy_ns[lane] / (double)run->wall_ns, widths[lane]);
        between = ", ";
    }
    if (*between == ',')
        fprintf(out, " jobs at once\n");
}

/* "longest: pack 3.20s, fetch 2.00s, lint 0.50s" */
static void write_longest(const struct report_input *in, FILE *out) {
    struct {
        char name[NAME_MAX_SHOWN];
        int64_t wall_ns;
    } most[SUMMARY_LONGEST_MAX + 1];
    size_t count = 0;
    struct report_row row;
    struct rows rows;

    for (rows_begin(&rows, in); rows_next(&rows, &row);) {
        int64_t wall_ns = job_wall_ns(row.result);
        size_t at = count;

        if (!row.last)
            continue;
        while (at > 0 && most[at - 1].wall_ns < wall_ns)
            at--;
        if (at == SUMMARY_LONGEST_MAX)
            continue;
        memmove(most + at + 1, most + at, (count - at) * sizeof *most);
        text_visible(most[at].name, sizeof most[at].name, row.name, strlen(row.name), NULL);
        most[at].wall_ns = wall_ns;
        count += count < SUMMARY_LONGEST_MAX;
    }
    for (size_t i = 0; count > 1 && i < count; i++) {
        char wall[TEXT_FORMAT_MAX];

        fprintf(out, "%s%s %s%s", i ? ", " : "longest: ", most[i].name,
                text_format_wall(most[i].wall_ns, wall, sizeof wall), i + 1 < count ? "" : "\n");
    }
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

bool summary_hints_at(const struct job_info *job) {
    const struct job_result *r = job->result;
    int64_t busy_ns = job_busy_ns(r);
    double share;

    /* No mark that could be wrong. */
    if (job->def->set->automatic || job->def->action == ACTION_TASK)
        return false;
    /* What was stopped half-way might have gone on otherwise. */
    if (busy_ns <= HINT_WALL_NS || r->status == STATUS_CANCELLED)
        return false;
    share = (double)job_cpu_us(r) * 1000 / (double)busy_ns;
    return job->def->set->type == LANE_CPU ? share < WAITING_SHARE : share > COMPUTING_SHARE;
}

/* Jobs that seem to be in the wrong lane. */
static void write_hints(const struct report_input *in, FILE *out) {
    struct report_row row;
    struct rows rows;
    int hints = 0;

    for (rows_begin(&rows, in); hints < SUMMARY_HINTS_MAX && rows_next(&rows, &row);) {
        const struct job_result *r = row.result;
        enum lane type = row.job->set->type;
        char cpu[TEXT_FORMAT_MAX], wall[TEXT_FORMAT_MAX], name[NAME_MAX_SHOWN];

        if (!summary_hints_at(row.info))
            continue;
        hints++;
        text_visible(name, sizeof name, row.name, strlen(row.name), NULL);
        fprintf(out, "hint: %s is marked %s but mostly %s (CPU %s in %s): try type = %s\n", name,
                lane_words[type], type == LANE_CPU ? "waited" : "computed",
                text_format_wall(job_cpu_us(r) * 1000, cpu, sizeof cpu),
                text_format_wall(job_busy_ns(r), wall, sizeof wall),
                lane_words[type == LANE_CPU ? LANE_IO : LANE_CPU]);
    }
}

void summary_write(const struct report_input *in, FILE *out) {
    write_counts(in, out);
    write_times(in->run, out);
    if (!in->failed_only) {
        write_lanes(in, out);
        write_longest(in, out);
    }
    write_stop(in->run, out);
    if (!in->failed_only)
        write_hints(in, out);
}

char *summary_text(const struct report_input *in) {
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    if (!out)
        return NULL;
    summary_write(in, out);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
