/* SPDX-License-Identifier: MIT */
/* environ: the environment of each attempt. */
#include "exec/environ.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/mask.h"
#include "base/source.h"
#include "exec/facts.h"
#include "plan/envfile.h"

#define OWN_VARS  12 /* MUSTER_… and MAKEFLAGS of an attempt at most */
#define OWN_BYTES 48 /* that each takes beside a name or run id */

struct environ {
    const struct plan *plan;
    const char *run_id;
    const struct facts_folder *folder;
    char **base;  /* [vars] and [env] over what was inherited, NULL at the end */
    char **clear; /* the same over PATH and HOME alone: for clear-env */
    const char *flags[JOBSERVER_FORMS]; /* for MAKEFLAGS, or NULL */
};

/* A growing "NAME=VALUE" list in one block: pointers first, strings behind. */
struct block {
    char **list;
    size_t n;
    char *text; /* where the next string goes */
};

static size_t vars_count(const struct env_var *v, size_t *bytes) {
    size_t n = 0;

    for (; v && v->name; v++, n++)
        *bytes += strlen(v->name) + strlen(v->value) + 2;
    return n;
}

static bool block_init(struct block *b, size_t count, size_t bytes) {
    b->list = malloc((count + 1) * sizeof *b->list + bytes);
    b->n = 0;
    b->text = b->list ? (char *)(b->list + count + 1) : NULL;
    return b->list;
}

static char **block_end(struct block *b) {
    b->list[b->n] = NULL;
    return b->list;
}

/* Replaces the variable, or appends it. */
static void block_set(struct block *b, const char *name, const char *value) {
    size_t len = strlen(name);
    char *at = b->text;
    size_t i;

    b->text = stpcpy(stpcpy(stpcpy(at, name), "="), value) + 1;
    for (i = 0; i < b->n; i++)
        if (strncmp(b->list[i], name, len) == 0 && b->list[i][len] == '=')
            break;
    b->list[i] = at;
    b->n += i == b->n;
}

static void block_set_all(struct block *b, const struct env_var *v) {
    for (; v && v->name; v++)
        block_set(b, v->name, v->value);
}

static const char *block_get(const struct block *b, const char *name) {
    size_t len = strlen(name);

    for (size_t i = 0; i < b->n; i++)
        if (strncmp(b->list[i], name, len) == 0 && b->list[i][len] == '=')
            return b->list[i] + len + 1;
    return "";
}

/* Adds words to a variable; there is room for so many bytes of `old`. */
static void block_append(struct block *b, const char *name, const char *words) {
    size_t len = strlen(name);
    const char *old = block_get(b, name);
    char *at = b->text;

    b->text = stpcpy(stpcpy(stpcpy(stpcpy(stpcpy(at, name), "="), old), " "), words) + 1;
    for (size_t i = 0; i < b->n; i++)
        if (strncmp(b->list[i], name, len) == 0 && b->list[i][len] == '=') {
            b->list[i] = at;
            return;
        }
    b->list[b->n++] = at;
}

/* By hand: several are set for each attempt, and snprintf() takes ten times as long. */
static void block_set_number(struct block *b, const char *name, uint64_t value) {
    char text[24], *at = text + sizeof text;

    *--at = '\0';
    do
        *--at = (char)('0' + value % 10);
    while (value /= 10);
    block_set(b, name, at);
}

static bool is_inherited(const char *entry, bool clear) {
    if (clear)
        return strncmp(entry, "PATH=", 5) == 0 || strncmp(entry, "HOME=", 5) == 0;
    return strncmp(entry, "MUSTER_", 7) != 0 || strncmp(entry, "MUSTER_DEBUG=", 13) == 0;
}

/* How many axes tell of its item: none where it is a batch, or no item. */
static uint32_t axes_of(const struct plan_job *job) {
    return job->item && !job_is_batch(job) ? job->items->naxes : 0;
}

/* The axes of an item: stronger than [vars], weaker than [env]. */
static void block_set_axes(struct block *b, const struct plan *plan, const struct plan_job *job) {
    for (uint32_t i = 0; i < axes_of(job); i++) {
        const struct env_var *env = plan->env;
        const char *name = job->items->axes[i].name;

        while (env && env->name && strcmp(env->name, name) != 0)
            env++;
        if (!env || !env->name)
            block_set(b, name, job->item->values[i]);
    }
}

/* How many these are at most. */
static size_t axes_count(const struct plan_job *job, size_t *bytes) {
    uint32_t n = axes_of(job);

    for (uint32_t i = 0; i < n; i++)
        *bytes += strlen(job->items->axes[i].name) + strlen(job->item->values[i]) + 2;
    return n;
}

static char **merge_base(const struct plan *plan, char *const *inherited, bool clear) {
    size_t n = 0, bytes = 0;
    struct block b;

    while (inherited && inherited[n])
        n++;
    n += vars_count(plan->vars, &bytes) + vars_count(plan->env, &bytes);
    if (!block_init(&b, n, bytes))
        return NULL;
    for (; inherited && *inherited; inherited++)
        if (is_inherited(*inherited, clear))
            b.list[b.n++] = *inherited;
    block_set_all(&b, plan->vars);
    block_set_all(&b, plan->env);
    return block_end(&b);
}

struct environ *environ_new(const struct plan *plan, const char *run_id,
                            const struct facts_folder *folder, char *const *inherited) {
    struct environ *e = calloc(1, sizeof *e);

    if (!e)
        return NULL;
    e->plan = plan;
    e->run_id = run_id;
    e->folder = folder;
    e->base = merge_base(plan, inherited, false);
    e->clear = merge_base(plan, inherited, true);
    if (!e->base || !e->clear)
        return environ_free(e);
    return e;
}

void environ_set_jobserver(struct environ *e, const char *pipe, const char *fifo) {
    e->flags[JOBSERVER_PIPE] = pipe;
    e->flags[JOBSERVER_FIFO] = fifo;
}

struct environ *environ_free(struct environ *e) {
    if (!e)
        return NULL;
    free(e->base);
    free(e->clear);
    free(e);
    return NULL;
}

struct late_fault {
    size_t at;
    const char *what; /* NULL: there is none */
};

/* Keeps the first. */
static void on_late_fault(void *ctx, size_t at, size_t n, const char *what) {
    struct late_fault *first = ctx;

    (void)n;
    if (!first->what)
        *first = (struct late_fault){at, what};
}

struct late_env environ_read_late(struct arena *arena, const char *path) {
    struct late_env late = {0};
    struct late_fault fault = {0};
    struct sources sources;
    struct source *source;

    sources_init(&sources, arena);
    late.error = sources_read(&sources, path, path, &source);
    if (!late.error) {
        late.vars = envfile_parse(arena, &envfile_variables, source->bytes, source->len,
                                  on_late_fault, &fault);
        late.error = late.vars ? 0 : UV_ENOMEM;
    }
    if (late.vars && fault.what) {
        struct location l = sources_locate(&sources, source->base + (uint32_t)fault.at);

        late = (struct late_env){
            .error = UV_EINVAL,
            .fault = arena_printf(arena, "%s:%u: %s", path, (unsigned)l.line, fault.what)};
    }
    sources_release(&sources);
    return late;
}

/* The value of one that is a secret, or NULL. */
static const char *told_secret(const struct plan *plan, const struct told *told) {
    const char *equals = strchr(told->entry, '=');

    for (const char *const *secret = plan->secrets; secret && *secret; secret++)
        if (strncmp(told->entry, *secret, (size_t)(equals - told->entry)) == 0 &&
            !(*secret)[equals - told->entry])
            return equals + 1;
    return NULL;
}

int environ_late_mask(const struct environ *e, const struct env_var *late,
                      const struct told_set *told, struct mask_set **out) {
    size_t n = told ? told->count : 0, found = 0;
    struct mask_value *values;
    const char *value;
    int error;

    *out = NULL;
    for (const struct env_var *v = late; v && v->name; v++)
        n++;
    if (!n || !e->plan->secrets)
        return 0;
    values = malloc(n * sizeof *values);
    if (!values)
        return UV_ENOMEM;
    for (const struct env_var *v = late; v && v->name; v++)
        if (plan_is_secret(e->plan, v->name))
            values[found++] = (struct mask_value){v->value, strlen(v->value)};
    for (size_t i = 0; told && i < told->count; i++)
        if ((value = told_secret(e->plan, told->list[i])))
            values[found++] = (struct mask_value){value, strlen(value)};
    error = found ? mask_set_new(out, e->plan->mask, values, found) : 0;
    free(values);
    return error;
}

/* Adds those of jobs before, in the place of any that were meant to look like them. */
static void block_set_told(struct block *b, const struct told_set *told) {
    size_t n = 0;

    if (!told)
        return;
    for (size_t i = 0; i < b->n; i++)
        if (strncmp(b->list[i], "MUSTER_OUT_", 11) != 0)
            b->list[n++] = b->list[i];
    for (size_t i = 0; i < told->count; i++)
        b->list[n++] = told->list[i]->entry;
    b->n = n;
}

/* What is the job's own, the item's and the attempt's. */
struct own {
    const struct environ *e;
    const struct plan_job *job;
    const struct attempt *attempt;
    const char *listing;       /* MUSTER_ITEMS, or NULL */
    char file[FACTS_FILE_MAX]; /* MUSTER_OUTPUT, or "" */
};

static void own_init(struct own *own, const struct environ *e, const struct plan_job *job,
                     const char *listing, const struct attempt *a) {
    own->e = e;
    own->job = job;
    own->attempt = a;
    own->listing = listing;
    own->file[0] = '\0';
    if (e->folder && a->job != ATTEMPT_OF_NO_JOB)
        facts_file(e->folder, a->job, a->number, own->file);
}

/* How many these are at most, and how long. */
static size_t own_count(const struct own *own, size_t *bytes) {
    const struct told_set *told = own->attempt->told;

    *bytes += OWN_VARS * OWN_BYTES + strlen(own->e->run_id) + strlen(own->job->name) +
              strlen(own->file) + (own->listing ? strlen(own->listing) : 0) +
              (axes_of(own->job) ? strlen(own->job->item->text) : 0);
    return vars_count(own->job->env, bytes) + OWN_VARS + (told ? told->count : 0);
}

static void block_set_own(struct block *b, const struct own *own) {
    const struct plan_job *job = own->job;
    const struct attempt *a = own->attempt;

    block_set_all(b, job->env);
    block_set_told(b, a->told);
    if (*own->file)
        block_set(b, "MUSTER_OUTPUT", own->file);
    block_set(b, "MUSTER_LANE", a->lane == LANE_CPU ? "cpu" : "io");
    block_set(b, "MUSTER_RUN", own->e->run_id);
    block_set(b, "MUSTER_JOB", job->name);
    block_set_number(b, "MUSTER_ATTEMPT", a->number);
    block_set_number(b, "MUSTER_ATTEMPTS", UINT64_C(1) + job->set->retries);
    block_set_number(b, "MUSTER_SLOT", a->slot);
    if (a->lane == LANE_CPU)
        block_set_number(b, "MUSTER_WORKER", a->slot);
    if (job->item)
        block_set_number(b, "MUSTER_INDEX", job->item->index);
    if (axes_of(job))
        block_set(b, "MUSTER_ITEM", job->item->text);
    if (own->listing)
        block_set(b, "MUSTER_ITEMS", own->listing);
}

char **environ_make(const struct environ *e, const struct plan_job *job, const struct env_var *late,
                    const char *listing, const struct attempt *a) {
    char *const *base = job->set->clear_env ? e->clear : e->base;
    const char *flags = a->lane == LANE_CPU ? e->flags[job->set->jobserver] : NULL;
    size_t n = 0, count, bytes = 0;
    struct own own;
    struct block b;

    own_init(&own, e, job, listing, a);
    while (base[n])
        n++;
    count = axes_count(job, &bytes) + vars_count(job_file_vars(job->set), &bytes) +
            vars_count(late, &bytes) + own_count(&own, &bytes);
    if (flags) /* behind what MAKEFLAGS is anyway, which the kernel keeps short */
        bytes += sizeof "MAKEFLAGS= " + PLAN_STRING_MAX + strlen(flags);
    if (!block_init(&b, n + count, bytes))
        return NULL;
    memcpy(b.list, base, n * sizeof *b.list);
    b.n = n;
    block_set_axes(&b, e->plan, job);
    block_set_all(&b, job_file_vars(job->set));
    block_set_all(&b, late);
    block_set_own(&b, &own);
    if (flags)
        block_append(&b, "MAKEFLAGS", flags);
    return block_end(&b);
}

char **environ_task(const struct environ *e, const struct plan_job *job, const char *listing,
                    const struct attempt *a) {
    size_t bytes = 0, n;
    struct own own;
    struct block b;

    own_init(&own, e, job, listing, a);
    n = axes_count(job, &bytes) + own_count(&own, &bytes);
    if (!block_init(&b, n, bytes))
        return NULL;
    block_set_axes(&b, e->plan, job);
    block_set_own(&b, &own);
    return block_end(&b);
}
