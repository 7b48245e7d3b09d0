/* SPDX-License-Identifier: MIT */
/* validate: rules that only the whole plan can break, and the order that follows. */
#include "plan/validate.h"

#include <string.h>

#include "base/host.h"
#include "base/text.h"
#include "plan/services.h"

#define CYCLE_NAMES_MAX 100 /* in a message */
#define NO_INDEX        UINT32_MAX

/* --- names of jobs --- */

/* The part of a name of `after` that names the job: "job" of "job[value]". */
static size_t job_part(const struct name *name) {
    const char *open = memchr(name->text, '[', name->len);

    return open ? (size_t)(open - name->text) : name->len;
}

/* Which of the job's items a name stands for, as plan_job.after_items has it. */
static const char *item_part(struct loader *l, const struct name *name) {
    size_t n = job_part(name);

    if (n == name->len)
        return NULL;
    if (name->len == n + 3 && name->text[n + 1] == '*')
        return AFTER_SAME;
    return arena_strndup(&l->plan->arena, name->text + n + 1, name->len - n - 2);
}

/* Takes the names of one `after` to indexes. `mark` has a place per job, for doubles. */
static void resolve_after(struct loader *l, struct entry *e, uint32_t *mark, uint32_t stamp) {
    struct names *names = e->typed;
    uint32_t *jobs = arena_array(&l->plan->arena, uint32_t, names->count);
    unsigned unknown = 0;

    names->jobs = jobs;
    for (uint32_t i = 0; i < names->count; i++) {
        const struct name *name = &names->list[i];
        size_t n = job_part(name);
        uint32_t s = map_get(&l->names[SECTION_JOB], name->text, n);
        if (s == MAP_NONE && unknown++ >= PARSE_FAULTS_MAX)
            continue;
        if (s == MAP_NONE) {
            const char *near = sections_nearest(l, SECTION_JOB, name->text, n);
            diag_error(l->diag, name->at, "after: no job '%.*s'" DIAG_NEAR, (int)n, name->text,
                       DIAG_NEAR_ARGS(near));
            continue;
        }
        uint32_t job = l->sections[s]->job;
        const char *item = item_part(l, name);
        if (!item && mark[job] == stamp)
            continue;
        if (!item)
            mark[job] = stamp;
        if (item && !names->items)
            names->items = arena_array(&l->plan->arena, const char *, names->count);
        if (item)
            names->items[names->njobs] = item;
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

/* Where a job's `after` names another, or an item of it. */
static struct span find_name(const struct loader *l, uint32_t job, uint32_t other,
                             const char *item) {
    const struct names *names = layers_place(l, job, EFFECT_AFTER)->typed;

    for (uint32_t i = 0; i < names->count; i++) {
        const struct name *name = &names->list[i];
        size_t n = job_part(name);
        uint32_t s = map_get(&l->names[SECTION_JOB], name->text, n);
        if (s != MAP_NONE && l->sections[s]->job == other &&
            (!item || (name->len == n + strlen(item) + 2 &&
                       !memcmp(name->text + n + 1, item, strlen(item)))))
            return name->at;
    }
    return l->drafts[job].section->header;
}

/* --- one job --- */

/* What a job's own section says of something, or NULL. */
static const struct entry *find_own(const struct loader *l, uint32_t i, enum schema_effect effect) {
    const struct entry *e = layers_place(l, i, effect);

    return e && section_has(l->drafts[i].section, e) ? e : NULL;
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
        if (cpus != 1 && section_has(l->drafts[i].section, e))
            diag_warning(l->diag, e->value,
                         "cpus: '%u' is a weight in the CPU lane; job '%s' is io", cpus, job->name);
    } else if (cpus > l->plan->cpu_workers && !e->reported) {
        diag_error(l->diag, e->value, "cpus: '%u' is more than the CPU lane has (%u worker%s)",
                   cpus, l->plan->cpu_workers, l->plan->cpu_workers == 1 ? "" : "s");
        e->reported = true; /* once, when it is shared */
    }
}

/* What waits on the loop is no work for a CPU worker, and what a persistent worker does is. */
static void check_action(struct loader *l, uint32_t i, const struct entry *type) {
    struct entry *e = layers_place(l, i, EFFECT_ACTION);
    const struct plan_job *job = &l->plan->jobs[i];
    bool waits = job->action == ACTION_WAIT || job->action == ACTION_HTTP;
    bool cpu = job->set->type == LANE_CPU, io = !cpu && !job->set->automatic;

    if (!(waits && !io) && !(job->action == ACTION_TASK && !cpu))
        return;
    if (!e || e->reported || !type || !type->typed)
        return;
    diag_error(l->diag, e->key, "%s: job '%s' has to be %s", e->row->name, job->name,
               waits ? "io: it waits, without a process" : "cpu: a worker works on it");
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

/* A terminal is in the place of the pipe of what is captured. */
static void check_pty(struct loader *l, uint32_t i) {
    const struct plan_job *job = &l->plan->jobs[i];
    const struct entry *e = find_own(l, i, EFFECT_PTY);

    if (!e || !job->set->pty)
        return;
    if (!job_has_process(job))
        diag_warning(l->diag, e->key, "'pty' has no effect: job '%s' has no process of its own",
                     job->name);
    else if (job->set->out.kind != STREAM_CAPTURE && job->set->err.kind != STREAM_CAPTURE)
        diag_warning(l->diag, e->key, "'pty' has no effect: nothing of job '%s' is captured",
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
                   "job '%s' has nothing to do (command, exec, http, wait-for or task)", job->name);
    check_lane(l, i, type);
    check_action(l, i, type);
    check_memory(l, i);
    check_jobserver(l, i, type);
    check_pty(l, i);
    check_http(l, i);
    workers_check(l, i);
    if (!after || !after->typed)
        return;
    const struct names *names = after->typed;
    job->after = names->jobs;
    job->nafter = names->njobs;
    job->after_items = names->items;
    for (uint32_t k = 0; k < job->nafter; k++)
        if (job->after[k] == i)
            diag_error(l->diag, find_name(l, i, i, NULL),
                       "after: job '%s' cannot come after itself", job->name);
}

/* --- items --- */

/* Says what is wrong with an item that a job's `after` names. */
static void check_item(struct loader *l, uint32_t i, uint32_t k) {
    const struct plan_job *job = &l->plan->jobs[i], *before = &l->plan->jobs[job->after[k]];
    const char *item = job->after_items[k];
    struct span at;

    if (!item || job->after[k] == i || l->drafts[i].broken_axes ||
        l->drafts[job->after[k]].broken_axes)
        return;
    at = find_name(l, i, job->after[k], item);
    if (!before->items)
        diag_error(l->diag, at, "after: job '%s' has no items (each.NAME)", before->name);
    else if (item == AFTER_SAME && !job->items)
        diag_error(l->diag, at, "after: '%s[*]' is for a job with the same axes; '%s' has none",
                   before->name, job->name);
    else if (item == AFTER_SAME && !axes_same(job->items, before->items))
        diag_error(l->diag, at, "after: the axes of '%s' and '%s' are not the same", job->name,
                   before->name);
    else if (item != AFTER_SAME && !axes_may_have(before->items, item, strlen(item)))
        diag_error(l->diag, at, "after: job '%s' has no item '%s'", before->name,
                   parse_clip(&l->scratch, item, strlen(item)));
}

/* Whether two jobs share their items, being joined by `[*]`: `root` leads each to one of all.
 * Each look halves the way (Tarjan and van Leeuwen, 1984). */
static uint32_t find_root(uint32_t *root, uint32_t job) {
    while (root[job] != job)
        job = root[job] = root[root[job]];
    return job;
}

/* Standard input is there once: for jobs that share their items, or else one. */
static void check_standard_input(struct loader *l) {
    uint32_t n = l->plan->njobs, first = NO_INDEX;
    uint32_t *root = arena_array(&l->scratch, uint32_t, n);
    const struct plan_axis *taken = NULL;

    for (uint32_t i = 0; i < n; i++)
        root[i] = i;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < l->plan->jobs[i].nafter && l->plan->jobs[i].after_items; k++)
            if (l->plan->jobs[i].after_items[k] == AFTER_SAME)
                root[find_root(root, i)] = find_root(root, l->plan->jobs[i].after[k]);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; l->plan->jobs[i].items && k < l->plan->jobs[i].items->naxes; k++) {
            const struct plan_axis *axis = &l->plan->jobs[i].items->axes[k];
            if (axis->kind != AXIS_LINES || strcmp(axis->source, "-") != 0)
                continue;
            bool shared = taken && find_root(root, first) == find_root(root, i) &&
                          taken - l->plan->jobs[first].items->axes == (ptrdiff_t)k;
            if (!strcmp(l->plan->path, "-")) {
                diag_error(l->diag, axis->at,
                           "each.%s.lines: the manifest itself is standard input", axis->name);
            } else if (taken && !shared) {
                diag_error(l->diag, axis->at, "each.%s.lines: standard input is read twice",
                           axis->name);
                diag_note(l->diag, taken->at, "job '%s' reads it", l->plan->jobs[first].name);
            } else if (!taken) {
                taken = axis;
                first = i;
            }
        }
}

static void check_items(struct loader *l) {
    for (uint32_t i = 0; i < l->plan->njobs; i++)
        for (uint32_t k = 0; l->plan->jobs[i].after_items && k < l->plan->jobs[i].nafter; k++)
            check_item(l, i, k);
    if (l->axes.count)
        check_standard_input(l);
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
    diag_error(l->diag, find_name(l, job, next, NULL), "cycle: %s%s%s", chain, left,
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
    workers_settle(l);
    for (uint32_t i = 0; i < l->plan->njobs; i++)
        check_job(l, i);
    check_items(l);
    order_jobs(l);
    clash_check(l);
    if (!l->diag->errors)
        services_check(l);
}
