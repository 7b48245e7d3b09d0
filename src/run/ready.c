/* SPDX-License-Identifier: MIT */
/* ready: the jobs that could start, and which of them is next. Pure. */
#include "run/ready.h"

#include <assert.h>
#include <stdlib.h>
#include <uv.h>

#include "base/trace.h"
#include "run/groups.h"

#define PASSES_MAX 100
#define NONE       GROUPS_NONE

/*
 * A limit, and who waits for it. Those that it has let back into a lane and that
 * have not started yet come before all in order that still wait for that lane.
 */
struct gate {
    struct limit limit;
    uint32_t waiting[LANES]; /* queues of groups */
    uint32_t woken[LANES];   /* first of a list of those let in */
    uint64_t nwoken[LANES];  /* how much they want */
    uint64_t kept;           /* for the favourite, of what there is */
    uint64_t taken;          /* how often, ever */
    int64_t due;             /* when there may be room again */
};

struct ready {
    struct ready_opts opts;
    struct groups groups;
    struct gate *gates; /* the plan's limits, then its memory */
    uint32_t ngates, memory;
    uint64_t memory_free;      /* bytes */
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

    return job_before(r, r->groups.list[a].jobs, r->groups.list[b].jobs);
}

static bool due_before(const void *ctx, uint32_t a, uint32_t b) {
    const struct gate *gates = ((const struct ready *)ctx)->gates;

    return gates[a].due < gates[b].due;
}

/* ---- beginning and end ---- */

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
    r->memory = p->nlimits;
    r->memory_free = p->memory;
    r->ngates = groups_gates(p);
    r->gates = calloc((size_t)r->ngates + 1, sizeof *r->gates);
    if (!r->gates || groups_init(&r->groups, p, opts->slots) < 0 ||
        queues_init(&r->jobs, opts->njobs, job_before, r) < 0 ||
        queues_init(&r->order, r->groups.count, group_before, r) < 0 ||
        heap_init(&r->due, r->ngates, due_before, r) < 0)
        return ready_free(r);
    for (uint32_t i = 0; i < r->ngates; i++) {
        if (i != r->memory)
            limit_init(&r->gates[i].limit, &p->limits[i]);
        for (int lane = 0; lane < LANES; lane++)
            r->gates[i].waiting[lane] = r->gates[i].woken[lane] = NONE;
    }
    trace(TRACE_SCHED, "%u groups of jobs, %u limits", r->groups.count, r->ngates);
    return r;
}

struct ready *ready_free(struct ready *r) {
    if (!r)
        return NULL;
    queues_release(&r->jobs);
    queues_release(&r->order);
    heap_release(&r->due);
    groups_release(&r->groups);
    free(r->gates);
    free(r);
    return NULL;
}

int ready_reserve(struct ready *r, uint32_t njobs) {
    return queues_reserve(&r->jobs, njobs);
}

uint32_t ready_group(const struct ready *r, uint32_t index, enum lane lane) {
    uint32_t group = r->groups.of[index];
    const struct group *g = &r->groups.list[group];

    return g->lane != lane && g->twin != NONE ? g->twin : group;
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

/* How much a group wants at a gate. */
static uint64_t need(const struct ready *r, const struct group *g, uint32_t gate) {
    return gate == r->memory ? g->memory : 1;
}

static void note_woken(struct ready *r, uint32_t group, uint32_t gate) {
    struct group *g = &r->groups.list[group];
    struct gate *t = &r->gates[gate];

    g->woken_by = gate;
    g->woken_before = NONE;
    g->woken_next = t->woken[g->lane];
    if (g->woken_next != NONE)
        r->groups.list[g->woken_next].woken_before = group;
    t->woken[g->lane] = group;
    t->nwoken[g->lane] += need(r, g, gate);
}

/* What let a group into its lane no longer counts with it. */
static void forget_woken(struct ready *r, struct group *g) {
    if (g->woken_by == NONE)
        return;
    if (g->woken_next != NONE)
        r->groups.list[g->woken_next].woken_before = g->woken_before;
    if (g->woken_before != NONE)
        r->groups.list[g->woken_before].woken_next = g->woken_next;
    else
        r->gates[g->woken_by].woken[g->lane] = g->woken_next;
    r->gates[g->woken_by].nwoken[g->lane] -= need(r, g, g->woken_by);
    g->woken_by = NONE;
}

/* Moves a group to another place. */
static void stand(struct ready *r, uint32_t group, enum place place, uint32_t at) {
    struct group *g = &r->groups.list[group];

    if (g->place != PLACE_NOWHERE)
        queue_remove(&r->order, queue_of(r, g), group);
    forget_woken(r, g);
    g->place = place;
    g->at = at;
    if (place != PLACE_NOWHERE)
        queue_push(&r->order, queue_of(r, g), group);
}

/* Whether the gate is closed until time has passed, whoever may end before. */
static bool is_shut(struct ready *r, uint32_t gate, int64_t now) {
    return gate != r->memory && limit_shut(&r->gates[gate].limit, now);
}

/* How much there is now at a gate for a group. */
static uint64_t room_for(struct ready *r, uint32_t gate, uint32_t group, int64_t now) {
    struct gate *t = &r->gates[gate];
    uint64_t room = gate == r->memory ? r->memory_free : limit_room(&t->limit, now);

    if (t->kept && group != r->favourite && group_before(r, r->favourite, group))
        return room > t->kept ? room - t->kept : 0;
    return room;
}

/* A small job would find room for ever where a large one waits before it: it has to wait too. */
static bool must_queue(const struct ready *r, uint32_t gate, uint32_t group) {
    for (int lane = 0; lane < LANES && gate == r->memory; lane++) {
        uint32_t first = r->gates[gate].waiting[lane];

        if (first != QUEUE_EMPTY && first != group &&
            r->groups.list[first].memory > r->memory_free && group_before(r, first, group))
            return true;
    }
    return false;
}

/* Whether a group may pass a gate at which `more` is spoken for. */
static bool may_pass(struct ready *r, uint32_t gate, uint32_t group, uint64_t more, int64_t now) {
    return more + need(r, &r->groups.list[group], gate) <= room_for(r, gate, group, now) &&
           !must_queue(r, gate, group);
}

static void set_due(struct ready *r, uint32_t gate, int64_t now) {
    struct gate *t = &r->gates[gate];
    bool waited = t->waiting[LANE_IO] != QUEUE_EMPTY || t->waiting[LANE_CPU] != QUEUE_EMPTY;

    if (gate == r->memory)
        return;
    heap_remove(&r->due, gate);
    t->due = waited ? limit_due(&t->limit, now) : LIMIT_NEVER;
    if (t->due != LIMIT_NEVER)
        heap_push(&r->due, gate);
}

/* Lets the first group that waits for a lane into it, if there is room for it. */
static bool let_one_in(struct ready *r, uint32_t gate, enum lane lane, int64_t now) {
    uint32_t group = r->gates[gate].waiting[lane];

    if (group == QUEUE_EMPTY || !may_pass(r, gate, group, r->gates[gate].nwoken[lane], now))
        return false;
    stand(r, group, PLACE_LANE, NONE);
    note_woken(r, group, gate);
    return true;
}

/* Something has changed at a gate: lets as many groups into each lane as there is room for. */
static void let_in(struct ready *r, uint32_t gate, int64_t now) {
    bool more;

    do {
        more = false;
        for (int lane = 0; lane < LANES; lane++)
            more |= let_one_in(r, gate, (enum lane)lane, now);
    } while (more);
    set_due(r, gate, now);
}

/* A group waits at a gate that has let in some that come later: these wait again. */
static void recall_later(struct ready *r, uint32_t group, int64_t now) {
    const struct group *g = &r->groups.list[group];
    uint32_t next;

    for (uint32_t other = r->gates[g->at].woken[g->lane]; other != NONE; other = next) {
        next = r->groups.list[other].woken_next;
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

static void set_favourite(struct ready *r, uint32_t group, bool is) {
    const struct group *g = &r->groups.list[group];

    r->favourite = is ? group : NONE;
    for (uint32_t k = 0; k < g->nwants; k++)
        r->gates[g->wants[k]].kept = is ? need(r, g, g->wants[k]) : 0;
}

/* Nothing is kept for a group any more, if it was. */
static void forget_favourite(struct ready *r, uint32_t group, int64_t now) {
    if (r->favourite != group)
        return;
    set_favourite(r, group, false);
    let_in_at_all(r, &r->groups.list[group], now);
}

/* A group's first job cannot start now: `shut`, because time has to pass. */
static void note_wait(struct ready *r, uint32_t group, bool shut, int64_t now) {
    struct group *g = &r->groups.list[group];

    if (g->nwants == 0)
        return;
    if (!g->waits) {
        g->waits = true;
        g->seen = count_taken(r, g);
    }
    if (shut)
        forget_favourite(r, group, now);
    else if (r->favourite == NONE && count_taken(r, g) - g->seen >= PASSES_MAX)
        set_favourite(r, group, true);
}

/* ---- jobs come and go ---- */

static bool refused(const struct ready *r, const struct group *g, int64_t now) {
    for (uint32_t k = 0; k < g->nwants; k++)
        if (g->wants[k] != r->memory && limit_refuses(&r->gates[g->wants[k]].limit, now))
            return true;
    return false;
}

void ready_push(struct ready *r, uint32_t group, uint32_t job, int64_t now) {
    struct group *g = &r->groups.list[group];

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
    struct group *g = &r->groups.list[group];
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
    struct group *g = &r->groups.list[group];

    forget_woken(r, g);
    if (r->favourite == group)
        set_favourite(r, group, false);
    let_in_at_all(r, g, now);
}

void ready_remove(struct ready *r, uint32_t group, uint32_t job, int64_t now) {
    struct group *g = &r->groups.list[group];

    if (job != g->jobs) {
        queue_remove(&r->jobs, &g->jobs, job);
        return;
    }
    pop_first(r, group);
    first_gone(r, group, now);
}

/* The gate that a group has to wait at, or NONE; *shut: for time to pass. */
static uint32_t find_closed(struct ready *r, uint32_t group, int64_t now, bool *shut) {
    const struct group *g = &r->groups.list[group];

    for (uint32_t k = 0; k < g->nwants; k++)
        if (is_shut(r, g->wants[k], now)) {
            *shut = true;
            return g->wants[k];
        }
    *shut = false;
    for (uint32_t k = 0; k < g->nwants; k++)
        if (!may_pass(r, g->wants[k], group, 0, now))
            return g->wants[k];
    return NONE;
}

/* A group leaves its lane's queue to wait at a gate; who let it in lets in another. */
static void step_aside(struct ready *r, uint32_t group, uint32_t gate, int64_t now) {
    uint32_t woken_by = r->groups.list[group].woken_by;

    trace(TRACE_SCHED, "group %u waits for %s", group,
          gate == r->memory ? "memory" : r->opts.plan->limits[gate].name);
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

static void take(struct ready *r, const struct group *g, uint32_t job, int64_t now) {
    for (uint32_t k = 0; k < g->nwants; k++) {
        struct gate *t = &r->gates[g->wants[k]];

        if (g->wants[k] != r->memory)
            limit_take(&t->limit, job, now);
        t->taken++;
    }
    r->memory_free -= g->memory;
}

enum ready_answer ready_next(struct ready *r, int64_t now, uint32_t *job) {
    bool full[LANES] = {false}, shut;
    uint32_t group, gate;
    int lane;

    while ((group = r->failing) != QUEUE_EMPTY) {
        if (refused(r, &r->groups.list[group], now)) {
            *job = pop_first(r, group);
            return READY_FAIL;
        }
        stand(r, group, PLACE_LANE, NONE);
    }
    while ((lane = next_lane(r, full)) >= 0) {
        group = r->lanes[lane];
        gate = find_closed(r, group, now, &shut);
        full[lane] = gate == NONE && !slots_fit(&r->opts.slots[lane], r->groups.list[group].width);
        if (gate == NONE && !full[lane]) {
            *job = pop_first(r, group);
            take(r, &r->groups.list[group], *job, now);
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
    const struct group *g = &r->groups.list[group];

    for (uint32_t k = 0; k < g->nwants; k++) {
        if (g->wants[k] != r->memory)
            limit_started(&r->gates[g->wants[k]].limit, start);
        set_due(r, g->wants[k], now);
    }
}

void ready_undo(struct ready *r, uint32_t group, uint32_t job, int64_t now) {
    const struct group *g = &r->groups.list[group];

    for (uint32_t k = 0; k < g->nwants; k++)
        if (g->wants[k] != r->memory)
            limit_undo(&r->gates[g->wants[k]].limit, job);
    r->memory_free += g->memory;
    let_in_at_all(r, g, now);
}

/* A circuit has opened: where that is said, all that want the limit are to fail. */
static void refuse_members(struct ready *r, uint32_t gate, int64_t now) {
    trace(TRACE_SCHED, "limit %s: its circuit opens", r->opts.plan->limits[gate].name);
    if (!limit_refuses(&r->gates[gate].limit, now))
        return;
    for (uint32_t i = r->groups.members_at[gate]; i < r->groups.members_at[gate + 1]; i++) {
        uint32_t group = r->groups.members[i];

        if (r->groups.list[group].place == PLACE_NOWHERE)
            continue;
        forget_favourite(r, group, now);
        stand(r, group, PLACE_FAILING, NONE);
        let_in_at_all(r, &r->groups.list[group], now); /* who waited behind it */
    }
}

void ready_end(struct ready *r, uint32_t group, uint32_t job, enum limit_outcome outcome,
               int64_t now) {
    const struct group *g = &r->groups.list[group];

    r->memory_free += g->memory;
    for (uint32_t k = 0; k < g->nwants; k++)
        if (g->wants[k] != r->memory && limit_end(&r->gates[g->wants[k]].limit, job, outcome, now))
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

/* ---- what is waited for ---- */

uint32_t ready_groups(const struct ready *r) {
    return r->groups.count;
}

/* Those in a lane wait for what the first of them wants. */
static enum wait_kind lane_waits(const struct ready *r, enum lane lane) {
    const struct slots *slots = &r->opts.slots[lane];
    uint32_t width = ready_width(r, lane);

    if (slots_fit(slots, width))
        return WAIT_NOTHING;
    if (slots_ungranted(slots, width))
        return WAIT_GRANT;
    return slots->width < slots->limit ? WAIT_ROOM : WAIT_SLOT;
}

enum wait_kind ready_waits(struct ready *r, uint32_t group, int64_t now, uint32_t *what) {
    const struct group *g = &r->groups.list[group];
    struct limit *limit;

    *what = g->lane;
    if (g->place == PLACE_LANE)
        return lane_waits(r, g->lane);
    if (g->place != PLACE_LIMIT)
        return WAIT_NOTHING;
    *what = g->at;
    if (g->at == r->memory)
        return WAIT_MEMORY;
    limit = &r->gates[g->at].limit;
    if (limit->circuit != LIMIT_CLOSED)
        return WAIT_CIRCUIT;
    return limit_shut(limit, now) ? WAIT_RATE : WAIT_CONCURRENCY;
}

uint32_t ready_width(const struct ready *r, enum lane lane) {
    return r->lanes[lane] == QUEUE_EMPTY ? 0 : r->groups.list[r->lanes[lane]].width;
}
