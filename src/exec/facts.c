/* SPDX-License-Identifier: MIT */
/* facts: what a job tells by the file $MUSTER_OUTPUT, and what is told to those after it. */
#include "exec/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/mask.h"
#include "base/mem.h"
#include "base/temp.h"
#include "base/text.h"
#include "exec/sweep.h"
#include "plan/envfile.h"

#define SHORT_NS       (5 * NS_PER_S) /* that descriptors are waited for */
#define SHORT_PAUSE_MS 10

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

struct facts_folder {
    char *path;
    atomic_bool touched; /* something was made in it, or that cannot be told */
    bool gone;           /* facts_folder_remove() did it */
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

/* Whatever is made in the folder sets its time to now: at first it is one that now never is. */
static bool set_untouched(const char *path) {
    static const struct timespec times[2] = {{0, 0}, {0, 0}};

    return utimensat(AT_FDCWD, path, times, 0) == 0;
}

static bool is_untouched(const char *path) {
    struct stat st;

    return stat(path, &st) == 0 && st.st_mtim.tv_sec == 0 && st.st_mtim.tv_nsec == 0;
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
    f->touched = !set_untouched(f->path);
    *out = f;
    return 0;
}

void facts_folder_remove(struct facts_folder *f) {
    f->gone = f->gone || rmdir(f->path) == 0;
}

struct facts_folder *facts_folder_close(struct facts_folder *f) {
    if (!f)
        return NULL;
    if (!f->gone)
        sweep_folder(f->path);
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

bool facts_made(struct facts_folder *f, uint32_t job, uint32_t attempt) {
    char path[FACTS_FILE_MAX];
    struct stat st;

    if (!f->touched && is_untouched(f->path))
        return false;
    f->touched = true;
    return lstat(facts_file(f, job, attempt, path), &st) == 0 || errno != ENOENT;
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
