/* SPDX-License-Identifier: MIT */
/*
 * limit: starts and waits. Each thread starts processes by posix_spawn, with
 * standard output and standard error on pipes, watches pidfds and pipes in an
 * epoll of its own, and reaps with wait4.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "limit.h"

#define THREADS 2
#define EVENTS  256
#define WIDE    256 /* from this width on it matters that starts copy the descriptors */
#define HUB     (~0ULL)

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
    unsigned ended;
    int socket;   /* hub: where what was started arrives, or -1 */
    sem_t *slots; /* hub: posted at each end, or NULL */
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
    unsigned width; /* jobs at once */
};

static void pool_open(struct pool *p, unsigned places) {
    *p = (struct pool){.ep = epoll_create1(EPOLL_CLOEXEC), .places = places, .socket = -1};
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

/* Starts a process and fills in what is there of it. False: no descriptors are
 * left, nothing was started. */
static bool child_start(struct child *c, char **argv) {
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
    return true;
}

/* Watches a process that was started. */
static void pool_add(struct pool *p, const struct child *started) {
    struct child *c = &p->children[p->free];
    unsigned place = p->free;

    p->free = c->next;
    *c = *started;
    for (unsigned i = 0; i < 3; i++)
        watch(p, place, i);
    p->running++;
}

static bool pool_start(struct pool *p, char **argv) {
    struct child c;

    if (!child_start(&c, argv))
        return false;
    pool_add(p, &c);
    return true;
}

/* What a starter sends of a child: its pid, and its descriptors beside it. */
union rights {
    struct cmsghdr head;
    char room[CMSG_SPACE(3 * sizeof(int))];
};

static void hub_receive(struct pool *p) {
    union rights rights;
    struct child c = {0};
    struct iovec iov = {&c.pid, sizeof c.pid};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights};

    if (recvmsg(p->socket, &msg, MSG_CMSG_CLOEXEC) != sizeof c.pid || msg.msg_flags & MSG_CTRUNC)
        limit_die("recvmsg");
    memcpy(c.fds, CMSG_DATA(&rights.head), sizeof c.fds);
    pool_add(p, &c);
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

        if (events[i].data.u64 == HUB) {
            hub_receive(p);
            continue;
        }
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
        p->ended++;
        if (p->slots)
            sem_post(p->slots);
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

    pool_open(&p, t->width);
    pool_run(&p, t->work, t->width);
    pool_close(&p);
    return NULL;
}

static void team_start(struct team *t) {
    if (pthread_create(&t->thread, NULL, team_run, t))
        limit_die("pthread_create");
}

/*
 * The hub: for many at once. A start costs a copy of all open descriptors, so
 * each starter thread has a table of its own with next to nothing in it, and
 * hands the descriptors over to the one thread that watches.
 */
struct hub {
    struct pool pool;
    struct work *work;
    sem_t slots;
    int sockets[2];
    pthread_t starters[THREADS];
};

static void *hub_starter(void *arg) {
    struct hub *h = arg;
    struct child c;
    union rights rights = {.head = {.cmsg_level = SOL_SOCKET,
                                    .cmsg_type = SCM_RIGHTS,
                                    .cmsg_len = CMSG_LEN(sizeof c.fds)}};
    struct iovec iov = {&c.pid, sizeof c.pid};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights};

    if (unshare(CLONE_FILES) || syscall(SYS_close_range, 3, h->sockets[1] - 1, 0))
        limit_die("unshare");
    syscall(SYS_close_range, h->sockets[1] + 1, ~0U, 0);
    while (work_take(h->work)) {
        while (sem_wait(&h->slots))
            ;
        if (!child_start(&c, h->work->argv))
            limit_die("pipe2");
        memcpy(CMSG_DATA(&rights.head), c.fds, sizeof c.fds);
        if (sendmsg(h->sockets[1], &msg, MSG_NOSIGNAL) != sizeof c.pid)
            limit_die("sendmsg");
        for (unsigned i = 0; i < 3; i++)
            close(c.fds[i]);
    }
    return NULL;
}

static void hub_open(struct hub *h, unsigned places) {
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = HUB};

    pool_open(&h->pool, places);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, h->sockets) ||
        epoll_ctl(h->pool.ep, EPOLL_CTL_ADD, h->sockets[0], &ev))
        limit_die("socketpair");
    h->pool.socket = h->sockets[0];
}

static void hub_close(struct hub *h) {
    close(h->sockets[0]);
    close(h->sockets[1]);
    pool_close(&h->pool);
}

/* Runs jobs, so many at once, beside those that are there; with `stay` only
 * until all have started. */
static void hub_run(struct hub *h, struct work *work, unsigned width, bool stay) {
    unsigned jobs = work->left, before = h->pool.running;

    h->work = work;
    sem_init(&h->slots, 0, width);
    h->pool.slots = &h->slots;
    h->pool.ended = 0;
    for (unsigned i = 0; i < THREADS; i++)
        if (pthread_create(&h->starters[i], NULL, hub_starter, h))
            limit_die("pthread_create");
    while (stay ? h->pool.running < before + jobs : h->pool.ended < jobs)
        pool_wait(&h->pool);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(h->starters[i], NULL);
    h->pool.slots = NULL;
    sem_destroy(&h->slots);
}

static double now_s(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* limit spawn JOBS WIDTH PROGRAM [ARG...]: WIDTH at once; one by one on one
 * thread, very many at once by the hub. Prints the seconds that it took. */
int limit_spawn(char **argv) {
    struct work work = {argv + 2, limit_number(argv[0], 1)};
    unsigned width = limit_number(argv[1], 1), threads = width < THREADS ? width : THREADS;
    struct team teams[THREADS];
    double begin = now_s();
    struct hub hub;

    if (width >= WIDE) {
        hub_open(&hub, width);
        hub_run(&hub, &work, width, false);
        hub_close(&hub);
        threads = 0;
    }
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
    unsigned idle = limit_number(argv[0], 0), width = limit_number(argv[2], 1);
    struct work jobs = {second_command(argv + 5), limit_number(argv[1], 1)};
    struct work sleepers = {argv + 5, idle};
    struct timespec tick = {0, 20000000};
    struct stat log = {0};
    struct hub hub;
    double before;
    int fd;

    hub_open(&hub, idle + width);
    if (idle > 0)
        hub_run(&hub, &sleepers, idle, true);
    while (idle > 0 && (stat(argv[3], &log) || log.st_size < (off_t)idle))
        nanosleep(&tick, NULL);
    before = own_cpu_s();
    hub_run(&hub, &jobs, width, false);
    printf("%.6f\n", own_cpu_s() - before);
    if (idle > 0) {
        fd = open(argv[4], O_WRONLY | O_CLOEXEC);
        if (fd < 0)
            limit_die(argv[4]);
        close(fd);
    }
    while (hub.pool.running)
        pool_wait(&hub.pool);
    hub_close(&hub);
    return 0;
}
