/* SPDX-License-Identifier: MIT */
/* clash: jobs whose outputs would be the same variables of a job after both. */
#include <string.h>

#include "plan/validate.h"

#define NO_JOB UINT32_MAX

/* What is looked at; all in the loader's scratch, indexed by jobs. */
struct clash {
    struct loader *l;
    bool *before;         /* some other comes after it */
    uint32_t *same;       /* the next one whose outputs are called alike, or NO_JOB */
    uint32_t *first, *to; /* those after job i: to[first[i]] to to[first[i + 1]] */
    uint32_t *seen;       /* the one of a group from which it was reached, */
    uint32_t *group;      /* the first of which is this */
    uint32_t *stack;
};

/* Whether a name is not a variable's as it is; without such no two become alike. */
static bool is_changed(const char *name) {
    return name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")];
}

/* Whether some job that others come after has such a name. */
static bool find_jobs_before(struct clash *c) {
    const struct plan *plan = c->l->plan;
    bool some = false;

    for (uint32_t i = 0; i < plan->njobs; i++)
        for (uint32_t k = 0; k < plan->jobs[i].nafter; k++) {
            uint32_t job = plan->jobs[i].after[k];
            if (!c->before)
                c->before = arena_array(&c->l->scratch, bool, plan->njobs);
            some = some || is_changed(plan->jobs[job].name);
            c->before[job] = true;
        }
    return some;
}

/* Chains jobs by what their names become. Whether there are chains of more than one. */
static bool find_groups(struct clash *c) {
    const struct plan *plan = c->l->plan;
    struct arena *scratch = &c->l->scratch;
    char name[PLAN_OUT_MAX];
    struct map names;
    bool some = false;

    map_init(&names, scratch);
    c->same = arena_array(scratch, uint32_t, plan->njobs);
    for (uint32_t i = 0; i < plan->njobs; i++) {
        c->same[i] = NO_JOB;
        if (!c->before[i])
            continue;
        size_t n = strlen(plan_out_name(plan->jobs[i].name, name));
        uint32_t first = map_get(&names, name, n);
        if (first == MAP_NONE) {
            map_add(&names, arena_strndup(scratch, name, n), n, i);
            continue;
        }
        c->same[i] = c->same[first];
        c->same[first] = i;
        some = true;
    }
    return some;
}

static void link_jobs(struct clash *c) {
    const struct plan *plan = c->l->plan;
    struct arena *scratch = &c->l->scratch;
    size_t edges = 0;

    c->first = arena_array(scratch, uint32_t, plan->njobs + 2);
    for (uint32_t i = 0; i < plan->njobs; i++) {
        edges += plan->jobs[i].nafter;
        for (uint32_t k = 0; k < plan->jobs[i].nafter; k++)
            c->first[plan->jobs[i].after[k] + 2]++;
    }
    for (uint32_t i = 2; i < plan->njobs + 2; i++)
        c->first[i] += c->first[i - 1];
    c->to = arena_array(scratch, uint32_t, edges);
    for (uint32_t i = 0; i < plan->njobs; i++)
        for (uint32_t k = 0; k < plan->jobs[i].nafter; k++)
            c->to[c->first[plan->jobs[i].after[k] + 1]++] = i;
    c->seen = arena_array(scratch, uint32_t, plan->njobs);
    c->group = arena_array(scratch, uint32_t, plan->njobs);
    c->stack = arena_array(scratch, uint32_t, plan->njobs);
    for (uint32_t i = 0; i < plan->njobs; i++)
        c->group[i] = NO_JOB;
}

static void report(struct clash *c, uint32_t job, uint32_t one, uint32_t other) {
    struct loader *l = c->l;
    const struct plan_job *jobs = l->plan->jobs;
    const struct entry *after = layers_place(l, job, EFFECT_AFTER);
    char name[PLAN_OUT_MAX];

    diag_error(l->diag, after->value,
               "after: job '%s' would get outputs of '%s' and '%s' by the same variables (%s...)",
               jobs[job].name, jobs[one].name, jobs[other].name,
               plan_out_name(jobs[one].name, name));
}

/* Goes over all that comes after a job of a group. False: something there comes after
 * another one too, and was reported. */
static bool reach(struct clash *c, uint32_t group, uint32_t job) {
    uint32_t depth = 0;

    c->stack[depth++] = job;
    while (depth) {
        uint32_t from = c->stack[--depth];
        for (uint32_t k = c->first[from]; k < c->first[from + 1]; k++) {
            uint32_t to = c->to[k];
            if (c->group[to] == group && c->seen[to] == job)
                continue;
            if (c->group[to] == group) {
                report(c, to, c->seen[to], job);
                return false;
            }
            c->group[to] = group;
            c->seen[to] = job;
            c->stack[depth++] = to;
        }
    }
    return true;
}

void clash_check(struct loader *l) {
    struct clash c = {.l = l};
    unsigned reported = 0;

    if (!find_jobs_before(&c) || !find_groups(&c))
        return;
    link_jobs(&c);
    /* A chain begins with the one that stands first in the manifest. */
    for (uint32_t i = 0; i < l->plan->njobs && reported < PARSE_FAULTS_MAX; i++) {
        if (c.same[i] == NO_JOB)
            continue;
        bool good = true;
        for (uint32_t job = i, next; good && job != NO_JOB; job = next) {
            next = c.same[job];
            good = reach(&c, i, job);
        }
        reported += !good;
        for (uint32_t job = i, next; job != NO_JOB; job = next) {
            next = c.same[job];
            c.same[job] = NO_JOB; /* the group is done */
        }
    }
}
