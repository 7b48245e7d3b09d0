/* SPDX-License-Identifier: MIT */
/* layers: reads all values, then puts each job together: defaults, templates, its own. */
#include <string.h>
#include <strings.h>

#include "base/trace.h"
#include "plan/loader.h"

static const struct env_var no_env[1];

/* --- values --- */

/* A key that is a variable: of [vars], [env] or env.NAME. */
static struct env_var *read_env(struct loader *l, struct section *s, struct entry *e,
                                uint32_t skip) {
    struct env_var *var = arena_new(&l->scratch, struct env_var);
    var->name =
        arena_strndup(&l->plan->arena, source_text(s->source, e->key) + skip, e->key.len - skip);
    var->value = value_env(&l->values, s, e, var->name);
    return var->value ? var : NULL;
}

static bool is_env(const struct entry *e) {
    return e->row && e->row->effect == EFFECT_ENV && e->typed && !e->axial;
}

/* All that a section says of the environment, as an array; NULL: nothing. */
static const struct env_var *gather_env(struct loader *l, const struct section *s) {
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->nentries; i++)
        n += is_env(&s->entries[i]);
    if (!n)
        return NULL;
    struct env_var *env = arena_array(&l->plan->arena, struct env_var, n + 1);
    n = 0;
    for (uint32_t i = 0; i < s->nentries; i++) {
        if (is_env(&s->entries[i]))
            env[n++] = *(const struct env_var *)s->entries[i].typed;
    }
    return env;
}

/* The last entry of a section that has a say on something, or NULL. */
static struct entry *find_entry(const struct section *s, enum schema_effect effect);

/* A request has one body; a stronger section's replaces a weaker one's, whichever form it has. */
static void check_bodies(struct loader *l, const struct section *s) {
    const struct entry *text = find_entry(s, EFFECT_BODY);
    struct entry *file = text ? find_entry(s, EFFECT_BODY_FILE) : NULL;

    if (!file)
        return;
    diag_error(l->diag, file->key, "'%s' is a second body; a request has one", file->row->name);
    diag_note(l->diag, text->key, "the first one is here");
    file->reported = true;
    file->typed = NULL;
}

void layers_read_entry(struct loader *l, struct section *s, struct entry *e) {
    if (section_is(s, SECTION_ENV))
        e->typed = read_env(l, s, e, 0);
    else if (e->row && e->row->effect == EFFECT_ENV)
        e->typed = read_env(l, s, e, (uint32_t)strlen(e->row->name));
    else if (e->row && e->row->type != VALUE_INCLUDE)
        value_parse(&l->values, s, e);
}

static void read_section(struct loader *l, struct section *s) {
    for (uint32_t i = 0; i < s->nentries; i++) {
        struct entry *e = &s->entries[i];
        if (e->reported || templates_read_entry(l, s, e))
            continue;
        layers_read_entry(l, s, e);
        l->limits_named |= e->row && e->row->effect == EFFECT_LIMITS;
    }
    s->env = gather_env(l, s);
    check_bodies(l, s);
}

static void declare_vars(struct loader *l) {
    for (size_t i = 0; i < l->nsections; i++) {
        struct section *s = l->sections[i];
        for (uint32_t k = 0; section_is(s, SECTION_VARS) && k < s->nentries; k++) {
            struct entry *e = &s->entries[k];
            struct text text = {.bytes = ""};
            value_text(&l->values, s, e, &text);
            if (!e->reported)
                vars_declare(&l->vars, source_text(s->source, e->key), e->key.len, e->key, text);
        }
    }
    vars_expand(&l->vars);
    l->plan->vars = vars_environment(&l->vars);
}

void layers_preset(struct loader *l, enum schema_scope scope, void *base) {
    for (size_t i = 0; i < schema_key_count; i++) {
        const struct schema_key *row = &schema_keys[i];
        if (row->scope == scope && row->value && row->placed)
            memcpy((char *)base + row->offset, value_parse_default(&l->values, row),
                   value_size(row->type));
    }
}

/* --- [muster] and [env] --- */

static void set_reports(struct loader *l, const struct reports *reports) {
    size_t bare = 0;

    for (size_t i = 0; i < reports->count; i++)
        if (!reports->list[i].file && bare++)
            diag_error(
                l->diag, reports->at[i],
                "report: only one report can go to standard output (FORMAT:FILE for others)");
    l->plan->reports = reports->list;
    l->plan->nreports = reports->count;
}

static void apply_run(struct loader *l, struct section *s) {
    for (uint32_t i = 0; i < s->nentries; i++) {
        struct entry *e = &s->entries[i];
        if (!e->typed)
            continue;
        if (e->row->placed)
            memcpy((char *)l->plan + e->row->offset, e->typed, value_size(e->row->type));
        if (e->row->type == VALUE_REPORTS) {
            set_reports(l, e->typed);
            l->report_entry = e;
        } else if (e->row->type == VALUE_SHELL) {
            l->shell = *(const char *const *const *)e->typed;
            l->shell_entry = e;
        }
    }
}

/* The run's settings and the environment of all jobs, over the built-in defaults. */
static void build_run(struct loader *l) {
    size_t n = 0;

    layers_preset(l, SCOPE_MUSTER, l->plan);
    for (size_t i = 0; i < l->nsections; i++) {
        if (section_is(l->sections[i], SECTION_MUSTER))
            apply_run(l, l->sections[i]);
        else if (section_is(l->sections[i], SECTION_ENV))
            n += l->sections[i]->nentries;
    }
    struct env_var *env = arena_array(&l->plan->arena, struct env_var, n + 1);
    l->plan->env = env;
    for (size_t i = 0; i < l->nsections; i++)
        for (uint32_t k = 0;
             section_is(l->sections[i], SECTION_ENV) && k < l->sections[i]->nentries; k++) {
            const struct env_var *var = l->sections[i]->entries[k].typed;
            if (var)
                *env++ = *var;
            if (var && !strcmp(var->name, "PATH"))
                l->plan->search_path = var->value;
        }
}

/* --- jobs --- */

/* The last two environments, or headers, that were put together: mostly the next job wants the
 * same. */
struct env_memo {
    const struct env_var *weak, *strong, *both;
    const struct env_var *weak_headers, *headers;
    const struct section *section;
};

static size_t count_env(const struct env_var *env) {
    size_t n = 0;

    while (env[n].name)
        n++;
    return n;
}

static const struct env_var *merge_env(struct loader *l, struct env_memo *memo,
                                       const struct env_var *weak, const struct env_var *strong) {
    if (!strong || !strong->name)
        return weak;
    if (!weak->name)
        return strong;
    if (memo->weak == weak && memo->strong == strong)
        return memo->both;
    size_t n = count_env(weak), total = n + count_env(strong);
    struct env_var *both = arena_array(&l->plan->arena, struct env_var, total + 1);
    struct map names;
    map_init(&names, &l->scratch);
    memcpy(both, weak, n * sizeof *both);
    for (size_t i = 0; i < n; i++)
        map_add(&names, both[i].name, strlen(both[i].name), (uint32_t)i);
    for (; strong->name; strong++) {
        uint32_t i = map_add(&names, strong->name, strlen(strong->name), (uint32_t)n);
        both[i == MAP_NONE ? n++ : i] = *strong;
    }
    memo->weak = weak;
    memo->strong = strong;
    return memo->both = both;
}

static bool is_header(const struct entry *e) {
    return e->row && e->row->effect == EFFECT_HEADER && e->typed && !e->axial;
}

/* Puts a header into a list with room for one more, in the place of one of that name. */
static void put_header(struct env_var *list, const char *name, const char *value) {
    while (list->name && strcasecmp(list->name, name) != 0)
        list++;
    *list = (struct env_var){name, value};
}

/* The headers of a section over weaker ones. Few enough to be compared one by one. */
static const struct env_var *merge_headers(struct loader *l, struct env_memo *memo,
                                           const struct env_var *weak, const struct section *s) {
    size_t n = weak ? count_env(weak) : 0, more = 0;

    for (uint32_t i = 0; i < s->nentries; i++)
        more += is_header(&s->entries[i]);
    if (!more)
        return weak;
    if (memo->section == s && memo->weak_headers == weak)
        return memo->headers;
    struct env_var *both = arena_array(&l->plan->arena, struct env_var, n + more + 1);
    if (n)
        memcpy(both, weak, n * sizeof *both);
    for (uint32_t i = 0; i < s->nentries; i++) {
        const struct entry *e = &s->entries[i];
        if (!is_header(e))
            continue;
        size_t skip = strlen(e->row->name);
        const char *name = arena_strndup(&l->plan->arena, source_text(s->source, e->key) + skip,
                                         e->key.len - skip);
        put_header(both, name, *(const char *const *)e->typed);
    }
    memo->section = s;
    memo->weak_headers = weak;
    return memo->headers = both;
}

/* Whether an entry says its key's value: a double does not, but of actions the last one counts. */
static bool has_say(const struct entry *e) {
    return e->row && (!e->doubled || e->row->action);
}

/* One header over weaker ones. */
static const struct env_var *add_header(struct loader *l, const struct env_var *weak,
                                        const char *name, const char *value) {
    size_t n = weak ? count_env(weak) : 0;
    struct env_var *both = arena_array(&l->plan->arena, struct env_var, n + 2);

    if (n)
        memcpy(both, weak, n * sizeof *both);
    put_header(both, name, value);
    return both;
}

void layers_apply_entry(struct loader *l, struct layers *layers, const struct schema_key *row,
                        const char *name, const void *typed) {
    if (row->effect == EFFECT_ENV) {
        struct env_var *one = arena_array(&l->plan->arena, struct env_var, 2);
        struct env_memo memo = {0};
        *one = *(const struct env_var *)typed;
        layers->env = merge_env(l, &memo, layers->env, one);
        return;
    }
    if (row->effect == EFFECT_HEADER)
        layers->set.http.headers =
            add_header(l, layers->set.http.headers, name, *(const char *const *)typed);
    if (row->placed)
        memcpy((char *)&layers->set + row->offset, typed, value_size(row->type));
    if (row->effect == EFFECT_ACTION)
        layers->action = typed;
    else if (row->effect == EFFECT_LIMITS)
        layers->set.shared = ((const struct names *)typed)->limits;
    else if (row->effect == EFFECT_BODY)
        layers->set.http.body_file = NULL;
    else if (row->effect == EFFECT_BODY_FILE)
        layers->set.http.body = NULL;
}

static void apply_section(struct loader *l, struct layers *layers, const struct section *s,
                          struct env_memo *memo) {
    for (uint32_t i = 0; i < s->nentries; i++) {
        struct entry *e = &s->entries[i];
        const struct schema_key *row = e->row;
        if (!row || row->effect == EFFECT_ENV || row->effect == EFFECT_HEADER)
            continue;
        if (row->effect && has_say(e))
            layers->places[row->effect] = e;
        if (e->typed && !e->axial)
            layers_apply_entry(l, layers, row, NULL, e->typed);
    }
    layers->env = merge_env(l, memo, layers->env, s->env);
    layers->set.http.headers = merge_headers(l, memo, layers->set.http.headers, s);
    if (l->axes.count)
        axes_apply(l, layers, s);
}

static struct entry *find_entry(const struct section *s, enum schema_effect effect) {
    for (uint32_t i = s->nentries; i-- > 0;)
        if (has_say(&s->entries[i]) && s->entries[i].row->effect == effect)
            return &s->entries[i];
    return NULL;
}

struct entry *layers_place(const struct loader *l, uint32_t job, enum schema_effect effect) {
    const struct draft *draft = &l->drafts[job];
    struct entry *own = find_entry(draft->section, effect);

    return own ? own : draft->below->places[effect];
}

struct layers *layers_built_in(struct loader *l) {
    struct layers *layers = arena_new(&l->scratch, struct layers);

    layers->env = no_env;
    layers_preset(l, SCOPE_JOB, &layers->set);
    if (l->shell)
        layers->set.shell = l->shell;
    return layers;
}

/* `on-end` as a job that has only what the run says. */
static void build_on_end(struct loader *l) {
    struct plan *plan = l->plan;

    if (!plan->on_end_command)
        return;
    struct job_settings *set = arena_new(&plan->arena, struct job_settings);
    struct plan_job *job = arena_new(&plan->arena, struct plan_job);
    *set = layers_built_in(l)->set;
    set->folder = set->dir = plan->sources.list[0]->folder;
    *job = (struct plan_job){.name = "on-end",
                             .set = set,
                             .env = no_env,
                             .command = plan->on_end_command,
                             .action = ACTION_COMMAND};
    plan->on_end = job;
}

static void apply_templates(struct loader *l, struct layers *layers, struct entry *use,
                            struct env_memo *memo) {
    if (!use)
        return;
    layers->incomplete = !use->typed;
    if (!use->typed)
        return;
    const struct names *names = use->typed;
    unsigned unknown = 0;
    for (uint32_t i = 0; i < names->count; i++) {
        const struct name *name = &names->list[i];
        uint32_t section = map_get(&l->names[SECTION_TEMPLATE], name->text, name->len);
        if (section != MAP_NONE) {
            apply_section(l, layers, l->sections[section], &memo[i & 1]);
            continue;
        }
        layers->incomplete = true;
        if (!use->reported && unknown++ < PARSE_FAULTS_MAX) {
            const char *near = sections_nearest(l, SECTION_TEMPLATE, name->text, name->len);
            diag_error(l->diag, name->at, "use: no template '%.*s'" DIAG_NEAR, (int)name->len,
                       name->text, DIAG_NEAR_ARGS(near));
        }
    }
    /* Each job that has it from [defaults] would say it again. */
    use->reported = true;
}

/*
 * The last few different ones of something that was made: mostly the next job
 * wants one of them again. Compared byte by byte; padding that differs only
 * costs a copy.
 */
struct shared {
    const void *list[4];
    unsigned next; /* to be forgotten */
};

static const void *share(struct shared *shared, struct arena *arena, const void *one, size_t n) {
    const size_t most = sizeof shared->list / sizeof *shared->list;

    for (size_t i = 0; i < most && shared->list[i]; i++)
        if (!memcmp(shared->list[i], one, n))
            return shared->list[i];
    void *copy = arena_alloc(arena, n);
    memcpy(copy, one, n);
    return shared->list[shared->next++ % most] = copy;
}

/* What is the same for all jobs, and what was made for those before. */
struct making {
    const struct layers *defaults;
    struct env_memo memo[4];
    struct shared below, settings;
};

static void build_job(struct loader *l, struct making *m, struct section *s) {
    struct plan_job *job = &l->plan->jobs[l->plan->njobs];
    struct draft *draft = &l->drafts[l->plan->njobs];
    struct entry *use = find_entry(s, EFFECT_USE);
    struct layers layers;
    const char *name;

    memcpy(&layers, m->defaults, sizeof layers); /* with its padding */
    apply_templates(l, &layers, use ? use : layers.places[EFFECT_USE], m->memo + 1);
    *draft = (struct draft){.section = s,
                            .below = share(&m->below, &l->scratch, &layers, sizeof layers)};
    apply_section(l, &layers, s, &m->memo[3]);
    layers.set.folder = s->source->folder;
    if (!layers.set.dir)
        layers.set.dir = s->source->folder;
    name = arena_strndup(&l->plan->arena, source_text(s->source, s->name), s->name.len);
    if (l->axes.count || layers.places[EFFECT_BATCH] || layers.places[EFFECT_EXCLUDE])
        axes_build(l, &layers, name, s);
    layers.set.automatic = layers.set.type == TYPE_AUTO;
    if (layers.set.type != LANE_CPU)
        layers.set.jobserver = JOBSERVER_NO;
    if (layers.set.automatic)
        layers.set.type = LANE_IO;
    else if (layers.set.type == LANE_IO)
        layers.set.cpus = 1;
    if (layers.action && layers.action->action == ACTION_TASK)
        workers_apply(l, &layers);
    *job = (struct plan_job){
        .name = name,
        .items = layers.items,
        .set = share(&m->settings, &l->plan->arena, &layers.set, sizeof layers.set),
        .env = layers.env,
    };
    if (layers.action) {
        job->action = layers.action->action;
        job->command = layers.action->command;
        job->argv = layers.action->argv;
        job->target = layers.action->target;
    }
    s->job = l->plan->njobs++;
}

static void build_jobs(struct loader *l) {
    struct layers *defaults = layers_built_in(l);
    struct making making = {.defaults = defaults};
    uint32_t n = 0;

    for (size_t i = 0; i < l->nsections; i++) {
        if (section_is(l->sections[i], SECTION_DEFAULTS))
            apply_section(l, defaults, l->sections[i], &making.memo[0]);
        n += section_is(l->sections[i], SECTION_JOB) && l->sections[i]->live;
    }
    l->plan->jobs = arena_array(&l->plan->arena, struct plan_job, n);
    l->drafts = arena_array(&l->scratch, struct draft, n);
    for (size_t i = 0; i < l->nsections; i++)
        if (section_is(l->sections[i], SECTION_JOB) && l->sections[i]->live)
            build_job(l, &making, l->sections[i]);
}

void layers_build(struct loader *l) {
    declare_vars(l);
    if (l->axes.count)
        l->plan->names = vars_keep(&l->vars);
    for (size_t i = 0; i < l->nsections; i++)
        if (l->sections[i]->type >= 0 && !section_is(l->sections[i], SECTION_VARS))
            read_section(l, l->sections[i]);
    build_run(l);
    shared_build(l);
    workers_build(l);
    build_on_end(l);
    build_jobs(l);
    trace(TRACE_PLAN, "%u jobs of %zu sections", l->plan->njobs, l->nsections);
}
