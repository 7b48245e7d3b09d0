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

/* Jobs by name, and what is known of them. */
struct asking {
    struct map jobs;
    struct length *lengths;
};

static int take_answer(void *ctx, struct row *r) {
    struct asking *q = ctx;
    const char *name = row_text(r);
    int64_t ns = row_number(r), count = row_number(r);
    uint32_t job = name ? map_get(&q->jobs, name, strlen(name)) : MAP_NONE;

    if (job != MAP_NONE && q->lengths[job].count == 0)
        q->lengths[job] = (struct length){.ns = ns, .count = (uint32_t)count};
    return 0;
}

static int ask(struct db *db, const struct plan *plan, struct asking *q) {
    char *key = record_key(plan->path, plan->name);
    int error = key ? row_each(db, take_answer, q, question, "t", key) : UV_ENOMEM;

    free(key);
    return error;
}

struct length *lengths_read(const char *folder, const struct plan *plan) {
    struct asking q = {.lengths = calloc((size_t)plan->njobs + 1, sizeof *q.lengths)};
    int error = q.lengths ? 0 : UV_ENOMEM;
    struct arena arena;
    struct db db;

    arena_init(&arena, NULL);
    map_init(&q.jobs, &arena);
    for (uint32_t i = 0; !error && i < plan->njobs; i++)
        map_set(&q.jobs, plan->jobs[i].name, strlen(plan->jobs[i].name), i);
    if (!error) {
        error = db_open(&db, folder, DB_READ, false);
        if (!error)
            error = ask(&db, plan, &q);
        db_close(&db);
    }
    arena_release(&arena);
    if (!error)
        return q.lengths;
    free(q.lengths);
    return NULL;
}
