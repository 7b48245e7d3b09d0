/* SPDX-License-Identifier: MIT */
/* trial: runs muster once, in a folder of its own, and looks at what it leaves behind. */
#include "trial.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 2 /* between two looks for what is left */

void trial_die(const char *what) {
    fprintf(stderr, "faults: %s: %s\n", what, strerror(errno));
    exit(99);
}

const char *trial_need(const char *name) {
    const char *value = getenv(name);

    if (!value) {
        fprintf(stderr, "faults: %s is not set\n", name);
        exit(2);
    }
    return value;
}

int64_t trial_ms(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

void trial_init(void) {
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
        trial_die("subreaper");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void trial_remove(const char *path) {
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
        trial_die(path);
}

void trial_folder(const char *path) {
    trial_remove(path);
    if (mkdir(path, 0700) || chdir(path))
        trial_die(path);
}

/* Adds to a sanitizer's options. */
static void add_option(const char *name, const char *option) {
    const char *old = getenv(name);
    char text[1024];

    snprintf(text, sizeof text, "%s%s%s", old ? old : "", old ? ":" : "", option);
    setenv(name, text, 1);
}

static void be_muster(const struct trial *t, const char *out_path, const char *err_path) {
    char *argv[32] = {(char[]){"muster"}}, *folder = getcwd(NULL, 0);
    size_t n = 1;
    int in = open("/dev/null", O_RDONLY),
        out = open(out_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600),
        err = open(err_path, O_WRONLY | O_CREAT | O_APPEND, 0600);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0); /* what stops it stops nothing else */
    if (!folder || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
        _exit(99);
    while (n + 1 < sizeof argv / sizeof *argv && t->args[n - 1]) {
        memcpy(&argv[n], &t->args[n - 1], sizeof *argv); /* execv() has no const, and writes not */
        n++;
    }
    setenv("XDG_STATE_HOME", folder, 1); /* and not the user's */
    for (int sig = 1; sig < 32; sig++)
        signal(sig, SIG_DFL);
    if (t->continued)
        add_option("ASAN_OPTIONS", "detect_leaks=0");
    if (t->preload) {
        setenv("FAULTS", "faults", 1);
        setenv("LD_PRELOAD", t->preload, 1);
        add_option("ASAN_OPTIONS", "verify_asan_link_order=0"); /* the hooks come first */
    }
    execv(t->muster, argv);
    _exit(99);
}

void trial_start(struct trial *t) {
    t->pid = fork();
    if (t->pid == 0)
        be_muster(t, "out", "err");
    if (t->pid < 0)
        trial_die("fork");
    t->pidfd = (int)syscall(SYS_pidfd_open, t->pid, 0);
    if (t->pidfd < 0)
        trial_die("pidfd");
}

int trial_run(const char *const *args, const char *to) {
    const struct trial t = {.muster = trial_need("MUSTER"), .args = args};
    char err[PATH_MAX];
    pid_t pid = fork();
    int status;

    snprintf(err, sizeof err, "%s.err", to);
    if (pid == 0)
        be_muster(&t, to, err);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        trial_die("fork");
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool trial_wait(struct trial *t, int64_t ms) {
    struct pollfd p = {.fd = t->pidfd, .events = POLLIN};

    return poll(&p, 1, ms > 0 ? (int)ms : 0) == 1;
}

/* Reaps what is dead. How many children are alive; their ids in pids. */
static unsigned alive(pid_t *pids, unsigned max) {
    char path[64];
    unsigned n = 0;
    int pid;
    FILE *f;

    while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
        ;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    f = fopen(path, "re");
    if (!f)
        trial_die(path);
    while (n < max && fscanf(f, "%d", &pid) == 1)
        pids[n++] = pid;
    fclose(f);
    return n;
}

struct trial_end trial_end(struct trial *t, int64_t limit_ms, int64_t grace_ms) {
    struct trial_end end = {0};
    pid_t pids[256];
    int64_t over;
    unsigned n;

    if (!trial_wait(t, limit_ms)) {
        end.hung = true;
        kill(t->pid, SIGKILL);
    }
    if (waitpid(t->pid, &end.status, 0) != t->pid)
        trial_die("wait");
    close(t->pidfd);
    over = trial_ms();
    end.late = n = alive(pids, 256);
    while (n > 0 && trial_ms() < over + grace_ms) {
        poll(NULL, 0, LOOK_MS);
        n = alive(pids, 256);
    }
    end.gone_ms = trial_ms() - over;
    end.orphans = n;
    for (; n > 0; n = alive(pids, 256)) { /* their children come when they are dead */
        for (unsigned i = 0; i < n; i++)
            kill(pids[i], SIGKILL);
        poll(NULL, 0, LOOK_MS);
    }
    return end;
}

char *trial_read(const char *path, size_t *n) {
    FILE *f = fopen(path, "re");
    char *bytes = NULL;
    size_t size = 0, cap = 0, got = 0;

    if (!f)
        return NULL;
    do {
        size += got;
        if (cap - size < 2 && !(bytes = realloc(bytes, cap = cap ? cap * 2 : 4096)))
            trial_die("memory");
        got = fread(bytes + size, 1, cap - size - 1, f);
    } while (got > 0);
    fclose(f);
    bytes[size] = '\0';
    if (n)
        *n = size;
    return bytes;
}

void trial_write(const char *path, const char *text) {
    FILE *f = fopen(path, "we");

    if (!f || fputs(text, f) < 0 || fclose(f))
        trial_die(path);
}
