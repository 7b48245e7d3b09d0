/* SPDX-License-Identifier: MIT */
/* validate: rules that only the whole plan can break, and the order that follows. */
#include "plan/validate.h"

#include <string.h>

#include "base/host.h"
#include "base/text.h"
#include "base/trace.h"
#include "plan/tags.h"

#define CYCLE_NAMES_MAX 100 /* in a message */
#define NO_INDEX        UINT32_MAX

/* --- names of jobs --- */

/* Takes the names of one `after` to indexes. `mark` has a place per job, for doubles. */
static void resolve_after(struct loader *l, struct entry *e, uint32_t *mark, uint32_t stamp) {
    struct names *names = e->typed;
    uint32_t *jobs = arena_array(&l->plan->arena, uint32_t, names->count);
    unsigned unknown = 0;

    names->jobs = jobs;
    for (uint32_t i = 0; i < names->count; i++) {
        const struct name *name = &names->list[i];
        uint32_t s = map_get(&l->names[SECTION_JOB], name->text, name->len);
        if (s == MAP_NONE && unknown++ >= PARSE_FAULTS_MAX)
            continue;
        if (s == MAP_NONE) {
            const char *near = sections_nearest(l, SECTION_JOB, name->text, name->len);
            diag_error(l->diag, name->at, "after: no job '%.*s'%s%s%s", (int)name->len, name->text,
                       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
            continue;
        }
        uint32_t job = l->sections[s]->job;
        if (mark[job] == stamp)
            continue;
        mark[job] = stamp;
        jobs[names->njobs++] = job;
    }
}

static void resolve_all(struct loader *l) {
    uint32_t *mark = NULL, stamp = 0;

    for (size_t i = 0; i < l->nsections; i++)
        for (uint32_t k = 0; k < l->sections[i]->nentries; k++) {
            struct entry *e = &l->sections[i]->entries[k];
            if (!e->row || e->row->effect != EFFECT_AFTER || !e->typed)
                continue;
            if (!mark)
                mark = arena_array(&l->scratch, uint32_t, l->plan->njobs);
            resolve_after(l, e, mark, ++stamp);
        }
}

/* Where a job's `after` names another. */
static struct span find_name(const struct loader *l, uint32_t job, uint32_t other) {
    const struct names *names = layers_place(l, job, EFFECT_AFTER)->typed;

    for (uint32_t i = 0; i < names->count; i++) {
        uint32_t s = map_get(&l->names[SECTION_JOB], names->list[i].text, names->list[i].len);
        if (s != MAP_NONE && l->sections[s]->job == other)
            return names->list[i].at;
    }
    return l->drafts[job].section->header;
}

/* --- one job --- */

/* Whether an entry stands in the job's own section. */
static bool is_own(const struct section *s, const struct entry *e) {
    return e >= s->entries && e < s->entries + s->nentries;
}

/* What a job's own section says of something, or NULL. */
static const struct entry *find_own(const struct loader *l, uint32_t i, enum schema_effect effect) {
    const struct entry *e = layers_place(l, i, effect);

    return e && is_own(l->drafts[i].section, e) ? e : NULL;
}

static void check_lane(struct loader *l, uint32_t i, const struct entry *type) {
    const struct plan_job *job = &l->plan->jobs[i];
    struct entry *e = layers_place(l, i, EFFECT_CPUS);

    /* Without a lane there is nothing to say. */
    if (!e || !e->typed || !type || !type->typed)
        return;
    uint32_t cpus = *(const uint32_t *)e->typed;
    if (job->set->type == LANE_IO && !job->set->automatic) {
        /* What is shared may be meant for others. */
        if (cpus != 1 && is_own(l->drafts[i].section, e))
            diag_warning(l->diag, e->value,
                         "cpus: '%u' is a weight in the CPU lane; job '%s' is io", cpus, job->name);
    } else if (cpus > l->plan->cpu_workers && !e->reported) {
        diag_error(l->diag, e->value, "cpus: '%u' is more than the CPU lane has (%u worker%s)",
                   cpus, l->plan->cpu_workers, l->plan->cpu_workers == 1 ? "" : "s");
        e->reported = true; /* once, when it is shared */
    }
}

/* What waits on the loop is no work for a CPU worker. */
static void check_action(struct loader *l, uint32_t i, const struct entry *type) {
    struct entry *e = layers_place(l, i, EFFECT_ACTION);
    const struct plan_job *job = &l->plan->jobs[i];

    if ((job->action != ACTION_WAIT && job->action != ACTION_HTTP) || job->set->type != LANE_CPU ||
        !e || e->reported || !type || !type->typed)
        return;
    diag_error(l->diag, e->key, "%s: job '%s' has to be io: it waits, without a process",
               e->row->name, job->name);
    e->reported = true;
}

/* Only a job that has a CPU worker can share it. */
static void check_jobserver(struct loader *l, uint32_t i, const struct entry *type) {
    const struct plan_job *job = &l->plan->jobs[i];
    const struct entry *e = find_own(l, i, EFFECT_JOBSERVER);

    if (!e || !e->typed || !type || !type->typed || *(const int32_t *)e->typed == JOBSERVER_NO ||
        (job->set->type == LANE_CPU && !job->set->automatic))
        return;
    diag_error(l->diag, e->value, "jobserver: job '%s' has to be cpu: it shares its workers",
               job->name);
}

/* Memory that the machine can never grant. */
static void check_memory(struct loader *l, uint32_t i) {
    uint64_t wanted = l->plan->jobs[i].set->memory;
    char want[TEXT_FORMAT_MAX], most[TEXT_FORMAT_MAX];

    if (!wanted)
        return;
    if (!l->plan->memory)
        l->plan->memory = l->opts->memory ? l->opts->memory : host_memory();
    struct entry *e = layers_place(l, i, EFFECT_MEMORY);
    if (wanted <= l->plan->memory || e->reported)
        return;
    diag_error(l->diag, e->value, "memory: '%s' is more than this machine grants (%s)",
               text_format_size(wanted, want, sizeof want),
               text_format_size(l->plan->memory, most, sizeof most));
    e->reported = true; /* once, when it is shared */
}

/* What a job's own section says of a request that it does not make. */
static void check_http(struct loader *l, uint32_t i) {
    const struct plan_job *job = &l->plan->jobs[i];
    const struct section *s = l->drafts[i].section;

    for (uint32_t k = 0; job_has_process(job) && k < s->nentries; k++) {
        const struct entry *e = &s->entries[k];
        if (e->row && !e->row->action && !strncmp(e->row->name, "http.", 5))
            diag_warning(l->diag, e->key, "'%.*s' has no effect: job '%s' makes no HTTP request",
                         (int)e->key.len, source_text(s->source, e->key), job->name);
    }
}

static void check_job(struct loader *l, uint32_t i) {
    struct plan_job *job = &l->plan->jobs[i];
    const struct draft *d = &l->drafts[i];
    const struct entry *type = layers_place(l, i, EFFECT_TYPE);
    const struct entry *after = layers_place(l, i, EFFECT_AFTER);

    if (!d->below->incomplete && !type)
        diag_error(l->diag, d->section->header, "job '%s' has no type (type = io, cpu or auto)",
                   job->name);
    if (!d->below->incomplete && !layers_place(l, i, EFFECT_ACTION))
        diag_error(l->diag, d->section->header,
                   "job '%s' has nothing to do (command, exec, http or wait-for)", job->name);
    check_lane(l, i, type);
    check_action(l, i, type);
    check_memory(l, i);
    check_jobserver(l, i, type);
    check_http(l, i);
    if (!after || !after->typed)
        return;
    const struct names *names = after->typed;
    job->after = names->jobs;
    job->nafter = names->njobs;
    for (uint32_t k = 0; k < job->nafter; k++)
        if (job->after[k] == i)
            diag_error(l->diag, find_name(l, i, i), "after: job '%s' cannot come after itself",
                       job->name);
}

/* --- order --- */

enum { VISIT_NEW, VISIT_OPEN, VISIT_DONE };

/* A job whose `after` is being walked, and how far. */
struct visit {
    uint32_t job, next;
};

/* "cycle: a after b after a", from the job that stands first in the manifest. */
static void report_cycle(struct loader *l, const struct visit *stack, uint32_t n) {
    uint32_t first = 0;

    for (uint32_t i = 1; i < n; i++)
        if (stack[i].job < stack[first].job)
            first = i;
    uint32_t job = stack[first].job, next = stack[(first + 1) % n].job;
    uint32_t shown = n < CYCLE_NAMES_MAX ? n : CYCLE_NAMES_MAX;
    size_t size = 1;
    for (uint32_t i = 0; i < shown; i++)
        size += strlen(l->plan->jobs[stack[(first + i) % n].job].name) + strlen(" after ");
    char *chain = arena_alloc(&l->scratch, size), *to = chain;
    for (uint32_t i = 0; i < shown; i++)
        to = stpcpy(stpcpy(to, l->plan->jobs[stack[(first + i) % n].job].name), " after ");
    const char *left = shown < n ? arena_printf(&l->scratch, "(%u more) after ", n - shown) : "";
    diag_error(l->diag, find_name(l, job, next), "cycle: %s%s%s", chain, left,
               l->plan->jobs[job].name);
}

/*
 * Depth first, without recursion: each job stands behind what it comes after,
 * and else where the manifest has it.
 */
static void order_jobs(struct loader *l) {
    struct plan *plan = l->plan;
    uint32_t *order = arena_array(&plan->arena, uint32_t, plan->njobs), n = 0;
    unsigned char *state = arena_array(&l->scratch, unsigned char, plan->njobs);
    struct visit *stack = NULL;
    size_t cap = 0;

    for (uint32_t root = 0; root < plan->njobs; root++) {
        uint32_t open = 0;
        if (state[root] == VISIT_NEW) {
            stack = arena_grow(&l->scratch, stack, open, &cap, sizeof *stack);
            stack[open++] = (struct visit){root, 0};
            state[root] = VISIT_OPEN;
        }
        while (open) {
            struct visit *top = &stack[open - 1];
            const struct plan_job *job = &plan->jobs[top->job];
            if (top->next == job->nafter) {
                state[top->job] = VISIT_DONE;
                order[n++] = top->job;
                open--;
                continue;
            }
            uint32_t before = job->after[top->next++];
            if (state[before] == VISIT_OPEN && before != top->job) {
                uint32_t first = open - 1;
                while (stack[first].job != before)
                    first--;
                report_cycle(l, stack + first, open - first);
            } else if (state[before] == VISIT_NEW) {
                stack = arena_grow(&l->scratch, stack, open, &cap, sizeof *stack);
                stack[open++] = (struct visit){before, 0};
                state[before] = VISIT_OPEN;
            }
        }
    }
    plan->order = order;
}

void validate_jobs(struct loader *l) {
    if (!l->plan->njobs && !l->diag->errors)
        diag_error(l->diag, (struct span){l->plan->sources.list[0]->base, 0},
                   "there is no job ([job NAME])");
    resolve_all(l);
    for (uint32_t i = 0; i < l->plan->njobs; i++)
        check_job(l, i);
    order_jobs(l);
    clash_check(l);
}

/* --- only some jobs --- */

/* Marks the wanted jobs in `keep`. Whether all of them are there. */
static bool mark_wanted(struct loader *l, bool *keep) {
    bool good = true;

    for (const char *const *name = l->opts->jobs; name && *name; name++) {
        uint32_t s = map_get(&l->names[SECTION_JOB], *name, strlen(*name));
        if (s != MAP_NONE) {
            keep[l->sections[s]->job] = true;
            continue;
        }
        const char *near = sections_nearest(l, SECTION_JOB, *name, strlen(*name));
        diag_error(l->diag, (struct span){0, 0}, "no job '%s' in %s%s%s%s", *name,
                   l->plan->sources.list[0]->name, near ? "; did you mean '" : "", near ? near : "",
                   near ? "'?" : "");
        good = false;
    }
    return good;
}

void validate_select(struct loader *l) {
    struct plan *plan = l->plan;

    if (!(l->opts->jobs && *l->opts->jobs) && !(l->opts->tags && *l->opts->tags))
        return;
    bool *keep = arena_array(&l->scratch, bool, plan->njobs);
    bool named = mark_wanted(l, keep), tagged = tags_mark(l, keep);
    if (!named || !tagged || l->diag->errors)
        return;
    /* Backwards through the order all that a kept job comes after is met behind it. */
    for (uint32_t i = plan->njobs; i-- > 0;)
        for (uint32_t k = 0; keep[plan->order[i]] && k < plan->jobs[plan->order[i]].nafter; k++)
            keep[plan->jobs[plan->order[i]].after[k]] = true;
    uint32_t *index = arena_array(&l->scratch, uint32_t, plan->njobs), n = 0;
    uint32_t *order = arena_array(&plan->arena, uint32_t, plan->njobs), ordered = 0;
    for (uint32_t i = 0; i < plan->njobs; i++)
        index[i] = keep[i] ? n++ : NO_INDEX;
    for (uint32_t i = 0; i < plan->njobs; i++)
        if (keep[plan->order[i]])
            order[ordered++] = index[plan->order[i]];
    for (uint32_t i = 0; i < plan->njobs; i++) {
        if (!keep[i])
            continue;
        struct plan_job *job = &plan->jobs[index[i]];
        *job = plan->jobs[i];
        /* A copy: jobs of one template share theirs. */
        uint32_t *after = arena_array(&plan->arena, uint32_t, job->nafter);
        for (uint32_t k = 0; k < job->nafter; k++)
            after[k] = index[job->after[k]];
        job->after = after;
    }
    trace(TRACE_PLAN, "%u of %u jobs are wanted", n, plan->njobs);
    plan->njobs = n;
    plan->order = order;
}
