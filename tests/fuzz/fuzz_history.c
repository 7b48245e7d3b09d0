/* SPDX-License-Identifier: MIT */
/*
 * fuzz_history: a history in which anything stands, read as muster history and show do.
 * Rows of any values, since most changes of the file's bytes never get past SQLite.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "store/past.h"

#define ROWS_MAX 6
#define READ_MAX 4096

static char folder[64];

/* The input, taken from the front. */
struct feed {
    const uint8_t *at, *end;
};

static unsigned next(struct feed *f) {
    return f->at < f->end ? *f->at++ : 0;
}

static void remove_folder(void) {
    DIR *dir = opendir(folder);
    struct dirent *e;

    while (dir && (e = readdir(dir)))
        unlinkat(dirfd(dir), e->d_name, 0);
    if (dir)
        closedir(dir);
    rmdir(folder);
}

/* The database, whose rows change from input to input. */
static struct db *writer(void) {
    static struct db db;

    if (db.handle)
        return &db;
    snprintf(folder, sizeof folder, "%s/muster-fuzz-XXXXXX",
             access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    demand(mkdtemp(folder));
    atexit(remove_folder);
    demand(!db_open(&db, folder, DB_WRITE, true));
    db.sqlite.exec(db.handle, "PRAGMA synchronous = off", NULL, NULL, NULL);
    return &db;
}

/* Binds a value of any kind; in most columns of a row that muster may have written. */
static void bind(struct feed *f, const struct db *db, sqlite3_stmt *s, int column) {
    static const char *const words[] = {"ok", "failed", "io", "cpu", "lost", "2026-x", "", "o"};
    unsigned kind = next(f);
    size_t n, left = (size_t)(f->end - f->at);
    int64_t number = 0;

    switch (kind % 8) {
    case 0:
        db->sqlite.bind_null(s, column);
        return;
    case 1: /* eight bytes */
        for (int i = 0; i < 8; i++)
            number = (int64_t)((uint64_t)number << 8 | next(f));
        db->sqlite.bind_int64(s, column, number);
        return;
    case 2:
    case 3:
        n = kind / 8 < left ? kind / 8 : left;
        if (kind % 8 == 2)
            db->sqlite.bind_text(s, column, (const char *)f->at, (int)n, SQLITE_TRANSIENT);
        else
            db->sqlite.bind_blob(s, column, f->at, (int)n, SQLITE_TRANSIENT);
        f->at += n;
        return;
    case 4:
        db->sqlite.bind_text(s, column, words[kind / 8 % 8], -1, SQLITE_STATIC);
        return;
    default:
        db->sqlite.bind_int64(s, column, kind / 8 % 4);
    }
}

static void insert(struct feed *f, struct db *db, const char *table, int columns) {
    char sql[512];
    sqlite3_stmt *s = NULL;
    int n = snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO %s VALUES (?", table);

    for (int i = 1; i < columns; i++)
        n += snprintf(sql + n, sizeof sql - (size_t)n, ",?");
    snprintf(sql + n, sizeof sql - (size_t)n, ")");
    demand(!db_prepare(db, &s, sql));
    for (int i = 1; i <= columns; i++)
        bind(f, db, s, i);
    db_step(db, s); /* what the schema forbids is not there */
    db_finalize(db, s);
}

static int columns_of(struct db *db, const char *table) {
    char sql[128];
    sqlite3_stmt *s = NULL;
    int n = 0;

    snprintf(sql, sizeof sql, "SELECT name FROM pragma_table_info('%s')", table);
    demand(!db_prepare(db, &s, sql));
    while (db_step(db, s) == 1)
        n++;
    db_finalize(db, s);
    return n;
}

/* --- reading --------------------------------------------------------------------- */

static int take_run(void *ctx, const struct past_run *run) {
    demand(run->id && run->title && run->manifest);
    *(unsigned *)ctx += 1;
    return 0;
}

static int take_bytes(void *ctx, const char *bytes, size_t n) {
    unsigned *sum = ctx;

    for (size_t i = 0; i < n; i++)
        *sum += (unsigned char)bytes[i];
    return n > READ_MAX;
}

static void check_details(struct past *p, const struct past_details *d) {
    unsigned sum = 0;

    demand(d->plan.name && d->plan.path && d->run.host && strlen(d->run.id) < sizeof d->run.id);
    for (uint32_t i = 0; i < d->plan.njobs; i++) {
        const struct job_result *j = &d->run.jobs[i];

        demand(d->plan.jobs[i].name && d->plan.jobs[i].set);
        demand(j->status < STATUSES && j->reason < REASONS);
        /* Behind the jobs come the causes that are items. */
        demand(j->cause == NO_JOB || j->cause < d->plan.njobs + d->run.items.ncauses);
        demand(j->cause == NO_JOB || run_cause(&d->run, j->cause).name);
        for (uint32_t k = 0; k < j->nattempts; k++)
            demand(j->attempts[k].status < STATUSES && j->attempts[k].reason < REASONS);
        for (int stream = 0; stream < 2; stream++)
            past_read(p, d, i, (enum outputs_stream)stream, 0, take_bytes, &sum);
    }
    run_totals(&d->run);
}

static void read_all(void) {
    static struct past p; /* opening it takes longer than all the rest */
    struct past_details *d;
    unsigned runs = 0;
    int64_t row;
    char id[32];

    if (!p.folder)
        demand(!past_open(&p, folder));
    past_list(&p, NULL, take_run, &runs);
    for (int64_t i = 0; i < 4; i++)
        if (!past_load(&p, i, &d)) {
            check_details(&p, d);
            past_details_free(d);
        }
    if (!past_find(&p, NULL, "", &row, id))
        demand(strlen(id) < sizeof id);
    past_find(&p, NULL, "2026", &row, id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static const char *const tables[] = {"run", "job", "attempt"};
    static int columns[3];
    struct feed f = {data, data + n};
    struct db *db = writer();

    for (int i = 0; i < 3; i++)
        columns[i] = columns[i] ? columns[i] : columns_of(db, tables[i]);
    db->sqlite.exec(db->handle, "BEGIN; DELETE FROM run; DELETE FROM job; DELETE FROM attempt",
                    NULL, NULL, NULL);
    for (int i = 0; i < ROWS_MAX && f.at < f.end; i++) {
        unsigned table = next(&f) % 3;

        insert(&f, db, tables[table], columns[table]);
    }
    db->sqlite.exec(db->handle, "COMMIT", NULL, NULL, NULL);
    read_all();
    return 0;
}
