/* SPDX-License-Identifier: MIT */
/* globber: the names that a pattern stands for, looked for without blocking the loop. */
#include "run/globber.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exec/reserve.h"

struct globber {
    struct globber_opts opts;
    uv_work_t work;
    enum { NOT_LOOKED, LOOKING, LOOKED } phase;
    bool closing;
    int error;
    glob_t found;
};

/* The folder of the pattern that this thread looks at: glob() hands its helpers nothing else.
 * O_PATH: it may be one that cannot be read. */
static _Thread_local int here = -1;

static void *open_folder(const char *path) {
    int fd = openat(here, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

    if (!dir && fd >= 0)
        close(fd);
    return dir;
}

static struct dirent *read_folder(void *dir) {
    return readdir(dir);
}

static void close_folder(void *dir) {
    closedir(dir);
}

static int look(const char *path, struct stat *st) {
    return fstatat(here, path, st, 0);
}

static int look_at_link(const char *path, struct stat *st) {
    return fstatat(here, path, st, AT_SYMLINK_NOFOLLOW);
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void glob_work(uv_work_t *work) {
    struct globber *g = work->data;
    int rc;

    g->found.gl_opendir = open_folder;
    g->found.gl_readdir = read_folder;
    g->found.gl_closedir = close_folder;
    g->found.gl_stat = look;
    g->found.gl_lstat = look_at_link;
    here = open(g->opts.folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (here < 0) {
        g->error = -errno;
        return;
    }
    /* What cannot be read has no names for us, as in a shell. */
    rc = glob(g->opts.pattern, GLOB_ALTDIRFUNC | GLOB_NOSORT, NULL, &g->found);
    close(here);
    if (rc == GLOB_NOSPACE)
        g->error = UV_ENOMEM;
    else if (rc == 0)
        qsort(g->found.gl_pathv, g->found.gl_pathc, sizeof *g->found.gl_pathv, by_bytes);
}

static void release(struct globber *g) {
    globfree(&g->found);
    free(g);
}

static void on_looked(uv_work_t *work, int status) {
    struct globber *g = work->data;

    (void)status;
    g->phase = LOOKED;
    if (g->closing)
        release(g);
    else
        g->opts.news(g->opts.ctx);
}

struct globber *globber_open(const struct globber_opts *opts) {
    struct globber *g = calloc(1, sizeof *g);

    if (g)
        g->opts = *opts;
    return g;
}

int globber_name(struct globber *g, uint64_t index, const char **name) {
    if (g->phase == NOT_LOOKED) {
        g->work.data = g;
        g->error = reserve_queue_work(g->opts.loop, &g->work, glob_work, on_looked);
        if (!g->error)
            g->phase = LOOKING;
    }
    if (g->phase == LOOKING)
        return 0;
    if (g->error)
        return g->error;
    if (index >= g->found.gl_pathc)
        return UV_EOF;
    *name = g->found.gl_pathv[index];
    return 1;
}

void globber_close(struct globber *g) {
    if (!g)
        return;
    g->closing = true;
    if (g->phase == LOOKING)
        uv_cancel((uv_req_t *)&g->work);
    else
        release(g);
}
