/* SPDX-License-Identifier: MIT */
/*
 * limit: starts and waits. Each thread starts processes by posix_spawn, with
 * standard output and standard error on pipes, watches pidfds and pipes in an
 * epoll of its own, and reaps with wait4.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "limit.h"

#define THREADS 2
#define EVENTS  256

extern char **environ;

/* A running process, or a free place for one. */
struct child {
    pid_t pid;
    int fds[3];    /* pidfd, stdout, stderr; -1: closed */
    unsigned next; /* free place, when this one is */
};

struct pool {
    int ep;
    struct child *children;
    unsigned places, running, free; /* free: the first free place, `places` when there is none */
};

/* Jobs that are alike, taken by all teams that share them. */
struct work {
    char **argv;
    atomic_uint left;
};

/* One thread and what it does. */
struct team {
    pthread_t thread;
    struct work *work;
    unsigned width;             /* jobs at once */
    struct work *idle;          /* churn: started first, and waited for last; or NULL */
    pthread_barrier_t *barrier; /* churn: passed before and after the jobs */
};

static void pool_open(struct pool *p, unsigned places) {
    *p = (struct pool){.ep = epoll_create1(EPOLL_CLOEXEC), .places = places};
    p->children = calloc(places, sizeof *p->children);
    if (p->ep < 0 || !p->children)
        limit_die("epoll_create1");
    for (unsigned i = 0; i < places; i++)
        p->children[i].next = i + 1;
}

static void pool_close(struct pool *p) {
    close(p->ep);
    free(p->children);
}

static void watch(struct pool *p, unsigned place, unsigned which) {
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = (unsigned long long)place * 4 + which};

    if (epoll_ctl(p->ep, EPOLL_CTL_ADD, p->children[place].fds[which], &ev))
        limit_die("epoll_ctl");
}

/* False: no descriptors left, nothing was started. */
static bool pool_start(struct pool *p, char **argv) {
    struct child *c = &p->children[p->free];
    posix_spawn_file_actions_t actions;
    int out[2], err[2], rc;

    if (pipe2(out, O_CLOEXEC))
        return false;
    if (pipe2(err, O_CLOEXEC)) {
        close(out[0]);
        close(out[1]);
        return false;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    rc = posix_spawn(&c->pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    close(err[1]);
    if (rc) {
        errno = rc;
        limit_die(argv[0]);
    }
    c->fds[0] = (int)syscall(SYS_pidfd_open, c->pid, 0);
    if (c->fds[0] < 0)
        limit_die("pidfd_open");
    c->fds[1] = out[0];
    c->fds[2] = err[0];
    for (unsigned i = 0; i < 3; i++)
        watch(p, p->free, i);
    p->free = c->next;
    p->running++;
    return true;
}

static void drop(struct pool *p, int *fd) {
    epoll_ctl(p->ep, EPOLL_CTL_DEL, *fd, NULL);
    close(*fd);
    *fd = -1;
}

/* Waits for something to happen and deals with all that did. */
static void pool_wait(struct pool *p) {
    struct epoll_event events[EVENTS];
    int n = epoll_wait(p->ep, events, EVENTS, -1);

    for (int i = 0; i < n; i++) {
        unsigned place = (unsigned)(events[i].data.u64 / 4), which = events[i].data.u64 % 4;
        struct child *c = &p->children[place];
        static __thread char buf[65536];
        struct rusage ru;
        int status;

        if (which == 0) {
            if (wait4(c->pid, &status, 0, &ru) != c->pid)
                limit_die("wait4");
            drop(p, &c->fds[0]);
            if (status) {
                fprintf(stderr, "limit: a job ended with status %#x\n", (unsigned)status);
                exit(1);
            }
        } else if (read(c->fds[which], buf, sizeof buf) <= 0) {
            drop(p, &c->fds[which]);
        }
        if (c->fds[0] >= 0 || c->fds[1] >= 0 || c->fds[2] >= 0)
            continue;
        c->next = p->free;
        p->free = place;
        p->running--;
    }
}

static bool work_take(struct work *w) {
    unsigned left = atomic_load(&w->left);

    while (left > 0)
        if (atomic_compare_exchange_weak(&w->left, &left, left - 1))
            return true;
    return false;
}

/* Runs jobs beside those that are there until there are no more. */
static void pool_run(struct pool *p, struct work *w, unsigned width) {
    unsigned before = p->running;

    for (;;) {
        while (p->running < before + width && work_take(w))
            if (!pool_start(p, w->argv)) {
                if (p->running == before)
                    limit_die("pipe2");
                atomic_fetch_add(&w->left, 1);
                break;
            }
        if (p->running == before)
            break;
        pool_wait(p);
    }
}

static void *team_run(void *arg) {
    struct team *t = arg;
    struct pool p;

    pool_open(&p, t->width + (t->idle ? t->idle->left : 0));
    if (t->idle) {
        while (work_take(t->idle))
            if (!pool_start(&p, t->idle->argv))
                limit_die("pipe2");
        pthread_barrier_wait(t->barrier);
    }
    pool_run(&p, t->work, t->width);
    if (t->idle) {
        pthread_barrier_wait(t->barrier);
        while (p.running)
            pool_wait(&p);
    }
    pool_close(&p);
    return NULL;
}

static void team_start(struct team *t) {
    if (pthread_create(&t->thread, NULL, team_run, t))
        limit_die("pthread_create");
}

static double now_s(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* limit spawn JOBS WIDTH PROGRAM [ARG...]: WIDTH at once; one by one on one
 * thread. Prints the seconds that it took. */
int limit_spawn(char **argv) {
    struct work work = {argv + 2, limit_number(argv[0], 1)};
    unsigned width = limit_number(argv[1], 1), threads = width < THREADS ? width : THREADS;
    struct team teams[THREADS];
    double begin = now_s();

    for (unsigned i = 0; i < threads; i++) {
        teams[i] = (struct team){.work = &work, .width = width / threads + (i < width % threads)};
        team_start(&teams[i]);
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(teams[i].thread, NULL);
    printf("%.6f\n", now_s() - begin);
    return 0;
}

/* Ends one command and gives the one behind `--`. */
static char **second_command(char **argv) {
    while (*argv && strcmp(*argv, "--") != 0)
        argv++;
    if (!*argv || !argv[1]) {
        fprintf(stderr, "limit: there is no second program behind '--'\n");
        exit(2);
    }
    *argv = NULL;
    return argv + 1;
}

/* limit mixed JOBS WIDTH JOBS WIDTH PROGRAM... -- PROGRAM...: two pools at once. */
int limit_mixed(char **argv) {
    struct work works[2] = {{argv + 4, limit_number(argv[0], 1)},
                            {second_command(argv + 4), limit_number(argv[2], 1)}};
    struct team teams[2];

    for (unsigned i = 0; i < 2; i++) {
        teams[i] = (struct team){.work = &works[i], .width = limit_number(argv[1 + 2 * i], 1)};
        team_start(&teams[i]);
    }
    for (unsigned i = 0; i < 2; i++)
        pthread_join(teams[i].thread, NULL);
    return 0;
}

static double own_cpu_s(void) {
    struct rusage ru;

    getrusage(RUSAGE_SELF, &ru);
    return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
           (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
}

/*
 * limit churn IDLE JOBS WIDTH LOG FIFO PROGRAM... -- PROGRAM...: starts IDLE
 * times the first program, which adds a byte to LOG each, then JOBS times the
 * second, then opens FIFO, upon which the idle ones end. Prints the CPU seconds
 * of this process for the jobs alone.
 */
int limit_churn(char **argv) {
    unsigned idle = limit_number(argv[0], 0), width = limit_number(argv[2], THREADS);
    struct work works[THREADS + 1] = {{second_command(argv + 5), limit_number(argv[1], 1)}};
    struct timespec tick = {0, 20000000};
    struct team teams[THREADS];
    pthread_barrier_t barrier;
    struct stat log = {0};
    double before;
    int fd;

    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (unsigned i = 0; i < THREADS; i++) {
        works[1 + i].argv = argv + 5;
        works[1 + i].left = idle / THREADS + (i < idle % THREADS);
        teams[i] = (struct team){.work = &works[0],
                                 .width = width / THREADS + (i < width % THREADS),
                                 .idle = &works[1 + i],
                                 .barrier = &barrier};
        team_start(&teams[i]);
    }
    while (idle > 0 && (stat(argv[3], &log) || log.st_size < (off_t)idle))
        nanosleep(&tick, NULL);
    before = own_cpu_s();
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    printf("%.6f\n", own_cpu_s() - before);
    if (idle > 0) {
        fd = open(argv[4], O_WRONLY | O_CLOEXEC);
        if (fd < 0)
            limit_die(argv[4]);
        close(fd);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(teams[i].thread, NULL);
    pthread_barrier_destroy(&barrier);
    return 0;
}
