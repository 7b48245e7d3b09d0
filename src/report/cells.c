/* SPDX-License-Identifier: MIT */
/* cells: the columns of the table of results, for all reports that have such a table. */
#include "report/cells.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

static const char nothing[] = "-";

static void cell_job(const struct report_input *in, const struct report_row *row, char *buf,
                     size_t n) {
    (void)in;
    snprintf(buf, n, "%s", row->name);
}

static void cell_type(const struct report_input *in, const struct report_row *row, char *buf,
                      size_t n) {
    (void)in;
    snprintf(buf, n, "%s", type_word(row->job));
}

static void cell_lane(const struct report_input *in, const struct report_row *row, char *buf,
                      size_t n) {
    (void)in;
    snprintf(buf, n, "%s%s", row->last && row->result->moved ? "auto\u2192" : "",
             row->last ? lane_words[row->lane] : nothing);
}

static void cell_status(const struct report_input *in, const struct report_row *row, char *buf,
                        size_t n) {
    (void)in;
    snprintf(buf, n, "%s", row_status(row));
}

static void cell_tries(const struct report_input *in, const struct report_row *row, char *buf,
                       size_t n) {
    (void)in;
    if (row->last)
        snprintf(buf, n, "%" PRIu32, row->result->nattempts);
    else
        snprintf(buf, n, "%s", nothing);
}

static void cell_exit(const struct report_input *in, const struct report_row *row, char *buf,
                      size_t n) {
    (void)in;
    if (row->last && row->last->exit >= 0)
        snprintf(buf, n, "%d", row->last->exit);
    else if (row->last && row->last->signal)
        signal_name(row->last->signal, buf, n);
    else
        snprintf(buf, n, "%s", nothing);
}

static void cell_wall(const struct report_input *in, const struct report_row *row, char *buf,
                      size_t n) {
    (void)in;
    if (row->last)
        text_format_wall(job_wall_ns(row->result), buf, n);
    else
        snprintf(buf, n, "%s", nothing);
}

static void cell_cpu(const struct report_input *in, const struct report_row *row, char *buf,
                     size_t n) {
    (void)in;
    if (row->last)
        text_format_wall(job_cpu_us(row->result) * 1000, buf, n);
    else
        snprintf(buf, n, "%s", nothing);
}

static void cell_rss(const struct report_input *in, const struct report_row *row, char *buf,
                     size_t n) {
    uint64_t rss = job_max_rss(row->result);

    (void)in;
    if (rss)
        text_format_size(rss, buf, n);
    else
        snprintf(buf, n, "%s", nothing);
}

static void cell_reason(const struct report_input *in, const struct report_row *row, char *buf,
                        size_t n) {
    row_reason(in, row, buf, n);
    if (!*buf)
        snprintf(buf, n, "%s", nothing);
}

const struct cell_column cell_columns[CELLS] = {
    [CELL_JOB] = {"JOB", false, cell_job},      [CELL_TYPE] = {"TYPE", false, cell_type},
    [CELL_LANE] = {"LANE", false, cell_lane},   [CELL_STATUS] = {"STATUS", false, cell_status},
    [CELL_TRIES] = {"TRIES", true, cell_tries}, [CELL_EXIT] = {"EXIT", true, cell_exit},
    [CELL_WALL] = {"WALL", true, cell_wall},    [CELL_CPU] = {"CPU", true, cell_cpu},
    [CELL_RSS] = {"RSS", true, cell_rss},       [CELL_REASON] = {"REASON", false, cell_reason},
};
