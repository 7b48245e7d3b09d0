/* SPDX-License-Identifier: MIT */
/* cells: the columns of the table of results, for all reports that have such a table. */
#ifndef MUSTER_REPORT_CELLS_H
#define MUSTER_REPORT_CELLS_H
#include <stdbool.h>
#include <stddef.h>

#include "report/rows.h"

/* In the order of cell_columns[]. */
enum cell {
    CELL_JOB,
    CELL_TYPE,
    CELL_LANE,
    CELL_STATUS,
    CELL_TRIES,
    CELL_EXIT,
    CELL_WALL,
    CELL_CPU,
    CELL_RSS,
    CELL_REASON, /* the last: left out when nobody has one */
    CELLS,
};
#define CELL_MAX 512 /* bytes that hold any */

struct cell_column {
    const char *head;
    bool number; /* flush right */
    /* Its text, raw: names and reasons may have any bytes; "-" for nothing. */
    void (*write)(const struct report_input *in, const struct report_row *row, char *buf, size_t n);
};
extern const struct cell_column cell_columns[CELLS];
#endif
