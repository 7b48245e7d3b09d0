/* SPDX-License-Identifier: MIT */
/* db: the history's database: opened with care, brought up to date, asked by prepared statements.
 */
#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/state.h"
#include "base/trace.h"

#define APPLICATION_ID 1836282738 /* "mstr" */
#define LOG_PAGES_MAX  64         /* the log is read when it is opened: kept short */
#define RETRY_MS       10
#define CIFS_MAGIC     0xff534d42
#define SMB2_MAGIC     0xfe534d42
#define STRING_OF(x)   STRING_OF_(x)
#define STRING_OF_(x)  #x

/*
 * From each version to the next. One that was released is never changed.
 *
 * Times are nanoseconds: `started`, `ended` since 1970, `start` since the run's
 * start, the others lengths; CPU times are microseconds. Of a run that has not
 * ended `ended`, `wall`, `exit` and the totals are NULL, and `pending` has its
 * jobs (see record.c). `seq` is a job's place in the manifest; items, which have none,
 * are numbered behind it as they end. `output` of a
 * job is its last attempt's: NULL where out_size is not 0 means in a file of
 * its own (see outputs.h), or given up for room.
 */
static const char *const migrations[DB_VERSION] = {
    "CREATE TABLE run ("
    " id INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL,"

    " title TEXT NOT NULL,"
    " manifest TEXT NOT NULL,"     /* as given */
    " manifest_key TEXT NOT NULL," /* the same for all its runs */
    " host TEXT NOT NULL,"
    " cpus INTEGER NOT NULL,"
    " io_limit INTEGER NOT NULL,"
    " cpu_workers INTEGER NOT NULL,"
    " deadline INTEGER NOT NULL,"
    " started INTEGER NOT NULL,"
    " jobs INTEGER NOT NULL,"
    " resumes TEXT," /* name of a run of before */
    " pending BLOB,"
    " ended INTEGER,"
    " wall INTEGER,"
    " exit INTEGER,"
    " interrupted_by INTEGER,"
    " deadline_passed INTEGER,"
    " unkillable INTEGER,"
    " loop_lag INTEGER,"
    " ok INTEGER, failed INTEGER, timeout INTEGER, cancelled INTEGER, skipped INTEGER,"
    " cached INTEGER, resumed INTEGER, flaky INTEGER, allowed INTEGER, retries INTEGER,"
    " job_wall INTEGER, cpu_us INTEGER,"
    " output_bytes INTEGER NOT NULL DEFAULT 0,"
    " sums BLOB);" /* of `outputs` of its jobs that are numbers, in the same form */
    "CREATE INDEX run_of_manifest ON run (manifest_key, id);"
    "CREATE TABLE job ("
    " run INTEGER NOT NULL REFERENCES run (id),"
    " seq INTEGER NOT NULL,"
    " section INTEGER NOT NULL," /* seq of its section, else its own */
    " item TEXT,"                /* without the section's name */
    " item_index INTEGER,"
    " cause_name TEXT," /* where the cause is an item */
    " name TEXT NOT NULL,"
    " definition BLOB NOT NULL," /* see definition.h */
    " settled INTEGER NOT NULL," /* an enum settled */
    " type TEXT NOT NULL,"
    " status TEXT NOT NULL,"
    " reason TEXT,"
    " words TEXT," /* the reason in words */
    " cause INTEGER,"
    " flaky INTEGER NOT NULL,"
    " allowed INTEGER NOT NULL,"
    " worker INTEGER,"
    " leftover INTEGER NOT NULL,"
    " unkillable INTEGER NOT NULL,"
    " wait INTEGER NOT NULL,"
    " wall INTEGER NOT NULL,"
    " cpu_us INTEGER NOT NULL,"
    " max_rss INTEGER NOT NULL,"
    " out_size INTEGER NOT NULL,"
    " err_size INTEGER NOT NULL,"
    " lost TEXT,"    /* why output is cut, in words */
    " outputs BLOB," /* what it told, as it wrote it (exec/facts.h), secrets masked; or NULL */
    " out BLOB,"
    " err BLOB,"
    " PRIMARY KEY (run, seq)) WITHOUT ROWID;"
    "CREATE TABLE attempt ("
    " run INTEGER NOT NULL,"
    " seq INTEGER NOT NULL,"
    " number INTEGER NOT NULL,"
    " start INTEGER NOT NULL,"
    " wall INTEGER NOT NULL,"
    " user_us INTEGER NOT NULL,"
    " sys_us INTEGER NOT NULL,"
    " max_rss INTEGER NOT NULL,"
    " out_bytes INTEGER NOT NULL,"
    " err_bytes INTEGER NOT NULL,"
    " exit INTEGER,"
    " signal INTEGER,"
    " status TEXT NOT NULL,"
    " reason TEXT,"
    " http_status INTEGER," /* of a request, 0: there was no answer; else NULL, and what follows */
    " http_line TEXT,"
    " lookup INTEGER, connect INTEGER, tls INTEGER, first_byte INTEGER,"
    " sent INTEGER, received INTEGER, redirects INTEGER,"
    " PRIMARY KEY (run, seq, number)) WITHOUT ROWID;"
    "PRAGMA application_id = " STRING_OF(APPLICATION_ID) ";"
                                                         "PRAGMA user_version = 1;",
};

/* ---- errors ---- */

static int fail(struct db *db, int error, const char *what) {
    snprintf(db->why, sizeof db->why, "%s: %s", db->path ? db->path : DB_FILE, what);
    return error;
}

static int fail_errno(struct db *db, int error) {
    return fail(db, error, strerror(-error));
}

/* A code of SQLite's as an error; `system` is the errno behind it, or 0. */
static int fail_code(struct db *db, int code, int system) {
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return fail(db, UV_EBUSY, "another process has it locked");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return fail(db, UV_EPROTO, "it is damaged; without it a new one is begun");
    case SQLITE_FULL:
        return fail_errno(db, UV_ENOSPC);
    case SQLITE_NOMEM:
        return fail(db, UV_ENOMEM, "out of memory");
    case SQLITE_READONLY:
        return fail(db, UV_EROFS, "it cannot be written");
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return fail_errno(db, system > 0 ? -system : UV_EIO);
    default:
        return fail(db, UV_EPROTO, db->sqlite.errmsg(db->handle));
    }
}

int db_error(struct db *db) {
    int code = db->sqlite.extended_errcode(db->handle);

    trace(TRACE_RUN, "history: error %d: %s", code, db->sqlite.errmsg(db->handle));
    return fail_code(db, code, db->sqlite.system_errno(db->handle));
}

/* ---- statements ---- */

static int run_text(struct db *db, const char *sql) {
    return db->sqlite.exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_error(db);
}

int db_prepare(struct db *db, sqlite3_stmt **statement, const char *sql) {
    int code =
        db->sqlite.prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);

    return code == SQLITE_OK ? 0 : db_error(db);
}

sqlite3_stmt *db_finalize(struct db *db, sqlite3_stmt *statement) {
    if (statement)
        db->sqlite.finalize(statement);
    return NULL;
}

int db_vbind(struct db *db, sqlite3_stmt *statement, const char *form, va_list args) {
    const struct sqlite *s = &db->sqlite;
    int code = SQLITE_OK;

    for (int at = 1; form[at - 1] && code == SQLITE_OK; at++) {
        int64_t number;
        const void *bytes;
        size_t n;

        switch (form[at - 1]) {
        case 't':
            code = s->bind_text(statement, at, va_arg(args, const char *), -1, SQLITE_STATIC);
            break;
        case 'b':
            bytes = va_arg(args, const void *);
            n = va_arg(args, size_t);
            code = n ? s->bind_blob(statement, at, bytes, (int)n, SQLITE_STATIC)
                     : s->bind_null(statement, at);
            break;
        default:
            number = va_arg(args, int64_t);
            code = form[at - 1] == 'n' && number < 0 ? s->bind_null(statement, at)
                                                     : s->bind_int64(statement, at, number);
        }
    }
    return code == SQLITE_OK ? 0 : db_error(db);
}

int db_bind(struct db *db, sqlite3_stmt *statement, const char *form, ...) {
    va_list args;
    int error;

    va_start(args, form);
    error = db_vbind(db, statement, form, args);
    va_end(args);
    return error;
}

int db_step(struct db *db, sqlite3_stmt *statement) {
    int code = db->sqlite.step(statement), error = 0;

    if (code == SQLITE_ROW)
        return 1;
    if (code != SQLITE_DONE)
        error = db_error(db);
    db->sqlite.reset(statement);
    return error;
}

static int run(struct db *db, sqlite3_stmt *statement, const char *form, va_list args) {
    int error = db_vbind(db, statement, form, args);

    while (!error && (error = db_step(db, statement)) == 1)
        error = 0;
    return error;
}

int db_run(struct db *db, sqlite3_stmt *statement, const char *form, ...) {
    va_list args;
    int error;

    va_start(args, form);
    error = run(db, statement, form, args);
    va_end(args);
    return error;
}

int db_once(struct db *db, const char *sql, const char *form, ...) {
    sqlite3_stmt *statement = NULL;
    int error = db_prepare(db, &statement, sql);
    va_list args;

    va_start(args, form);
    if (!error)
        error = run(db, statement, form, args);
    va_end(args);
    db_finalize(db, statement);
    return error;
}

int db_number(struct db *db, int64_t *number, const char *sql, const char *form, ...) {
    sqlite3_stmt *statement = NULL;
    int error = db_prepare(db, &statement, sql);
    va_list args;

    va_start(args, form);
    if (!error)
        error = db_vbind(db, statement, form, args);
    va_end(args);
    if (!error && (error = db_step(db, statement)) == 1) {
        *number = db->sqlite.column_int64(statement, 0);
        error = 0;
    }
    db_finalize(db, statement);
    return error;
}

/* A statement that is used again and again, prepared at first. */
static int run_kept(struct db *db, sqlite3_stmt **statement, const char *sql) {
    int error = *statement ? 0 : db_prepare(db, statement, sql);

    return error ? error : db_step(db, *statement);
}

int db_begin(struct db *db) {
    return run_kept(db, &db->begin, "BEGIN IMMEDIATE");
}

int db_read(struct db *db) {
    return run_text(db, "BEGIN");
}

int db_commit(struct db *db) {
    return run_kept(db, &db->commit, "COMMIT");
}

void db_rollback(struct db *db) {
    char why[DB_WHY_MAX];

    memcpy(why, db->why, sizeof why); /* what led to it says more */
    run_text(db, "ROLLBACK");
    memcpy(db->why, why, sizeof why);
}

int db_sync(struct db *db) {
    sqlite3_file *log = NULL;

    if (!db->wal) /* a rollback journal syncs at each commit */
        return 0;
    if (db->sqlite.file_control(db->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) !=
            SQLITE_OK ||
        !log || !log->pMethods)
        return 0; /* nothing was written yet */
    if (log->pMethods->xSync(log, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY) != SQLITE_OK)
        return fail_code(db, SQLITE_IOERR, db->sqlite.system_errno(db->handle));
    return 0;
}

/* After each commit. */
static int on_commit(void *arg, sqlite3 *handle, const char *name, int pages) {
    (void)handle;
    (void)name;
    ((struct db *)arg)->log_pages = pages;
    return SQLITE_OK;
}

int db_tidy(struct db *db) {
    int code;

    if (!db->wal || db->log_pages < LOG_PAGES_MAX)
        return 0;
    db->log_pages = 0;
    /* Truncated, for whoever opens it next reads all that is in it. */
    db->sqlite.busy_timeout(db->handle, 0);
    code = db->sqlite.wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    db->sqlite.busy_timeout(db->handle, DB_BUSY_MS);
    return code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY ? 0 : db_error(db);
}

/* ---- opening ---- */

/*
 * A write-ahead log needs memory that all processes share, and so one kernel:
 * across machines it would damage the database.
 */
static bool has_shared_memory(int folder) {
    static const unsigned long strange[] = {NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, CIFS_MAGIC,
                                            SMB2_MAGIC,      V9FS_MAGIC,      AFS_SUPER_MAGIC,
                                            CODA_SUPER_MAGIC};
    struct statfs st;

    if (fstatfs(folder, &st) < 0)
        return false;
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++)
        if ((unsigned long)st.f_type == strange[i])
            return false;
    return true;
}

/* Looks at a file of the folder, made where it is missing and `make` says so:
 * ours, a plain file, for its owner alone. */
static int check_file(struct db *db, int folder, const char *name, bool make) {
    struct stat st;
    int fd, error = 0;

    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno != ENOENT || !make)
            return fail_errno(db, -errno);
        fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 && errno != EEXIST)
            return fail_errno(db, -errno);
        if (fd >= 0)
            close(fd); /* before SQLite has it: closing drops the process's locks on it */
        return 0;
    }
    if (S_ISDIR(st.st_mode))
        return fail_errno(db, UV_EISDIR);
    if (!S_ISREG(st.st_mode))
        return fail(db, UV_EINVAL, "it is no regular file");
    if (st.st_uid != geteuid())
        return fail(db, UV_EPERM, "it belongs to another user");
    if (st.st_mode & (S_IRWXG | S_IRWXO) && fchmodat(folder, name, st.st_mode & S_IRWXU, 0) < 0)
        error = fail_errno(db, -errno);
    return error;
}

static int open_files(struct db *db, int folder, enum db_mode mode) {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int error = check_file(db, folder, DB_FILE, mode == DB_WRITE);

    if (error)
        return error;
    if (db->sqlite.open_v2(db->path, &db->handle, flags, NULL) != SQLITE_OK)
        return db->handle ? db_error(db) : fail(db, UV_ENOMEM, "out of memory");
    return 0;
}

/* What a stranger may have put into the file does nothing; nor does the end of
 * the last process that has it open cost a sync. */
static void set_up(struct db *db) {
    static const int settings[][2] = {{SQLITE_DBCONFIG_DEFENSIVE, 1},
                                      {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                                      {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
                                      {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
                                      {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1}};

    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        db->sqlite.db_config(db->handle, settings[i][0], settings[i][1], NULL);
    db->sqlite.wal_hook(db->handle, on_commit, db); /* in place of an automatic checkpoint */
    db->sqlite.busy_timeout(db->handle, DB_BUSY_MS);
}

/* Its journal: SQLite does not wait by itself for others that change it too. */
static int set_journal(struct db *db, bool wal) {
    int64_t until = clock_ns() + DB_BUSY_MS * NS_PER_MS;
    int error;

    for (;;) {
        sqlite3_stmt *statement = NULL;

        error = db_prepare(db, &statement,
                           wal ? "PRAGMA journal_mode = wal" : "PRAGMA journal_mode = truncate");
        if (!error && (error = db_step(db, statement)) == 1) {
            const char *mode = (const char *)db->sqlite.column_text(statement, 0);

            db->wal = mode && strcmp(mode, "wal") == 0;
            error = 0;
        }
        db_finalize(db, statement);
        if (error != UV_EBUSY || clock_ns() > until)
            return error;
        db->sqlite.sleep(RETRY_MS);
    }
}

static int migrate(struct db *db) {
    int64_t version = 0, application = 0, tables = 0;
    int error = db_number(db, &version, "PRAGMA user_version", "");

    if (!error && version == DB_VERSION)
        return 0;
    if (!error)
        error = db_begin(db); /* then nobody else does it meanwhile */
    if (error)
        return error;
    error = db_number(db, &version, "PRAGMA user_version", "");
    if (!error)
        error = db_number(db, &application, "PRAGMA application_id", "");
    if (!error)
        error = db_number(db, &tables, "SELECT count(*) FROM sqlite_schema", "");
    if (!error && (application == APPLICATION_ID ? version < 1 : tables > 0 || version != 0))
        error = fail(db, UV_EINVAL, "it is no history of muster's");
    if (!error && version > DB_VERSION)
        error = fail(db, UV_EINVAL, "it was made by a newer muster");
    while (!error && version < DB_VERSION)
        error = run_text(db, migrations[version++]);
    if (!error)
        error = db_commit(db);
    if (error)
        db_rollback(db);
    return error;
}

static int open_in(struct db *db, int folder, enum db_mode mode, bool no_log) {
    bool wal = !no_log && has_shared_memory(folder);
    int error = open_files(db, folder, mode);

    if (error)
        return error;
    set_up(db);
    error = run_text(db, "PRAGMA synchronous = normal;"
                         "PRAGMA temp_store = memory");
    if (!error)
        error = set_journal(db, wal);
    return error ? error : migrate(db);
}

int db_open(struct db *db, const char *folder, enum db_mode mode, bool no_log) {
    const char *why;
    int error, fd;

    *db = (struct db){.handle = NULL};
    error = sqlite_load(&db->sqlite, &why);
    if (error) {
        snprintf(db->why, sizeof db->why, "%s", why);
        return error;
    }
    if (asprintf(&db->path, "%s/" DB_FILE, folder) < 0) {
        db->path = NULL;
        return fail(db, UV_ENOMEM, "out of memory");
    }
    if (mode == DB_READ && access(folder, F_OK) < 0 && errno == ENOENT)
        return fail_errno(db, UV_ENOENT);
    fd = state_open(folder);
    if (fd < 0) {
        snprintf(db->why, sizeof db->why, "%s: %s", folder, strerror(-fd));
        return fd;
    }
    error = open_in(db, fd, mode, no_log);
    close(fd);
    return error;
}

void db_close(struct db *db) {
    db->begin = db_finalize(db, db->begin);
    db->commit = db_finalize(db, db->commit);
    if (db->handle)
        db->sqlite.close(db->handle);
    sqlite_unload(&db->sqlite);
    free(db->path);
    db->handle = NULL;
    db->path = NULL;
}
