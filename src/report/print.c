/* SPDX-License-Identifier: MIT */
/* print: a libsmartcols table, whole or with an error. */
#include "report/print.h"

#include <libsmartcols.h>
#include <stdint.h>
#include <string.h>
#include <uv.h>

struct counted {
    FILE *out;
    uint64_t bytes; /* but blanks and line ends */
};

static uint64_t count(const char *bytes, size_t n) {
    uint64_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += bytes[i] != ' ' && bytes[i] != '\n';
    return count;
}

static ssize_t counted_write(void *cookie, const char *bytes, size_t n) {
    struct counted *c = cookie;

    c->bytes += count(bytes, n);
    return (ssize_t)fwrite(bytes, 1, n, c->out);
}

static uint64_t count_text(const char *text) {
    return text ? count(text, strlen(text)) : 0;
}

/* What the heads and cells hold; or UV_ENOMEM. */
static int count_cells(struct libscols_table *table, uint64_t *bytes) {
    struct libscols_iter *i = scols_new_iter(SCOLS_ITER_FORWARD);
    struct libscols_column *column;
    struct libscols_line *line;
    size_t ncolumns = scols_table_get_ncols(table);

    if (!i)
        return UV_ENOMEM;
    *bytes = 0;
    while (scols_table_next_column(table, i, &column) == 0)
        *bytes += count_text(scols_cell_get_data(scols_column_get_header(column)));
    scols_reset_iter(i, SCOLS_ITER_FORWARD);
    while (scols_table_next_line(table, i, &line) == 0)
        for (size_t n = 0; n < ncolumns; n++)
            *bytes += count_text(scols_cell_get_data(scols_line_get_cell(line, n)));
    scols_free_iter(i);
    return 0;
}

int print_table(struct libscols_table *table, FILE *out) {
    struct counted counted = {.out = out};
    FILE *stream = fopencookie(&counted, "w", (cookie_io_functions_t){.write = counted_write});
    uint64_t wanted;
    int error;

    if (!stream)
        return UV_ENOMEM;
    error = count_cells(table, &wanted);
    if (!error) {
        scols_table_set_stream(table, stream);
        scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
        error = scols_print_table(table);
    }
    fclose(stream);
    if (!error && counted.bytes < wanted) /* escapes and colours only add */
        error = UV_ENOMEM;
    return error;
}
