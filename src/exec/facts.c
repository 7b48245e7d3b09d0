/* SPDX-License-Identifier: MIT */
/* facts: what a job tells by the file $MUSTER_OUTPUT, and what is told to those after it. */
#include "exec/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/mask.h"
#include "base/mem.h"
#include "base/temp.h"
#include "base/text.h"
#include "base/trace.h"
#include "exec/sweep.h"
#include "plan/envfile.h"

#define SHORT_NS       (5 * NS_PER_S) /* that descriptors are waited for */
#define SHORT_PAUSE_MS 10
#define ENOUGH_FDS     256 /* that a watch among them is no matter */

/* --- what is told --- */

static struct facts *make(const struct env_var *vars, size_t n, const char *fault) {
    size_t size = sizeof(struct facts) + (n + 1) * sizeof *vars + (fault ? strlen(fault) + 1 : 0);
    struct facts *facts;
    char *to;

    for (size_t i = 0; i < n; i++)
        size += strlen(vars[i].name) + strlen(vars[i].value) + 2;
    facts = malloc(size);
    if (!facts)
        return NULL;
    to = (char *)&facts->vars[n + 1];
    *facts = (struct facts){.count = n};
    for (size_t i = 0; i < n; i++) {
        facts->vars[i].name = to;
        to = stpcpy(to, vars[i].name) + 1;
        facts->vars[i].value = to;
        to = stpcpy(to, vars[i].value) + 1;
    }
    facts->vars[n] = (struct env_var){NULL, NULL};
    if (fault)
        facts->fault = memcpy(to, fault, strlen(fault) + 1);
    return facts;
}

struct facts *facts_new(const struct env_var *vars, size_t n) {
    return make(vars, n, NULL);
}

/* A value as it may be seen, in the arena; NULL when out of memory. */
static const char *masked_value(struct arena *arena, const struct plan *plan, const char *value) {
    size_t n;
    char *text = mask_text(plan->mask, value, strlen(value), &n);
    const char *copy = text ? arena_strndup(arena, text, n) : NULL;

    free(text);
    return copy;
}

struct facts *facts_masked(const struct facts *facts, const struct plan *plan, const char *job,
                           bool *masked) {
    struct facts *copy = NULL;
    struct env_var *vars;
    struct arena arena;
    size_t i = 0;

    *masked = false;
    arena_init(&arena, NULL);
    vars = arena_array(&arena, struct env_var, facts->count + 1);
    for (; vars && i < facts->count; i++) {
        vars[i].name = facts->vars[i].name;
        vars[i].value = plan_is_secret_output(plan, job, vars[i].name)
                            ? "***"
                            : masked_value(&arena, plan, facts->vars[i].value);
        if (!vars[i].value)
            break;
        *masked = *masked || strcmp(vars[i].value, facts->vars[i].value) != 0;
    }
    if (vars && i == facts->count)
        copy = facts_new(vars, i);
    arena_release(&arena);
    return copy;
}

char *facts_text(const struct facts *facts, size_t *n) {
    char *text, *to;

    *n = 0;
    for (size_t i = 0; i < facts->count; i++)
        *n += strlen(facts->vars[i].name) + strlen(facts->vars[i].value) + 2;
    text = to = malloc(*n + 1);
    for (size_t i = 0; text && i < facts->count; i++)
        to = stpcpy(stpcpy(stpcpy(stpcpy(to, facts->vars[i].name), "="), facts->vars[i].value),
                    "\n");
    return text;
}

/* The first line that is none, in words. */
struct fault {
    const char *bytes;
    char words[160]; /* "": there is none */
};

static void on_fault(void *ctx, size_t at, size_t n, const char *what) {
    struct fault *first = ctx;
    size_t line = 1;

    (void)n;
    if (first->words[0])
        return;
    for (size_t i = 0; i < at; i++)
        line += first->bytes[i] == '\n';
    snprintf(first->words, sizeof first->words, "line %zu: %s", line, what);
}

struct facts *facts_parse(const char *bytes, size_t n) {
    struct fault fault = {.bytes = bytes};
    const struct env_var *vars;
    struct facts *facts = NULL;
    struct arena arena;
    size_t count = 0;

    arena_init(&arena, NULL);
    vars = envfile_parse(&arena, &envfile_outputs, bytes, n, on_fault, &fault);
    while (vars && vars[count].name)
        count++;
    if (vars)
        facts = make(vars, fault.words[0] ? 0 : count, fault.words[0] ? fault.words : NULL);
    arena_release(&arena);
    return facts;
}

/* --- the folder --- */

/* An attempt whose file has appeared. */
struct made {
    uint32_t job, attempt;
};

struct facts_folder {
    char *path;
    pthread_mutex_t lock; /* of what follows */
    int inotify;          /* -1: all are looked for */
    bool all;
    struct made *list;
    size_t count, cap;
};

/* A folder of this name that is there now; malloc'd, or NULL with errno. */
static char *make_folder(const char *in) {
    char *real = realpath(in, NULL), *path = NULL; /* the jobs' working folders differ */

    if (real && asprintf(&path, "%s/muster-XXXXXX", real) < 0)
        path = NULL;
    if (path && (strlen(path) > PATH_MAX || !mkdtemp(path))) {
        free(path);
        path = NULL;
    }
    free(real);
    return path;
}

/* Where jobs need every one of them none is taken for a watch. */
static bool few_descriptors(void) {
    struct rlimit limit;

    errno = EMFILE;
    return getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur < ENOUGH_FDS;
}

int facts_folder_open(struct facts_folder **out) {
    struct facts_folder *f = calloc(1, sizeof *f);
    const char *in;
    int error = UV_ENOENT;

    if (!f)
        return UV_ENOMEM;
    for (size_t i = 0; !f->path && (in = temp_folder(i)); i++)
        if (!(f->path = make_folder(in)))
            error = -errno;
    if (!f->path) {
        free(f);
        return error;
    }
    pthread_mutex_init(&f->lock, NULL);
    f->inotify = few_descriptors() ? -1 : inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    f->all = f->inotify < 0 ||
             inotify_add_watch(f->inotify, f->path, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0;
    if (f->all)
        trace(TRACE_EXEC, "no watch for %s: %s", f->path, strerror(errno));
    *out = f;
    return 0;
}

struct facts_folder *facts_folder_close(struct facts_folder *f) {
    if (!f)
        return NULL;
    if (f->inotify >= 0)
        close(f->inotify);
    sweep_folder(f->path);
    pthread_mutex_destroy(&f->lock);
    free(f->list);
    free(f->path);
    free(f);
    return NULL;
}

const char *facts_folder_path(const struct facts_folder *f) {
    return f ? f->path : NULL;
}

const char *facts_file(const struct facts_folder *f, uint32_t job, uint32_t attempt,
                       char buf[FACTS_FILE_MAX]) {
    snprintf(buf, FACTS_FILE_MAX, "%s/%u.%u", f->path, job, attempt);
    return buf;
}

/* --- what comes into it --- */

/* Under the lock, as the two below. */
static void note(struct facts_folder *f, const char *name) {
    const char *dot = strchr(name, '.');
    uint64_t job, attempt;
    struct made *list;

    if (!dot || text_uint64(name, (size_t)(dot - name), 0, UINT32_MAX, &job) ||
        text_uint64(dot + 1, strlen(dot + 1), 0, UINT32_MAX, &attempt))
        return; /* something of the job's own, on its way to that name maybe */
    if (f->count == f->cap) {
        list = reallocarray(f->list, f->cap ? f->cap * 2 : 16, sizeof *list);
        if (!list) {
            f->all = true;
            return;
        }
        f->list = list;
        f->cap = f->cap ? f->cap * 2 : 16;
    }
    f->list[f->count++] = (struct made){(uint32_t)job, (uint32_t)attempt};
}

static void take_events(struct facts_folder *f) {
    _Alignas(struct inotify_event) char buf[4096];
    ssize_t n;

    while (!f->all) {
        n = read(f->inotify, buf, sizeof buf);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            f->all = n == 0 || errno != EAGAIN; /* nothing is known any more: all are looked for */
            return;
        }
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *e = (const struct inotify_event *)(const void *)(buf + at);

            at += (ssize_t)(sizeof *e + e->len);
            if (e->mask & (IN_Q_OVERFLOW | IN_IGNORED))
                f->all = true;
            else if (e->len)
                note(f, e->name);
        }
    }
}

static bool take_made(struct facts_folder *f, uint32_t job, uint32_t attempt) {
    bool found = false;

    for (size_t i = 0; i < f->count;) /* it may have been made more than once */
        if (f->list[i].job == job && f->list[i].attempt == attempt) {
            f->list[i] = f->list[--f->count];
            found = true;
        } else {
            i++;
        }
    return found;
}

bool facts_made(struct facts_folder *f, uint32_t job, uint32_t attempt) {
    bool made;

    pthread_mutex_lock(&f->lock);
    take_events(f);
    made = take_made(f, job, attempt) || f->all;
    pthread_mutex_unlock(&f->lock);
    return made;
}

/* --- a file --- */

static struct facts *refuse(const char *why) {
    return make(NULL, 0, why);
}

/* All of it and no more than it may have; UV_EFBIG: it has more. */
static ssize_t read_bytes(int fd, char *buf, size_t size) {
    size_t n = 0;
    ssize_t got = 1;

    while (got > 0 && n < size) {
        got = read(fd, buf + n, size - n);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got < 0)
            return -errno;
        else
            n += (size_t)got;
    }
    return n > FACTS_BYTES_MAX ? UV_EFBIG : (ssize_t)n;
}

static struct facts *read_file(int fd) {
    struct stat st;
    struct facts *facts;
    char *buf;
    ssize_t n;

    if (fstat(fd, &st))
        return refuse(strerrordesc_np(errno));
    if (!S_ISREG(st.st_mode))
        return refuse("it is no regular file");
    if (st.st_size > (off_t)FACTS_BYTES_MAX)
        return refuse("it has more than 1 MiB");
    buf = malloc(FACTS_BYTES_MAX + 1);
    if (!buf)
        return NULL;
    n = read_bytes(fd, buf, FACTS_BYTES_MAX + 1);
    if (n >= 0) {
        buf[n] = '\0';
        facts = facts_parse(buf, (size_t)n);
    } else {
        facts = refuse(n == UV_EFBIG ? "it has more than 1 MiB" : strerrordesc_np((int)-n));
    }
    free(buf);
    return facts;
}

/* A link is not followed, nor is a FIFO waited for. Being short of descriptors is not the
 * job's fault: some come free as others end. */
static int open_file(const char *path) {
    int64_t until = clock_ns() + SHORT_NS;
    struct stat st;
    int fd;

    for (;;) {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (fd >= 0 || (errno != EMFILE && errno != ENFILE))
            return fd;
        if (lstat(path, &st) < 0)
            return -1;
        if (clock_ns() > until) {
            errno = EMFILE;
            return -1;
        }
        poll(NULL, 0, SHORT_PAUSE_MS);
    }
}

int facts_read(struct facts_folder *f, uint32_t job, uint32_t attempt, struct facts **out) {
    char path[FACTS_FILE_MAX];
    int fd;

    facts_file(f, job, attempt, path);
    *out = NULL;
    fd = open_file(path);
    if (fd < 0 && errno == ENOENT)
        return 0;
    *out = fd >= 0          ? read_file(fd)
           : errno == ELOOP ? refuse("it is a symbolic link")
           : errno == ENXIO ? refuse("it is no regular file")
                            : refuse(strerrordesc_np(errno));
    if (fd >= 0)
        close(fd);
    unlink(path); /* a folder goes with the whole */
    return *out ? 0 : UV_ENOMEM;
}
