/* SPDX-License-Identifier: MIT */
/* row: the columns of a statement's row, from left to right. */
#include "store/row.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "exec/facts.h"

/* More than two years in nanoseconds; a hundred of them can be added up. */
#define NUMBER_MAX (INT64_C(1) << 56)

int row_veach(struct db *db, row_cb each, void *ctx, const char *sql, const char *form,
              va_list args) {
    sqlite3_stmt *rows = NULL;
    int error = db_prepare(db, &rows, sql);

    if (!error)
        error = db_vbind(db, rows, form, args);
    while (!error && (error = db_step(db, rows)) == 1) {
        struct row r = {.sqlite = &db->sqlite, .statement = rows};

        error = each(ctx, &r);
        if (!error && r.lost)
            error = UV_ENOMEM;
    }
    db_finalize(db, rows);
    return error;
}

int row_each(struct db *db, row_cb each, void *ctx, const char *sql, const char *form, ...) {
    va_list args;
    int error;

    va_start(args, form);
    error = row_veach(db, each, ctx, sql, form, args);
    va_end(args);
    return error;
}

static int64_t read_number(struct row *r) {
    return r->sqlite->column_int64(r->statement, r->column++);
}

int64_t row_number(struct row *r) {
    int64_t n = read_number(r);

    return n > NUMBER_MAX ? NUMBER_MAX : n < -NUMBER_MAX ? -NUMBER_MAX : n;
}

int64_t row_number_or_none(struct row *r) {
    bool null = r->sqlite->column_type(r->statement, r->column) == SQLITE_NULL;
    int64_t number = row_number(r);

    return null ? -1 : number;
}

struct timespec row_time(struct row *r) {
    int64_t ns = read_number(r);

    return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

const char *row_text(struct row *r) {
    bool null = r->sqlite->column_type(r->statement, r->column) == SQLITE_NULL;
    const char *text = (const char *)r->sqlite->column_text(r->statement, r->column++);

    r->lost = r->lost || (!text && !null);
    return text;
}

const char *row_copy(struct row *r, struct arena *arena) {
    const char *text = row_text(r), *copy = text ? arena_strndup(arena, text, strlen(text)) : NULL;

    r->lost = r->lost || (text && !copy);
    return copy;
}

const char *row_name(struct row *r, struct arena *arena) {
    const char *text = row_copy(r, arena);

    return text ? text : "";
}

const void *row_bytes(struct row *r, size_t *n) {
    const void *bytes = r->sqlite->column_blob(r->statement, r->column);

    *n = (size_t)r->sqlite->column_bytes(r->statement, r->column++);
    r->lost = r->lost || (!bytes && *n > 0);
    return *n ? bytes : NULL;
}

int row_facts(struct row *r, struct facts **out) {
    size_t n;
    const void *bytes = row_bytes(r, &n);
    char *text;

    *out = NULL;
    if (n == 0)
        return 0;
    text = bytes ? malloc(n + 1) : NULL;
    if (!text)
        return UV_ENOMEM;
    memcpy(text, bytes, n);
    text[n] = '\0';
    *out = facts_parse(text, n);
    free(text);
    if (!*out)
        return UV_ENOMEM;
    if ((*out)->fault || !(*out)->count) {
        free(*out);
        *out = NULL;
    }
    return 0;
}

uint8_t row_word(struct row *r, const char *const *words, uint8_t count) {
    const char *text = row_text(r);

    for (uint8_t i = 0; text && i < count; i++)
        if (words[i] && strcmp(words[i], text) == 0)
            return i;
    return 0;
}
