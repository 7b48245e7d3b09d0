/* SPDX-License-Identifier: MIT */
/* sweep: removes what jobs have left, their processes after muster was killed. */
#include "exec/sweep.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

#define GIVE_UP_NS (10 * NS_PER_S)
#define PAUSE_MS   2
#define DEPTH_MAX  64 /* of folders in folders */

/* What getdents64(2) fills in; libc's readdir() would want a heap. */
struct entry {
    uint64_t ino;
    int64_t next;
    uint16_t size;
    uint8_t type;
    char name[];
};

/* A zombie bears its mark until somebody reaps it, which need not be soon. */
static bool is_dead(int proc, const char *name) {
    char path[32], stat[512], *state;
    ssize_t n;
    int fd;

    if (strlen(name) > 10)
        return false;
    stpcpy(stpcpy(path, name), "/stat");
    fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true;
    n = read(fd, stat, sizeof stat - 1);
    close(fd);
    stat[n > 0 ? n : 0] = '\0';
    state = strrchr(stat, ')'); /* behind a name that may hold anything */
    return !state || strncmp(state, ") Z", 3) == 0 || strncmp(state, ") X", 3) == 0;
}

/* Whether one was found that lives, or did. */
static bool sweep_once(int proc, uint64_t first, uint64_t end) {
    _Alignas(struct entry) char buf[16384];
    bool found = false;
    long n;

    lseek(proc, 0, SEEK_SET);
    while ((n = syscall(SYS_getdents64, proc, buf, sizeof buf)) > 0)
        for (long at = 0; at < n;) {
            const struct entry *e = (const struct entry *)(const void *)(buf + at);
            pid_t pid = (pid_t)strtol(e->name, NULL, 10);
            struct rlimit locks;

            at += e->size;
            if (pid <= 1 || prlimit(pid, RLIMIT_LOCKS, NULL, &locks) || locks.rlim_cur < first ||
                locks.rlim_cur >= end || is_dead(proc, e->name))
                continue;
            found = true;
            kill(pid, SIGKILL);
        }
    return found;
}

void sweep_marked(uint64_t first, uint64_t end) {
    int64_t until = clock_ns() + GIVE_UP_NS;
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (proc < 0)
        return;
    /* What a process forked while it was looked at shows at the next round. */
    while (sweep_once(proc, first, end) && clock_ns() < until)
        poll(NULL, 0, PAUSE_MS);
    close(proc);
}

/* Empties a folder, which it closes. */
static void empty(int folder, unsigned depth) {
    _Alignas(struct entry) char buf[2048];
    long n;

    while ((n = syscall(SYS_getdents64, folder, buf, sizeof buf)) > 0)
        for (long at = 0; at < n;) {
            const struct entry *e = (const struct entry *)(const void *)(buf + at);
            int inner;

            at += e->size;
            if (strcmp(e->name, ".") == 0 || strcmp(e->name, "..") == 0 ||
                unlinkat(folder, e->name, 0) == 0 || depth == DEPTH_MAX)
                continue;
            inner = openat(folder, e->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (inner >= 0)
                empty(inner, depth + 1);
            unlinkat(folder, e->name, AT_REMOVEDIR);
        }
    close(folder);
}

void sweep_folder(const char *path) {
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (folder >= 0)
        empty(folder, 0);
    rmdir(path);
}
