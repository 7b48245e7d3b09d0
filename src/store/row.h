/* SPDX-License-Identifier: MIT */
/* row: the columns of a statement's row, from left to right. */
#ifndef MUSTER_STORE_ROW_H
#define MUSTER_STORE_ROW_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/mem.h"
#include "store/db.h"

struct facts;

/* A row that is being read. What a column holds that muster never put there becomes a
 * number or text all the same. */
struct row {
    const struct sqlite *sqlite;
    sqlite3_stmt *statement;
    int column; /* the next */
    bool lost;  /* a text that is there could not be had for want of memory */
};

/*
 * Asks with a statement of constant text and values (as db_bind()), and calls `each` for every
 * row. Ends early with what that returns if it is not 0, or with UV_ENOMEM where it is 0 and the
 * row `lost` something. 0 or UV_E…; of UV_ENOMEM db->why may say nothing.
 */
typedef int (*row_cb)(void *ctx, struct row *r);
int row_each(struct db *db, row_cb each, void *ctx, const char *sql, const char *form, ...);
int row_veach(struct db *db, row_cb each, void *ctx, const char *sql, const char *form,
              va_list args);

/* Of at most 2^56 or its negative, so that numbers of a damaged file can be added, too. */
int64_t row_number(struct row *r);
/* NULL becomes -1. */
int64_t row_number_or_none(struct row *r);
/* Nanoseconds since 1970. */
struct timespec row_time(struct row *r);
/* Until the statement's next step. NULL becomes NULL; so does what is lost. */
const char *row_text(struct row *r);
/* The same for as long as the arena lives. */
const char *row_copy(struct row *r, struct arena *arena);
/* One that has to be there: "" where it is not. */
const char *row_name(struct row *r, struct arena *arena);
/* *n bytes until the statement's next step; NULL with *n 0: none, or they are lost. */
const void *row_bytes(struct row *r, size_t *n);
/* What jobs told, malloc'd, or NULL: nothing that muster ever put there. 0 or UV_ENOMEM. */
int row_facts(struct row *r, struct facts **out);
/* The place of a text in a list of words (some may be NULL), 0 when it is not among them. */
uint8_t row_word(struct row *r, const char *const *words, uint8_t count);
#endif
