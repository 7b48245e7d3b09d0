/* SPDX-License-Identifier: MIT */
/* killgroup: the cgroup of a run, by which its guard kills all that is left of it. */
#include "exec/killgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host.h"
#include "base/trace.h"
#include "exec/memgroup.h"
#include "exec/sweep.h"

#define GIVE_UP_NS (10 * NS_PER_S)
#define PAUSE_MS   2

/* Puts a value into FOLDER/FILE. Whether it took it. Uses no heap. */
static bool put(const char *folder, const char *file, const char *value) {
    char path[PATH_MAX];
    bool done;
    int fd;

    if (snprintf(path, sizeof path, "%s/%s", folder, file) >= PATH_MAX)
        return false;
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    done = write(fd, value, strlen(value)) > 0;
    close(fd);
    return done;
}

/* Whether a group can be killed, and its killer leave it before. Linux 5.14. */
static bool can_kill(const struct killgroup *g) {
    int own = open(g->own, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool can = own >= 0 && faccessat(own, "cgroup.procs", W_OK, AT_EACCESS) == 0 &&
               faccessat(g->fd, "cgroup.kill", W_OK, AT_EACCESS) == 0;

    if (own >= 0)
        close(own);
    return can;
}

static bool make(struct killgroup *g) {
    memgroups_sweep(g->own);
    if (mkdir(g->path, 0755) < 0)
        return false;
    g->fd = open(g->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (g->fd >= 0 && can_kill(g))
        return true;
    rmdir(g->path);
    return false;
}

static struct killgroup *release(struct killgroup *g) {
    if (g->fd >= 0)
        close(g->fd);
    free(g->own);
    free(g->path);
    free(g);
    return NULL;
}

struct killgroup *killgroup_new(const char *root) {
    struct killgroup *g = calloc(1, sizeof *g);

    if (!g)
        return NULL;
    g->fd = -1;
    g->own = host_cgroup(root, NULL);
    if (!g->own || asprintf(&g->path, "%s/" MEMGROUP_PREFIX "%d-run", g->own, (int)getpid()) < 0) {
        g->path = NULL;
        return release(g);
    }
    if (make(g)) {
        trace(TRACE_EXEC, "group of the run: %s", g->path);
        return g;
    }
    trace(TRACE_EXEC, "no group of the run below %s", g->own);
    return release(g);
}

struct killgroup *killgroup_free(struct killgroup *g) {
    if (!g)
        return NULL;
    if (rmdir(g->path) < 0) /* a job has made others in it */
        sweep_folder(g->path);
    return release(g);
}

/* Sanitizers keep books of their own over a fork(). Entering a group afterwards takes the
 * kernel some 10 ms, a grace period of RCU, which a run need not wait for. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static pid_t fork_into(struct killgroup *g) {
    pid_t pid = fork();

    if (pid == 0)
        put(g->path, "cgroup.procs", "0");
    return pid;
}
#else
static pid_t fork_into(struct killgroup *g) {
    struct clone_args args = {
        .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (__u64)g->fd};
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);

    if (pid >= 0 || errno == EAGAIN || errno == ENOMEM)
        return pid;
    /* Containers refuse it, kernels before 5.7 do not know it. */
    trace(TRACE_EXEC, "clone3: %s", strerror(errno));
    close(g->fd);
    g->fd = -1;
    return fork();
}
#endif

pid_t killgroup_fork(struct killgroup *g) {
    return g && g->fd >= 0 ? fork_into(g) : fork();
}

void killgroup_strike(const struct killgroup *g) {
    if (g && put(g->own, "cgroup.procs", "0"))
        put(g->path, "cgroup.kill", "1");
}

void killgroup_clear(const struct killgroup *g) {
    int64_t until = clock_ns() + GIVE_UP_NS;

    while (g) {
        sweep_folder(g->path);
        if (access(g->path, F_OK) < 0 || clock_ns() > until)
            return;
        poll(NULL, 0, PAUSE_MS);
    }
}
