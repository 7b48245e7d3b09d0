/* SPDX-License-Identifier: MIT */
/* spawn: starts one process, by a vfork that sets up session, streams and limits. */
#include "exec/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
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

#define STACK_BYTES   (64U << 10)
#define ARG_BYTES_MAX (32U * 4096U) /* MAX_ARG_STRLEN of the kernel (binfmts.h) */

/* libtsan intercepts clone() and takes every child for one with memory of its
 * own: it clears its books in it, which here are the parent's. */
#ifdef __SANITIZE_THREAD__
int __clone(int (*fn)(void *), void *stack, int flags, void *arg, ...);
#define clone __clone
#endif

/* The child shares our memory until it execs and must leave no trace in it: no
 * library function (locks, sanitizers' own books), no instrumentation. */
#define IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

/* What parent and child share over the vfork. */
struct handover {
    const struct spawn_setup *setup;
    const struct spawn_opts *opts;
    int fd[3]; /* to become 0, 1, 2; fd[2] == -1: as 1 */
    pid_t parent;
    volatile int stage; /* enum spawn_stage */
    volatile int error; /* errno */
};

int spawn_setup_init(struct spawn_setup *s, int devnull, uint64_t nofile_soft) {
    struct sigaction sa;

    memset(s, 0, sizeof *s);
    s->devnull = devnull;
    if (getrlimit(RLIMIT_NOFILE, &s->nofile))
        return -errno;
    s->nofile.rlim_cur = (rlim_t)nofile_soft;
    s->nice = getpriority(PRIO_PROCESS, 0);
    for (int sig = 1; sig < _NSIG; sig++)
        if (sigaction(sig, NULL, &sa) == 0 && sa.sa_handler != SIG_DFL)
            s->reset[s->nreset++] = (unsigned char)sig;
    return 0;
}

int spawner_init(struct spawner *s, const struct spawn_setup *setup) {
    s->setup = setup;
    s->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (s->stack != MAP_FAILED)
        return 0;
    s->stack = NULL;
    return UV_ENOMEM;
}

void spawner_release(struct spawner *s) {
    if (s->stack)
        munmap(s->stack, STACK_BYTES);
    s->stack = NULL;
}

IN_CHILD static int child_fails(struct handover *h, enum spawn_stage stage) {
    h->error = errno;
    h->stage = (int)stage;
    syscall(SYS_exit_group, 127);
    return 127;
}

IN_CHILD static int child_main(void *arg) {
    struct handover *h = arg;
    const struct spawn_setup *s = h->setup;
    /* All zero is SIG_DFL, no flags, no mask, in every layout of the kernel's
     * sigaction; libc's differs, so the call goes past it. */
    static const char dfl[64];
    static const char no_mask[_NSIG / 8];

    syscall(SYS_setsid);
    syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (syscall(SYS_getppid) != h->parent) /* died before the signal was set */
        syscall(SYS_exit_group, 127);
    /* Handlers too, not only what exec leaves ignored: none may run here, in
     * memory that is the parent's, once signals are unblocked. */
    for (unsigned i = 0; i < s->nreset; i++)
        syscall(SYS_rt_sigaction, s->reset[i], dfl, NULL, sizeof no_mask);
    for (int i = 0; i < 3; i++)
        if (syscall(SYS_dup3, h->fd[i] >= 0 ? h->fd[i] : 1, i, 0) < 0)
            return child_fails(h, SPAWN_RESOURCES);
    if (syscall(SYS_chdir, h->opts->dir) < 0)
        return child_fails(h, SPAWN_DIR);
    if (syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &s->nofile, NULL) < 0)
        return child_fails(h, SPAWN_LIMITS);
    if (h->opts->nice && syscall(SYS_setpriority, PRIO_PROCESS, 0, s->nice + h->opts->nice) < 0)
        return child_fails(h, SPAWN_LIMITS);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, no_mask, NULL, sizeof no_mask);
    syscall(SYS_execve, h->opts->program, h->opts->argv, h->opts->envp);
    return child_fails(h, SPAWN_EXEC);
}

/* Whether an error says that the machine is short of something just now. */
static int is_shortage(int error) {
    return error == EMFILE || error == ENFILE || error == EAGAIN || error == ENOMEM;
}

/* The two ends of a pipe, or a file: fills *ours (pipe's read end) and *theirs. */
static int open_output(const struct stream *st, int devnull, int *ours, int *theirs) {
    int fds[2], flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

    switch (st->kind) {
    case STREAM_CAPTURE:
        if (pipe2(fds, O_CLOEXEC))
            return -errno;
        *ours = fds[0];
        *theirs = fds[1];
        return 0;
    case STREAM_FILE:
    case STREAM_APPEND:
        /* Not blocking, so that a FIFO without a reader is an error now rather
         * than a thread that hangs; the job gets it blocking, as usual. */
        flags |= st->kind == STREAM_APPEND ? O_APPEND : O_TRUNC;
        *theirs = open(st->text, flags, 0666);
        if (*theirs < 0)
            return -errno;
        fcntl(*theirs, F_SETFL, flags & O_APPEND);
        return 0;
    case STREAM_STDOUT:
        return 0;
    default:
        *theirs = devnull;
        return 0;
    }
}

static int open_input(const struct stream *st, int devnull, int *theirs) {
    size_t n, done = 0;

    switch (st->kind) {
    case STREAM_FILE:
        *theirs = open(st->text, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (*theirs < 0)
            return -errno;
        fcntl(*theirs, F_SETFL, 0);
        return 0;
    case STREAM_TEXT:
        *theirs = memfd_create("stdin", MFD_CLOEXEC);
        if (*theirs < 0)
            return -errno;
        for (n = strlen(st->text); done < n;) {
            ssize_t got = write(*theirs, st->text + done, n - done);

            if (got < 0)
                return -errno;
            done += (size_t)got;
        }
        lseek(*theirs, 0, SEEK_SET);
        return 0;
    default:
        *theirs = devnull;
        return 0;
    }
}

static void close_unless(int fd, int kept) {
    if (fd >= 0 && fd != kept)
        close(fd);
}

/* What was too long: the longest string, or all of them. */
static char *too_long(const struct spawn_opts *o) {
    size_t longest = 0, sum = 0;
    char *text = NULL;

    for (size_t i = 0; o->argv[i]; i++) {
        size_t n = strlen(o->argv[i]) + 1;

        sum += n + sizeof(char *);
        longest = n > longest ? n : longest;
    }
    for (size_t i = 0; o->envp[i]; i++) {
        size_t n = strlen(o->envp[i]) + 1;

        sum += n + sizeof(char *);
        longest = n > longest ? n : longest;
    }
    if (asprintf(&text, "%zu bytes, limit %lu", longest > ARG_BYTES_MAX ? longest : sum,
                 longest > ARG_BYTES_MAX ? (unsigned long)ARG_BYTES_MAX
                                         : (unsigned long)sysconf(_SC_ARG_MAX)) < 0)
        return NULL;
    return text;
}

static char *fault_detail(const struct spawn_opts *o, enum spawn_stage stage, int error) {
    const char *path = NULL;

    switch (stage) {
    case SPAWN_STDIN:
        path = o->in->kind == STREAM_FILE ? o->in->text : NULL;
        break;
    case SPAWN_STDOUT:
        path = o->out->text;
        break;
    case SPAWN_STDERR:
        path = o->err->text;
        break;
    case SPAWN_DIR:
        path = o->dir;
        break;
    case SPAWN_EXEC:
        if (error == E2BIG)
            return too_long(o);
        path = o->program;
        break;
    default:
        break;
    }
    return path ? strdup(path) : NULL;
}

int spawn_start(struct spawner *s, const struct spawn_opts *opts, struct spawned *out,
                enum spawn_stage *stage, char **detail) {
    struct handover h = {.setup = s->setup, .opts = opts, .fd = {-1, -1, -1}, .parent = getpid()};
    int error;

    *out = (struct spawned){.pid = -1, .pidfd = -1, .out = -1, .err = -1};
    *detail = NULL;
    *stage = SPAWN_STDIN;
    error = open_input(opts->in, s->setup->devnull, &h.fd[0]);
    if (!error) {
        *stage = SPAWN_STDOUT;
        error = open_output(opts->out, s->setup->devnull, &out->out, &h.fd[1]);
    }
    if (!error) {
        *stage = SPAWN_STDERR;
        error = open_output(opts->err, s->setup->devnull, &out->err, &h.fd[2]);
    }
    if (!error) {
        *stage = SPAWN_RESOURCES;
        out->start_ns = clock_ns();
        out->pid = clone(child_main, (char *)s->stack + STACK_BYTES,
                         CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &h, &out->pidfd);
        if (out->pid < 0)
            error = -errno;
        else if (h.error) { /* it is a zombie by now */
            while (waitpid(out->pid, NULL, __WALL) < 0 && errno == EINTR)
                ;
            close(out->pidfd);
            *stage = (enum spawn_stage)h.stage;
            error = -h.error;
        }
    }
    for (int i = 0; i < 3; i++)
        close_unless(h.fd[i], s->setup->devnull);
    if (!error) {
        *stage = SPAWN_OK;
        return 0;
    }
    close_unless(out->out, -1);
    close_unless(out->err, -1);
    if (is_shortage(-error))
        *stage = SPAWN_RESOURCES;
    *detail = fault_detail(opts, *stage, -error);
    *out = (struct spawned){.pid = -1, .pidfd = -1, .out = -1, .err = -1};
    return error;
}
