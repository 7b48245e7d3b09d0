/* SPDX-License-Identifier: MIT */
/* habits: the lanes where jobs of type auto should start, by what they did in runs of before. */
#include "store/habits.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/map.h"
#include "store/db.h"
#include "store/record.h"
#include "store/row.h"

/* The newest first; items by their sections. What was stopped half-way might have gone on
 * otherwise. */
static const char question[] =
    "SELECT substr(j.name, 1, length(j.name) - coalesce(length(j.item) + 2, 0)), sum(a.user_us + "
    "a.sys_us) * 1000, sum(a.wall)"
    " FROM job j JOIN attempt a ON a.run = j.run AND a.seq = j.seq"
    " WHERE j.run IN (SELECT id FROM run WHERE manifest_key = ? ORDER BY id DESC LIMIT 5)"
    " AND j.type LIKE 'auto%' AND j.status <> 'cancelled'"
    " GROUP BY j.run, j.section ORDER BY j.run DESC";

/* Jobs of type auto by name that nothing is known of yet. */
struct asking {
    struct map jobs;
    uint8_t *lanes;
};

static int take_answer(void *ctx, struct row *r) {
    struct asking *q = ctx;
    const char *name = row_text(r);
    int64_t cpu_ns = row_number(r), wall_ns = row_number(r);
    uint32_t job = name ? map_get(&q->jobs, name, strlen(name)) : MAP_NONE;

    if (job == MAP_NONE)
        return 0;
    q->lanes[job] = cpu_ns >= wall_ns / 2 ? LANE_CPU : LANE_IO;
    map_set(&q->jobs, name, strlen(name), MAP_NONE);
    return 0;
}

static int ask(struct db *db, const struct plan *plan, struct asking *q) {
    char *key = record_key(plan->path, plan->name);
    int error = key ? row_each(db, take_answer, q, question, "t", key) : UV_ENOMEM;

    free(key);
    return error;
}

uint8_t *habits_read(const char *folder, const struct plan *plan) {
    struct asking q = {.lanes = calloc((size_t)plan->njobs + 1, sizeof *q.lanes)};
    struct arena arena;
    struct db db;
    int error = q.lanes ? 0 : UV_ENOMEM;

    arena_init(&arena, NULL);
    map_init(&q.jobs, &arena);
    for (uint32_t i = 0; !error && i < plan->njobs; i++) {
        q.lanes[i] = (uint8_t)plan->jobs[i].set->type;
        if (plan->jobs[i].set->automatic)
            map_set(&q.jobs, plan->jobs[i].name, strlen(plan->jobs[i].name), i);
    }
    if (!error) {
        error = db_open(&db, folder, DB_READ, false);
        if (!error)
            error = ask(&db, plan, &q);
        db_close(&db);
    }
    arena_release(&arena);
    if (!error)
        return q.lanes;
    free(q.lanes);
    return NULL;
}
