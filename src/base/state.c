/* SPDX-License-Identifier: MIT */
/* state: the folder of what outlives a run: locks, history. */
#include "base/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

/* Where it is looked for, the first that is set. */
static const struct {
    const char *variable;
    const char *below; /* it */
} places[] = {{"XDG_STATE_HOME", "/muster"}, {"HOME", "/.local/state/muster"}};

int state_path(const char *dir, char **path) {
    *path = NULL;
    if (dir)
        return (*path = strdup(dir)) ? 0 : UV_ENOMEM;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *value = getenv(places[i].variable);

        if (!value || *value != '/')
            continue;
        if (asprintf(path, "%s%s", value, places[i].below) < 0) {
            *path = NULL;
            return UV_ENOMEM;
        }
        return 0;
    }
    return UV_ENOENT;
}

static int make_folder(const char *path) {
    return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -errno;
}

/* Makes what is missing of a path, from its root on. 0, or why the last one could
 * not be made: where it has no folder to be in, why that could not. */
static int make_folders(char *path) {
    int first = 0, error;

    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        error = make_folder(path); /* no matter if it fails: it may be there unseen */
        first = first ? first : error;
        *slash = '/';
    }
    error = make_folder(path);
    return error == UV_ENOENT && first ? first : error;
}

int state_open(const char *path) {
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    int fd = open(path, flags), error;
    char *copy;

    if (fd >= 0 || errno != ENOENT || !*path)
        return fd >= 0 ? fd : -errno;
    copy = strdup(path);
    if (!copy)
        return UV_ENOMEM;
    error = make_folders(copy);
    free(copy);
    if (error)
        return error;
    fd = open(path, flags);
    return fd >= 0 ? fd : -errno;
}

int state_open_file(int folder, const char *name) {
    struct stat st;
    int fd = openat(folder, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                    0600);

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && st.st_nlink == 1)
        return fd;
    close(fd);
    return UV_EPERM;
}
