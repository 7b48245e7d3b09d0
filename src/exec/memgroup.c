/* SPDX-License-Identifier: MIT */
/* memgroup: memory cgroups for attempts, and whether the kernel's OOM killer struck. */
#include "exec/memgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/host.h"
#include "base/text.h"
#include "base/trace.h"

#define COUNTS_MAX 4096 /* bytes of a file with counters; /proc/vmstat has more, ours in time */

/* The files of the two kinds. */
struct kind {
    const char *limit;   /* bytes */
    const char *counter; /* a file with a line "oom_kill N" */
    struct {
        const char *file, *value;
    } more[2]; /* set where they are there; a NULL value is the limit's */
};
static const struct kind kinds[] = {
    /* What is over the limit is not to go to the swap space instead. */
    {"memory.limit_in_bytes", "memory.oom_control", {{"memory.memsw.limit_in_bytes", NULL}}},
    {"memory.max", "memory.events", {{"memory.swap.max", "0"}, {"memory.oom.group", "1"}}},
};

struct memgroups {
    const struct kind *kind;
    char *own;            /* folder of muster's own group, or NULL: it is not known */
    int counter;          /* descriptor of its file, or -1 */
    atomic_bool usable;   /* groups can be made below */
    atomic_uint next;     /* number of the next one */
    pthread_mutex_t lock; /* of the rest */
    bool v2, prepared;
    uint64_t struck; /* the counter when it was read last */
};

/* Puts a value into DIR/FILE. 0 or UV_E…. */
static int put(const char *dir, const char *file, const char *value) {
    char *path;
    FILE *f;
    int error = 0;

    if (asprintf(&path, "%s/%s", dir, file) < 0)
        return UV_ENOMEM;
    f = fopen(path, "we");
    free(path);
    if (!f)
        return -errno;
    if (fputs(value, f) < 0)
        error = -errno;
    if (fclose(f) != 0 && !error)
        error = -errno;
    return error;
}

static int open_file(const char *dir, const char *file) {
    char *path;
    int fd = -1;

    if (asprintf(&path, "%s/%s", dir, file) >= 0) {
        fd = open(path, O_RDONLY | O_CLOEXEC);
        free(path);
    }
    return fd;
}

/* N of the line "oom_kill N", 0 where there is none. */
static uint64_t read_counter(int fd) {
    static const char key[] = "\noom_kill ";
    char text[COUNTS_MAX + 1] = "\n";
    ssize_t n = fd < 0 ? 0 : pread(fd, text + 1, sizeof text - 2, 0);
    uint64_t count = 0;
    char *at;

    text[n > 0 ? n + 1 : 1] = '\0';
    at = strstr(text, key);
    if (at) {
        at += strlen(key);
        text_uint64(at, strcspn(at, "\n"), 0, UINT64_MAX, &count);
    }
    return count;
}

/* Whether a file of controllers has "memory". */
static bool has_memory(const char *dir, const char *file) {
    char text[COUNTS_MAX + 1], *rest = text, *word;
    int fd = open_file(dir, file);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    while ((word = strsep(&rest, " \n")))
        if (strcmp(word, "memory") == 0)
            return true;
    return false;
}

/* Whether what is below a group has the memory controller, or gets it now. */
static bool delegates(const char *own) {
    return has_memory(own, "cgroup.subtree_control") ||
           (put(own, "cgroup.subtree_control", "+memory") == 0 &&
            has_memory(own, "cgroup.subtree_control"));
}

void memgroups_sweep(const char *own) {
    DIR *dir = opendir(own);
    struct dirent *e;

    while (dir && (e = readdir(dir))) {
        const char *id = e->d_name + strlen(MEMGROUP_PREFIX);
        uint64_t pid;

        if (strncmp(e->d_name, MEMGROUP_PREFIX, strlen(MEMGROUP_PREFIX)) == 0 &&
            text_uint64(id, strcspn(id, "-"), 1, INT32_MAX, &pid) == 0 && kill((pid_t)pid, 0) < 0 &&
            errno == ESRCH && unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR) == 0)
            trace(TRACE_EXEC, "removed the memory group %s", e->d_name);
    }
    if (dir)
        closedir(dir);
}

struct memgroups *memgroups_new(const char *root) {
    struct memgroups *m = calloc(1, sizeof *m);
    char *proc = NULL;
    bool v2;

    if (!m)
        return NULL;
    pthread_mutex_init(&m->lock, NULL);
    m->own = host_cgroup(root, "memory");
    v2 = !m->own;
    if (v2)
        m->own = host_cgroup(root, NULL);
    m->kind = &kinds[v2];
    m->counter = m->own ? open_file(m->own, m->kind->counter) : -1;
    /* The topmost group of v2 has none, and all of the machine is below it. */
    if (m->counter < 0 && asprintf(&proc, "%s/proc", root) >= 0)
        m->counter = open_file(proc, "vmstat");
    free(proc);
    m->struck = read_counter(m->counter);
    m->v2 = v2;
    m->usable = m->own;
    trace(TRACE_EXEC, "memory group: %s", m->own ? m->own : "unknown");
    return m;
}

struct memgroups *memgroups_free(struct memgroups *m) {
    if (!m)
        return NULL;
    if (m->counter >= 0)
        close(m->counter);
    pthread_mutex_destroy(&m->lock);
    free(m->own);
    free(m);
    return NULL;
}

bool memgroups_usable(const struct memgroups *m) {
    return m && m->usable;
}

bool memgroups_struck(struct memgroups *m) {
    uint64_t before;
    bool more;

    if (!m)
        return false;
    pthread_mutex_lock(&m->lock);
    before = m->struck;
    m->struck = read_counter(m->counter);
    more = m->struck > before;
    pthread_mutex_unlock(&m->lock);
    return more;
}

/* Sets the bounds of a new group. 0 or UV_E…. */
static int bound(const struct kind *kind, const char *path, uint64_t bytes) {
    char value[24];
    int error;

    snprintf(value, sizeof value, "%" PRIu64, bytes < INT64_MAX ? bytes : INT64_MAX);
    error = put(path, kind->limit, value);
    for (size_t i = 0; !error && i < sizeof kind->more / sizeof *kind->more; i++)
        if (kind->more[i].file)
            put(path, kind->more[i].file, kind->more[i].value ? kind->more[i].value : value);
    return error;
}

/* Before the first group: sees to it that there can be any. */
static void prepare(struct memgroups *m) {
    pthread_mutex_lock(&m->lock);
    if (!m->prepared) {
        m->prepared = true;
        if (m->v2 && !delegates(m->own))
            m->usable = false;
        else
            memgroups_sweep(m->own);
    }
    pthread_mutex_unlock(&m->lock);
}

/* Makes the group's folder and bounds it. 0 or UV_E…. */
static int make(const struct kind *kind, const char *path, uint64_t bytes) {
    int error;

    if (mkdir(path, 0755) < 0)
        return -errno;
    error = bound(kind, path, bytes);
    if (error)
        rmdir(path);
    return error;
}

struct memgroup *memgroup_make(struct memgroups *m, uint64_t bytes) {
    unsigned number = atomic_fetch_add(&m->next, 1);
    size_t size = strlen(m->own) + 64;
    struct memgroup *g;
    int error;

    prepare(m);
    g = m->usable ? malloc(sizeof *g + size) : NULL;
    if (!g)
        return NULL;
    *g = (struct memgroup){.of = m};
    snprintf(g->path, size, "%s/" MEMGROUP_PREFIX "%d-%u", m->own, (int)getpid(), number);
    error = make(m->kind, g->path, bytes);
    if (!error)
        return g;
    trace(TRACE_EXEC, "no memory group %s: %s", g->path, strerror(-error));
    m->usable = false; /* nor will there be another */
    return memgroup_free(g);
}

void memgroup_remove(struct memgroup *g) {
    int fd = open_file(g->path, g->of->kind->counter);

    g->struck = read_counter(fd) > 0;
    if (fd >= 0)
        close(fd);
    if (rmdir(g->path) < 0)
        trace(TRACE_EXEC, "%s: %s", g->path, strerror(errno));
    if (g->struck)
        memgroups_struck(g->of); /* in v2 it counts for those above too */
}

struct memgroup *memgroup_free(struct memgroup *g) {
    free(g);
    return NULL;
}
