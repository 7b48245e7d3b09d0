/* SPDX-License-Identifier: MIT */
/* gauge: runs a program and writes down how long it took and what it used. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FAMILY_MAX 64
#define SAMPLE_MS  100
#define RUNS_MAX   1000

extern char **environ;

/* A process that runs the program's own file: the program, and helpers of its. */
struct member {
    pid_t pid;
    unsigned seen;   /* samples in which it was there */
    double cpu_s;    /* at the last */
    long memory_kib; /* at the last; 0 once it is gone */
};

struct family {
    struct member members[FAMILY_MAX];
    unsigned n;
    struct stat file; /* the program's */
    long peak_kib;
};

/* All of one run. */
struct reading {
    double wall_s;   /* to its end, or to the stamp */
    double cpu_s;    /* of it and all that it waited for */
    double own_s;    /* of its family alone */
    long rss_kib;    /* the most that it or one that it waited for had */
    long family_kib; /* the most private memory that its family had at once; 0: not watched */
};

struct options {
    unsigned runs;
    bool watch;
    double limit_s;
    const char *fifo; /* or NULL */
};

static _Noreturn void die(const char *what) {
    fprintf(stderr, "gauge: %s: %s\n", what, strerror(errno));
    exit(3);
}

static double now_s(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The start of a file below /proc/PID, "" when it cannot be had. */
static const char *proc_read(pid_t pid, const char *name, char *buf, size_t size) {
    char path[300];
    ssize_t n = -1;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, buf, size - 1);
        close(fd);
    }
    buf[n > 0 ? n : 0] = '\0';
    return buf;
}

/* User and system time of all its threads, also of a zombie. */
static double proc_cpu_s(pid_t pid) {
    unsigned long long user = 0, sys = 0;
    char buf[1024];
    const char *at = strrchr(proc_read(pid, "stat", buf, sizeof buf), ')');

    if (at)
        sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &sys);
    return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

/* Its share of anonymous memory; pages that forks share are counted once in all. */
static long proc_memory_kib(pid_t pid) {
    char buf[4096];
    const char *at = strstr(proc_read(pid, "smaps_rollup", buf, sizeof buf), "Pss_Anon:");

    return at ? strtol(at + 9, NULL, 10) : 0;
}

static struct member *family_find(struct family *f, pid_t pid) {
    for (unsigned i = 0; i < f->n; i++)
        if (f->members[i].pid == pid)
            return &f->members[i];
    if (f->n == FAMILY_MAX)
        return NULL;
    f->members[f->n] = (struct member){.pid = pid};
    return &f->members[f->n++];
}

/* A process between vfork and exec looks like its parent: only one that is
 * there twice is counted. */
static void family_see(struct family *f, pid_t pid) {
    struct member *m;
    struct stat file;
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    if (stat(path, &file) || file.st_ino != f->file.st_ino || file.st_dev != f->file.st_dev)
        return;
    m = family_find(f, pid);
    if (m && ++m->seen > 1) {
        m->cpu_s = proc_cpu_s(pid);
        m->memory_kib = proc_memory_kib(pid);
    }
}

static void family_sample(struct family *f, pid_t root) {
    static char children[1 << 20];
    char path[64], name[300];
    struct dirent *entry;
    DIR *threads;
    long sum = 0;

    for (unsigned i = 0; i < f->n; i++)
        f->members[i].memory_kib = 0;
    family_see(f, root);
    snprintf(path, sizeof path, "/proc/%d/task", (int)root);
    threads = opendir(path);
    while (threads && (entry = readdir(threads))) {
        char *at = children, *end;
        long pid;

        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "task/%s/children", entry->d_name);
        proc_read(root, name, children, sizeof children);
        for (; (pid = strtol(at, &end, 10)) > 0 && end != at; at = end)
            family_see(f, (pid_t)pid);
    }
    if (threads)
        closedir(threads);
    for (unsigned i = 0; i < f->n; i++)
        sum += f->members[i].memory_kib;
    if (sum > f->peak_kib)
        f->peak_kib = sum;
}

static volatile sig_atomic_t group; /* that is to die with this program; 0: none */

static void on_signal(int number) {
    if (group > 0)
        kill(-group, SIGKILL);
    _exit(128 + number);
}

/* In a process group of its own, so that all of it can be killed. */
static pid_t start(char **argv) {
    posix_spawnattr_t attr;
    pid_t pid;
    int rc;

    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
    rc = posix_spawnp(&pid, argv[0], NULL, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    if (rc) {
        errno = rc;
        die(argv[0]);
    }
    group = pid;
    return pid;
}

/* Waits for its end, the stamp or the limit. Which of them it was. */
static enum {
    ENDED,
    STAMPED,
    LATE
} wait_for(const struct options *o, pid_t pid, double begin, struct family *f, struct reading *r) {
    struct pollfd polls[2] = {{.events = POLLIN}, {.fd = -1, .events = POLLIN}};
    char line[64];

    polls[0].fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (polls[0].fd < 0)
        die("pidfd_open");
    /* Open for writing too, or it would be at its end whenever nobody writes. */
    if (o->fifo && (polls[1].fd = open(o->fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC)) < 0)
        die(o->fifo);
    for (;;) {
        int n = poll(polls, 2, o->watch ? SAMPLE_MS : 1000);
        double now = now_s();
        bool stamped = polls[1].revents & POLLIN, ended = polls[0].revents & POLLIN;

        if (n > 0 && (stamped || ended)) {
            r->wall_s = now - begin;
            if (stamped) {
                ssize_t got = read(polls[1].fd, line, sizeof line - 1);

                line[got > 0 ? got : 0] = '\0';
                r->wall_s = strtod(line, NULL) - begin;
            }
            close(polls[0].fd);
            if (polls[1].fd >= 0)
                close(polls[1].fd);
            return stamped ? STAMPED : ENDED;
        }
        if (now - begin > o->limit_s) {
            close(polls[0].fd);
            return LATE;
        }
        if (o->watch)
            family_sample(f, pid);
    }
}

static struct reading run(const struct options *o, char **argv) {
    struct family f = {.n = 0};
    struct reading r = {0};
    struct rusage ru;
    char path[64];
    double begin = now_s();
    pid_t pid = start(argv);
    int how, status;

    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    if (o->watch && stat(path, &f.file))
        die(path);
    how = wait_for(o, pid, begin, &f, &r);
    if (how != ENDED)
        kill(-pid, SIGKILL);
    while (waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT) && errno == EINTR)
        ;
    r.own_s = proc_cpu_s(pid);
    for (unsigned i = 0; i < f.n; i++)
        if (f.members[i].pid != pid)
            r.own_s += f.members[i].cpu_s;
    if (wait4(pid, &status, 0, &ru) != pid)
        die("wait4");
    r.cpu_s = (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
              (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
    r.rss_kib = ru.ru_maxrss;
    r.family_kib = f.peak_kib;
    group = 0;
    if (how == LATE) {
        fprintf(stderr, "gauge: %s: not done after %.0f s\n", argv[0], o->limit_s);
        exit(4);
    }
    if (how == ENDED && (status || o->fifo)) {
        fprintf(stderr, "gauge: %s: ended with status %#x\n", argv[0], (unsigned)status);
        exit(4);
    }
    return r;
}

static int by_wall(const void *a, const void *b) {
    const struct reading *one = a, *other = b;

    return (one->wall_s > other->wall_s) - (one->wall_s < other->wall_s);
}

/*
 * gauge [-n RUNS] [-t SECONDS] [-s FIFO] [-w] RESULT PROGRAM [ARG...]
 *
 * -n  runs it so often; the one with the median wall time counts
 * -t  the most that a run may take (100)
 * -s  stops the time when a line with CLOCK_MONOTONIC arrives there, and kills it
 * -w  watches the memory and CPU time of its helpers, too
 *
 * Adds "wall_s cpu_s own_s rss_kib family_kib" to RESULT.
 */
int main(int argc, char **argv) {
    struct options o = {.runs = 1, .limit_s = 100};
    static struct reading readings[RUNS_MAX];
    const struct reading *r;
    FILE *out;
    int c;

    while ((c = getopt(argc, argv, "+n:t:s:w")) >= 0) {
        if (c == 'n')
            o.runs = (unsigned)strtoul(optarg, NULL, 10);
        else if (c == 't')
            o.limit_s = strtod(optarg, NULL);
        else if (c == 's')
            o.fifo = optarg;
        else if (c == 'w')
            o.watch = true;
        else
            return 2;
    }
    if (argc - optind < 2 || o.runs < 1 || o.runs > RUNS_MAX) {
        fprintf(stderr, "usage: gauge [-n RUNS] [-t SECONDS] [-s FIFO] [-w] RESULT PROGRAM...\n");
        return 2;
    }
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    for (unsigned i = 0; i < o.runs; i++)
        readings[i] = run(&o, argv + optind + 1);
    qsort(readings, o.runs, sizeof *readings, by_wall);
    r = &readings[o.runs / 2];
    out = fopen(argv[optind], "ae");
    if (!out)
        die(argv[optind]);
    fprintf(out, "%.6f %.6f %.3f %ld %ld\n", r->wall_s, r->cpu_s, r->own_s, r->rss_kib,
            r->family_kib);
    return fclose(out) ? 3 : 0;
}
