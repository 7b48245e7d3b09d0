/* SPDX-License-Identifier: MIT */
/* settled: which jobs a run of before has settled. */
#include "store/settled.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/map.h"
#include "store/definition.h"
#include "store/ends.h"

/* What a run has settled, by definition. */
struct set {
    struct arena arena;
    struct map map;
};

/* 0: no memory for it. */
static int add(struct set *s, const void *definition, enum settled settled) {
    const char *copy = arena_strndup(&s->arena, definition, DEFINITION_BYTES);

    if (!copy || !map_reserve(&s->map, 1))
        return 0;
    map_add(&s->map, copy, DEFINITION_BYTES, settled);
    return 1;
}

/* Rows that muster never wrote settle nothing. */
static int add_row(struct set *s, const struct sqlite *sqlite, sqlite3_stmt *rows) {
    const void *definition = sqlite->column_blob(rows, 0);
    int64_t settled = sqlite->column_int64(rows, 1);

    if (sqlite->column_bytes(rows, 0) != DEFINITION_BYTES ||
        (settled != SETTLED_OK && settled != SETTLED_SKIPPED))
        return 0;
    return add(s, definition, (enum settled)settled) ? 0 : UV_ENOMEM;
}

static int read_rows(struct set *s, struct past *p, int64_t row) {
    sqlite3_stmt *rows = NULL;
    int error = db_prepare(&p->db, &rows,
                           "SELECT definition, settled FROM job WHERE run = ? AND settled <> 0");

    if (!error)
        error = db_bind(&p->db, rows, "i", row);
    while (!error && (error = db_step(&p->db, rows)) == 1)
        error = add_row(s, &p->db.sqlite, rows);
    db_finalize(&p->db, rows);
    return error;
}

/* The ends that may have no row yet. */
static int read_ends(struct set *s, const struct past *p, const char *id) {
    struct ends ends;
    bool alive;
    int error = ends_open(&ends, p->folder, id, &alive);

    for (uint32_t i = 0; i < ends.count && !error; i++) {
        const struct end end = ends_at(&ends, i);

        if (end.settled && !add(s, end.definition.bytes, end.settled))
            error = UV_ENOMEM;
    }
    ends_release(&ends, NULL, NULL);
    return error;
}

static void look_up(const struct set *s, const struct plan *plan, uint8_t *settled,
                    uint32_t *count) {
    struct definer definer;

    *count = 0;
    definer_init(&definer, plan);
    for (uint32_t i = 0; i < plan->njobs; i++) {
        const struct definition definition = definer_job(&definer, &plan->jobs[i]);
        uint32_t value = map_get(&s->map, (const char *)definition.bytes, DEFINITION_BYTES);

        settled[i] = value == MAP_NONE ? SETTLED_NO : (uint8_t)value;
        *count += settled[i] != SETTLED_NO;
    }
}

int settled_load(struct past *past, int64_t row, const char *id, const struct plan *plan,
                 uint8_t *settled, uint32_t *count) {
    struct set s;
    int error;

    arena_init(&s.arena, NULL);
    map_init(&s.map, &s.arena);
    past->db.why[0] = '\0';
    error = read_rows(&s, past, row);
    if (!error)
        error = read_ends(&s, past, id);
    if (error && !past->db.why[0])
        snprintf(past->db.why, sizeof past->db.why, "run %s: %s", id, strerror(-error));
    if (!error)
        look_up(&s, plan, settled, count);
    arena_release(&s.arena);
    return error;
}
