/* SPDX-License-Identifier: MIT */
/* jobserver: GNU make's: muster as a client of the make above it, and as the server of
 * those below it. */
#include "exec/jobserver.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exec/tokens.h"

#define TOKEN '+' /* as make has it */
/* Above what jobs get them as, so that none is written over while they get them. */
#define FD_MIN (JOBSERVER_WRITE_FD + 1)

struct jobserver {
    struct tokens *tokens;
    bool own;
    uint32_t most;
    uint32_t held;   /* by muster */
    uint32_t served; /* jobs that have it now */
    int fds[2];      /* for jobs: blocking */
    int own_fds[2];  /* for muster; the tokens' */
    char folder[PATH_MAX], fifo[PATH_MAX];
    char flags[JOBSERVER_FORMS][PATH_MAX + 64];
};

static void close_both(const int fds[2]) {
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static void jobserver_free(struct jobserver *j) {
    close_both(j->fds);
    if (*j->fifo)
        unlink(j->fifo);
    if (*j->folder)
        rmdir(j->folder);
    free(j);
}

/* Opens a pipe anew, with a description of its own. */
static int open_pipe(const char *path, int flags, int *fd) {
    int low = open(path, flags | O_CLOEXEC), high;

    if (low < 0)
        return -errno;
    high = fcntl(low, F_DUPFD_CLOEXEC, FD_MIN);
    *fd = high;
    if (high < 0)
        high = -errno;
    close(low);
    return high < 0 ? high : 0;
}

/* A named pipe that nobody else can open. */
static int make_fifo(struct jobserver *j) {
    const char *tmp = getenv("TMPDIR");
    int n =
        snprintf(j->folder, sizeof j->folder, "%s/muster-jobs-XXXXXX", tmp && *tmp ? tmp : "/tmp");

    if (n >= (int)sizeof j->folder - (int)sizeof "/tokens") {
        *j->folder = '\0';
        return UV_ENAMETOOLONG;
    }
    if (!mkdtemp(j->folder)) {
        n = -errno;
        *j->folder = '\0';
        return n;
    }
    snprintf(j->fifo, sizeof j->fifo, "%.*s/tokens", n, j->folder);
    return mkfifo(j->fifo, 0600) < 0 ? -errno : 0;
}

/* Descriptors by two paths: for jobs, and for muster, which must not block. */
static int open_all(struct jobserver *j, const char *reading, const char *writing) {
    /* Both at once first: a named pipe that nobody writes to could not be opened. */
    int keep = -1, error = open_pipe(reading, O_RDWR | O_NONBLOCK, &keep);

    if (!error)
        error = open_pipe(reading, O_RDONLY, &j->fds[0]);
    if (!error)
        error = open_pipe(writing, O_WRONLY, &j->fds[1]);
    if (!error)
        error = open_pipe(reading, O_RDONLY | O_NONBLOCK, &j->own_fds[0]);
    if (!error)
        error = open_pipe(writing, O_WRONLY | O_NONBLOCK, &j->own_fds[1]);
    if (keep >= 0)
        close(keep);
    return error;
}

static int put_tokens(int fd, uint32_t n) {
    static const char token = TOKEN;

    while (n > 0) {
        ssize_t got = write(fd, &token, 1);

        if (got < 0 && errno != EINTR)
            return -errno;
        n -= got == 1;
    }
    return 0;
}

/* The pipe of the make above. */
static int join(struct jobserver *j, const struct makeflags *above) {
    char reading[64], writing[64];

    if (above->jobs && above->jobs < j->most)
        j->most = above->jobs;
    if (above->fifo) {
        snprintf(j->flags[JOBSERVER_FIFO], sizeof j->flags[0], "-j%u --jobserver-auth=fifo:%s",
                 j->most, above->fifo);
        return open_all(j, above->fifo, above->fifo);
    }
    snprintf(reading, sizeof reading, "/proc/self/fd/%d", above->read_fd);
    snprintf(writing, sizeof writing, "/proc/self/fd/%d", above->write_fd);
    /* A pipe has a name, too, as long as somebody has it open. */
    snprintf(j->flags[JOBSERVER_FIFO], sizeof j->flags[0],
             "-j%u --jobserver-auth=fifo:/proc/%d/fd/%d", j->most, (int)getpid(), above->read_fd);
    return open_all(j, reading, writing);
}

/* A pipe with a token for each worker. */
static int serve(struct jobserver *j) {
    int error = make_fifo(j);

    j->own = true;
    if (!error)
        error = open_all(j, j->fifo, j->fifo);
    if (!error)
        error = put_tokens(j->own_fds[1], j->most);
    snprintf(j->flags[JOBSERVER_FIFO], sizeof j->flags[0], "-j%u --jobserver-auth=fifo:%s", j->most,
             j->fifo);
    return error;
}

static bool is_wanted(const struct plan *plan) {
    for (uint32_t i = 0; i < plan->njobs; i++)
        if (plan->jobs[i].set->jobserver != JOBSERVER_NO)
            return true;
    return false;
}

int jobserver_open(struct jobserver **out, uv_loop_t *loop, const struct plan *plan,
                   const struct makeflags *above, void (*more)(void *ctx), void *ctx) {
    struct tokens_opts opts = {
        .loop = loop, .read_fd = -1, .write_fd = -1, .shared = above, .more = more, .ctx = ctx};
    struct jobserver *j;
    int error;

    *out = NULL;
    if (!above && !is_wanted(plan))
        return 0;
    j = calloc(1, sizeof *j);
    if (!j)
        return UV_ENOMEM;
    j->fds[0] = j->fds[1] = j->own_fds[0] = j->own_fds[1] = -1;
    j->most = plan->cpu_workers;
    error = above ? join(j, above) : serve(j);
    opts.read_fd = j->own_fds[0];
    opts.write_fd = j->own_fds[1];
    opts.most = j->most;
    if (!error)
        error = tokens_open(&j->tokens, &opts);
    if (error) {
        close_both(j->own_fds);
        jobserver_free(j);
        return error;
    }
    snprintf(j->flags[JOBSERVER_PIPE], sizeof j->flags[0], "-j%u --jobserver-auth=%d,%d", j->most,
             JOBSERVER_READ_FD, JOBSERVER_WRITE_FD);
    *out = j;
    return 0;
}

int jobserver_find(struct jobserver **out, uv_loop_t *loop, const struct plan *plan,
                   void (*more)(void *ctx), void *ctx, char *why, size_t n) {
    struct makeflags above;
    enum makeflags_state state = makeflags_taken(&above);
    int error;

    *why = '\0';
    if (state == MAKEFLAGS_THERE) {
        error = jobserver_open(out, loop, plan, &above, more, ctx);
        if (!error)
            return 0;
        snprintf(why, n, "make's jobserver: %s; CPU jobs do not keep to it", strerror(-error));
    } else if (state == MAKEFLAGS_CLOSED) {
        snprintf(why, n,
                 "make's jobserver is closed to this command, which a '+' before it in the "
                 "makefile would change; CPU jobs do not keep to it");
    }
    return jobserver_open(out, loop, plan, NULL, more, ctx);
}

uint32_t jobserver_most(const struct jobserver *j) {
    return j->most;
}

uint32_t jobserver_want(struct jobserver *j, uint32_t running, uint32_t wanted) {
    uint32_t free;

    if (!j)
        return UINT32_MAX;
    free = !j->own; /* below a make one of them needs no token */
    j->held = tokens_want(j->tokens, running > free ? running - free : 0,
                          wanted > free ? wanted - free : 0);
    return j->held + free;
}

void jobserver_begin(struct jobserver *j, const struct plan_job *job) {
    if (j && job->set->jobserver != JOBSERVER_NO)
        j->served++;
}

/* As many tokens as there should be: who was killed may have had some, and nobody keeps a
 * job from writing some of its own. */
static void put_right(struct jobserver *j) {
    int there = 0;
    char token;

    if (ioctl(j->own_fds[0], FIONREAD, &there) < 0)
        return;
    if ((uint32_t)there + j->held < j->most)
        put_tokens(j->own_fds[1], j->most - j->held - (uint32_t)there);
    for (; (uint32_t)there + j->held > j->most; there--)
        if (read(j->own_fds[0], &token, 1) != 1)
            return;
}

void jobserver_end(struct jobserver *j, const struct plan_job *job) {
    if (j && job->set->jobserver != JOBSERVER_NO && --j->served == 0 && j->own)
        put_right(j);
}

const int *jobserver_fds(const struct jobserver *j) {
    return j->fds;
}

const char *jobserver_flags(const struct jobserver *j, enum jobserver_form form) {
    return j->flags[form];
}

struct jobserver *jobserver_close(struct jobserver *j) {
    if (j) {
        j->tokens = tokens_close(j->tokens);
        jobserver_free(j);
    }
    return NULL;
}
