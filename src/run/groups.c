/* SPDX-License-Identifier: MIT */
/* groups: the jobs of a plan by what they want to start: slots, limits, memory. */
#include "run/groups.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/map.h"

/* What makes a group; compared byte by byte. */
struct want {
    const struct limit_set *limits;
    uint64_t memory;
    uint32_t lane, width;
    uint32_t twin; /* group, or GROUPS_NONE */
    uint32_t zero; /* no gap */
};

static struct want want_of(const struct slots *slots, const struct job_settings *set,
                           enum lane lane) {
    uint32_t most = slots[lane].limit, width = set->cpus < most ? set->cpus : most;

    return (struct want){
        set->shared, set->memory, (uint32_t)lane, lane == LANE_IO ? 1 : width, GROUPS_NONE, 0};
}

/* Finds or makes a group. The first two are those of most jobs: one slot, nothing else. */
static uint32_t find_group(struct groups *g, struct map *known, const struct want *want) {
    struct want *copy;
    uint32_t group;

    if (!want->limits && !want->memory && want->width == 1 && want->twin == GROUPS_NONE)
        return want->lane;
    group = map_get(known, (const char *)want, sizeof *want);
    if (group != MAP_NONE)
        return group;
    copy = arena_alloc(known->arena, sizeof *copy);
    if (!copy)
        return GROUPS_NONE;
    *copy = *want;
    group = g->count;
    map_set(known, (const char *)copy, sizeof *copy, group);
    if (map_get(known, (const char *)copy, sizeof *copy) == MAP_NONE)
        return GROUPS_NONE;
    g->count++;
    return group;
}

/* The group of a job with some settings, and first that which it may move to. */
static uint32_t find_groups(struct groups *g, struct map *known, const struct slots *slots,
                            const struct job_settings *set, struct want *want) {
    uint32_t twin = GROUPS_NONE;

    if (set->automatic) {
        *want = want_of(slots, set, LANE_CPU);
        twin = find_group(g, known, want);
        if (twin == GROUPS_NONE)
            return GROUPS_NONE;
    }
    *want = want_of(slots, set, set->type);
    want->twin = twin;
    return find_group(g, known, want);
}

/* Sets `of` and count. How much all groups want, or GROUPS_NONE: out of memory. */
static uint32_t sort_jobs(struct groups *g, struct map *known, const struct plan *p,
                          const struct slots *slots) {
    uint32_t wants = 0;

    g->count = LANES;
    for (uint32_t i = 0; i < p->njobs; i++) {
        uint32_t before = g->count;
        struct want want;

        g->of[i] = find_groups(g, known, slots, p->jobs[i].set, &want);
        if (g->of[i] == GROUPS_NONE)
            return GROUPS_NONE;
        wants += (g->count - before) * ((want.limits ? want.limits->count : 0) + 1);
    }
    return wants;
}

/* Its wants begin at `wants`; how many they are. */
static uint32_t init_group(struct group *g, const struct want *want, uint32_t *wants,
                           uint32_t memory) {
    *g = (struct group){
        .lane = (enum lane)want->lane,
        .width = want->width,
        .memory = want->memory,
        .wants = wants,
        .twin = want->twin,
        .jobs = QUEUE_EMPTY,
        .woken_by = GROUPS_NONE,
    };
    for (uint32_t i = 0; want->limits && i < want->limits->count; i++)
        g->wants[g->nwants++] = want->limits->list[i];
    if (g->memory)
        g->wants[g->nwants++] = memory;
    return g->nwants;
}

/* All that are there, which the map knows but for the first two. */
static void init_groups(struct groups *g, const struct map *known, uint32_t memory) {
    uint32_t wants = 0;

    for (uint32_t lane = 0; lane < LANES; lane++)
        init_group(&g->list[lane], &(struct want){NULL, 0, lane, 1, GROUPS_NONE, 0}, g->wants,
                   memory);
    for (size_t i = 0; i < known->count; i++) {
        const struct map_entry *e = &known->entries[i];
        struct want want;

        memcpy(&want, e->name, sizeof want);
        wants += init_group(&g->list[e->value], &want, g->wants + wants, memory);
    }
}

/* Each gate's groups, by counting. */
static void link_members(struct groups *g, uint32_t ngates) {
    for (uint32_t i = 0; i < g->count; i++)
        for (uint32_t k = 0; k < g->list[i].nwants; k++)
            g->members_at[g->list[i].wants[k]]++;
    for (uint32_t i = 1; i <= ngates; i++)
        g->members_at[i] += g->members_at[i - 1];
    /* Each count is the end of its gate's part, and becomes its beginning. */
    for (uint32_t i = g->count; i-- > 0;)
        for (uint32_t k = 0; k < g->list[i].nwants; k++)
            g->members[--g->members_at[g->list[i].wants[k]]] = i;
}

/* Behind `of`: groups and their links. 0 or UV_ENOMEM. */
static int make_groups(struct groups *g, struct map *known, const struct plan *p,
                       const struct slots *slots) {
    uint32_t ngates = groups_gates(p), wants = sort_jobs(g, known, p, slots);

    if (wants == GROUPS_NONE)
        return UV_ENOMEM;
    g->list = calloc(g->count, sizeof *g->list);
    g->wants = calloc((size_t)wants + 1, sizeof *g->wants);
    g->members = calloc((size_t)wants + 1, sizeof *g->members);
    g->members_at = calloc((size_t)ngates + 1, sizeof *g->members_at);
    if (!g->list || !g->wants || !g->members || !g->members_at)
        return UV_ENOMEM;
    init_groups(g, known, p->nlimits);
    link_members(g, ngates);
    return 0;
}

int groups_init(struct groups *g, const struct plan *p, const struct slots *slots) {
    struct arena arena;
    struct map known;
    int error = UV_ENOMEM;

    arena_init(&arena, NULL);
    map_init(&known, &arena);
    *g = (struct groups){.of = calloc((size_t)p->njobs + 1, sizeof *g->of)};
    if (g->of)
        error = make_groups(g, &known, p, slots);
    arena_release(&arena);
    if (error)
        groups_release(g);
    return error;
}

void groups_release(struct groups *g) {
    free(g->list);
    free(g->of);
    free(g->wants);
    free(g->members);
    free(g->members_at);
    *g = (struct groups){0};
}
