/* SPDX-License-Identifier: MIT */
/* workers: persistent workers, and which of them does a task. */
#include <string.h>

#include "plan/loader.h"

static const struct env_var no_env[1];

/* --- [worker] --- */

/* One of its processes as a job: what the run says of commands, and pipes. */
static const struct plan_job *make_job(struct loader *l, const struct section *s,
                                       const struct plan_worker *worker) {
    struct arena *arena = &l->plan->arena;
    struct job_settings *set = arena_new(arena, struct job_settings);
    struct plan_job *job = arena_new(arena, struct plan_job);

    *set = layers_built_in(l)->set;
    set->type = LANE_CPU;
    set->folder = set->dir = s->source->folder;
    set->in = set->out = set->err = (struct stream){.kind = STREAM_PIPE};
    *job = (struct plan_job){.name = arena_printf(arena, "worker %s", worker->name),
                             .set = set,
                             .env = no_env,
                             .command = worker->command,
                             .action = ACTION_COMMAND};
    return job;
}

static void build_worker(struct loader *l, struct section *s, struct plan_worker *worker) {
    bool whole = !l->broken && !s->broken; /* no key of it is wrong */

    layers_preset(l, SCOPE_WORKER, worker);
    worker->name = arena_strndup(&l->plan->arena, source_text(s->source, s->name), s->name.len);
    for (uint32_t i = 0; i < s->nentries; i++) {
        const struct entry *e = &s->entries[i];

        if (e->typed && e->row->placed)
            memcpy((char *)worker + e->row->offset, e->typed, value_size(e->row->type));
        whole = whole && e->typed;
    }
    if (whole && !worker->command)
        diag_error(l->diag, s->header, "worker '%s' has no command", worker->name);
    worker->job = make_job(l, s, worker);
    worker->limit = l->plan->nlimits++;
    l->limits[worker->limit] = (struct plan_limit){.name = worker->name, .of_worker = true};
}

/* Looks whether what a `worker` key names is there: once, however many jobs have it. */
static void resolve(struct loader *l, const struct section *s) {
    for (uint32_t i = 0; i < s->nentries; i++) {
        const struct entry *e = &s->entries[i];

        if (!e->row || e->row->effect != EFFECT_WORKER || !e->typed)
            continue;
        const char *name = *(const char *const *)e->typed;
        if (map_get(&l->names[SECTION_WORKER], name, strlen(name)) != MAP_NONE)
            continue;
        const char *near = sections_nearest(l, SECTION_WORKER, name, strlen(name));
        diag_error(l->diag, e->value, "worker: no worker '%s'" DIAG_NEAR,
                   parse_clip(&l->scratch, name, strlen(name)), DIAG_NEAR_ARGS(near));
    }
}

void workers_build(struct loader *l) {
    uint32_t n = 0;

    for (size_t i = 0; i < l->nsections; i++)
        n += section_is(l->sections[i], SECTION_WORKER) && l->sections[i]->live;
    l->workers = arena_array(&l->plan->arena, struct plan_worker, n);
    l->plan->workers = l->workers;
    for (size_t i = 0; i < l->nsections; i++) {
        struct section *s = l->sections[i];

        resolve(l, s);
        if (!section_is(s, SECTION_WORKER) || !s->live)
            continue;
        s->job = l->plan->nworkers++;
        build_worker(l, s, &l->workers[s->job]);
    }
}

void workers_settle(struct loader *l) {
    for (uint32_t i = 0; i < l->plan->nworkers; i++) {
        struct plan_worker *worker = &l->workers[i];

        if (!worker->count)
            worker->count = l->plan->cpu_workers;
        l->limits[worker->limit].concurrency = worker->count;
    }
}

/* --- tasks --- */

void workers_apply(struct loader *l, struct layers *layers) {
    struct job_settings *set = &layers->set;
    uint32_t s = set->worker ? map_get(&l->names[SECTION_WORKER], set->worker, strlen(set->worker))
                             : MAP_NONE;

    set->jobserver = JOBSERVER_NO;
    if (s == MAP_NONE)
        return;
    set->by = &l->workers[l->sections[s]->job];
    set->shared = shared_with(l, set->shared, set->by->limit);
}

/* Of a process, which a task has none of, unless it is to be cleaned up behind. */
static bool is_of_process(const struct schema_key *row) {
    static const char *const keys[] = {
        "dir",       "env-file",   "clear-env",    "stdin",          "shell",         "nice",
        "jobserver", "max-memory", "max-cpu-time", "max-open-files", "max-file-size", NULL};

    for (size_t i = 0; keys[i]; i++)
        if (!strcmp(row->name, keys[i]))
            return true;
    return false;
}

void workers_check(struct loader *l, uint32_t i) {
    const struct plan_job *job = &l->plan->jobs[i];
    const struct draft *d = &l->drafts[i];
    const struct section *s = d->section;
    bool task = job->action == ACTION_TASK, bare = task && !job->set->cleanup;

    if (task && !d->below->incomplete && !layers_place(l, i, EFFECT_WORKER))
        diag_error(l->diag, s->header, "job '%s' has a task and nobody to do it (worker = NAME)",
                   job->name);
    /* What is shared may be meant for others. */
    for (uint32_t k = 0; k < s->nentries; k++) {
        const struct entry *e = &s->entries[k];

        if (!e->row || !e->typed)
            continue;
        if (bare && is_of_process(e->row))
            diag_warning(l->diag, e->key, "'%s' has no effect: a task has no process of its own",
                         e->row->name);
        else if (!task && job->action && e->row->effect == EFFECT_WORKER)
            diag_warning(l->diag, e->key, "'%s' has no effect: job '%s' is no task", e->row->name,
                         job->name);
    }
}
