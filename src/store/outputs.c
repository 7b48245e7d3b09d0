/* SPDX-License-Identifier: MIT */
/* outputs: captured output that is too much for the database, a file a stream. */
#include "store/outputs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "exec/capture.h"

#define FILE_NAME_MAX 32
#define FOLDER_FLAGS  (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static const char *const endings[] = {[OUTPUTS_OUT] = "out", [OUTPUTS_ERR] = "err"};

static void name_file(char name[FILE_NAME_MAX], uint32_t seq, enum outputs_stream stream) {
    snprintf(name, FILE_NAME_MAX, "%" PRIu32 ".%s", seq, endings[stream]);
}

/* The folder `name` in one, made where it is missing and `make` says so. */
static int open_below(int folder, const char *name, bool make) {
    int fd;

    if (make && mkdirat(folder, name, 0700) < 0 && errno != EEXIST)
        return -errno;
    fd = openat(folder, name, FOLDER_FLAGS);
    return fd < 0 ? -errno : fd;
}

/* OUTPUTS_DIR, and in it, where `run` is not NULL, the run's. */
static int open_folder(const char *folder, const char *run, bool make) {
    int state = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), outputs, fd;

    if (state < 0)
        return -errno;
    outputs = open_below(state, OUTPUTS_DIR, make);
    close(state);
    if (outputs < 0 || !run)
        return outputs;
    fd = open_below(outputs, run, make);
    close(outputs);
    return fd;
}

int outputs_save(const char *folder, const char *run, uint32_t seq, enum outputs_stream stream,
                 const struct capture *c) {
    char name[FILE_NAME_MAX];
    int error, dir = open_folder(folder, run, true);

    if (dir < 0)
        return dir;
    name_file(name, seq, stream);
    error = capture_save(c, dir, name);
    if (error)
        unlinkat(dir, name, 0);
    close(dir);
    return error;
}

int outputs_open(const char *folder, const char *run, uint32_t seq, enum outputs_stream stream) {
    char name[FILE_NAME_MAX];
    int dir = open_folder(folder, run, false), fd;

    if (dir < 0)
        return dir;
    name_file(name, seq, stream);
    fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        fd = -errno;
    close(dir);
    return fd;
}

void outputs_remove(const char *folder, const char *run) {
    int outputs = open_folder(folder, NULL, false);
    int fd = outputs < 0 ? -1 : open_below(outputs, run, false);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        unlinkat(fd, entry->d_name, 0); /* "." and ".." are none */
    if (dir) {
        closedir(dir);
        unlinkat(outputs, run, AT_REMOVEDIR);
    } else if (fd >= 0) {
        close(fd);
    }
    if (outputs >= 0)
        close(outputs);
}
