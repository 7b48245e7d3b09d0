/* SPDX-License-Identifier: MIT */
/* ledger: the results of items that have ended, kept in a file until they are reported. */
#ifndef MUSTER_RUN_LEDGER_H
#define MUSTER_RUN_LEDGER_H
#include <stddef.h>
#include <stdint.h>

#include "run/result.h"

/* One result as it is kept; what it points to stands behind it. */
struct ledger_row {
    uint32_t size;    /* bytes of all of it */
    uint32_t section; /* in the plan */
    uint64_t index;   /* of the item */
    const char *name; /* the job's */
    const char *item; /* its own text */
    struct job_result result;
};

/* A copy of an item's result with the reason in words ("" or NULL: none), one block to
 * free(), in which pointers are void; NULL when out of memory. */
struct ledger_row *ledger_row_make(const struct job_info *job, const char *words);
/* Makes them good; once, and not before ledger_add(). */
void ledger_row_link(struct ledger_row *row);

struct ledger;

/* NULL when out of memory. */
struct ledger *ledger_new(void);
/* Accepts NULL; returns NULL. */
struct ledger *ledger_free(struct ledger *ledger);
/* Adds a copy. Blocks. 0 or UV_E…. One thread at a time, as all that follow. */
int ledger_add(struct ledger *ledger, const struct ledger_row *row);
/* Puts them into the order of reports: by section, then by index. Blocks. 0 or UV_E…. */
int ledger_sort(struct ledger *ledger);
/* The n-th row in that order: its section, or NO_JOB: there are not so many. */
uint32_t ledger_section(const struct ledger *ledger, size_t n);
/* Reads the n-th row, with its pointers, into a reader's room, good until its next call. NULL with
 * *error, UV_E…. */
struct ledger_reader;
const struct ledger_row *ledger_read(struct ledger_reader *reader, size_t n, int *error);
/* One for each walk over the rows; given back or left to ledger_free(). NULL when out of
 * memory. */
struct ledger_reader *ledger_reader_take(struct ledger *ledger);
void ledger_reader_give(struct ledger_reader *reader);
#endif
