/* SPDX-License-Identifier: MIT */
/* ready: the jobs that could start, and which of them is next. Pure. */
#include "run/ready.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/map.h"
#include "base/trace.h"

#define PASSES_MAX 100
#define NONE       UINT32_MAX

/* Where a group stands. */
enum place {
    PLACE_NOWHERE, /* it has no job */
    PLACE_LANE,    /* in its lane's queue */
    PLACE_LIMIT,   /* at the limit `at` */
    PLACE_FAILING, /* all its jobs are to fail */
};

/* Jobs that want the same. */
struct group {
    enum lane lane;
    uint32_t width;        /* slots */
    const uint32_t *wants; /* gates */
    uint32_t nwants;
    uint32_t jobs; /* queue of those that are ready */
    enum place place;
    uint32_t at;       /* of PLACE_LIMIT */
    uint32_t woken_by; /* gate that let it back into its lane and counts with it, or NONE */
    uint32_t woken_next, woken_before; /* the others that it has let into this lane */
    bool waits;                        /* its first job had to step aside, */
    uint64_t seen;                     /* when so much had been taken of what it wants */
};

/*
 * A limit, and who waits for it. Those that it has let back into a lane and that
 * have not started yet come before all in order that still wait for that lane.
 */
struct gate {
    struct limit limit;
    uint32_t waiting[LANES]; /* queues of groups */
    uint32_t woken[LANES];   /* first of a list of those let in */
    uint32_t nwoken[LANES];
    uint32_t kept;       /* for the favourite, of what there is */
    uint64_t taken;      /* how often, ever */
    int64_t due;         /* when there may be room again */
    uint32_t members_at; /* its groups: from here on in ready.members, to the next gate's */
};

struct ready {
    struct ready_opts opts;
    uint32_t *group_of; /* of each job of the plan */
    struct group *groups;
    uint32_t ngroups;
    struct gate *gates; /* one more, for the end of the last one's members */
    uint32_t ngates;
    uint32_t *members;
    struct queues jobs, order; /* of jobs, of groups */
    uint32_t lanes[LANES];     /* queues of groups */
    uint32_t failing;          /* queue of groups */
    uint32_t favourite;        /* group for which its wants are kept, or NONE */
    struct heap due;           /* gates with a time */
};

/* ---- order ---- */

static bool job_before(const void *ctx, uint32_t a, uint32_t b) {
    const struct ready *r = ctx;

    return r->opts.before(r->opts.ctx, a, b);
}

static bool group_before(const void *ctx, uint32_t a, uint32_t b) {
    const struct ready *r = ctx;

    return job_before(r, r->groups[a].jobs, r->groups[b].jobs);
}

static bool due_before(const void *ctx, uint32_t a, uint32_t b) {
    const struct gate *gates = ((const struct ready *)ctx)->gates;

    return gates[a].due < gates[b].due;
}

/* ---- beginning and end ---- */

static uint32_t width_of(const struct ready *r, const struct job_settings *set) {
    uint32_t most = r->opts.slots[set->type].limit;

    return set->type == LANE_IO ? 1 : set->cpus < most ? set->cpus : most;
}

/* What makes a group; compared byte by byte. */
struct want {
    const struct limit_set *limits;
    uint32_t lane, width;
};

/* Finds or makes the group of a job. The first two are those of most jobs: one slot, no limit. */
static uint32_t find_group(struct ready *r, struct map *known, const struct job_settings *set) {
    struct want *want,
        plain = {.limits = set->shared, .lane = (uint32_t)set->type, .width = width_of(r, set)};
    uint32_t group;

    if (!plain.limits && plain.width == 1)
        return plain.lane;
    group = map_get(known, (const char *)&plain, sizeof plain);
    if (group != MAP_NONE)
        return group;
    want = arena_alloc(known->arena, sizeof *want);
    if (!want)
        return NONE;
    memcpy(want, &plain, sizeof plain);
    group = r->ngroups;
    map_set(known, (const char *)want, sizeof *want, group);
    if (map_get(known, (const char *)want, sizeof *want) == MAP_NONE)
        return NONE;
    r->ngroups++;
    return group;
}

static void init_group(const struct ready *r, uint32_t group, const struct job_settings *set) {
    const struct limit_set *limits = set->shared;

    r->groups[group] = (struct group){
        .lane = set->type,
        .width = width_of(r, set),
        .wants = limits ? limits->list : NULL,
        .nwants = limits ? limits->count : 0,
        .jobs = QUEUE_EMPTY,
        .woken_by = NONE,
    };
}

/* Sorts the plan's jobs into groups. */
static int make_groups(struct ready *r) {
    const struct plan *p = r->opts.plan;
    struct arena arena;
    struct map known;
    int error = 0;

    arena_init(&arena, NULL);
    map_init(&known, &arena);
    r->ngroups = LANES;
    for (uint32_t i = 0; i < p->njobs && !error; i++) {
        r->group_of[i] = find_group(r, &known, p->jobs[i].set);
        error = r->group_of[i] == NONE ? UV_ENOMEM : 0;
    }
    arena_release(&arena);
    if (error)
        return error;
    r->groups = calloc(r->ngroups, sizeof *r->groups);
    if (!r->groups)
        return UV_ENOMEM;
    for (uint32_t i = 0; i < p->njobs; i++)
        init_group(r, r->group_of[i], p->jobs[i].set);
    return 0;
}

/* Each gate's groups, by counting. */
static int link_members(struct ready *r) {
    uint32_t sum = 0;

    for (uint32_t g = 0; g < r->ngroups; g++)
        for (uint32_t k = 0; k < r->groups[g].nwants; k++)
            r->gates[r->groups[g].wants[k] + 1].members_at++;
    for (uint32_t i = 1; i <= r->ngates; i++)
        sum = r->gates[i].members_at += sum;
    r->members = calloc((size_t)sum + 1, sizeof *r->members);
    if (!r->members)
        return UV_ENOMEM;
    /* Backwards, each place counting down from the end of its gate's part. */
    for (uint32_t g = r->ngroups; g-- > 0;)
        for (uint32_t k = 0; k < r->groups[g].nwants; k++)
            r->members[--r->gates[r->groups[g].wants[k] + 1].members_at] = g;
    for (uint32_t i = 0; i < r->ngates; i++)
        r->gates[i].members_at = r->gates[i + 1].members_at;
    r->gates[r->ngates].members_at = sum;
    return 0;
}

struct ready *ready_new(const struct ready_opts *opts) {
    const struct plan *p = opts->plan;
    struct ready *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->opts = *opts;
    r->failing = QUEUE_EMPTY;
    r->favourite = NONE;
    for (int lane = 0; lane < LANES; lane++)
        r->lanes[lane] = QUEUE_EMPTY;
    r->ngates = p->nlimits;
    r->group_of = calloc((size_t)p->njobs + 1, sizeof *r->group_of);
    r->gates = calloc((size_t)r->ngates + 1, sizeof *r->gates);
    if (!r->group_of || !r->gates || make_groups(r) < 0 || link_members(r) < 0 ||
        queues_init(&r->jobs, opts->njobs, job_before, r) < 0 ||
        queues_init(&r->order, r->ngroups, group_before, r) < 0 ||
        heap_init(&r->due, r->ngates, due_before, r) < 0)
        return ready_free(r);
    for (uint32_t i = 0; i < r->ngates; i++) {
        limit_init(&r->gates[i].limit, &p->limits[i]);
        for (int lane = 0; lane < LANES; lane++)
            r->gates[i].waiting[lane] = r->gates[i].woken[lane] = NONE;
    }
    trace(TRACE_SCHED, "%u groups of jobs, %u limits", r->ngroups, r->ngates);
    return r;
}

struct ready *ready_free(struct ready *r) {
    if (!r)
        return NULL;
    queues_release(&r->jobs);
    queues_release(&r->order);
    heap_release(&r->due);
    free(r->members);
    free(r->groups);
    free(r->gates);
    free(r->group_of);
    free(r);
    return NULL;
}

int ready_reserve(struct ready *r, uint32_t njobs) {
    return queues_reserve(&r->jobs, njobs);
}

uint32_t ready_group(const struct ready *r, uint32_t index) {
    return r->group_of[index];
}

/* ---- where groups stand ---- */

static uint32_t *queue_of(struct ready *r, const struct group *g) {
    switch (g->place) {
    case PLACE_LANE:
        return &r->lanes[g->lane];
    case PLACE_LIMIT:
        return &r->gates[g->at].waiting[g->lane];
    default:
        return &r->failing;
    }
}

static void note_woken(struct ready *r, uint32_t group, uint32_t gate) {
    struct group *g = &r->groups[group];
    struct gate *t = &r->gates[gate];

    g->woken_by = gate;
    g->woken_before = NONE;
    g->woken_next = t->woken[g->lane];
    if (g->woken_next != NONE)
        r->groups[g->woken_next].woken_before = group;
    t->woken[g->lane] = group;
    t->nwoken[g->lane]++;
}

/* What let a group into its lane no longer counts with it. */
static void forget_woken(struct ready *r, struct group *g) {
    if (g->woken_by == NONE)
        return;
    if (g->woken_next != NONE)
        r->groups[g->woken_next].woken_before = g->woken_before;
    if (g->woken_before != NONE)
        r->groups[g->woken_before].woken_next = g->woken_next;
    else
        r->gates[g->woken_by].woken[g->lane] = g->woken_next;
    r->gates[g->woken_by].nwoken[g->lane]--;
    g->woken_by = NONE;
}

/* Moves a group to another place. */
static void stand(struct ready *r, uint32_t group, enum place place, uint32_t at) {
    struct group *g = &r->groups[group];

    if (g->place != PLACE_NOWHERE)
        queue_remove(&r->order, queue_of(r, g), group);
    forget_woken(r, g);
    g->place = place;
    g->at = at;
    if (place != PLACE_NOWHERE)
        queue_push(&r->order, queue_of(r, g), group);
}

/* How much there is now at a gate for a group. */
static uint32_t room_for(struct ready *r, uint32_t gate, uint32_t group, int64_t now) {
    struct gate *t = &r->gates[gate];
    uint32_t room = limit_room(&t->limit, now);

    if (t->kept && group != r->favourite && group_before(r, r->favourite, group))
        return room > t->kept ? room - t->kept : 0;
    return room;
}

static void set_due(struct ready *r, uint32_t gate, int64_t now) {
    struct gate *t = &r->gates[gate];
    bool waited = t->waiting[LANE_IO] != QUEUE_EMPTY || t->waiting[LANE_CPU] != QUEUE_EMPTY;

    heap_remove(&r->due, gate);
    t->due = waited ? limit_due(&t->limit, now) : LIMIT_NEVER;
    if (t->due != LIMIT_NEVER)
        heap_push(&r->due, gate);
}

/* Something has changed at a gate: lets as many groups into each lane as there is room for. */
static void let_in(struct ready *r, uint32_t gate, int64_t now) {
    struct gate *t = &r->gates[gate];

    for (int lane = 0; lane < LANES; lane++) {
        uint32_t group;

        while ((group = t->waiting[lane]) != QUEUE_EMPTY &&
               t->nwoken[lane] < room_for(r, gate, group, now)) {
            stand(r, group, PLACE_LANE, NONE);
            note_woken(r, group, gate);
        }
    }
    set_due(r, gate, now);
}

/* A group waits at a gate that has let in some that come later: these wait again. */
static void recall_later(struct ready *r, uint32_t group, int64_t now) {
    const struct group *g = &r->groups[group];
    uint32_t next;

    for (uint32_t other = r->gates[g->at].woken[g->lane]; other != NONE; other = next) {
        next = r->groups[other].woken_next;
        if (group_before(r, group, other))
            stand(r, other, PLACE_LIMIT, g->at);
    }
    let_in(r, g->at, now);
}

static void let_in_at_all(struct ready *r, const struct group *g, int64_t now) {
    for (uint32_t k = 0; k < g->nwants; k++)
        let_in(r, g->wants[k], now);
}

/* ---- waiting in fairness ---- */

static uint64_t count_taken(const struct ready *r, const struct group *g) {
    uint64_t sum = 0;

    for (uint32_t k = 0; k < g->nwants; k++)
        sum += r->gates[g->wants[k]].taken;
    return sum;
}

static void set_favourite(struct ready *r, uint32_t group, uint32_t kept) {
    const struct group *g = &r->groups[group];

    r->favourite = kept ? group : NONE;
    for (uint32_t k = 0; k < g->nwants; k++)
        r->gates[g->wants[k]].kept = kept;
}

/* Nothing is kept for a group any more, if it was. */
static void forget_favourite(struct ready *r, uint32_t group, int64_t now) {
    if (r->favourite != group)
        return;
    set_favourite(r, group, 0);
    let_in_at_all(r, &r->groups[group], now);
}

/* A group's first job cannot start now: `shut`, because time has to pass. */
static void note_wait(struct ready *r, uint32_t group, bool shut, int64_t now) {
    struct group *g = &r->groups[group];

    if (g->nwants == 0)
        return;
    if (!g->waits) {
        g->waits = true;
        g->seen = count_taken(r, g);
    }
    if (shut)
        forget_favourite(r, group, now);
    else if (r->favourite == NONE && count_taken(r, g) - g->seen >= PASSES_MAX)
        set_favourite(r, group, 1);
}

/* ---- jobs come and go ---- */

static bool refused(const struct ready *r, const struct group *g, int64_t now) {
    for (uint32_t k = 0; k < g->nwants; k++)
        if (limit_refuses(&r->gates[g->wants[k]].limit, now))
            return true;
    return false;
}

void ready_push(struct ready *r, uint32_t group, uint32_t job, int64_t now) {
    struct group *g = &r->groups[group];

    if (g->place == PLACE_NOWHERE) {
        queue_push(&r->jobs, &g->jobs, job);
        stand(r, group, refused(r, g, now) ? PLACE_FAILING : PLACE_LANE, NONE);
    } else if (job_before(r, job, g->jobs)) { /* the group's own place changes */
        queue_remove(&r->order, queue_of(r, g), group);
        queue_push(&r->jobs, &g->jobs, job);
        queue_push(&r->order, queue_of(r, g), group);
        if (g->place == PLACE_LIMIT)
            recall_later(r, group, now);
    } else {
        queue_push(&r->jobs, &g->jobs, job);
    }
}

/* Takes the first job of a group out; what it stands for is as it was. */
static uint32_t pop_first(struct ready *r, uint32_t group) {
    struct group *g = &r->groups[group];
    uint32_t *queue = queue_of(r, g), job;

    queue_remove(&r->order, queue, group);
    job = queue_pop(&r->jobs, &g->jobs);
    g->waits = false;
    if (g->jobs != QUEUE_EMPTY)
        queue_push(&r->order, queue, group);
    else
        g->place = PLACE_NOWHERE;
    return job;
}

/* The first job has gone: whoever let it in may let in another. */
static void first_gone(struct ready *r, uint32_t group, int64_t now) {
    struct group *g = &r->groups[group];

    forget_woken(r, g);
    if (r->favourite == group)
        set_favourite(r, group, 0);
    let_in_at_all(r, g, now);
}

void ready_remove(struct ready *r, uint32_t group, uint32_t job, int64_t now) {
    struct group *g = &r->groups[group];

    if (job != g->jobs) {
        queue_remove(&r->jobs, &g->jobs, job);
        return;
    }
    pop_first(r, group);
    first_gone(r, group, now);
}

/* The gate that a group has to wait at, or NONE; *shut: for time to pass. */
static uint32_t find_closed(struct ready *r, uint32_t group, int64_t now, bool *shut) {
    const struct group *g = &r->groups[group];

    for (uint32_t k = 0; k < g->nwants; k++)
        if (limit_shut(&r->gates[g->wants[k]].limit, now)) {
            *shut = true;
            return g->wants[k];
        }
    *shut = false;
    for (uint32_t k = 0; k < g->nwants; k++)
        if (room_for(r, g->wants[k], group, now) == 0)
            return g->wants[k];
    return NONE;
}

/* A group leaves its lane's queue to wait at a gate; who let it in lets in another. */
static void step_aside(struct ready *r, uint32_t group, uint32_t gate, int64_t now) {
    uint32_t woken_by = r->groups[group].woken_by;

    trace(TRACE_SCHED, "group %u waits for limit %s", group, r->opts.plan->limits[gate].name);
    stand(r, group, PLACE_LIMIT, gate);
    recall_later(r, group, now);
    if (woken_by != NONE)
        let_in(r, woken_by, now);
}

/* Of the lanes that are not full the one whose first group comes first; -1: none. */
static int next_lane(const struct ready *r, const bool *full) {
    int first = -1;

    for (int lane = 0; lane < LANES; lane++) {
        if (full[lane] || r->lanes[lane] == QUEUE_EMPTY)
            continue;
        /* Only limits make it matter who is first of two lanes. */
        if (first < 0 || (r->ngates && group_before(r, r->lanes[lane], r->lanes[first])))
            first = lane;
    }
    return first;
}

enum ready_answer ready_next(struct ready *r, int64_t now, uint32_t *job) {
    bool full[LANES] = {false}, shut;
    uint32_t group, gate;
    int lane;

    while ((group = r->failing) != QUEUE_EMPTY) {
        if (refused(r, &r->groups[group], now)) {
            *job = pop_first(r, group);
            return READY_FAIL;
        }
        stand(r, group, PLACE_LANE, NONE);
    }
    while ((lane = next_lane(r, full)) >= 0) {
        group = r->lanes[lane];
        gate = find_closed(r, group, now, &shut);
        full[lane] = gate == NONE && !slots_fit(&r->opts.slots[lane], r->groups[group].width);
        if (gate == NONE && !full[lane]) {
            const struct group *g = &r->groups[group];

            *job = pop_first(r, group);
            for (uint32_t k = 0; k < g->nwants; k++) {
                limit_take(&r->gates[g->wants[k]].limit, *job, now);
                r->gates[g->wants[k]].taken++;
            }
            first_gone(r, group, now);
            return READY_START;
        }
        note_wait(r, group, shut, now);
        if (gate != NONE)
            step_aside(r, group, gate, now);
    }
    return READY_NONE;
}

/* ---- what becomes of those that start ---- */

void ready_started(struct ready *r, uint32_t group, int64_t start, int64_t now) {
    const struct group *g = &r->groups[group];

    for (uint32_t k = 0; k < g->nwants; k++) {
        limit_started(&r->gates[g->wants[k]].limit, start);
        set_due(r, g->wants[k], now);
    }
}

void ready_undo(struct ready *r, uint32_t group, uint32_t job, int64_t now) {
    const struct group *g = &r->groups[group];

    for (uint32_t k = 0; k < g->nwants; k++)
        limit_undo(&r->gates[g->wants[k]].limit, job);
    let_in_at_all(r, g, now);
}

/* A circuit has opened: where that is said, all that want the limit are to fail. */
static void refuse_members(struct ready *r, uint32_t gate, int64_t now) {
    trace(TRACE_SCHED, "limit %s: its circuit opens", r->opts.plan->limits[gate].name);
    if (!limit_refuses(&r->gates[gate].limit, now))
        return;
    for (uint32_t i = r->gates[gate].members_at; i < r->gates[gate + 1].members_at; i++) {
        uint32_t group = r->members[i], woken_by;

        if (r->groups[group].place == PLACE_NOWHERE)
            continue;
        forget_favourite(r, group, now);
        woken_by = r->groups[group].woken_by;
        stand(r, group, PLACE_FAILING, NONE);
        if (woken_by != NONE)
            let_in(r, woken_by, now);
    }
}

void ready_end(struct ready *r, uint32_t group, uint32_t job, enum limit_outcome outcome,
               int64_t now) {
    const struct group *g = &r->groups[group];

    for (uint32_t k = 0; k < g->nwants; k++)
        if (limit_end(&r->gates[g->wants[k]].limit, job, outcome, now))
            refuse_members(r, g->wants[k], now);
    let_in_at_all(r, g, now);
}

void ready_advance(struct ready *r, int64_t now) {
    while (r->due.count > 0 && r->gates[r->due.items[0]].due <= now)
        let_in(r, r->due.items[0], now);
}

int64_t ready_due(const struct ready *r) {
    return r->due.count > 0 ? r->gates[r->due.items[0]].due : LIMIT_NEVER;
}

uint32_t ready_width(const struct ready *r, enum lane lane) {
    return r->lanes[lane] == QUEUE_EMPTY ? 0 : r->groups[r->lanes[lane]].width;
}
