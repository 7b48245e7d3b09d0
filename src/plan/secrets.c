/* SPDX-License-Identifier: MIT */
/* secrets: whose values must not be seen, what these are, and where they would show. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mask.h"
#include "base/text.h"
#include "plan/loader.h"

/* What is gathered; all in the loader's scratch. */
struct gathering {
    struct loader *l;
    struct map names; /* of the secrets */
    const char **list;
    size_t nnames, names_cap;
    struct mask_value *values;
    size_t nvalues, values_cap;
};

/* --- names --- */

static void add_names(struct gathering *g, struct entry *e) {
    for (const char *const *name = *(const char *const *const *)e->typed; *name; name++) {
        if (!e->reported && map_get(&g->l->axes, *name, strlen(*name)) != MAP_NONE) {
            diag_error(g->l->diag, e->value,
                       "%s: '%s' is an axis, whose values stand in the names of jobs", e->row->name,
                       *name);
            e->reported = true;
        }
        if (map_add(&g->names, *name, strlen(*name), (uint32_t)g->nnames) != MAP_NONE)
            continue;
        g->list = arena_grow(&g->l->scratch, g->list, g->nnames, &g->names_cap, sizeof *g->list);
        g->list[g->nnames++] = *name;
    }
}

static void gather_names(struct gathering *g) {
    struct loader *l = g->l;

    map_init(&g->names, &l->scratch);
    for (size_t i = 0; i < l->nsections; i++)
        for (uint32_t k = 0; k < l->sections[i]->nentries; k++) {
            struct entry *e = &l->sections[i]->entries[k];
            if (e->row && e->row->effect == EFFECT_SECRET && e->typed && !e->axial)
                add_names(g, e);
        }
}

static bool is_secret(const struct gathering *g, const char *name, size_t n) {
    return map_get(&g->names, name, n) != MAP_NONE;
}

/* --- values --- */

static void add_value(struct gathering *g, const char *value) {
    g->values =
        arena_grow(&g->l->scratch, g->values, g->nvalues, &g->values_cap, sizeof *g->values);
    g->values[g->nvalues++] = (struct mask_value){value, strlen(value)};
}

/* The values of items are only known as these begin. */
static void refuse_axes(struct gathering *g, struct entry *e) {
    const char *name = ((const struct axial *)e->typed)->template->name;

    if (e->reported || !is_secret(g, name, strlen(name)))
        return;
    diag_error(g->l->diag, e->value, "env.%s: a secret is the same for all items, without an axis",
               name);
    e->reported = true;
}

static void add_values(struct gathering *g, const struct env_var *env) {
    for (; env && env->name; env++)
        if (is_secret(g, env->name, strlen(env->name)))
            add_value(g, env->value);
}

/* Whatever gives a secret a value, be it a weaker layer that others hide. */
static void gather_values(struct gathering *g) {
    struct loader *l = g->l;

    add_values(g, l->plan->vars);
    add_values(g, l->plan->env);
    for (size_t i = 0; i < l->nsections; i++) {
        add_values(g, l->sections[i]->env);
        for (uint32_t k = 0; k < l->sections[i]->nentries; k++) {
            struct entry *e = &l->sections[i]->entries[k];
            if (e->row && e->row->effect == EFFECT_ENV && e->axial)
                refuse_axes(g, e);
            else if (e->row && e->row->effect == EFFECT_ENV_FILE && e->typed && !e->axial)
                add_values(g, (*(struct env_file *const *)e->typed)->vars);
        }
    }
    for (size_t i = 0; l->look && i < g->nnames; i++) {
        const char *inherited = getenv(g->list[i]);
        if (inherited)
            add_value(g, inherited);
    }
}

/* --- where they would show --- */

static const char *masked(struct loader *l, const char *text) {
    size_t n;
    char *copy = mask_text(l->plan->mask, text, strlen(text), &n);

    if (!copy)
        longjmp(l->oom, 1);
    const char *kept = arena_strndup(&l->plan->arena, copy, n);
    free(copy);
    return kept;
}

static void mask_plan(struct loader *l) {
    struct plan *plan = l->plan;
    struct report_spec *reports = arena_array(&plan->arena, struct report_spec, plan->nreports);

    plan->name = masked(l, plan->name);
    for (size_t i = 0; i < plan->nreports; i++) {
        reports[i] = plan->reports[i];
        if (reports[i].file)
            reports[i].shown = masked(l, reports[i].file);
    }
    plan->reports = reports;
}

/* The arguments of a process are for everybody to see. */
static void warn_of_arguments(struct gathering *g, uint32_t job) {
    struct loader *l = g->l;
    struct entry *e = layers_place(l, job, EFFECT_ACTION);
    struct piece piece;

    if (l->plan->jobs[job].action != ACTION_EXEC || !e || e->reported)
        return;
    const struct source *source = sources_locate(&l->plan->sources, e->value.at).source;
    struct text text = manifest_unfold(source, e, &l->scratch);
    for (size_t at = 0; vars_next_piece(text.bytes, text.len, &at, &piece);)
        if (piece.reference && is_secret(g, piece.text, piece.text_len)) {
            diag_warning(l->diag, text_span(&text, piece.at, piece.len),
                         "%s: all users of the machine can see the arguments of a process, "
                         "so the secret '%.*s' too",
                         e->row->name, (int)piece.text_len, piece.text);
            e->reported = true;
        }
}

/* Whether a line gives a secret its value, which stands from *from on. */
static bool begins_value(const struct gathering *g, const char *s, size_t n, size_t *from) {
    size_t name = 0, end;

    while (name < n && isblank((unsigned char)s[name]))
        name++;
    if (n - name > 4 && !memcmp(s + name, "env.", 4))
        name += 4;
    for (end = name; end < n && (isalnum((unsigned char)s[end]) || s[end] == '_');)
        end++;
    if (!is_secret(g, s + name, end - name))
        return false;
    while (end < n && (isblank((unsigned char)s[end]) || s[end] == '='))
        end++;
    *from = end;
    return true;
}

/*
 * Hides the values where they stand in the files, also of lines that could not be
 * understood, from which no value was gathered.
 */
static void hide_in_source(struct gathering *g, const struct source *source) {
    bool inside = false;

    for (size_t at = 0, next; at < source->len; at = next) {
        const char *s = source->bytes + at, *end = memchr(s, '\n', source->len - at);
        size_t n = end ? (size_t)(end - s) : source->len - at, from = 0;

        next = at + n + 1;
        if (n && (*s == ';' || *s == '#'))
            continue; /* a comment, which ends no value */
        if (!inside || (n && !isblank((unsigned char)*s)))
            inside = begins_value(g, s, n, &from);
        if (inside && from < n)
            diag_hide(g->l->diag,
                      (struct span){source->base + (uint32_t)(at + from), (uint32_t)(n - from)});
    }
}

void secrets_gather(struct loader *l) {
    struct gathering g = {.l = l};
    struct plan *plan = l->plan;

    gather_names(&g);
    if (!g.nnames)
        return;
    const char **names = arena_array(&plan->arena, const char *, g.nnames + 1);
    memcpy(names, g.list, g.nnames * sizeof *names);
    plan->secrets = names;
    gather_values(&g);
    if (mask_set_new(&plan->mask, NULL, g.values, g.nvalues))
        longjmp(l->oom, 1);
    if (plan->mask)
        mask_plan(l);
    for (uint32_t i = 0; i < plan->njobs; i++)
        warn_of_arguments(&g, i);
    l->diag->mask = plan->mask;
    for (uint32_t i = 0; l->diag->first && i < plan->sources.count; i++)
        hide_in_source(&g, plan->sources.list[i]);
}
