/* SPDX-License-Identifier: MIT */
/* settled: which jobs a run of before has settled. */
#include "store/settled.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/map.h"
#include "exec/facts.h"
#include "store/definition.h"
#include "store/ends.h"
#include "store/row.h"

/* A definition that is settled, and what was told by it. */
struct known {
    uint8_t settled;
    struct facts *facts; /* or NULL */
};

/* What a run has settled, by definition. */
struct set {
    struct arena arena;
    struct map map; /* to indexes of list */
    struct known *list;
    size_t count, cap;
};

static void set_free(struct set *s) {
    for (size_t i = 0; i < s->count; i++)
        free(s->list[i].facts);
    arena_release(&s->arena);
}

/* The first settles it. NULL: no memory for it. */
static struct known *add(struct set *s, const void *definition, enum settled settled) {
    uint32_t at = map_get(&s->map, definition, DEFINITION_BYTES);
    const char *copy;
    struct known *list;

    if (at != MAP_NONE)
        return &s->list[at];
    copy = arena_strndup(&s->arena, definition, DEFINITION_BYTES);
    list = arena_grow(&s->arena, s->list, s->count, &s->cap, sizeof *list);
    if (!copy || !list || !map_reserve(&s->map, 1))
        return NULL;
    s->list = list;
    list[s->count] = (struct known){.settled = (uint8_t)settled};
    map_add(&s->map, copy, DEFINITION_BYTES, (uint32_t)s->count);
    return &list[s->count++];
}

/* Rows that muster never wrote settle nothing. */
static int add_row(struct set *s, const struct sqlite *sqlite, sqlite3_stmt *rows) {
    struct row r = {.sqlite = sqlite, .statement = rows, .column = 2};
    const void *definition = sqlite->column_blob(rows, 0);
    int64_t settled = sqlite->column_int64(rows, 1);
    struct known *known;

    if (sqlite->column_bytes(rows, 0) != DEFINITION_BYTES ||
        (settled != SETTLED_OK && settled != SETTLED_SKIPPED))
        return 0;
    known = add(s, definition, (enum settled)settled);
    if (!known)
        return UV_ENOMEM;
    free(known->facts);
    return row_facts(&r, &known->facts);
}

static int read_rows(struct set *s, struct past *p, int64_t row) {
    sqlite3_stmt *rows = NULL;
    int error = db_prepare(&p->db, &rows,
                           "SELECT definition, settled, outputs FROM job"
                           " WHERE run = ? AND settled <> 0");

    if (!error)
        error = db_bind(&p->db, rows, "i", row);
    while (!error && (error = db_step(&p->db, rows)) == 1)
        error = add_row(s, &p->db.sqlite, rows);
    db_finalize(&p->db, rows);
    return error;
}

/* The ends that may have no row yet. *more: there are such. */
static int read_ends(struct set *s, const struct past *p, const char *id, bool *more) {
    size_t before = s->count;
    struct ends ends;
    bool alive;
    int error = ends_open(&ends, p->folder, id, &alive);

    for (uint32_t i = 0; i < ends.count && !error; i++) {
        const struct end end = ends_at(&ends, i);

        if (end.settled && !add(s, end.definition.bytes, end.settled))
            error = UV_ENOMEM;
    }
    ends_release(&ends, NULL, NULL);
    *more = s->count > before;
    return error;
}

static int take_earlier(struct set *s, const struct sqlite *sqlite, sqlite3_stmt *rows) {
    struct row r = {.sqlite = sqlite, .statement = rows, .column = 1};
    uint32_t at = MAP_NONE;

    if (sqlite->column_bytes(rows, 0) == DEFINITION_BYTES)
        at = map_get(&s->map, sqlite->column_blob(rows, 0), DEFINITION_BYTES);
    if (at == MAP_NONE)
        return 0;
    free(s->list[at].facts);
    return row_facts(&r, &s->list[at].facts);
}

/*
 * What is settled by its end alone was left out by that run, as one that told something
 * is not noted there else: what it told is in the row of an earlier one, of the last.
 */
static int read_earlier(struct set *s, struct past *p, int64_t row) {
    sqlite3_stmt *rows = NULL;
    int error = db_prepare(&p->db, &rows,
                           "SELECT job.definition, job.outputs FROM job JOIN run"
                           " ON run.id = job.run WHERE run.id <= ?1 AND run.manifest_key ="
                           " (SELECT manifest_key FROM run WHERE id = ?1)"
                           " AND job.settled <> 0 AND job.outputs NOT NULL ORDER BY run.id");

    if (!error)
        error = db_bind(&p->db, rows, "i", row);
    while (!error && (error = db_step(&p->db, rows)) == 1)
        error = take_earlier(s, &p->db.sqlite, rows);
    db_finalize(&p->db, rows);
    return error;
}

static int look_up(const struct set *s, const struct plan *plan, uint8_t *settled,
                   struct facts **facts, uint32_t *count) {
    struct definer definer;

    *count = 0;
    definer_init(&definer, plan);
    for (uint32_t i = 0; i < plan->njobs; i++) {
        const struct definition definition = definer_job(&definer, &plan->jobs[i]);
        uint32_t at = map_get(&s->map, (const char *)definition.bytes, DEFINITION_BYTES);
        const struct known *known = at == MAP_NONE ? NULL : &s->list[at];

        settled[i] = known ? known->settled : SETTLED_NO;
        *count += known != NULL;
        if (known && known->facts &&
            !(facts[i] = facts_new(known->facts->vars, known->facts->count)))
            return UV_ENOMEM;
    }
    return 0;
}

int settled_load(struct past *past, int64_t row, const char *id, const struct plan *plan,
                 uint8_t *settled, struct facts **facts, uint32_t *count) {
    struct set s = {.count = 0};
    bool more = false;
    int error;

    arena_init(&s.arena, NULL);
    map_init(&s.map, &s.arena);
    past->db.why[0] = '\0';
    error = read_rows(&s, past, row);
    if (!error)
        error = read_ends(&s, past, id, &more);
    if (!error && more)
        error = read_earlier(&s, past, row);
    if (!error)
        error = look_up(&s, plan, settled, facts, count);
    if (error && !past->db.why[0])
        snprintf(past->db.why, sizeof past->db.why, "run %s: %s", id, strerror(-error));
    set_free(&s);
    return error;
}
