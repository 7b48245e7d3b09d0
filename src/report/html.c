/* SPDX-License-Identifier: MIT */
/* html: the results as one page that needs nothing else: table, filters, output, timeline. */
#include "report/html.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "base/text.h"
#include "report/cells.h"
#include "report/escape.h"
#include "report/output.h"
#include "report/rows.h"
#include "report/summary.h"

#define OPEN_MAX    20          /* jobs whose output is unfolded */
#define OK_ROWS_MAX 5000        /* of plain ok jobs: a browser has to hold them */
#define OK_BYTES    (4U << 10)  /* of each stream of theirs */
#define TOTAL_BYTES (24U << 20) /* of all output */

/* The page under way. */
struct page {
    const struct report_input *in;
    FILE *out;
    char *buf;   /* OUTPUT_TAIL_MAX bytes */
    size_t room; /* bytes of output that may still be shown */
    unsigned opened;
    int error; /* the first: a tail could not be read */
};

static void text(struct page *p, const char *s) {
    escape_text(p->out, ESCAPE_HTML, s);
}

static void write_head(struct page *p) {
    /* Nothing is fetched, and nothing that a job wrote could ever be run. */
    fprintf(p->out,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
            "style-src 'unsafe-inline'; script-src '%s'\"/>\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
            "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>",
            html_script_hash);
    text(p, p->in->run->plan->name);
    fprintf(p->out, " - muster</title>\n<style>\n%s</style></head><body>\n", html_style);
}

static void write_fact(struct page *p, const char *name, const char *value) {
    fprintf(p->out, "<dt>%s</dt><dd>", name);
    text(p, value);
    fprintf(p->out, "</dd>\n");
}

static void write_header(struct page *p) {
    const struct run_result *run = p->in->run;
    char date[48] = "", status[32];
    struct tm tm;

    if (gmtime_r(&run->started.tv_sec, &tm))
        strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S UTC", &tm);
    snprintf(status, sizeof status, "exit %d", run->exit);
    fprintf(p->out, "<header><h1>");
    text(p, run->plan->name);
    fprintf(p->out, " <span class=\"badge %s\">%s</span></h1>\n<dl>\n", run->exit ? "failed" : "ok",
            status);
    write_fact(p, "manifest", run->plan->path);
    write_fact(p, "started", date);
    write_fact(p, "host", run->host);
    write_fact(p, "run", run->id);
    fprintf(p->out, "</dl>\n");
}

static void write_summary(struct page *p) {
    char *summary = summary_text(p->in);

    if (!summary) {
        p->error = UV_ENOMEM;
        return;
    }
    fprintf(p->out, "<ul class=\"summary\">\n");
    for (char *line = summary, *end; (end = strchr(line, '\n')); line = end + 1) {
        fprintf(p->out, "<li>");
        escape_write(p->out, ESCAPE_HTML, line, (size_t)(end - line));
        fprintf(p->out, "</li>\n");
    }
    fprintf(p->out, "</ul></header>\n");
    free(summary);
}

/* What the script makes the rows come and go by; of use only with it. */
static void write_filters(struct page *p) {
    struct run_totals t = run_totals(p->in->run);

    fprintf(p->out, "<form class=\"filters\" hidden=\"\"><input type=\"search\" id=\"find\" "
                    "placeholder=\"filter by name or reason\" aria-label=\"filter\"/>\n");
    for (int status = STATUS_OK; status < STATUSES; status++)
        if (t.by_status[status])
            fprintf(p->out,
                    "<label class=\"%s\"><input type=\"checkbox\" checked=\"\" value=\"%s\"/>%s "
                    "%" PRIu32 "</label>\n",
                    status_words[status], status_words[status], status_words[status],
                    t.by_status[status]);
    for (int lane = 0; lane < LANES; lane++)
        fprintf(p->out, "<label><input type=\"checkbox\" checked=\"\" value=\"%s\"/>%s</label>\n",
                lane_words[lane], lane_words[lane]);
    fprintf(p->out, "</form>\n");
}

static void write_stream(struct page *p, const struct report_row *row, enum row_stream which) {
    static const char *const names[ROW_STREAMS] = {"standard output", "standard error"};
    size_t max = row_bad(row->result) || row->result->flaky ? OUTPUT_TAIL_MAX : OK_BYTES;
    struct row_tail tail;
    int error;

    error = row_tail(p->in, row, which, max < p->room ? max : p->room, p->buf, &tail);
    if (!p->error)
        p->error = error;
    p->room -= tail.n;
    if (tail.n == 0 && !tail.cut)
        return;
    fprintf(p->out, "<h3>%s%s</h3><pre>", names[which], tail.cut ? ", its end" : "");
    escape_write(p->out, ESCAPE_HTML, tail.bytes, tail.n);
    fprintf(p->out, "</pre>\n");
}

static void write_attempts(struct page *p, const struct report_row *row) {
    if (row->result->nattempts == 1)
        return;
    fprintf(p->out, "<h3>attempts</h3><ol>\n");
    for (uint32_t i = 0; i < row->result->nattempts; i++) {
        const struct attempt_result *a = &row->result->attempts[i];
        char reason[ROW_REASON_MAX], at[TEXT_FORMAT_MAX], wall[TEXT_FORMAT_MAX];

        fprintf(p->out, "<li>at %s for %s: ",
                text_format_wall(a->start_ns - p->in->run->start_ns, at, sizeof at),
                text_format_wall(a->wall_ns, wall, sizeof wall));
        text(p, a->status == STATUS_OK ? "ok" : attempt_reason(a, reason, sizeof reason));
        fprintf(p->out, "</li>\n");
    }
    fprintf(p->out, "</ol>\n");
}

/* What folds out below a job's row; open for the first that did not go well. */
static void write_details(struct page *p, const struct report_row *row) {
    bool bad = row_bad(row->result) && !row->result->allowed;
    char wait[TEXT_FORMAT_MAX];

    fprintf(p->out, "<tr><td colspan=\"%d\"><details%s><summary>output and attempts</summary>\n",
            CELLS, bad && p->opened++ < OPEN_MAX ? " open=\"\"" : "");
    fprintf(p->out, "<p>waited %s once it was ready</p>\n",
            text_format_wall(row->result->wait_ns, wait, sizeof wait));
    write_attempts(p, row);
    write_stream(p, row, ROW_STDOUT);
    write_stream(p, row, ROW_STDERR);
    fprintf(p->out, "</details></td></tr>");
}

/* By what a column is sorted, where its text will not do. */
static void write_key(struct page *p, const struct report_row *row, size_t cell) {
    const struct job_result *r = row->result;

    if (cell == CELL_WALL || cell == CELL_CPU || cell == CELL_RSS)
        fprintf(p->out, " data-v=\"%" PRIu64 "\"",
                cell == CELL_WALL  ? (uint64_t)job_wall_ns(r)
                : cell == CELL_CPU ? (uint64_t)job_cpu_us(r)
                                   : job_max_rss(r));
}

static void write_row(struct page *p, const struct report_row *row) {
    char cell[CELL_MAX];

    fprintf(p->out, "<tbody id=\"j%" PRIu32 "\" data-status=\"%s\" data-lane=\"%s\"><tr>",
            row->index, status_words[row->result->status], lane_words[row->lane]);
    for (size_t i = 0; i < CELLS; i++) {
        fprintf(p->out, cell_columns[i].number ? "<td class=\"n\"" : "<td");
        write_key(p, row, i);
        fprintf(p->out, i == CELL_STATUS ? "><span class=\"badge %s\">" : ">", row_status(row));
        cell_columns[i].write(p->in, row, cell, sizeof cell);
        text(p, cell);
        fprintf(p->out, i == CELL_STATUS ? "</span></td>" : "</td>");
    }
    fprintf(p->out, "</tr>");
    if (row->last)
        write_details(p, row);
    fprintf(p->out, "</tbody>\n");
}

static void write_table(struct page *p) {
    uint32_t plain = 0, left_out = 0;
    struct report_row row;
    struct rows rows;

    fprintf(p->out, "<h2>Jobs</h2>\n");
    write_filters(p);
    fprintf(p->out, "<div class=\"wide\"><table><thead><tr>");
    for (size_t i = 0; i < CELLS; i++)
        fprintf(p->out, "<th%s>%s</th>", cell_columns[i].number ? " class=\"n\"" : "",
                cell_columns[i].head);
    fprintf(p->out, "</tr></thead>\n");
    for (rows_begin(&rows, p->in); rows_next(&rows, &row);) {
        bool is_plain = row.result->status == STATUS_OK && !row.result->flaky;

        if (is_plain && plain++ >= OK_ROWS_MAX)
            left_out++;
        else
            write_row(p, &row);
    }
    fprintf(p->out, "</table></div>\n");
    if (!p->error)
        p->error = rows_error(&rows);
    if (left_out)
        fprintf(p->out, "<p>%" PRIu32 " more jobs that were ok are not listed.</p>\n", left_out);
}

int report_html_write(const struct report_input *in, FILE *out) {
    struct page p = {.in = in, .out = out, .buf = malloc(OUTPUT_TAIL_MAX), .room = TOTAL_BYTES};
    int error;

    if (!p.buf)
        return UV_ENOMEM;
    write_head(&p);
    write_header(&p);
    write_summary(&p);
    error = html_timeline(in, out);
    write_table(&p);
    fprintf(out, "<footer>muster %s</footer>\n<script>%s</script>\n</body></html>\n",
            muster_version, html_script);
    free(p.buf);
    return error ? error : p.error;
}
