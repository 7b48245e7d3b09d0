/* SPDX-License-Identifier: MIT */
/* cleanup: what is run beside and behind the jobs: their `cleanup`, and at last `on-end`. */
#include "run/cleanup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "base/mem.h"
#include "plan/item.h"
#include "run/followers.h"

/* What is left of an item that was started. */
struct item {
    uint32_t nattempts;
    enum status status;
    struct plan_item plan;
    const char *values[]; /* then their texts */
};

/* A job with a cleanup that was started. */
struct place {
    uint32_t job;
    uint32_t turn;     /* of its first attempt that ran */
    struct item *item; /* of the job's, which is a section, or NULL */
};

struct cleanups {
    struct cleanups_opts opts;
    const struct followers *followers;
    bool *started;       /* a place per job; NULL where none has a cleanup */
    struct place *stack; /* in the order of their turns, the last on top */
    uint32_t nstack;
    size_t stack_cap;
    struct item **live;         /* by job: the item on the stack that it is, or NULL */
    size_t nlive;               /* places in that */
    uint32_t unborn;            /* jobs with a cleanup that may start yet */
    uint32_t lost;              /* items that there was no memory for, */
    const struct plan_job *of;  /* and the section of the last of these */
    const struct plan_job *job; /* whose cleanup is under way, or NULL */
    struct item *item;          /* it, or NULL: it is none */
    struct plan_job made;       /* made of that; in the arena */
    struct arena arena;
    struct chore chore;
    bool hurried, abandoned;
    bool on_end; /* is to be run yet */
};

static const struct plan_job *def_of(const struct cleanups *c, uint32_t job) {
    return &c->opts.plan->jobs[job];
}

static bool has_cleanup(const struct cleanups *c, uint32_t job) {
    return def_of(c, job)->set->cleanup;
}

struct cleanups *cleanups_new(const struct cleanups_opts *opts, const struct followers *followers) {
    const struct plan *plan = opts->plan;
    struct cleanups *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->opts = *opts;
    c->followers = followers;
    c->on_end = plan->on_end;
    chore_release(&c->chore);
    arena_init(&c->arena, NULL);
    for (uint32_t i = 0; i < plan->njobs; i++)
        c->unborn += has_cleanup(c, i);
    if (c->unborn == 0)
        return c;
    c->started = calloc(plan->njobs, sizeof *c->started);
    c->stack = calloc(c->unborn, sizeof *c->stack);
    c->stack_cap = c->unborn;
    if (!c->started || !c->stack)
        return cleanups_free(c);
    return c;
}

struct cleanups *cleanups_free(struct cleanups *c) {
    if (!c)
        return NULL;
    chore_release(&c->chore);
    arena_release(&c->arena);
    free(c->item);
    while (c->nstack > 0)
        free(c->stack[--c->nstack].item);
    free(c->started);
    free(c->stack);
    free(c->live);
    free(c);
    return NULL;
}

/* Launchers tell of starts in any order: to be below those of later turns. */
static void push(struct cleanups *c, struct place place) {
    uint32_t at = c->nstack++;

    for (; at > 0 && c->stack[at - 1].turn > place.turn; at--)
        c->stack[at] = c->stack[at - 1];
    c->stack[at] = place;
}

void cleanups_job_started(struct cleanups *c, uint32_t job, uint32_t turn) {
    if (!c->started || !has_cleanup(c, job) || c->started[job])
        return;
    c->started[job] = true;
    c->unborn--;
    push(c, (struct place){job, turn, NULL});
}

/* A copy of an item, one block. NULL when out of memory. */
static struct item *copy_item(const struct job_info *job) {
    const struct plan_item *from = job->def->item;
    size_t size = sizeof(struct item) + from->nvalues * sizeof *from->values;
    struct item *item;
    char *to;

    for (uint32_t i = 0; i < from->nvalues; i++)
        size += strlen(from->values[i]) + 1;
    item = malloc(size + strlen(from->text) + 1);
    if (!item)
        return NULL;
    *item = (struct item){.plan = *from};
    to = (char *)&item->values[from->nvalues];
    for (uint32_t i = 0; i < from->nvalues; i++) {
        item->values[i] = to;
        to = stpcpy(to, from->values[i]) + 1;
    }
    item->plan.values = item->values;
    item->plan.shown = NULL;
    item->plan.text = memcpy(to, from->text, strlen(from->text) + 1);
    return item;
}

/* The item on the stack that a running job is, or NULL. */
static struct item *find_item(const struct cleanups *c, uint32_t job) {
    return job < c->nlive ? c->live[job] : NULL;
}

/* Room for what a job is. */
static bool reserve_live(struct cleanups *c, uint32_t job) {
    struct item **live = mem_grow(c->live, job, &c->nlive, sizeof(struct item *));

    if (live)
        c->live = live;
    return live;
}

/* Room for one more than the jobs of the plan. */
static bool reserve_place(struct cleanups *c) {
    /* Those of the plan that may be started yet have theirs. */
    struct place *stack =
        mem_grow(c->stack, (size_t)c->nstack + c->unborn, &c->stack_cap, sizeof *stack);

    if (stack)
        c->stack = stack;
    return stack;
}

void cleanups_item_started(struct cleanups *c, const struct job_info *item, uint32_t turn) {
    struct item *copy;

    if (!c->started || !item->def->set->cleanup || find_item(c, item->id))
        return;
    copy = reserve_place(c) && reserve_live(c, item->id) ? copy_item(item) : NULL;
    if (!copy) {
        c->lost++;
        c->of = def_of(c, item->section);
        return;
    }
    push(c, (struct place){item->section, turn, copy});
    c->live[item->id] = copy;
}

void cleanups_item_ended(struct cleanups *c, const struct job_info *item) {
    struct item *copy = find_item(c, item->id);

    if (!copy)
        return;
    c->live[item->id] = NULL;
    copy->status = (enum status)item->result->status;
    copy->nattempts = item->result->nattempts;
}

void cleanups_job_ended(struct cleanups *c, uint32_t job) {
    if (c->started && has_cleanup(c, job) && !c->started[job])
        c->unborn--;
}

/* What it has come to. */
static void tell(struct cleanups *c, struct attempt_end *end) {
    const struct plan_job *job = c->job;
    struct job_info chore = chore_info(&c->chore);

    c->job = NULL;
    if (job && chore.result->status != STATUS_OK)
        c->opts.result->cleanups_failed++;
    c->opts.done(c->opts.ctx, job, &chore, end);
}

/* It could not be tried. */
static void fail(struct cleanups *c, int error) {
    struct attempt_end end = {.error = error, .stage = SPAWN_RESOURCES, .exit = -1};

    chore_release(&c->chore);
    chore_ended(&c->chore, &end);
    tell(c, NULL);
}

static void begin(struct cleanups *c, const struct chore_order *order, int64_t now) {
    int error = chore_begin(&c->chore, order, c->opts.executor, c->opts.executor_ctx, now);

    if (error)
        fail(c, error);
}

/* Makes an item the job that it was. 0 or UV_E…. */
static int make_item(struct cleanups *c, uint32_t section) {
    const char *fault;

    arena_release(&c->arena);
    return item_make_job(c->opts.plan, def_of(c, section), &c->item->plan, &c->arena, &c->made,
                         &fault);
}

/* Of the job on top of the stack. */
static void begin_cleanup(struct cleanups *c, int64_t now) {
    const struct place place = c->stack[--c->nstack];
    const struct job_result *r = &c->opts.result->jobs[place.job];
    const struct item *item = place.item;
    struct chore_order order = {
        .id = place.job, /* of an item its section, which has no attempts */
        .number = item ? item->nattempts : r->nattempts,
        .job = item ? &c->made : def_of(c, place.job),
        .vars = {{.name = "MUSTER_STATUS"}},
        .hurried = c->hurried,
    };
    int error;

    free(c->item);
    c->item = place.item;
    error = item ? make_item(c, place.job) : 0;
    order.command = def_of(c, place.job)->set->cleanup;
    snprintf(order.vars[0].value, sizeof order.vars[0].value, "%s",
             status_words[item ? item->status : r->status]);
    c->job = order.job;
    if (error)
        fail(c, error);
    else
        begin(c, &order, now);
}

/* Tells of those that there was no memory for. */
static void tell_lost(struct cleanups *c) {
    c->opts.result->cleanups_failed += c->lost - 1;
    c->lost = 0;
    c->job = c->of;
    fail(c, UV_ENOMEM);
}

static void begin_on_end(struct cleanups *c, int64_t now) {
    const struct run_result *run = c->opts.result;
    const struct plan_job *def = c->opts.plan->on_end;
    struct run_totals totals = run_totals(run);
    uint32_t failed = totals.by_status[STATUS_FAILED] + totals.by_status[STATUS_TIMEOUT];
    struct chore_order order = {
        .id = c->opts.plan->njobs,
        .number = 1,
        .job = def,
        .command = def->command,
        .vars = {{.name = "MUSTER_STATUS"},
                 {.name = "MUSTER_OK"},
                 {.name = "MUSTER_FAILED"},
                 {.name = "MUSTER_WALL"}},
        .hurried = true,
    };
    const size_t room = CHORE_VALUE_MAX;

    snprintf(order.vars[0].value, room, "%d", run_exit_status(run));
    snprintf(order.vars[1].value, room, "%" PRIu32, totals.by_status[STATUS_OK]);
    snprintf(order.vars[2].value, room, "%" PRIu32, failed - totals.allowed);
    snprintf(order.vars[3].value, room, "%.3f", (double)(clock_ns() - run->start_ns) / NS_PER_S);
    c->on_end = false;
    begin(c, &order, now);
}

void cleanups_run(struct cleanups *c, bool over, int64_t now) {
    while (c->chore.phase == CHORE_NONE && !c->abandoned) {
        if (c->nstack > 0 && c->unborn == 0 &&
            followers_over(c->followers, c->stack[c->nstack - 1].job))
            begin_cleanup(c, now);
        else if (over && c->nstack == 0 && c->lost > 0)
            tell_lost(c);
        else if (over && c->nstack == 0 && c->on_end)
            begin_on_end(c, now);
        else
            return;
    }
}

bool cleanups_own(const struct cleanups *c, const struct attempt *a) {
    return chore_owns(&c->chore, a);
}

void cleanups_started(struct cleanups *c, int64_t now) {
    chore_started(&c->chore, now);
}

void cleanups_put_off(struct cleanups *c, int error, int64_t now) {
    if (!chore_put_off(&c->chore, error, now))
        tell(c, NULL);
}

void cleanups_ended(struct cleanups *c, struct attempt_end *end) {
    chore_ended(&c->chore, end);
    tell(c, end);
    attempt_end_release(end);
}

void cleanups_hurry(struct cleanups *c, int64_t now) {
    if (c->hurried)
        return;
    c->hurried = true;
    chore_hurry(&c->chore, now);
}

uint32_t cleanups_abandon(struct cleanups *c) {
    c->abandoned = true;
    return c->nstack + c->lost;
}

void cleanups_advance(struct cleanups *c, int64_t now) {
    chore_advance(&c->chore, c->opts.executor, c->opts.executor_ctx, now);
}

int64_t cleanups_due(const struct cleanups *c) {
    return c->chore.due;
}

bool cleanups_done(const struct cleanups *c) {
    return c->chore.phase == CHORE_NONE &&
           (c->abandoned || (c->nstack == 0 && c->lost == 0 && !c->on_end));
}

bool cleanups_wanted(const struct cleanups *c) {
    return c->started || c->on_end || c->chore.phase != CHORE_NONE;
}

bool cleanups_running(const struct cleanups *c, const struct plan_job **job, int64_t *since) {
    *job = c->job;
    *since = c->chore.since;
    return c->chore.phase == CHORE_RUNNING || c->chore.phase == CHORE_STOPPING;
}
