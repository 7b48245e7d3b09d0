/* SPDX-License-Identifier: MIT */
/* db: the history's database: opened with care, brought up to date, asked by prepared statements.
 */
#ifndef MUSTER_STORE_DB_H
#define MUSTER_STORE_DB_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/sqlite.h"

#define DB_FILE    "history.db"
#define DB_VERSION 1    /* of the schema; a lower one is brought up to it */
#define DB_BUSY_MS 5000 /* that another process is waited for */
#define DB_WHY_MAX 512

enum db_mode {
    DB_WRITE, /* made where it is missing */
    DB_READ,  /* UV_ENOENT where it is missing; written to only to bring it up to date */
};

/* All calls block, and are made by one thread at a time. They return 0 or
 * UV_E…, and then db->why says what is wrong, in words. */
struct db {
    struct sqlite sqlite;
    sqlite3 *handle;
    char *path;
    bool wal;      /* its journal is a write-ahead log, */
    int log_pages; /* of so many pages */
    sqlite3_stmt *begin, *commit;
    char why[DB_WHY_MAX];
};

/*
 * Opens the database in a folder (see base/state.h), readable for its owner
 * alone, and refuses one that is somebody else's, not muster's, or of a newer
 * muster. A write-ahead log is used where the file system has shared memory,
 * else, or with `no_log`, a rollback journal. Close in either case.
 */
int db_open(struct db *db, const char *folder, enum db_mode mode, bool no_log);
void db_close(struct db *db);

int db_begin(struct db *db); /* for writing, waits for other writers */
int db_read(struct db *db);  /* for reading: all is of one moment */
int db_commit(struct db *db);
void db_rollback(struct db *db);
/* What was committed survives a power cut. */
int db_sync(struct db *db);
/*
 * Takes a log that has grown over into the database, which db_commit() never does,
 * since that waits for the disk. Lets it be if someone else is at it.
 */
int db_tidy(struct db *db);

/* A statement of constant text, to be finalized by db_finalize(). */
int db_prepare(struct db *db, sqlite3_stmt **statement, const char *sql);
/* Accepts NULL; returns NULL. */
sqlite3_stmt *db_finalize(struct db *db, sqlite3_stmt *statement);
/*
 * Binds values by their form, a letter each: i int64_t, n int64_t that is NULL
 * when negative, t text (const char *, or NULL), b bytes (const void *, size_t;
 * no bytes: NULL). Text and bytes must stay until the statement is reset.
 */
int db_bind(struct db *db, sqlite3_stmt *statement, const char *form, ...);
/* The same. */
int db_vbind(struct db *db, sqlite3_stmt *statement, const char *form, va_list args);
/* Binds, runs to the end and resets. */
int db_run(struct db *db, sqlite3_stmt *statement, const char *form, ...);
/* The same with a statement of constant text that is needed this once. */
int db_once(struct db *db, const char *sql, const char *form, ...);
/* One step: 1 when there is a row, 0 at the end (and reset), or UV_E… (and reset). */
int db_step(struct db *db, sqlite3_stmt *statement);
/* The number that the first row of an answer begins with; without a row it is left alone. */
int db_number(struct db *db, int64_t *number, const char *sql, const char *form, ...);
/* What went wrong last, for calls of SQLite's own: UV_E…, and db->why. */
int db_error(struct db *db);
#endif
