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
struct settled_set {
    struct arena arena;
    struct map map; /* to indexes of list */
    struct known *list;
    size_t count, cap;
    size_t items; /* of them */
    struct definer definer;
    struct past *past; /* while it is loaded */
};

/* The first settles it. NULL: no memory for it. */
static struct known *add(struct settled_set *s, const void *definition, enum settled settled,
                         bool item) {
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
    s->items += item;
    return &list[s->count++];
}

/* Rows that muster never wrote settle nothing. */
static int add_row(void *ctx, struct row *r) {
    size_t n;
    const void *definition = row_bytes(r, &n);
    int64_t settled = row_number(r);
    bool item = row_number(r) != 0;
    struct known *known;

    if (n != DEFINITION_BYTES || !definition ||
        (settled != SETTLED_OK && settled != SETTLED_SKIPPED))
        return 0;
    known = add(ctx, definition, (enum settled)settled, item);
    if (!known)
        return UV_ENOMEM;
    free(known->facts);
    return row_facts(r, &known->facts);
}

/*
 * A run and those whose work it went on with: what these had settled of jobs it has in
 * its own record, but of items only what was made known to it before it ended.
 */
#define CHAIN                                                                                      \
    "WITH RECURSIVE chain (id) AS (SELECT ?1 UNION"                                                \
    " SELECT before.id FROM chain JOIN run ON run.id = chain.id"                                   \
    " JOIN run AS before ON before.name = run.resumes) "

static int read_rows(struct settled_set *s, int64_t row) {
    return row_each(
        &s->past->db, add_row, s,
        CHAIN "SELECT definition, settled, item IS NOT NULL, outputs FROM job WHERE settled <> 0"
              " AND (run = ?1 OR (item IS NOT NULL AND run IN chain))"
              " ORDER BY run",
        "i", row);
}

/* The ends that may have no row yet, of a run whose plan has so many jobs. */
static int add_ends(void *ctx, struct row *r) {
    struct settled_set *s = ctx;
    const char *id = row_text(r);
    int64_t jobs = row_number(r);
    struct ends ends;
    bool alive;
    int error = id ? ends_open(&ends, s->past->folder, id, &alive) : UV_ENOMEM;

    if (error)
        return error;
    for (uint32_t i = 0; i < ends.room && !error; i++) {
        const struct end end = ends_at(&ends, i);

        if (end.status && end.settled &&
            !add(s, end.definition.bytes, end.settled, end.job >= jobs))
            error = UV_ENOMEM;
    }
    ends_release(&ends, NULL, NULL);
    return error;
}

/* The same of those that the run went on with. */
static int read_ends(struct settled_set *s, int64_t row) {
    return row_each(&s->past->db, add_ends, s,
                    CHAIN "SELECT name, jobs FROM run WHERE id IN chain ORDER BY id DESC", "i",
                    row);
}

static int take_earlier(void *ctx, struct row *r) {
    struct settled_set *s = ctx;
    size_t n;
    const char *definition = row_bytes(r, &n);
    uint32_t at = n == DEFINITION_BYTES && definition ? map_get(&s->map, definition, n) : MAP_NONE;

    if (at == MAP_NONE)
        return 0;
    free(s->list[at].facts);
    return row_facts(r, &s->list[at].facts);
}

/*
 * What is settled by its end alone was left out by that run, as one that told something
 * is not noted there else: what it told is in the row of an earlier one, of the last.
 */
static int read_earlier(struct settled_set *s, int64_t row) {
    return row_each(&s->past->db, take_earlier, s,
                    "SELECT job.definition, job.outputs FROM job JOIN run"
                    " ON run.id = job.run WHERE run.id <= ?1 AND run.manifest_key ="
                    " (SELECT manifest_key FROM run WHERE id = ?1)"
                    " AND job.settled <> 0 AND job.outputs NOT NULL ORDER BY run.id",
                    "i", row);
}

static const struct known *find(struct settled_set *s, const struct plan_job *job) {
    const struct definition definition = definer_job(&s->definer, job);
    uint32_t at = map_get(&s->map, (const char *)definition.bytes, DEFINITION_BYTES);

    return at == MAP_NONE ? NULL : &s->list[at];
}

/* What a job is to be left out by: SETTLED_NO also where there is no memory for what it told. */
static enum settled take(const struct known *known, struct facts **told) {
    *told = NULL;
    if (!known)
        return SETTLED_NO;
    if (known->facts && !(*told = facts_new(known->facts->vars, known->facts->count)))
        return SETTLED_NO;
    return (enum settled)known->settled;
}

enum settled settled_item(struct settled_set *s, const struct plan_job *job, struct facts **told) {
    return take(find(s, job), told);
}

static int look_up(struct settled_set *s, const struct plan *plan, uint8_t *settled,
                   struct facts **facts, uint32_t *count) {
    *count = 0;
    for (uint32_t i = 0; i < plan->njobs; i++) {
        const struct plan_job *job = &plan->jobs[i];
        const struct known *known = job_has_items(job) ? NULL : find(s, job);

        settled[i] = (uint8_t)take(known, &facts[i]);
        if (known && settled[i] == SETTLED_NO)
            return UV_ENOMEM;
        *count += known != NULL;
    }
    return 0;
}

size_t settled_items(const struct settled_set *s) {
    return s->items;
}

struct settled_set *settled_free(struct settled_set *s) {
    for (size_t i = 0; s && i < s->count; i++)
        free(s->list[i].facts);
    if (s)
        arena_release(&s->arena);
    free(s);
    return NULL;
}

/*
 * A service that is settled is wanted again where something is to run that comes after it,
 * directly or not: it is not up any more.
 */
static int unsettle_services(const struct plan *plan, uint8_t *settled, struct facts **facts,
                             uint32_t *count) {
    uint32_t *found, n = 0, services = 0;
    bool *needed, whole; /* something that comes after it is to run */

    for (uint32_t i = 0; i < plan->njobs; i++)
        services += settled[i] && plan->jobs[i].set->service;
    if (services == 0)
        return 0;
    needed = calloc(plan->njobs, sizeof *needed);
    found = calloc(plan->njobs, sizeof *found);
    for (uint32_t i = 0; needed && found && i < plan->njobs; i++)
        if (!settled[i])
            found[n++] = i;
    while (n > 0) { /* each once: it is not settled, or by its mark */
        const struct plan_job *job = &plan->jobs[found[--n]];

        for (uint32_t k = 0; k < job->nafter; k++) {
            uint32_t before = job->after[k];

            if (settled[before] && !needed[before])
                found[n++] = before;
            needed[before] = true;
        }
    }
    for (uint32_t i = 0; needed && found && i < plan->njobs; i++) {
        if (!needed[i] || !settled[i] || !plan->jobs[i].set->service)
            continue;
        settled[i] = SETTLED_NO;
        free(facts[i]);
        facts[i] = NULL;
        --*count;
    }
    whole = needed && found;
    free(needed);
    free(found);
    return whole ? 0 : UV_ENOMEM;
}

int settled_load(struct past *past, int64_t row, const char *id, const struct plan *plan,
                 uint8_t *settled, struct facts **facts, uint32_t *count,
                 struct settled_set **set) {
    struct settled_set *s = calloc(1, sizeof *s);
    size_t before;
    int error;

    past->db.why[0] = '\0';
    *set = s;
    if (!s)
        return UV_ENOMEM;
    arena_init(&s->arena, NULL);
    map_init(&s->map, &s->arena);
    definer_init(&s->definer, plan);
    s->past = past;
    error = read_rows(s, row);
    before = s->count;
    if (!error)
        error = read_ends(s, row);
    if (!error && s->count > before)
        error = read_earlier(s, row);
    if (!error)
        error = look_up(s, plan, settled, facts, count);
    if (!error)
        error = unsettle_services(plan, settled, facts, count);
    if (error && !past->db.why[0])
        snprintf(past->db.why, sizeof past->db.why, "run %s: %s", id, strerror(-error));
    if (error)
        *set = settled_free(s);
    return error;
}
