/* SPDX-License-Identifier: MIT */
/* telling: what of the outputs of jobs before a job gets to see. Pure. */
#include "run/telling.h"

#include <stdlib.h>
#include <string.h>

/*
 * Most jobs tell nothing: then what is seen after them is what they see themselves,
 * the same set, and a chain of jobs costs nothing. A set is made where two that
 * differ meet, or where a job has something to add.
 */

static const struct told_set no_memory = {.fault = "out of memory for the outputs of jobs before"};

void telling_init(struct telling *t) {
    *t = (struct telling){.count = 0};
    arena_init(&t->arena, NULL);
}

void telling_release(struct telling *t) {
    free(t->seen);
    free(t->gifts[0].list);
    free(t->gifts[1].list);
    arena_release(&t->arena);
}

/* The order of the variables' names, which end at a "=". */
static int by_name(const void *a, const void *b) {
    const char *x = (*(const struct told *const *)a)->entry;
    const char *y = (*(const struct told *const *)b)->entry;

    while (*x == *y && *x != '=') {
        x++;
        y++;
    }
    return (*x == '=' ? 0 : (unsigned char)*x) - (*y == '=' ? 0 : (unsigned char)*y);
}

/* Some in any order, some of them twice, as a set. The list is put in order. */
static const struct told_set *make_set(struct telling *t, const struct told **list, size_t n) {
    struct told_set *set = arena_alloc(&t->arena, sizeof *set + n * sizeof(struct told *));

    if (!set)
        return &no_memory;
    qsort(list, n, sizeof(struct told *), by_name);
    for (size_t i = 0; i < n; i++) {
        const struct told *last = set->count ? set->list[set->count - 1] : NULL;

        if (last == list[i])
            continue;
        if (last && by_name(&last, &list[i]) == 0) {
            set->fault =
                arena_printf(&t->arena, "%.*s is an output of both '%s' and '%s'",
                             (int)strcspn(last->entry, "="), last->entry, last->job, list[i]->job);
            if (!set->fault)
                return &no_memory;
            continue;
        }
        set->list[set->count++] = list[i];
    }
    return set;
}

const struct told_set *telling_join(struct telling *t, const struct told_set *const *sets,
                                    size_t n) {
    const struct told_set *one = NULL, *made;
    size_t total = 0, count = 0;
    const struct told **list;
    bool same = true;

    for (size_t i = 0; i < n; i++) {
        if (!sets[i])
            continue;
        if (sets[i]->fault) /* stays with all that comes after */
            return sets[i];
        same = same && (!one || sets[i] == one);
        one = sets[i];
        total += sets[i]->count;
    }
    if (same)
        return one;
    list = malloc(total * sizeof(struct told *));
    if (!list)
        return &no_memory;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; sets[i] && k < sets[i]->count; k++)
            list[count++] = sets[i]->list[k];
    made = make_set(t, list, count);
    free(list);
    return made;
}

/* The variable of an output: its name and value behind what the job's name makes. */
static const struct told *tell(struct telling *t, const char *job, const struct env_var *fact) {
    struct told *told = arena_alloc(&t->arena, sizeof *told);
    char name[PLAN_OUT_MAX];

    if (!told)
        return NULL;
    told->job = job;
    told->entry =
        arena_printf(&t->arena, "%s%s=%s", plan_out_name(job, name), fact->name, fact->value);
    return told->entry ? told : NULL;
}

const struct told_set *telling_add(struct telling *t, const struct told_set *set, const char *job,
                                   const struct facts *facts) {
    const struct told_set *both[] = {set, &no_memory};
    const struct told **list;
    const char *name;
    size_t n = 0;

    if (!facts->count)
        return set;
    list = malloc(facts->count * sizeof(struct told *));
    if (!list)
        return &no_memory;
    name = arena_printf(&t->arena, "%s", job);
    while (name && n < facts->count && (list[n] = tell(t, name, &facts->vars[n])))
        n++;
    if (n == facts->count)
        both[1] = make_set(t, list, n);
    free(list);
    return telling_join(t, both, 2);
}

/* --- by jobs --- */

static const struct told_set *seen_by(const struct telling *t, uint32_t job) {
    return t->lost ? &no_memory : job < t->count ? t->seen[job] : NULL;
}

static void set_seen(struct telling *t, uint32_t job, const struct told_set *set) {
    const struct told_set **seen;

    if (!set || t->lost)
        return;
    seen = mem_grow(t->seen, job, &t->count, sizeof(struct told_set *));
    t->lost = !seen;
    if (!seen)
        return;
    t->seen = seen;
    seen[job] = set;
}

struct told_gift {
    uint32_t job;
    const struct told_set *set;
};

void telling_give(struct telling *t, uint32_t job, bool after, const struct told_set *set) {
    struct told_gifts *g = &t->gifts[after];
    struct told_gift *list;

    if (!set || t->lost ||
        (g->count && g->list[g->count - 1].job == job && g->list[g->count - 1].set == set))
        return;
    list = mem_grow(g->list, g->count, &g->cap, sizeof *list);
    t->lost = !list;
    if (!list)
        return;
    g->list = list;
    list[g->count++] = (struct told_gift){job, set};
}

/* A set and all that was given, which is given no more. */
static const struct told_set *add_gifts(struct telling *t, uint32_t job, bool after,
                                        const struct told_set *set) {
    struct told_gifts *g = &t->gifts[after];
    const struct told_set **sets;
    size_t n = 0, left = 0;

    if (!g->count)
        return set;
    sets = malloc((g->count + 1) * sizeof *sets);
    if (!sets)
        return &no_memory;
    sets[n++] = set;
    for (size_t i = 0; i < g->count; i++)
        if (g->list[i].job == job)
            sets[n++] = g->list[i].set;
        else
            g->list[left++] = g->list[i];
    g->count = left;
    set = telling_join(t, sets, n);
    free(sets);
    return set;
}

/* What can be seen after the k-th of those that a job comes after, wholly; after items: given. */
static const struct told_set *seen_before(const struct telling *t, const struct plan_job *def,
                                          uint32_t k) {
    return job_after_item(def, k) ? NULL : seen_by(t, def->after[k]);
}

const struct told_set *telling_see(struct telling *t, uint32_t job, const struct plan_job *def) {
    const struct told_set *few[16], **sets = few, *all = seen_by(t, job);

    if (all || !def->nafter || (!t->count && !t->gifts[0].count && !t->lost))
        return all;
    all = &no_memory;
    if (def->nafter > sizeof few / sizeof *few)
        sets = malloc(def->nafter * sizeof *sets);
    for (uint32_t i = 0; sets && i < def->nafter; i++)
        sets[i] = seen_before(t, def, i);
    if (sets)
        all = add_gifts(t, job, false, telling_join(t, sets, def->nafter));
    if (sets != few)
        free(sets);
    set_seen(t, job, all);
    return all;
}

void telling_end(struct telling *t, uint32_t job, const struct plan_job *def,
                 const struct facts *facts) {
    const struct told_set *seen = telling_see(t, job, def);

    if (t->gifts[1].count) {
        seen = add_gifts(t, job, true, seen);
        set_seen(t, job, seen);
    }
    if (facts)
        set_seen(t, job, telling_add(t, seen, def->name, facts));
}
