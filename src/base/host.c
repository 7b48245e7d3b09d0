/* SPDX-License-Identifier: MIT */
/* host: what the machine grants this process. */
#include "base/host.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CPUS_TRIED_MAX (1 << 20) /* far above what any kernel is built for */

/* The affinity mask's CPUs; the kernel says EINVAL until the set is as wide as its own. */
static uint32_t affinity_cpus(void) {
    for (int width = CPU_SETSIZE; width <= CPUS_TRIED_MAX; width *= 2) {
        cpu_set_t *set = CPU_ALLOC(width);
        if (!set)
            break;
        size_t size = CPU_ALLOC_SIZE(width);
        int count = sched_getaffinity(0, size, set) ? 0 : CPU_COUNT_S(size, set);
        CPU_FREE(set);
        if (count > 0)
            return (uint32_t)count;
    }
    return 1;
}

#define NO_QUOTA UINT64_MAX

/* A mounted hierarchy that may hold quotas. */
struct hierarchy {
    const char *root; /* of the file system, "" for "/" */
    bool v2;
    const char *folder; /* what of it the mount shows */
    const char *mount;  /* where */
};

/* What groups may have quotas of. */
struct quota {
    const char *controller;
    uint64_t (*of)(const struct hierarchy *h, const char *group); /* NO_QUOTA: none */
    const char *const *usual;                                     /* mounts of version 1 */
};

/* Opens ROOT FOLDER REST NAME for reading, or NULL. */
static FILE *open_at(const struct hierarchy *h, const char *rest, const char *name) {
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s%s%s/%s", h->root, h->mount, rest, name) >= PATH_MAX)
        return NULL;
    return fopen(path, "re");
}

/* The first two numbers of a file; false where there are not so many. */
static bool read_numbers(FILE *f, int64_t *a, int64_t *b) {
    char line[64] = "", *rest, *end = NULL;

    if (!f)
        return false;
    if (!fgets(line, sizeof line, f))
        *line = '\0';
    fclose(f);
    *a = strtoll(line, &rest, 10);
    if (b)
        *b = strtoll(rest, &end, 10);
    return rest != line && end != rest;
}

/* The quota of one group in whole CPUs. */
static uint64_t group_cpus(const struct hierarchy *h, const char *group) {
    int64_t quota, period;
    /* "max 100000" is no number; v1 writes -1 for none. */
    bool has = h->v2 ? read_numbers(open_at(h, group, "cpu.max"), &quota, &period)
                     : read_numbers(open_at(h, group, "cpu.cfs_quota_us"), &quota, NULL) &&
                           read_numbers(open_at(h, group, "cpu.cfs_period_us"), &period, NULL);

    if (!has || quota <= 0 || period <= 0)
        return NO_QUOTA;
    return (uint64_t)(quota / period + (quota % period != 0));
}

/* That of memory, in bytes; none is a very large number in version 1. */
static uint64_t group_memory(const struct hierarchy *h, const char *group) {
    int64_t bytes;
    bool has = read_numbers(open_at(h, group, h->v2 ? "memory.max" : "memory.limit_in_bytes"),
                            &bytes, NULL);

    return has && bytes >= 0 ? (uint64_t)bytes : NO_QUOTA;
}

static const char *const cpu_mounts[] = {"/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/cpu", NULL};
static const char *const memory_mounts[] = {"/sys/fs/cgroup/memory", NULL};
static const struct quota cpu_quota = {"cpu", group_cpus, cpu_mounts};
static const struct quota memory_quota = {"memory", group_memory, memory_mounts};

/* The least quota from a group up to the top of what the mount shows. */
static uint64_t least_up(const struct quota *q, const struct hierarchy *h, const char *group) {
    char path[PATH_MAX];
    size_t shown = strlen(h->folder);
    uint64_t least = NO_QUOTA;

    /* A container's mount may begin at its own group, or have nothing of ours below it. */
    bool below = !strncmp(group, h->folder, shown) && (!group[shown] || group[shown] == '/');
    snprintf(path, sizeof path, "%s", below ? group + shown : "");
    for (;;) {
        uint64_t one = q->of(h, path);
        if (one < least)
            least = one;
        char *slash = strrchr(path, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

/* Whether a list "a,b,c" has an item. */
static bool list_has(const char *list, const char *item) {
    size_t n = strlen(item);

    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (!strncmp(at, item, n) && (!at[n] || at[n] == ','))
            return true;
    }
    return false;
}

/* ROOT/proc/self/cgroup, line by line. */
struct groups {
    FILE *f;
    char *line;
    size_t size;
    const char *controllers; /* "" in v2 */
    const char *group;       /* "" for the topmost */
};

static struct groups groups_open(const char *root) {
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    return (struct groups){.f = fopen(path, "re")};
}

static bool groups_next(struct groups *g) {
    while (g->f && getline(&g->line, &g->size, g->f) > 0) {
        /* "0::/group", in v1 "4:cpu,cpuacct:/group". */
        char *controllers = strchr(g->line, ':');
        char *group = controllers ? strchr(++controllers, ':') : NULL;

        if (!group)
            continue;
        *group++ = '\0';
        group[strcspn(group, "\n")] = '\0';
        g->controllers = controllers;
        g->group = strcmp(group, "/") ? group : "";
        return true;
    }
    free(g->line);
    if (g->f)
        fclose(g->f);
    return false;
}

/* That of this process's group in a hierarchy. */
static uint64_t least_of_own(const struct quota *q, const struct hierarchy *h) {
    struct groups g = groups_open(h->root);
    uint64_t least = NO_QUOTA;

    while (groups_next(&g))
        if (h->v2 ? !*g.controllers : list_has(g.controllers, q->controller))
            least = least_up(q, h, g.group);
    return least;
}

/* Whether a group's folder is below a mount; then *least is what it leaves of that. */
static bool look_below(const struct quota *q, const struct hierarchy *h, const char *group,
                       uint64_t *least) {
    char path[PATH_MAX];
    uint64_t one;

    snprintf(path, sizeof path, "%s%s%s/cgroup.procs", h->root, h->mount, group);
    if (access(path, F_OK) != 0)
        return false;
    one = least_up(q, h, group);
    *least = one < *least ? one : *least;
    return true;
}

/*
 * Tries the places where hierarchies usually are mounted, since the list of all
 * mounts takes the kernel longer than the rest together. False: not all of this
 * process's groups are there.
 */
static bool look_in_usual_places(const struct quota *q, const char *root, uint64_t *least) {
    static const char *const v2_mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified", NULL};
    struct groups g = groups_open(root);
    bool all = g.f != NULL;

    while (groups_next(&g)) {
        bool v2 = !*g.controllers, found = !v2 && !list_has(g.controllers, q->controller);

        for (const char *const *mount = v2 ? v2_mounts : q->usual; *mount && !found; mount++) {
            struct hierarchy h = {.root = root, .v2 = v2, .folder = "", .mount = *mount};

            found = look_below(q, &h, g.group, least);
        }
        all = all && found;
    }
    return all;
}

/* The least of all quotas that this process is under. */
static uint64_t least_quota(const struct quota *q, const char *root) {
    char path[PATH_MAX], *line = NULL;
    size_t size = 0;
    uint64_t least = NO_QUOTA;

    if (look_in_usual_places(q, root, &least))
        return least;
    snprintf(path, sizeof path, "%s/proc/self/mountinfo", root);
    FILE *f = fopen(path, "re");
    while (f && getline(&line, &size, f) > 0) {
        /* "36 25 0:30 FOLDER MOUNT options … - TYPE source super-options", proc(5). */
        struct hierarchy h = {.root = root};
        char *type = strstr(line, " - cgroup"), *options, *rest = line;
        if (!type)
            continue;
        *type = '\0';
        type += strlen(" - ");
        options = strrchr(type, ' ');
        for (int i = 0; i < 5; i++) {
            h.folder = h.mount;
            h.mount = strsep(&rest, " ");
        }
        if (options && h.mount) {
            *options++ = '\0';
            options[strcspn(options, "\n")] = '\0';
            type[strcspn(type, " ")] = '\0';
            h.v2 = !strcmp(type, "cgroup2");
            if (!strcmp(h.folder, "/"))
                h.folder = "";
            if (h.v2 || (!strcmp(type, "cgroup") && list_has(options, q->controller))) {
                uint64_t one = least_of_own(q, &h);
                if (one < least)
                    least = one;
            }
        }
    }
    free(line);
    if (f)
        fclose(f);
    return least;
}

uint32_t host_cgroup_cpus(const char *root) {
    uint64_t cpus = least_quota(&cpu_quota, root);

    return cpus < UINT32_MAX ? (uint32_t)cpus : UINT32_MAX;
}

uint64_t host_cgroup_memory(const char *root) {
    return least_quota(&memory_quota, root);
}

uint64_t host_memory(void) {
    uint64_t quota = host_cgroup_memory("");
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t all = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : NO_QUOTA;

    return quota < all ? quota : all;
}

/* MOUNT REST, if it is a group's folder; else NULL. */
static char *group_folder(const char *root, const char *mount, const char *controller,
                          const char *rest) {
    char *path, *procs;
    bool there = false;

    if (asprintf(&path, "%s%s%s%s", root, mount, controller, rest) < 0)
        return NULL;
    if (asprintf(&procs, "%s/cgroup.procs", path) >= 0) {
        there = access(procs, F_OK) == 0;
        free(procs);
    }
    if (!there)
        free(path);
    return there ? path : NULL;
}

char *host_cgroup(const char *root, const char *controller) {
    static const char *const v1[] = {"/sys/fs/cgroup/", NULL};
    static const char *const v2[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified", NULL};
    const char *name = controller ? controller : "";
    struct groups g = groups_open(root);
    char *found = NULL;

    while (groups_next(&g)) {
        if (found || (controller ? !list_has(g.controllers, controller) : *g.controllers))
            continue;
        for (const char *const *mount = controller ? v1 : v2; *mount && !found; mount++) {
            found = group_folder(root, *mount, name, g.group);
            if (!found)
                found = group_folder(root, *mount, name, "");
        }
    }
    return found;
}

uint32_t host_cpus(void) {
    static uint32_t cpus; /* known, or 0: reading the quotas takes as long as a job's start */

    if (!cpus) {
        uint32_t affinity = affinity_cpus(), quota = host_cgroup_cpus("");

        cpus = quota < affinity ? quota : affinity;
    }
    return cpus;
}

const char *host_name(void) {
    static char name[HOST_NAME_MAX + 1];

    if (gethostname(name, sizeof name) || !*name)
        return "localhost";
    name[sizeof name - 1] = '\0';
    return name;
}
