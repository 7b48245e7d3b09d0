/* SPDX-License-Identifier: MIT */
/* sqlite: the calls of SQLite that are used, from a library loaded when it is needed. */
#ifndef MUSTER_STORE_SQLITE_H
#define MUSTER_STORE_SQLITE_H
#include <sqlite3.h>

/*
 * Linked in the usual way the library would lengthen every start of muster by a
 * fifth (0.45 of 2.3 ms), also where no history is wanted; loaded by the thread
 * that needs it, it comes while the first jobs start.
 */
#define SQLITE_CALLS(X)                                                                            \
    X(bind_blob)                                                                                   \
    X(bind_int64)                                                                                  \
    X(bind_null)                                                                                   \
    X(bind_text)                                                                                   \
    X(busy_timeout)                                                                                \
    X(close)                                                                                       \
    X(column_blob)                                                                                 \
    X(column_bytes)                                                                                \
    X(column_int64)                                                                                \
    X(column_text)                                                                                 \
    X(column_type)                                                                                 \
    X(db_config)                                                                                   \
    X(errmsg)                                                                                      \
    X(exec)                                                                                        \
    X(extended_errcode)                                                                            \
    X(file_control)                                                                                \
    X(finalize)                                                                                    \
    X(last_insert_rowid)                                                                           \
    X(open_v2)                                                                                     \
    X(prepare_v3)                                                                                  \
    X(reset)                                                                                       \
    X(shutdown)                                                                                    \
    X(sleep)                                                                                       \
    X(step)                                                                                        \
    X(system_errno)                                                                                \
    X(wal_checkpoint_v2)                                                                           \
    X(wal_hook)

struct sqlite {
    void *library;
#define SQLITE_MEMBER(name) __typeof__(sqlite3_##name) *name;
    SQLITE_CALLS(SQLITE_MEMBER)
#undef SQLITE_MEMBER
};

/*
 * Loads the library. 0, or UV_ENOSYS where it cannot be had: *why says what is
 * wrong with it, until the next call. Blocks. One thread at a time.
 */
int sqlite_load(struct sqlite *s, const char **why);
/* Gives it up; all databases are closed. Also after a failure. */
void sqlite_unload(struct sqlite *s);
#endif
