/* SPDX-License-Identifier: MIT */
/* waits: what jobs wait for before they start, and for how long. Pure. */
#include "run/waits.h"

#include <stdlib.h>

#include "base/mem.h"

#define NO_ONE UINT32_MAX

/* A group. */
struct line {
    struct wait *all; /* what its jobs have waited for so far, each once */
    uint32_t count;
    size_t cap;
    uint32_t is;   /* which of these it is now, or NO_ONE */
    int64_t since; /* for so long */
};

/* A job. */
struct place {
    uint32_t before; /* the last that let it go, or NO_ONE; told once */
    uint32_t line;   /* in which it stands, or NO_ONE */
    uint32_t known;  /* what the line had waited for when it came: */
    int64_t *then;   /* an entry each, or NULL: none */
};

struct waits {
    int64_t begun;
    struct line *lines;
    uint32_t nlines;
    struct place *places;
    size_t nplaces;
    struct wait *told; /* by waits_end() */
    size_t told_cap;
};

/* Room for a job's place. */
static bool reserve(struct waits *w, uint32_t job) {
    size_t count = w->nplaces;
    struct place *places = mem_grow(w->places, job, &w->nplaces, sizeof *places);

    if (!places)
        return false;
    w->places = places;
    for (size_t i = count; i < w->nplaces; i++)
        places[i] = (struct place){.before = NO_ONE, .line = NO_ONE};
    return true;
}

struct waits *waits_new(uint32_t ngroups, uint32_t njobs) {
    struct waits *w = calloc(1, sizeof *w);

    if (!w)
        return NULL;
    w->lines = calloc((size_t)ngroups + 1, sizeof *w->lines);
    w->nlines = ngroups;
    if (!w->lines || !reserve(w, njobs))
        return waits_free(w);
    for (uint32_t i = 0; i < ngroups; i++)
        w->lines[i].is = NO_ONE;
    return w;
}

struct waits *waits_free(struct waits *w) {
    if (!w)
        return NULL;
    for (uint32_t i = 0; w->lines && i < w->nlines; i++)
        free(w->lines[i].all);
    for (size_t i = 0; i < w->nplaces; i++)
        free(w->places[i].then);
    free(w->lines);
    free(w->places);
    free(w->told);
    free(w);
    return NULL;
}

void waits_begin(struct waits *w, int64_t now) {
    w->begun = now;
}

/* Counts what has passed. */
static void pass(struct line *l, int64_t now) {
    if (l->is != NO_ONE)
        l->all[l->is].ns += now - l->since;
    l->since = now;
}

/* Which of a line's waits this is, made if there is none; or NO_ONE. */
static uint32_t find(struct line *l, enum wait_kind kind, uint32_t what) {
    struct wait *all;

    for (uint32_t i = 0; i < l->count; i++)
        if (l->all[i].kind == kind && l->all[i].what == what)
            return i;
    all = mem_grow(l->all, l->count, &l->cap, sizeof *all);
    if (!all)
        return NO_ONE;
    l->all = all;
    all[l->count] = (struct wait){kind, what, 0};
    return l->count++;
}

void waits_are(struct waits *w, uint32_t group, enum wait_kind kind, uint32_t what, int64_t now) {
    struct line *l = &w->lines[group];

    pass(l, now);
    l->is = kind == WAIT_NOTHING ? NO_ONE : find(l, kind, what);
}

void waits_let_go(struct waits *w, uint32_t job, uint32_t before) {
    if (reserve(w, job))
        w->places[job].before = before;
}

static void leave(struct place *p) {
    free(p->then);
    p->then = NULL;
    p->known = 0;
    p->line = NO_ONE;
}

void waits_ready(struct waits *w, uint32_t job, uint32_t group, int64_t now) {
    struct line *l = &w->lines[group];
    struct place *p;

    if (!reserve(w, job))
        return;
    p = &w->places[job];
    leave(p);
    pass(l, now);
    if (l->count > 0 && !(p->then = calloc(l->count, sizeof *p->then)))
        return;
    for (uint32_t i = 0; i < l->count; i++)
        p->then[i] = l->all[i].ns;
    p->known = l->count;
    p->line = group;
}

size_t waits_end(struct waits *w, uint32_t job, int64_t now, const struct wait **list) {
    struct place *p = reserve(w, job) ? &w->places[job] : NULL;
    struct line *l = p && p->line != NO_ONE ? &w->lines[p->line] : NULL;
    /* Room for what is told of the line, and of what let the job go. */
    struct wait *told = mem_grow(w->told, l ? l->count : 0, &w->told_cap, sizeof *told);
    int64_t in_line = 0;
    size_t n = 0;

    if (told)
        w->told = told;
    *list = w->told;
    if (!p || !told)
        return 0;
    if (l)
        pass(l, now);
    n = p->before != NO_ONE;
    for (uint32_t i = 0; l && i < l->count; i++) {
        int64_t ns = l->all[i].ns - (i < p->known ? p->then[i] : 0);

        in_line += ns;
        if (ns > 0)
            told[n++] = (struct wait){l->all[i].kind, l->all[i].what, ns};
    }
    if (p->before != NO_ONE)
        told[0] = (struct wait){WAIT_JOB, p->before, now - in_line - w->begun};
    p->before = NO_ONE;
    leave(p);
    return n;
}

void waits_forget(struct waits *w, uint32_t job) {
    if (job >= w->nplaces)
        return;
    w->places[job].before = NO_ONE;
    leave(&w->places[job]);
}
