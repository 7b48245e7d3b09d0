/* SPDX-License-Identifier: MIT */
/* state: the folder of what outlives a run: locks, history. */
#include "base/state.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

static int put_below(char **path, const char *folder, const char *below) {
    if (asprintf(path, "%s%s", folder, below) >= 0)
        return 0;
    *path = NULL;
    return UV_ENOMEM;
}

int state_path(const char *dir, char **path) {
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");

    *path = NULL;
    if (dir)
        return put_below(path, dir, "");
    if (state && *state == '/')
        return put_below(path, state, "/muster");
    if (!home) { /* in a service of systemd's, or an empty environment */
        const struct passwd *user = getpwuid(getuid());
        home = user ? user->pw_dir : NULL;
    }
    if (home && *home == '/')
        return put_below(path, home, "/.local/state/muster");
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
