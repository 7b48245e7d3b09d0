/* SPDX-License-Identifier: MIT */
/* lengths: how long jobs took in runs of before. */
#include "store/lengths.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/map.h"
#include "store/db.h"
#include "store/record.h"
#include "store/row.h"

#define JOBS_MAX "20000" /* of a run that is worth reading all of, before another begins */

/* The newest first. What was stopped half-way might have gone on for long. */
static const char question[] =
    "SELECT CASE instr(name, '[') WHEN 0 THEN name ELSE substr(name, 1, instr(name, '[') - 1) END"
    " AS part, CAST(avg(wall) AS INTEGER), count(*) FROM job"
    " WHERE run IN (SELECT id FROM run WHERE manifest_key = ?"
    " AND ok + failed + timeout + cancelled + skipped + cached + resumed <= " JOBS_MAX
    " ORDER BY id DESC LIMIT 3)"
    " AND status IN ('ok', 'failed') AND wall >= 0"
    " GROUP BY run, part ORDER BY run DESC";

static int ask(struct db *db, const struct plan *plan, struct map *jobs, struct length *lengths) {
    char *key = record_key(plan->path, plan->name);
    sqlite3_stmt *rows = NULL;
    int error = key ? db_prepare(db, &rows, question) : UV_ENOMEM;

    if (!error)
        error = db_bind(db, rows, "t", key);
    while (!error && (error = db_step(db, rows)) == 1) {
        struct row r = {.sqlite = &db->sqlite, .statement = rows};
        const char *name = row_text(&r);
        uint32_t job = name ? map_get(jobs, name, strlen(name)) : MAP_NONE;
        int64_t ns = row_number(&r), count = row_number(&r);

        error = 0;
        if (job != MAP_NONE && lengths[job].count == 0)
            lengths[job] = (struct length){.ns = ns, .count = (uint32_t)count};
    }
    db_finalize(db, rows);
    free(key);
    return error;
}

struct length *lengths_read(const char *folder, const struct plan *plan) {
    struct length *lengths = calloc((size_t)plan->njobs + 1, sizeof *lengths);
    int error = lengths ? 0 : UV_ENOMEM;
    struct arena arena;
    struct map jobs;
    struct db db;

    arena_init(&arena, NULL);
    map_init(&jobs, &arena);
    for (uint32_t i = 0; !error && i < plan->njobs; i++)
        map_set(&jobs, plan->jobs[i].name, strlen(plan->jobs[i].name), i);
    if (!error) {
        error = db_open(&db, folder, DB_READ, false);
        if (!error)
            error = ask(&db, plan, &jobs, lengths);
        db_close(&db);
    }
    arena_release(&arena);
    if (!error)
        return lengths;
    free(lengths);
    return NULL;
}
