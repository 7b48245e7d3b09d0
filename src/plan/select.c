/* SPDX-License-Identifier: MIT */
/* select: leaves of a plan only the wanted jobs and what they come after. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/trace.h"
#include "plan/loader.h"
#include "plan/tags.h"
#include "plan/validate.h"

#define NO_INDEX UINT32_MAX

/* What is wanted of a job. */
struct wanted {
    bool any, all;     /* all: not only some of its items */
    const char **only; /* the names of these */
    size_t count, cap;
};

static void want_item(struct loader *l, struct wanted *w, const char *item) {
    for (size_t i = 0; i < w->count; i++)
        if (!strcmp(w->only[i], item))
            return;
    w->any = true;
    w->only = arena_grow(&l->scratch, w->only, w->count, &w->cap, sizeof *w->only);
    w->only[w->count++] = item;
}

static bool no_job(struct loader *l, const char *name, size_t n) {
    const char *near = sections_nearest(l, SECTION_JOB, name, n);

    diag_error(l->diag, (struct span){0, 0}, "no job '%s' in %s" DIAG_NEAR, name,
               l->plan->sources.list[0]->name, DIAG_NEAR_ARGS(near));
    return false;
}

/* Whether an item is one of a file's lines; true where that cannot be known beforehand. */
static bool is_in_file(const struct loader *l, const struct plan_items *items, const char *text) {
    const struct plan_axis *axis = &items->axes[0];
    bool look = l->look && items->naxes == 1 && !items->batch && axis->kind == AXIS_LINES;
    bool found = false;
    char *line = NULL;
    size_t cap = 0;
    struct stat st;
    ssize_t n;
    FILE *file;

    if (!look || stat(axis->source, &st) || !S_ISREG(st.st_mode))
        return true;
    file = fopen(axis->source, "re");
    while (file && !found && (n = getline(&line, &cap, file)) > 0) {
        if (line[n - 1] == '\n') {
            line[--n] = '\0';
            if (n > 0 && line[n - 1] == '\r')
                line[--n] = '\0';
        }
        found = (size_t)n == strlen(text) && !memcmp(line, text, (size_t)n);
    }
    found = found || !file;
    if (file)
        fclose(file);
    free(line);
    return found;
}

/* "job" or "job[value]". Whether it is there. */
static bool want_name(struct loader *l, struct wanted *wanted, const char *name) {
    size_t n = strlen(name), part = strcspn(name, "[");
    uint32_t s = map_get(&l->names[SECTION_JOB], name, part);
    bool item = part < n && name[n - 1] == ']';

    if (s == MAP_NONE || (part < n && !item))
        return no_job(l, name, part);
    struct wanted *w = &wanted[l->sections[s]->job];
    const struct plan_items *items = l->plan->jobs[l->sections[s]->job].items;
    if (!item) {
        w->any = w->all = true;
        return true;
    }
    const char *text = arena_strndup(&l->plan->arena, name + part + 1, n - part - 2);
    if (items && axes_may_have(items, text, strlen(text)) && is_in_file(l, items, text)) {
        want_item(l, w, text);
        return true;
    }
    diag_error(l->diag, (struct span){0, 0},
               items ? "job '%.*s' has no item '%s'"
                     : "job '%.*s' has no items, so not '%s' either",
               (int)part, name, text);
    return false;
}

/* Marks the wanted jobs. Whether all of them are there. */
static bool mark_wanted(struct loader *l, struct wanted *wanted) {
    bool good = true;

    for (const char *const *name = l->opts->jobs; name && *name; name++)
        good = want_name(l, wanted, *name) && good;
    bool *tagged = arena_array(&l->scratch, bool, l->plan->njobs);
    good = tags_mark(l, tagged) && good;
    for (uint32_t i = 0; i < l->plan->njobs; i++)
        if (tagged[i])
            wanted[i].any = wanted[i].all = true;
    return good;
}

/* What a wanted job comes after is wanted, too. */
static void want_before(struct loader *l, struct wanted *wanted, uint32_t job) {
    const struct plan_job *p = &l->plan->jobs[job];
    const struct wanted *w = &wanted[job];

    for (uint32_t k = 0; k < p->nafter; k++) {
        struct wanted *before = &wanted[p->after[k]];
        const char *item = p->after_items ? p->after_items[k] : NULL;
        if (item == AFTER_SAME && !w->all) {
            for (size_t i = 0; i < w->count; i++)
                want_item(l, before, w->only[i]);
        } else if (item && item != AFTER_SAME) {
            want_item(l, before, item);
        } else {
            before->any = before->all = true;
        }
    }
}

/* The items of a job of which only some are wanted. */
static const struct plan_items *select_items(struct loader *l, const struct plan_items *items,
                                             const struct wanted *w) {
    struct plan_items *some = arena_new(&l->plan->arena, struct plan_items);
    const char **only = arena_array(&l->plan->arena, const char *, w->count + 1);

    memcpy(only, w->only, w->count * sizeof *only);
    *some = *items;
    some->only = only;
    return some;
}

void select_jobs(struct loader *l) {
    struct plan *plan = l->plan;

    if (!(l->opts->jobs && *l->opts->jobs) && !(l->opts->tags && *l->opts->tags))
        return;
    struct wanted *wanted = arena_array(&l->scratch, struct wanted, plan->njobs);
    if (!mark_wanted(l, wanted) || l->diag->errors)
        return;
    /* Backwards through the order all that a kept job comes after is met behind it. */
    for (uint32_t i = plan->njobs; i-- > 0;)
        if (wanted[plan->order[i]].any)
            want_before(l, wanted, plan->order[i]);
    uint32_t *index = arena_array(&l->scratch, uint32_t, plan->njobs), n = 0;
    uint32_t *order = arena_array(&plan->arena, uint32_t, plan->njobs), ordered = 0;
    for (uint32_t i = 0; i < plan->njobs; i++)
        index[i] = wanted[i].any ? n++ : NO_INDEX;
    for (uint32_t i = 0; i < plan->njobs; i++)
        if (wanted[plan->order[i]].any)
            order[ordered++] = index[plan->order[i]];
    for (uint32_t i = 0; i < plan->njobs; i++) {
        if (!wanted[i].any)
            continue;
        struct plan_job *job = &plan->jobs[index[i]];
        *job = plan->jobs[i];
        if (!wanted[i].all)
            job->items = select_items(l, job->items, &wanted[i]);
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
