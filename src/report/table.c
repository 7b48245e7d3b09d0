/* SPDX-License-Identifier: MIT */
/* table: a row per job and a summary, for people. */
#include "report/report.h"

#include <libsmartcols.h>
#include <string.h>
#include <uv.h>

#include "base/text.h"
#include "report/cells.h"
#include "report/print.h"
#include "report/summary.h"

/*
 * libsmartcols makes control bytes and invalid UTF-8 visible by itself, and
 * would do so once more to "\x1b"; what it lets pass is replaced here.
 */
static void make_visible(const char *raw, char *buf, size_t n) {
    char step[TEXT_VISIBLE_MAX];
    size_t len = strlen(raw), used, at = 0;

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

static const char *const status_colors[STATUSES] = {
    [STATUS_OK] = "\033[32m",        [STATUS_FAILED] = "\033[1;31m",
    [STATUS_TIMEOUT] = "\033[1;31m", [STATUS_CANCELLED] = "\033[33m",
    [STATUS_SKIPPED] = "\033[33m",   [STATUS_CACHED] = "\033[36m",
    [STATUS_RESUMED] = "\033[36m",
};
static const char unstable_color[] = "\033[33m"; /* flaky, allowed */

static bool row_wanted(const struct report_input *in, const struct job_result *r) {
    if (in->failed_only)
        return row_bad(r);
    if (in->all_rows)
        return true;
    return r->status != STATUS_OK || r->flaky;
}

static int add_row(struct libscols_table *table, const struct report_input *in,
                   const struct report_row *row, size_t ncells) {
    struct libscols_line *line = scols_table_new_line(table, NULL);
    const struct job_result *r = row->result;
    const char *color = r->flaky || r->allowed ? unstable_color : status_colors[r->status];
    char raw[CELL_MAX], buf[CELL_MAX];
    int error = 0;

    if (!line)
        return UV_ENOMEM;
    for (size_t i = 0; i < ncells && !error; i++) {
        cell_columns[i].write(in, row, raw, sizeof raw);
        make_visible(raw, buf, sizeof buf);
        error = scols_line_set_data(line, i, buf);
    }
    if (!error && in->color && color)
        error = scols_cell_set_color(scols_line_get_cell(line, CELL_STATUS), color);
    return error;
}

static int fill_table(struct libscols_table *table, const struct report_input *in, bool reasons) {
    size_t ncells = reasons ? CELLS : CELLS - 1;
    struct report_row row;
    struct rows rows;
    int error = 0;

    for (size_t i = 0; i < ncells; i++)
        if (!scols_table_new_column(table, cell_columns[i].head, 0,
                                    cell_columns[i].number ? SCOLS_FL_RIGHT : 0))
            return UV_ENOMEM;
    for (rows_begin(&rows, in); !error && rows_next(&rows, &row);)
        if (row_wanted(in, row.result))
            error = add_row(table, in, &row, ncells);
    return error ? error : rows_error(&rows);
}

static int write_rows(const struct report_input *in, FILE *out) {
    struct libscols_table *table;
    bool any = false, reasons = false;
    struct report_row row;
    struct rows rows;
    int error;

    for (rows_begin(&rows, in); rows_next(&rows, &row);)
        if (row_wanted(in, row.result)) {
            any = true;
            reasons = reasons || row.result->reason != REASON_NONE;
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

int report_table_write(const struct report_input *in, FILE *out) {
    struct report_input all = *in;
    int error;

    all.all_rows = in->all_rows || run_totals(in->run).jobs <= REPORT_ROWS_MAX;
    error = write_rows(&all, out);
    if (!error)
        summary_write(in, out);
    return error;
}
