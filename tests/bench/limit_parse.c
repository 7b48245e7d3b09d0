/* SPDX-License-Identifier: MIT */
/* limit: a manifest parsed by inih into a table of jobs with their edges. */
#include <ini.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"

struct job {
    const char *name, *exec, *after; /* in the arena; NULL: there is none */
    uint32_t edges;                  /* of `after`, found in the table */
};

/* Hands out memory that is never given back. */
struct arena {
    char *at, *end;
};

struct table {
    struct arena arena;
    struct job *jobs;
    uint32_t njobs, cap;
    uint32_t *slots; /* index + 1 of a job, 0: free */
    uint32_t mask;
};

static char *arena_copy(struct arena *a, const char *text) {
    size_t n = strlen(text) + 1;
    char *copy;

    if ((size_t)(a->end - a->at) < n) {
        size_t block = 1 << 20;

        a->at = malloc(block);
        if (!a->at || n > block)
            limit_die("malloc");
        a->end = a->at + block;
    }
    copy = memcpy(a->at, text, n);
    a->at += n;
    return copy;
}

static uint32_t hash(const char *name, size_t n) {
    uint32_t h = 2166136261U;

    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)name[i]) * 16777619U;
    return h ^ h >> 15;
}

/* The slot of a name, or the free one where it would go. */
static uint32_t *find(struct table *t, const char *name, size_t n) {
    for (uint32_t i = hash(name, n);; i++) {
        uint32_t *slot = &t->slots[i & t->mask];
        const char *other;

        if (!*slot)
            return slot;
        other = t->jobs[*slot - 1].name;
        if (strncmp(other, name, n) == 0 && !other[n])
            return slot;
    }
}

static void grow(struct table *t) {
    t->cap = t->cap ? t->cap * 2 : 1024;
    t->mask = t->cap * 2 - 1;
    free(t->slots);
    t->jobs = realloc(t->jobs, t->cap * sizeof *t->jobs);
    t->slots = calloc(t->mask + 1, sizeof *t->slots);
    if (!t->jobs || !t->slots)
        limit_die("malloc");
    for (uint32_t i = 0; i < t->njobs; i++)
        *find(t, t->jobs[i].name, strlen(t->jobs[i].name)) = i + 1;
}

static int entry(void *user, const char *section, const char *key, const char *value) {
    struct table *t = user;
    struct job *job;

    if (strncmp(section, "job ", 4) != 0)
        return 1;
    section += 4;
    if (!t->njobs || strcmp(t->jobs[t->njobs - 1].name, section) != 0) {
        if (t->njobs == t->cap)
            grow(t);
        t->jobs[t->njobs] = (struct job){.name = arena_copy(&t->arena, section)};
        *find(t, section, strlen(section)) = ++t->njobs;
    }
    job = &t->jobs[t->njobs - 1];
    if (strcmp(key, "exec") == 0)
        job->exec = arena_copy(&t->arena, value);
    else if (strcmp(key, "after") == 0)
        job->after = arena_copy(&t->arena, value);
    return 1;
}

/* limit parse MANIFEST: prints how many jobs and edges there are. */
int limit_parse(char **argv) {
    struct table t = {0};
    unsigned long long edges = 0;
    int line = ini_parse(argv[0], entry, &t);

    if (line) {
        fprintf(stderr, "limit: %s: error at line %d\n", argv[0], line);
        return 1;
    }
    for (uint32_t i = 0; i < t.njobs; i++) {
        for (const char *at = t.jobs[i].after; at && *at;) {
            size_t n = strcspn(at, " ");

            t.jobs[i].edges += *find(&t, at, n) != 0;
            at += n;
            at += strspn(at, " ");
        }
        edges += t.jobs[i].edges;
    }
    printf("%u jobs, %llu edges\n", t.njobs, edges);
    return 0;
}
