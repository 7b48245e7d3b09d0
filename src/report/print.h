/* SPDX-License-Identifier: MIT */
/* print: a libsmartcols table, whole or with an error. */
#ifndef MUSTER_REPORT_PRINT_H
#define MUSTER_REPORT_PRINT_H
#include <stdio.h>

struct libscols_table;

/*
 * Prints at full width, also on a terminal: what is cut is what one looks for.
 * 0 or UV_E…: libsmartcols prints blank rows without a word when memory is
 * short, so what has come out is compared with what is in the cells.
 */
int print_table(struct libscols_table *table, FILE *out);
#endif
