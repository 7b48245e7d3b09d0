/* SPDX-License-Identifier: MIT */
/* shared: the limits that jobs share, and which of them a job keeps to. */
#include <stdlib.h>
#include <string.h>

#include "plan/loader.h"

/* --- [limit] --- */

/* A key that has no effect without another. */
static void warn_alone(struct loader *l, const struct section *s, size_t offset,
                       const char *other) {
    for (uint32_t i = 0; i < s->nentries; i++) {
        const struct entry *e = &s->entries[i];

        if (e->row && e->row->offset == offset && e->typed)
            diag_warning(l->diag, e->key, "'%s' has no effect without a %s", e->row->name, other);
    }
}

static void build_limit(struct loader *l, const struct section *s, struct plan_limit *limit) {
    bool whole = !l->broken && !s->broken; /* no key of it is wrong */

    layers_preset(l, SCOPE_LIMIT, limit);
    limit->name = arena_strndup(&l->plan->arena, source_text(s->source, s->name), s->name.len);
    for (uint32_t i = 0; i < s->nentries; i++) {
        const struct entry *e = &s->entries[i];

        if (e->typed && e->row->placed)
            memcpy((char *)limit + e->row->offset, e->typed, value_size(e->row->type));
        whole = whole && e->typed;
    }
    if (!whole)
        return;
    if (!limit->concurrency && !limit->rate.count && !limit->breaker)
        diag_error(l->diag, s->header, "limit '%s' limits nothing (concurrency, rate or breaker)",
                   limit->name);
    if (!limit->rate.count)
        warn_alone(l, s, offsetof(struct plan_limit, burst), "rate");
    else if (!limit->burst)
        limit->burst = limit->rate.count;
    if (limit->breaker)
        return;
    warn_alone(l, s, offsetof(struct plan_limit, cooldown_ns), "breaker");
    warn_alone(l, s, offsetof(struct plan_limit, action), "breaker");
}

static void build_limits(struct loader *l) {
    struct plan_limit *limits;
    uint32_t n = 0;

    for (size_t i = 0; i < l->nsections; i++)
        n += (section_is(l->sections[i], SECTION_LIMIT) ||
              section_is(l->sections[i], SECTION_WORKER)) && /* each has one of its own */
             l->sections[i]->live;
    limits = arena_array(&l->plan->arena, struct plan_limit, n);
    l->plan->limits = l->limits = limits;
    for (size_t i = 0; i < l->nsections; i++) {
        struct section *s = l->sections[i];

        if (!section_is(s, SECTION_LIMIT) || !s->live)
            continue;
        s->job = l->plan->nlimits++;
        build_limit(l, s, &limits[s->job]);
    }
}

/* --- limits = --- */

static int compare(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* The set of some limits; the same for the same ones. */
static const struct limit_set *find_set(struct loader *l, uint32_t *list, uint32_t n) {
    struct map *sets = &l->limit_lists;
    uint32_t count = 0;

    qsort(list, n, sizeof *list, compare);
    for (uint32_t i = 0; i < n; i++)
        if (!count || list[count - 1] != list[i])
            list[count++] = list[i];
    if (!count)
        return NULL;
    size_t bytes = count * sizeof *list;
    uint32_t known = map_get(sets, (const char *)list, bytes);
    if (known != MAP_NONE)
        return l->limit_sets[known];
    struct limit_set *set = arena_alloc(&l->plan->arena, sizeof *set + bytes);
    set->count = count;
    memcpy(set->list, list, bytes);
    l->limit_sets = arena_grow(&l->scratch, l->limit_sets, l->nlimit_sets, &l->limit_sets_cap,
                               sizeof *l->limit_sets);
    map_add(sets, (const char *)set->list, bytes, (uint32_t)l->nlimit_sets);
    return l->limit_sets[l->nlimit_sets++] = set;
}

static void resolve(struct loader *l, struct names *names) {
    uint32_t *list = arena_array(&l->scratch, uint32_t, names->count), n = 0;
    unsigned unknown = 0;

    for (uint32_t i = 0; i < names->count; i++) {
        const struct name *name = &names->list[i];
        uint32_t s = map_get(&l->names[SECTION_LIMIT], name->text, name->len);

        if (s != MAP_NONE) {
            list[n++] = l->sections[s]->job;
        } else if (unknown++ < PARSE_FAULTS_MAX) {
            const char *near = sections_nearest(l, SECTION_LIMIT, name->text, name->len);
            diag_error(l->diag, name->at, "limits: no limit '%s'" DIAG_NEAR,
                       parse_clip(&l->scratch, name->text, name->len), DIAG_NEAR_ARGS(near));
        }
    }
    names->limits = find_set(l, list, n);
}

void shared_build(struct loader *l) {
    map_init(&l->limit_lists, &l->scratch);
    build_limits(l);
    if (!l->limits_named)
        return;
    for (size_t i = 0; i < l->nsections; i++)
        for (uint32_t k = 0; k < l->sections[i]->nentries; k++) {
            const struct entry *e = &l->sections[i]->entries[k];

            if (e->row && e->row->effect == EFFECT_LIMITS && e->typed)
                resolve(l, e->typed);
        }
}

const struct limit_set *shared_with(struct loader *l, const struct limit_set *set, uint32_t limit) {
    uint32_t n = set ? set->count : 0, *list = arena_array(&l->scratch, uint32_t, n + 1);

    if (set)
        memcpy(list, set->list, n * sizeof *list);
    list[n] = limit;
    return find_set(l, list, n + 1);
}
