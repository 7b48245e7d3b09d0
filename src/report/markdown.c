/* SPDX-License-Identifier: MIT */
/* markdown: the results as GitHub Markdown. */
#include "report/markdown.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/text.h"
#include "report/cells.h"
#include "report/escape.h"
#include "report/output.h"
#include "report/rows.h"
#include "report/summary.h"

#define TAIL_LINES 50
#define FENCE_MIN  3
#define LAST_ROOM  512 /* bytes kept for the sentence about what did not fit */

/* The report under way: parts are made whole before they are put out or left out. */
struct markdown {
    const struct report_input *in;
    FILE *out;
    size_t room; /* bytes that may still be written */
    FILE *part;  /* to memory */
    char *text;
    size_t n;
    char *buf; /* OUTPUT_TAIL_MAX bytes */
    bool all_rows;
    int error; /* the first: a tail could not be read */
};

/* Puts out the part if there is room, and begins the next. Whether there was. */
static bool put_part(struct markdown *m) {
    bool fits;

    fflush(m->part);
    fits = (size_t)ftello(m->part) <= m->room;
    if (fits) {
        m->room -= (size_t)ftello(m->part);
        fwrite(m->text, 1, (size_t)ftello(m->part), m->out);
    }
    rewind(m->part);
    return fits;
}

static void row_part(struct markdown *m, const struct report_row *row, size_t ncells) {
    const char *mark = row_bad(row->result) && !row->result->allowed ? "**" : "";
    char cell[CELL_MAX];

    for (size_t i = 0; i < ncells; i++) {
        cell_columns[i].write(m->in, row, cell, sizeof cell);
        fprintf(m->part, "| %s", i == CELL_STATUS ? mark : "");
        escape_text(m->part, ESCAPE_MARKDOWN, cell);
        fprintf(m->part, "%s ", i == CELL_STATUS ? mark : "");
    }
    fprintf(m->part, "|\n");
}

static void head_part(struct markdown *m, size_t ncells) {
    for (size_t i = 0; i < ncells; i++)
        fprintf(m->part, "| %s ", cell_columns[i].head);
    fprintf(m->part, "|\n");
    for (size_t i = 0; i < ncells; i++)
        fprintf(m->part, cell_columns[i].number ? "| --: " : "| --- ");
    fprintf(m->part, "|\n");
}

static bool row_wanted(const struct markdown *m, const struct job_result *r) {
    return m->all_rows || r->status != STATUS_OK || r->flaky;
}

static void write_rows(struct markdown *m) {
    bool any = false, reasons = false;
    struct report_row row;
    struct rows rows;
    uint32_t left_out = 0;
    size_t ncells;

    for (rows_begin(&rows, m->in); rows_next(&rows, &row);)
        if (row_wanted(m, row.result)) {
            any = true;
            reasons = reasons || row.result->reason != REASON_NONE;
        }
    if (!any)
        return;
    ncells = reasons ? CELLS : CELLS - 1;
    head_part(m, ncells);
    put_part(m);
    for (rows_begin(&rows, m->in); rows_next(&rows, &row);)
        if (row_wanted(m, row.result)) {
            row_part(m, &row, ncells);
            left_out += !put_part(m);
        }
    if (left_out)
        fprintf(m->out, "\n%" PRIu32 " more rows did not fit.\n", left_out);
    fputc('\n', m->out);
}

static void write_summary(struct markdown *m) {
    char *summary = summary_text(m->in);

    if (!summary) {
        m->error = UV_ENOMEM;
        return;
    }
    for (char *line = summary, *end; (end = strchr(line, '\n')); line = end + 1) {
        fprintf(m->part, "- ");
        escape_write(m->part, ESCAPE_MARKDOWN, line, (size_t)(end - line));
        fputc('\n', m->part);
    }
    fputc('\n', m->part);
    put_part(m);
    free(summary);
}

/* More backquotes than any run of them in the text. */
static size_t fence_length(const char *s, size_t n) {
    size_t longest = FENCE_MIN - 1, run = 0;

    for (size_t i = 0; i < n; i++) {
        run = s[i] == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest + 1;
}

static void write_fence(FILE *out, size_t n) {
    while (n-- > 0)
        fputc('`', out);
}

/* Whether a line might be a command to a CI service, where the report goes to its log. */
static bool has_command(const char *s, size_t n) {
    bool start = true; /* of a line; blanks, of any script, count as nothing there */

    for (size_t i = 0; i + 1 < n; i++) {
        if (start && memcmp(s + i, "::", 2) == 0)
            return true;
        start = s[i] == '\n' || (start && (s[i] <= ' ' || s[i] > '~'));
    }
    return memmem(s, n, "##[", 3);
}

static void write_fenced(FILE *out, const char *s, size_t n) {
    size_t fence = fence_length(s, n);

    write_fence(out, fence);
    fprintf(out, "text\n");
    text_visible_write(out, s, n, "\n\t");
    fprintf(out, s[n - 1] == '\n' ? "" : "\n");
    write_fence(out, fence);
    fputc('\n', out);
}

/* Only here can a character be written as its number. */
static void write_preformatted(FILE *out, const char *s, size_t n) {
    fprintf(out, "<pre>");
    escape_write(out, ESCAPE_HTML, s, n);
    fprintf(out, "</pre>\n");
}

static void stream_part(struct markdown *m, const struct report_row *row, enum row_stream which) {
    struct row_tail tail;
    int error = row_tail(m->in, row, which, OUTPUT_TAIL_MAX, m->buf, &tail);

    if (!m->error)
        m->error = error;
    row_tail_lines(&tail, TAIL_LINES);
    if (tail.n == 0)
        return;
    fputc('\n', m->part);
    if (has_command(tail.bytes, tail.n))
        write_preformatted(m->part, tail.bytes, tail.n);
    else
        write_fenced(m->part, tail.bytes, tail.n);
}

/* The ends of what failed jobs wrote, folded. */
static void write_outputs(struct markdown *m) {
    struct report_row row;
    struct rows rows;
    uint32_t left_out = 0;

    for (rows_begin(&rows, m->in); rows_next(&rows, &row);) {
        char reason[ROW_REASON_MAX];

        if (!row_bad(row.result) || row.result->allowed ||
            (row.result->out_len == 0 && row.result->err_len == 0))
            continue;
        fprintf(m->part, "<details><summary>");
        escape_text(m->part, ESCAPE_HTML, row.name);
        fprintf(m->part, ": ");
        escape_text(m->part, ESCAPE_HTML, row_reason(m->in, &row, reason, sizeof reason));
        fprintf(m->part, "</summary>\n");
        for (int i = 0; i < ROW_STREAMS; i++)
            stream_part(m, &row, (enum row_stream)i);
        fprintf(m->part, "\n</details>\n\n");
        left_out += !put_part(m);
    }
    if (!m->error)
        m->error = rows_error(&rows);
    if (left_out)
        fprintf(m->out, "The output of %" PRIu32 " more jobs did not fit.\n", left_out);
}

int markdown_write(const struct report_input *in, size_t max, FILE *out) {
    struct markdown m = {.in = in, .out = out, .room = max - LAST_ROOM};
    int error = UV_ENOMEM;

    m.all_rows = in->all_rows || run_totals(in->run).jobs <= REPORT_ROWS_MAX;
    m.buf = malloc(OUTPUT_TAIL_MAX);
    m.part = open_memstream(&m.text, &m.n);
    if (m.buf && m.part) {
        fprintf(m.part, "### muster: ");
        escape_text(m.part, ESCAPE_MARKDOWN, in->run->plan->name);
        fprintf(m.part, "\n\n");
        put_part(&m);
        write_summary(&m);
        write_rows(&m);
        write_outputs(&m);
        error = ferror(m.part) ? UV_ENOMEM : m.error;
    }
    if (m.part)
        fclose(m.part);
    free(m.text);
    free(m.buf);
    return error;
}

int report_markdown_write(const struct report_input *in, FILE *out) {
    return markdown_write(in, SIZE_MAX, out);
}
