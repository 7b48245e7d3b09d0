/* SPDX-License-Identifier: MIT */
/* spawn: starts one process, by a vfork that sets up session, streams and limits. */
#include "exec/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "exec/jobserver.h"

#define STACK_BYTES (64U << 10)
#define LIMITS_MAX  4 /* of a job's own */

/* libtsan intercepts clone() and takes every child for one with memory of its
 * own: it clears its books in it, which here are the parent's. */
#ifdef __SANITIZE_THREAD__
int __clone(int (*fn)(void *), void *stack, int flags, void *arg, ...);
#define clone __clone
#endif

/* The child shares our memory until it execs and must leave no trace in it: no
 * library function (locks, sanitizers' own books), no instrumentation. */
#define IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

/* An empty mask. And SIG_DFL, no flags, no mask, in every layout of the kernel's
 * sigaction; libc's differs. */
static const char all_zero[64];

/* Why the child could not exec. */
struct trouble {
    volatile int stage; /* enum spawn_stage */
    volatile int error; /* errno */
};

/* What parent and child share over the vfork. */
struct handover {
    const struct spawn_setup *setup;
    const struct spawn_opts *opts;
    int fd[3]; /* to become 0, 1, 2; fd[2] == -1: as 1 */
    struct {
        int resource;
        struct rlimit limit;
    } limits[LIMITS_MAX];
    unsigned nlimits;
    int group; /* cgroup.procs of its memory group, or -1 */
    struct trouble *trouble;
};

int spawn_setup_init(struct spawn_setup *s, int devnull, uint64_t nofile_soft, uint64_t core_soft) {
    memset(s, 0, sizeof *s);
    s->devnull = devnull;
    if (getrlimit(RLIMIT_NOFILE, &s->nofile))
        return -errno;
    s->nofile.rlim_cur = (rlim_t)nofile_soft;
    if (getrlimit(RLIMIT_LOCKS, &s->locks) || getrlimit(RLIMIT_CORE, &s->core))
        return -errno;
    s->core.rlim_cur = (rlim_t)core_soft;
    s->nice = getpriority(PRIO_PROCESS, 0);
    return 0;
}

/* Every signal's default: of handlers too, since none may run in a child, in
 * memory that is not its own, and exec leaves what is ignored so. */
static void reset_signals(void) {
    for (int sig = 1; sig < _NSIG; sig++)
        /* Not by libc, which keeps some for itself (32 and 33 with glibc); they
         * may have been ignored by whoever started muster. */
        syscall(SYS_rt_sigaction, sig, all_zero, NULL, _NSIG / 8);
}

int spawner_init(struct spawner *s, const struct spawn_setup *setup) {
    s->setup = setup;
    reset_signals();
    s->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (s->stack != MAP_FAILED)
        return 0;
    s->stack = NULL;
    return UV_ENOMEM;
}

IN_CHILD static int child_fails(struct handover *h, enum spawn_stage stage) {
    h->trouble->error = errno;
    h->trouble->stage = (int)stage;
    syscall(SYS_exit_group, 127);
    return 127;
}

IN_CHILD static int child_main(void *arg) {
    struct handover *h = arg;
    const struct spawn_setup *s = h->setup;

    syscall(SYS_setsid);
    syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (syscall(SYS_getppid) != h->opts->parent) /* died before the signal was set */
        syscall(SYS_exit_group, 127);
    for (int i = 0; i < 3; i++)
        if (syscall(SYS_dup3, h->fd[i] >= 0 ? h->fd[i] : 1, i, 0) < 0)
            return child_fails(h, SPAWN_RESOURCES);
    for (int i = 0; i < 2 && h->opts->jobserver; i++)
        if (syscall(SYS_dup3, s->jobserver[i], JOBSERVER_READ_FD + i, 0) < 0)
            return child_fails(h, SPAWN_RESOURCES);
    if (h->group >= 0 && syscall(SYS_write, h->group, "0", 1) < 0)
        return child_fails(h, SPAWN_LIMITS);
    if (syscall(SYS_chdir, h->opts->dir) < 0)
        return child_fails(h, SPAWN_DIR);
    if (syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &s->nofile, NULL) < 0)
        return child_fails(h, SPAWN_LIMITS);
    if (syscall(SYS_prlimit64, 0, RLIMIT_CORE, &s->core, NULL) < 0)
        return child_fails(h, SPAWN_LIMITS);
    for (unsigned i = 0; i < h->nlimits; i++)
        if (syscall(SYS_prlimit64, 0, h->limits[i].resource, &h->limits[i].limit, NULL) < 0)
            return child_fails(h, SPAWN_LIMITS);
    if (h->opts->nice && syscall(SYS_setpriority, PRIO_PROCESS, 0, s->nice + h->opts->nice) < 0)
        return child_fails(h, SPAWN_LIMITS);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, all_zero, NULL, _NSIG / 8);
    syscall(SYS_execve, h->opts->program, h->opts->argv, h->opts->envp);
    return child_fails(h, SPAWN_EXEC);
}

bool spawn_is_shortage(int error) {
    return error == -EMFILE || error == -ENFILE || error == -EAGAIN || error == -ENOMEM;
}

/* The same of a start: not where the job's own bound leaves no room for the program. */
static bool start_is_short(const struct spawn_opts *o, enum spawn_stage stage, int error) {
    bool own = error == -ENOMEM && stage == SPAWN_EXEC && o->limits.memory;

    return spawn_is_shortage(error) && !own;
}

/* Sets *fd to what is to become descriptor 1 or 2; a new one, or one that the
 * caller keeps. -1: the same as standard output. */
static int open_output(const struct stream *st, int devnull, int pipe_fd, int *fd) {
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

    switch (st->kind) {
    case STREAM_CAPTURE:
    case STREAM_PIPE:
        *fd = pipe_fd;
        return 0;
    case STREAM_FILE:
    case STREAM_APPEND:
        /* Not blocking, so that a FIFO without a reader is an error now rather
         * than a thread that hangs; the job gets it blocking, as usual. */
        flags |= st->kind == STREAM_APPEND ? O_APPEND : O_TRUNC;
        *fd = open(st->text, flags, 0666);
        if (*fd < 0)
            return -errno;
        fcntl(*fd, F_SETFL, flags & O_APPEND);
        return 0;
    case STREAM_STDOUT:
        return 0;
    default:
        *fd = devnull;
        return 0;
    }
}

static int open_input(const struct stream *st, int devnull, int pipe_fd, int *fd) {
    size_t n, done = 0;

    switch (st->kind) {
    case STREAM_FILE:
        *fd = open(st->text, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (*fd < 0)
            return -errno;
        fcntl(*fd, F_SETFL, 0);
        return 0;
    case STREAM_TEXT:
        *fd = memfd_create("stdin", MFD_CLOEXEC);
        if (*fd < 0)
            return -errno;
        for (n = strlen(st->text); done < n;) {
            ssize_t got = write(*fd, st->text + done, n - done);

            if (got < 0)
                return -errno;
            done += (size_t)got;
        }
        lseek(*fd, 0, SEEK_SET);
        return 0;
    case STREAM_PIPE:
        *fd = pipe_fd;
        return 0;
    default:
        *fd = devnull;
        return 0;
    }
}

const char *spawn_fault(const struct spawn_opts *opts, enum spawn_stage stage) {
    switch (stage) {
    case SPAWN_STDIN:
        return opts->in.kind == STREAM_FILE ? opts->in.text : NULL;
    case SPAWN_STDOUT:
        return opts->out.text;
    case SPAWN_STDERR:
        return opts->err.text;
    case SPAWN_DIR:
        return opts->dir;
    case SPAWN_EXEC:
        return opts->program;
    case SPAWN_LIMITS:
        return *opts->memory_group ? opts->memory_group : NULL;
    default:
        return NULL;
    }
}

static int open_streams(const struct spawner *s, const struct spawn_opts *o, int fd[3],
                        enum spawn_stage *stage) {
    int error;

    *stage = SPAWN_STDIN;
    error = open_input(&o->in, s->setup->devnull, o->in_fd, &fd[0]);
    if (error)
        return error;
    *stage = SPAWN_STDOUT;
    error = open_output(&o->out, s->setup->devnull, o->out_fd, &fd[1]);
    if (error)
        return error;
    *stage = SPAWN_STDERR;
    return open_output(&o->err, s->setup->devnull, o->err_fd, &fd[2]);
}

static int open_group(struct handover *h, enum spawn_stage *stage) {
    char path[PATH_MAX];

    if (!*h->opts->memory_group)
        return 0;
    *stage = SPAWN_LIMITS;
    if (snprintf(path, sizeof path, "%s/cgroup.procs", h->opts->memory_group) >= PATH_MAX)
        return UV_ENAMETOOLONG;
    h->group = open(path, O_WRONLY | O_CLOEXEC);
    return h->group < 0 ? -errno : 0;
}

/* Has the child set a limit, though none above what is granted already. */
static void add_limit(struct handover *h, int resource, uint64_t soft, uint64_t hard) {
    struct rlimit now;

    if (getrlimit(resource, &now) < 0)
        now.rlim_max = RLIM_INFINITY; /* cannot be */
    h->limits[h->nlimits].resource = resource;
    h->limits[h->nlimits++].limit = (struct rlimit){
        .rlim_cur = soft < now.rlim_max ? soft : now.rlim_max,
        .rlim_max = hard < now.rlim_max ? hard : now.rlim_max,
    };
}

static void add_limits(struct handover *h, const struct job_limits *l) {
    uint64_t seconds = (uint64_t)((l->cpu_ns + NS_PER_S - 1) / NS_PER_S);

    if (seconds) /* SIGXCPU, and SIGKILL to what goes on after that */
        add_limit(h, RLIMIT_CPU, seconds, seconds + 1);
    if (l->memory)
        add_limit(h, RLIMIT_AS, l->memory, l->memory);
    if (l->file_bytes)
        add_limit(h, RLIMIT_FSIZE, l->file_bytes, l->file_bytes);
    if (l->open_files)
        add_limit(h, RLIMIT_NOFILE, l->open_files, l->open_files);
}

/*
 * The flags for the child, with *shared set to where it tells of its trouble. A
 * child in a memory group is no thread of the launcher's memory: the OOM killer,
 * which may strike before it has exec'd, kills all that share it.
 */
static int choose_clone(const struct handover *h, struct trouble *local, struct trouble **shared) {
    *shared = local;
    if (h->group < 0)
        return CLONE_VM;
    *shared =
        mmap(NULL, sizeof **shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return *shared == MAP_FAILED ? -1 : 0;
}

/* Makes the child and waits until it has exec'd. 0 or UV_E…. */
static int start_child(struct spawner *s, struct handover *h, pid_t *pid, enum spawn_stage *stage) {
    const struct rlimit marked = {(rlim_t)h->opts->mark, h->setup->locks.rlim_max};
    struct trouble local = {0};
    int flags = choose_clone(h, &local, &h->trouble), error = 0;

    *stage = SPAWN_RESOURCES;
    if (flags < 0)
        return UV_ENOMEM;
    /* Inherited, so that not even a newborn is without it. */
    setrlimit(RLIMIT_LOCKS, &marked);
    *pid = clone(child_main, (char *)s->stack + STACK_BYTES,
                 flags | CLONE_VFORK | CLONE_PARENT | SIGCHLD, h);
    if (*pid < 0) {
        error = -errno;
        *pid = 0;
    } else {
        error = -h->trouble->error;
        *stage = (enum spawn_stage)h->trouble->stage;
    }
    if (h->trouble != &local)
        munmap(h->trouble, sizeof *h->trouble);
    h->trouble = NULL;
    return error;
}

int spawn_start(struct spawner *s, const struct spawn_opts *opts, pid_t *pid, int64_t *start_ns,
                enum spawn_stage *stage) {
    struct handover h = {.setup = s->setup, .opts = opts, .fd = {-1, -1, -1}, .group = -1};
    int error = open_streams(s, opts, h.fd, stage);

    *pid = 0;
    *start_ns = clock_ns();
    add_limits(&h, &opts->limits);
    if (!error)
        error = open_group(&h, stage);
    if (!error)
        error = start_child(s, &h, pid, stage);
    for (int i = 0; i < 3; i++)
        if (h.fd[i] >= 0 && h.fd[i] != s->setup->devnull && h.fd[i] != opts->in_fd &&
            h.fd[i] != opts->out_fd && h.fd[i] != opts->err_fd)
            close(h.fd[i]);
    if (h.group >= 0)
        close(h.group);
    if (start_is_short(opts, *stage, error))
        *stage = SPAWN_RESOURCES;
    return error;
}
