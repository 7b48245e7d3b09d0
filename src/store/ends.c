/* SPDX-License-Identifier: MIT */
/* ends: how the jobs of a run under way ended, a byte each. */
#include "store/ends.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

/* They stand in files: never change one. */
static const char letters[STATUSES] = {
    [STATUS_OK] = 'o',      [STATUS_FAILED] = 'f', [STATUS_TIMEOUT] = 't', [STATUS_CANCELLED] = 'c',
    [STATUS_SKIPPED] = 's', [STATUS_CACHED] = 'h', [STATUS_RESUMED] = 'r',
};

void ends_mark(struct ends *e, uint32_t job, enum status status) {
    e->map[job] = letters[status];
}

enum status ends_status(const struct ends *e, uint32_t job) {
    for (int status = STATUS_NONE + 1; job < e->jobs && status < STATUSES; status++)
        if (letters[status] == e->map[job])
            return (enum status)status;
    return STATUS_NONE;
}

static char *path_of(const char *folder, const char *run) {
    char *path;

    return asprintf(&path, "%s/run-%s.ends", folder, run) < 0 ? NULL : path;
}

void ends_init(struct ends *e) {
    *e = (struct ends){.fd = -1};
}

static int map_file(struct ends *e, uint32_t jobs, int protection) {
    void *map = mmap(NULL, jobs, protection, MAP_SHARED, e->fd, 0);

    if (map == MAP_FAILED)
        return -errno;
    e->map = map;
    e->jobs = jobs;
    return 0;
}

/* The lock is the process's own: launchers forked from it do not have it. */
static int make_file(struct ends *e, const char *path, uint32_t jobs) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int error;

    e->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (e->fd < 0)
        return -errno;
    error = -posix_fallocate(e->fd, 0, jobs); /* a store must never find the disk full */
    if (!error && fcntl(e->fd, F_SETLK, &lock) < 0)
        error = -errno;
    return error ? error : map_file(e, jobs, PROT_READ | PROT_WRITE);
}

int ends_make(struct ends *e, const char *folder, const char *run, uint32_t jobs) {
    char *path = path_of(folder, run);
    int error = path ? make_file(e, path, jobs) : UV_ENOMEM;

    free(path);
    if (error)
        ends_release(e, e->fd >= 0 ? folder : NULL, run);
    return error;
}

void ends_release(struct ends *e, const char *folder, const char *run) {
    if (folder && e->fd >= 0)
        ends_remove(folder, run);
    if (e->map)
        munmap(e->map, e->jobs);
    if (e->fd >= 0)
        close(e->fd);
    ends_init(e);
}

int ends_open(struct ends *e, const char *folder, const char *run, bool *alive) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char *path = path_of(folder, run);
    struct stat st;
    int error = 0;

    ends_init(e);
    *alive = false;
    if (!path)
        return UV_ENOMEM;
    e->fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (e->fd < 0)
        error = errno == ENOENT ? 0 : -errno;
    else if (fstat(e->fd, &st) < 0)
        error = -errno;
    else if (S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= UINT32_MAX)
        error = map_file(e, (uint32_t)st.st_size, PROT_READ);
    if (e->fd >= 0 && fcntl(e->fd, F_GETLK, &lock) == 0)
        *alive = lock.l_type != F_UNLCK;
    free(path);
    if (error)
        ends_release(e, NULL, run);
    return error;
}

void ends_remove(const char *folder, const char *run) {
    char *path = path_of(folder, run);

    if (path)
        unlink(path);
    free(path);
}
