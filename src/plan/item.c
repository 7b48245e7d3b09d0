/* SPDX-License-Identifier: MIT */
/* item: the job that one item of a section is. */
#include "plan/item.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uv.h>

#include "base/mask.h"
#include "plan/value.h"

/* A job while it is made. */
struct maker {
    jmp_buf oom;
    struct arena *arena, scratch;
    struct plan_job *job;
    struct job_settings *set; /* the job's own, or NULL: still the section's */
    struct values values;
    struct vars vars;
    struct map no_axes;
    struct diag diag;
    char *masked; /* to be freed */
};

/* The section's settings, to be changed. */
static struct job_settings *own_settings(struct maker *m) {
    if (!m->set) {
        m->set = arena_new(m->arena, struct job_settings);
        *m->set = *m->job->set;
        m->job->set = m->set;
    }
    return m->set;
}

/* A list with one more, in the place of the section's if that has one of the name. */
static const struct env_var *put(struct maker *m, const struct env_var *list, const char *name,
                                 const char *value, int (*compare)(const char *, const char *)) {
    size_t n = 0, at;
    struct env_var *both;

    while (list && list[n].name)
        n++;
    both = arena_array(m->arena, struct env_var, n + 2);
    if (n)
        memcpy(both, list, n * sizeof *both);
    for (at = 0; at < n && compare(both[at].name, name) != 0; at++)
        ;
    both[at] = (struct env_var){name, value};
    return both;
}

/* The words of a batch's exec, its values in the place of the mark. */
static const char *const *spread(struct maker *m, const char *const *argv) {
    const struct plan_item *item = m->job->item;
    const char **words;
    size_t n = 0, at = 0;

    for (size_t i = 0; argv[i]; i++)
        n += *argv[i] == ITEM_MARK ? item->nvalues : 1;
    words = arena_array(m->arena, const char *, n + 1);
    for (size_t i = 0; argv[i]; i++)
        if (*argv[i] == ITEM_MARK)
            for (uint32_t k = 0; k < item->nvalues; k++)
                words[at++] = item->values[k];
        else
            words[at++] = argv[i];
    return words;
}

static bool apply(struct maker *m, const struct plan_template *t) {
    void *typed = arena_alloc(&m->scratch, value_size(t->row->type));

    if (!value_read(&m->values, t, typed))
        return false;
    if (t->row->effect == EFFECT_ENV)
        m->job->env = put(m, m->job->env, t->name, *(const char *const *)typed, strcmp);
    else if (t->row->effect == EFFECT_HEADER)
        own_settings(m)->http.headers =
            put(m, m->job->set->http.headers, t->name, *(const char *const *)typed, strcasecmp);
    else if (t->row->placed)
        memcpy((char *)own_settings(m) + t->row->offset, typed, value_size(t->row->type));
    if (t->row->action) {
        const struct action_value *action = typed;

        m->job->action = action->action;
        m->job->command = action->command;
        m->job->target = action->target;
        m->job->argv =
            action->argv && m->job->items->batch ? spread(m, action->argv) : action->argv;
    }
    return true;
}

/* What is put in for each axis. */
static const struct env_var *axis_values(struct maker *m) {
    static const char mark[] = {ITEM_MARK, 0};
    const struct plan_items *items = m->job->items;
    struct env_var *values = arena_array(&m->scratch, struct env_var, items->naxes + 1);

    for (uint32_t i = 0; i < items->naxes; i++)
        values[i] =
            (struct env_var){items->axes[i].name, items->batch ? mark : m->job->item->values[i]};
    return values;
}

/* Whether the program that was found for the section is the item's too. */
static bool same_program(const struct plan_job *section, const struct plan_job *job) {
    const char *const *before =
        section->action == ACTION_EXEC ? section->argv : section->set->shell;
    const char *const *now = job->action == ACTION_EXEC ? job->argv : job->set->shell;

    return section->action == job->action && before && now && !strcmp(*before, *now) &&
           (**now == '/' || (section->set->dir == job->set->dir && section->env == job->env &&
                             section->set->env_file == job->set->env_file));
}

/* The item, or, where its text has a secret in it, a copy that knows what is shown of that. */
static const struct plan_item *mask_item(struct maker *m, const struct plan *plan,
                                         const struct plan_item *item) {
    size_t n = strlen(item->text), len;
    struct plan_item *copy;

    if (!plan->mask)
        return item;
    m->masked = mask_text(plan->mask, item->text, n, &len);
    if (!m->masked)
        longjmp(m->oom, 1);
    if (len == n && memcmp(m->masked, item->text, n) == 0)
        return item;
    copy = arena_new(m->arena, struct plan_item);
    *copy = *item;
    copy->shown = arena_strndup(m->arena, m->masked, len);
    return copy;
}

static int make(struct maker *m, const struct plan *plan, const struct plan_job *section,
                const struct plan_item *item, const char **fault) {
    const struct plan_template *const *t = section->items->templates;
    struct plan_job *job = m->job;

    *job = *section;
    job->item = mask_item(m, plan, item);
    job->name = arena_printf(m->arena, "%s[%s]", section->name, item_shown(job->item));
    if (!t)
        return 0;
    diag_init(&m->diag, &m->scratch, NULL);
    map_init(&m->no_axes, &m->scratch);
    m->vars = *plan->names;
    m->vars.arena = m->arena;
    m->vars.scratch = &m->scratch;
    m->vars.diag = &m->diag;
    m->vars.axes = axis_values(m);
    m->values = (struct values){
        .arena = m->arena,
        .scratch = &m->scratch,
        .diag = &m->diag,
        .vars = &m->vars,
        .axes = &m->no_axes,
    };
    for (; *t; t++)
        if (!apply(m, *t)) {
            const char *text = diag_first(&m->diag);
            *fault = arena_strndup(m->arena, text, strlen(text));
            return UV_EINVAL;
        }
    if (!same_program(section, job))
        job->program = NULL;
    return 0;
}

int item_make_job(const struct plan *plan, const struct plan_job *section,
                  const struct plan_item *item, struct arena *arena, struct plan_job *job,
                  const char **fault) {
    struct maker m = {.arena = arena, .job = job};
    int error;

    arena_init(&m.scratch, &m.oom);
    arena->on_oom = &m.oom;
    if (setjmp(m.oom))
        error = UV_ENOMEM;
    else
        error = make(&m, plan, section, item, fault);
    arena->on_oom = NULL;
    arena_release(&m.scratch);
    free(m.masked);
    return error;
}

bool item_has_own(const struct plan_job *section, size_t offset) {
    const struct plan_template *const *t = section->items ? section->items->templates : NULL;

    for (; t && *t; t++)
        if ((*t)->row->placed && (*t)->row->offset == offset)
            return true;
    return false;
}
