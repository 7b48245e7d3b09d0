/* SPDX-License-Identifier: MIT */
/* lock: never two runs of one manifest at once. */
#include "run/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/state.h"
#include "base/text.h"
#include "base/trace.h"

#define STEM_MAX 100 /* bytes of a manifest's name in its lock's */
#define PID_MAX  24  /* bytes of an id as text */

/*
 * "nightly.ini-0123456789abcdef.lock": the base name is for people, the hash of
 * the whole tells apart. What has no path (standard input, a pipe of the shell's)
 * goes by the run's name: "nightly-0123456789abcdef-name.lock".
 */
static char *name_of(const struct lock_subject *subject) {
    bool by_path = strcmp(subject->manifest, "-") != 0;
    char *path = by_path ? realpath(subject->manifest, NULL) : NULL;
    const char *key = path ? path : subject->name;
    const char *base = path ? strrchr(path, '/') + 1 : subject->name;
    char stem[STEM_MAX + 1], *name = NULL;
    size_t n = 0;

    for (; base[n] && n < STEM_MAX; n++) {
        bool plain = text_name_valid(&base[n], 1) || (n > 0 && strchr(".-", base[n]));

        stem[n] = plain ? base[n] : '_';
    }
    stem[n] = '\0';
    if (asprintf(&name, "%s-%016llx%s.lock", stem, (unsigned long long)text_hash(key),
                 path ? "" : "-name") < 0)
        name = NULL;
    free(path);
    return name;
}

static int open_file(struct lock *l) {
    int fd = state_open_file(l->folder, l->name);

    if (fd < 0)
        return fd;
    l->fd = fd;
    return 0;
}

int lock_open(struct lock *l, const char *folder, const struct lock_subject *subject) {
    *l = (struct lock){.fd = -1, .folder = -1};
    l->folder = state_open(folder);
    if (l->folder < 0)
        return l->folder;
    l->name = name_of(subject);
    return l->name ? open_file(l) : UV_ENOMEM;
}

/* Sets whether the file still has its name: else another run may lock a new one.
 * 0 or UV_E…. */
static int look_in_place(const struct lock *l, bool *in_place) {
    struct stat ours, there;

    *in_place = false;
    if (fstat(l->fd, &ours) < 0)
        return -errno;
    if (fstatat(l->folder, l->name, &there, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    *in_place = ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
    return 0;
}

static int lock_file(struct lock *l, bool wait) {
    while (flock(l->fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB) < 0)
        if (errno != EINTR)
            return errno == EWOULDBLOCK ? UV_EBUSY : -errno;
    return 0;
}

/* Names us in it, for others to tell whom they wait for; on a full disk they cannot. */
static void sign(const struct lock *l) {
    char text[PID_MAX];
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());

    if (ftruncate(l->fd, 0) < 0 || pwrite(l->fd, text, (size_t)n, 0) != n)
        trace(TRACE_RUN, "lock: %s", strerror(errno));
}

int lock_take(struct lock *l, bool wait) {
    for (;;) {
        int error = lock_file(l, wait);
        bool in_place;

        if (!error)
            error = look_in_place(l, &in_place);
        if (error)
            return error;
        if (in_place) {
            sign(l);
            return 0;
        }
        close(l->fd);
        l->fd = -1;
        error = open_file(l);
        if (error)
            return error;
    }
}

pid_t lock_holder(const struct lock *l) {
    char text[PID_MAX];
    ssize_t n = pread(l->fd, text, sizeof text, 0);
    uint64_t pid;

    if (n < 2 || text[n - 1] != '\n' || text_uint64(text, (size_t)n - 1, 1, INT_MAX, &pid) != 0)
        return 0;
    /* One that was killed has left its id behind. */
    return kill((pid_t)pid, 0) == 0 || errno == EPERM ? (pid_t)pid : 0;
}

void lock_release(struct lock *l) {
    if (l->fd >= 0)
        close(l->fd);
    if (l->folder >= 0)
        close(l->folder);
    free(l->name);
    *l = (struct lock){.fd = -1, .folder = -1};
}
