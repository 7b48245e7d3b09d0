/* SPDX-License-Identifier: MIT */
/* lanes: where attempts run. */
#include "exec/lanes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/trace.h"
#include "exec/capture.h"
#include "exec/environ.h"
#include "exec/launcher.h"
#include "exec/process.h"
#include "exec/reaper.h"

/*
 * Who owns a task when. The main thread makes it and puts it into the starters'
 * queue. A starter has the process made and passes the task on: to the main
 * loop (I/O lane), which watches it, or to a worker (CPU lane), which watches
 * it on its own loop, posts it when that runs and when it has ended, and does
 * not touch it after that. Posting is the hand-over: `news` says what has
 * happened, under the mailbox's lock. The main thread alone frees tasks. Making
 * a process blocks for some 0.3 ms, hence the starters; the main thread's
 * children must be orphans only (see reaper), hence not the main thread; and
 * they live as long as the lanes: the kernel sends the children of a thread
 * their death signal when it ends.
 */

#define STARTERS         2    /* threads that start I/O jobs: more gain nothing (measured) */
#define LOOP_FDS         4    /* of a libuv loop: epoll, eventfd, signal pipe */
#define ATTEMPT_FDS      3    /* pidfd, pipe, and one for a file behind a capture */
#define RESERVED_FDS     8    /* launchers, reports, a start's passing ones */
#define REAP_EVERY_MS    1000 /* dead strangers stay zombies no longer */
#define STRAY_FIRST_MS   2
#define STRAY_GIVE_UP_NS (10 * NS_PER_S)

enum news {
    NEWS_LAUNCHED = 1, /* I/O lane: process_start() has returned */
    NEWS_STARTED = 2,  /* CPU lane: it runs */
    NEWS_ENDED = 4,    /* CPU lane: it has ended, or could not start */
};

struct task {
    struct process process;
    struct lanes *lanes;
    struct worker *worker; /* CPU lane */
    struct task *next;     /* in the starters' queue or the mailbox */
    unsigned news;         /* the mailbox's lock */
    bool running;          /* main thread: `started` was told */
    atomic_bool stop;      /* wanted by the main thread */
};

struct queue {
    struct task *head, **last;
};

/* One CPU worker: a thread with a loop of its own and one task at a time. */
struct worker {
    struct lanes *lanes;
    pthread_t thread;
    uv_loop_t loop;
    uv_async_t wake;
    _Atomic(struct task *) given; /* by a starter, taken at the next wake */
    struct task *task;            /* the worker's own */
    atomic_bool quit;
    bool open, busy; /* the main thread's; busy: a task is meant for it or its own */
};

struct starter {
    struct lanes *lanes;
    pthread_t thread;
    struct launcher launcher;
};

/* An attempt for which there was no memory: told from the loop, not at once. */
struct refusal {
    struct attempt attempt;
    int error;
};

struct lanes {
    struct lanes_opts opts;
    struct spawn_setup setup;
    struct environ *environ;
    struct process_env env;
    struct task **by_job; /* the task of each job that has one */
    uint32_t io_width;

    pthread_mutex_t lock;   /* from here to quit, and every task's news */
    pthread_cond_t wanted;  /* a start; or paused or quit has changed */
    pthread_cond_t settled; /* nothing is being started */
    unsigned starting;      /* starters at work */
    bool paused;
    struct queue starts;
    struct queue mail;
    bool quit;
    uv_async_t wake;
    struct refusal *refusals;
    uint32_t nrefusals;

    struct starter starters[STARTERS];
    unsigned nstarters;
    struct worker **workers; /* made when first needed */

    uv_timer_t timer; /* reaps strangers; at the end kills them */
    int64_t give_up_due;
    uint64_t poll_ms;
    unsigned open_handles;
    atomic_bool killing;
    void (*closed)(void *ctx, uint32_t unkillable);
    uint32_t unkillable;
};

static void queue_init(struct queue *q) {
    q->head = NULL;
    q->last = &q->head;
}

static void queue_push(struct queue *q, struct task *t) {
    t->next = NULL;
    *q->last = t;
    q->last = &t->next;
}

static struct task *queue_pop(struct queue *q) {
    struct task *t = q->head;

    if (t && !(q->head = t->next))
        q->last = &q->head;
    return t;
}

/* Any thread: tells the main one; a task in the mailbox already only gets the
 * further news. */
static void post(struct task *t, enum news news) {
    struct lanes *l = t->lanes;
    bool ring;

    pthread_mutex_lock(&l->lock);
    ring = !l->mail.head;
    if (!t->news)
        queue_push(&l->mail, t);
    t->news |= news;
    pthread_mutex_unlock(&l->lock);
    if (ring)
        uv_async_send(&l->wake);
}

/* Has the process made unless it is not wanted any more. */
static int start_task(struct task *t, struct launcher *launcher) {
    struct process *p = &t->process;

    if (atomic_load(&t->stop) || atomic_load(&t->lanes->killing)) {
        p->end.error = UV_ECANCELED;
        p->end.stage = SPAWN_RESOURCES;
        return UV_ECANCELED;
    }
    return process_start(p, launcher);
}

/* A thread with all signals blocked: they are the main one's, but for those
 * that its own faults raise, which sanitizers report. */
static int thread_new(pthread_t *thread, void *(*run)(void *), void *arg) {
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    sigset_t all, before;
    int error;

    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(thread, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -error;
}

/* --- starters ------------------------------------------------------------ */

static void pass_on(struct task *t, int error) {
    struct worker *w = t->worker;

    if (!w) {
        post(t, NEWS_LAUNCHED);
    } else if (error) {
        post(t, NEWS_ENDED);
    } else {
        atomic_store(&w->given, t);
        uv_async_send(&w->wake);
    }
}

static void *starter_run(void *arg) {
    struct starter *s = arg;
    struct lanes *l = s->lanes;
    struct task *t;

    /* An error shows, and is put right, at the first start. */
    launcher_open(&s->launcher, &l->setup);
    for (;;) {
        pthread_mutex_lock(&l->lock);
        while ((l->paused || !l->starts.head) && !l->quit)
            pthread_cond_wait(&l->wanted, &l->lock);
        t = queue_pop(&l->starts);
        l->starting += t != NULL;
        pthread_mutex_unlock(&l->lock);
        if (!t)
            break;
        pass_on(t, start_task(t, &s->launcher));
        pthread_mutex_lock(&l->lock);
        if (--l->starting == 0)
            pthread_cond_signal(&l->settled);
        pthread_mutex_unlock(&l->lock);
    }
    launcher_close(&s->launcher);
    return NULL;
}

static int starter_open(struct lanes *l) {
    struct starter *s = &l->starters[l->nstarters];
    int error;

    s->lanes = l;
    s->launcher = (struct launcher){.pid = -1, .socket = -1};
    error = thread_new(&s->thread, starter_run, s);
    if (!error)
        l->nstarters++;
    return error;
}

static void starters_close(struct lanes *l) {
    pthread_mutex_lock(&l->lock);
    l->quit = true;
    pthread_cond_broadcast(&l->wanted);
    pthread_mutex_unlock(&l->lock);
    for (unsigned i = 0; i < l->nstarters; i++)
        pthread_join(l->starters[i].thread, NULL);
    l->nstarters = 0;
}

/* --- CPU lane: workers -------------------------------------------------- */

static void on_worker_ended(struct process *p) {
    struct task *t = (struct task *)p;

    t->worker->task = NULL;
    post(t, NEWS_ENDED);
}

static void on_worker_wake(uv_async_t *async) {
    struct worker *w = async->data;
    struct task *t = atomic_exchange(&w->given, NULL);

    if (t) {
        w->task = t;
        process_watch(&t->process, &w->loop, on_worker_ended);
        post(t, NEWS_STARTED);
    }
    if (w->task && atomic_load(&w->task->stop))
        process_stop(&w->task->process);
    if (atomic_load(&w->quit))
        uv_close((uv_handle_t *)&w->wake, NULL);
}

static void *worker_run(void *arg) {
    struct worker *w = arg;

    uv_run(&w->loop, UV_RUN_DEFAULT);
    return NULL;
}

/*
 * libuv forgets its epoll descriptor when what it makes behind that fails
 * (uv_loop_init() of 1.44): each start that is put off would cost one for good.
 * It is closed unless a libuv that knows better has, and the number may be a
 * starter's pipe by now: then epoll_ctl() says EINVAL.
 */
static int loop_open(uv_loop_t *loop, const uv_loop_t *other) {
    int error, fd;

    loop->backend_fd = -1;
    error = uv_loop_init(loop);
    fd = error ? uv_backend_fd(loop) : -1;
    if (fd >= 0 && epoll_ctl(fd, EPOLL_CTL_DEL, uv_backend_fd(other), NULL) && errno == ENOENT)
        close(fd);
    return error;
}

static int worker_open(struct lanes *l, struct worker *w) {
    int error = loop_open(&w->loop, l->opts.loop);

    if (error)
        return error;
    error = uv_async_init(&w->loop, &w->wake, on_worker_wake);
    if (error)
        goto no_wake;
    w->lanes = l;
    w->wake.data = w;
    atomic_store(&w->quit, false); /* it may have been closed before */
    error = thread_new(&w->thread, worker_run, w);
    if (error)
        goto no_thread;
    w->open = true;
    return 0;

no_thread:
    uv_close((uv_handle_t *)&w->wake, NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
no_wake:
    uv_loop_close(&w->loop);
    return error;
}

static void worker_close(struct worker *w) {
    if (!w->open)
        return;
    atomic_store(&w->quit, true);
    uv_async_send(&w->wake);
    pthread_join(w->thread, NULL);
    if (uv_loop_close(&w->loop))
        abort(); /* a handle was forgotten */
    w->open = false;
}

/* --- main thread -------------------------------------------------------- */

static void task_free(struct task *t) {
    process_release(&t->process);
    free(t);
}

/* The machine is short of what idle workers hold: descriptors, a thread. */
static void close_idle_workers(struct lanes *l) {
    for (uint32_t i = 0; i < l->opts.plan->cpu_workers; i++)
        if (l->workers[i] && !l->workers[i]->busy)
            worker_close(l->workers[i]);
}

/* Tells the end, in its owner's words, and forgets the task. */
static void task_ended(struct task *t) {
    struct lanes *l = t->lanes;
    struct process *p = &t->process;
    struct attempt a = p->attempt;
    struct attempt_end end = p->end;
    bool short_of =
        end.error && end.error != UV_ECANCELED && end.stage == SPAWN_RESOURCES && !t->running;

    p->end = (struct attempt_end){0};
    l->by_job[a.job] = NULL;
    if (t->worker)
        t->worker->busy = false;
    task_free(t);
    if (short_of) {
        int error = end.error;

        close_idle_workers(l);
        attempt_end_release(&end);
        l->opts.events->put_off(l->opts.ctx, &a, error);
    } else {
        l->opts.events->ended(l->opts.ctx, &a, &end);
    }
}

static void task_started(struct task *t) {
    struct process *p = &t->process;

    t->running = true;
    t->lanes->opts.events->started(t->lanes->opts.ctx, &p->attempt, p->group.leader,
                                   p->end.start_ns);
}

static void on_io_ended(struct process *p) {
    task_ended((struct task *)p);
}

/* A starter is done with it. */
static void task_launched(struct task *t) {
    if (t->process.end.error) {
        task_ended(t);
        return;
    }
    process_watch(&t->process, t->lanes->opts.loop, on_io_ended);
    if (atomic_load(&t->stop))
        process_stop(&t->process);
    task_started(t);
}

static void on_mail(uv_async_t *async) {
    struct lanes *l = async->data;
    struct task *t;

    while (l->nrefusals) {
        struct refusal r = l->refusals[--l->nrefusals];

        close_idle_workers(l);
        l->opts.events->put_off(l->opts.ctx, &r.attempt, r.error);
    }
    for (;;) {
        unsigned news = 0;

        pthread_mutex_lock(&l->lock);
        t = queue_pop(&l->mail);
        if (t) {
            news = t->news;
            t->news = 0; /* from here on it may be posted again */
        }
        pthread_mutex_unlock(&l->lock);
        if (!t)
            return;
        if (news & NEWS_LAUNCHED)
            task_launched(t);
        if (news & NEWS_STARTED)
            task_started(t);
        if (news & NEWS_ENDED)
            task_ended(t);
    }
}

/* Descriptors in use, roughly. */
static uint64_t count_fds(void) {
    DIR *dir = opendir("/proc/self/fd");
    uint64_t n = 0;

    if (!dir)
        return 16;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 3; /* ".", ".." and the folder's own */
}

/* How wide the descriptor limit lets the I/O lane be, beside the workers. */
static int fit_descriptors(struct lanes *l) {
    const struct plan *plan = l->opts.plan;
    uint64_t each = ATTEMPT_FDS, used = count_fds() + RESERVED_FDS, spare;
    uint32_t ncpu = 0, workers;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit))
        return -errno;
    for (uint32_t i = 0; i < plan->njobs; i++) {
        if (plan->jobs[i].err.kind == STREAM_CAPTURE)
            each = ATTEMPT_FDS + 2; /* another pipe and another file */
        ncpu += plan->jobs[i].type == LANE_CPU;
    }
    workers = ncpu < plan->cpu_workers ? ncpu : plan->cpu_workers;
    if (limit.rlim_cur < used + each)
        return UV_EMFILE;
    spare = limit.rlim_cur - used;
    if (spare < workers * (LOOP_FDS + each) + each) {
        /* Workers whose loops do not fit are put off one by one. */
        if (workers && spare < LOOP_FDS + each)
            return UV_EMFILE;
        spare = ncpu < plan->njobs ? each : 0;
    } else {
        spare -= workers * (LOOP_FDS + each);
    }
    l->io_width = spare / each < plan->io_limit ? (uint32_t)(spare / each) : plan->io_limit;
    return 0;
}

/* Reaps what jobs orphaned and what has died since, without waiting for the
 * next exit of a job. SIGCHLD would tell too, but at every job's exit as well. */
static void on_reap_timer(uv_timer_t *timer) {
    struct lanes *l = timer->data;

    reaper_scan(l->env.reaper, NULL, NULL, 0);
}

static void lanes_free(struct lanes *l) {
    if (l->workers)
        for (uint32_t i = 0; i < l->opts.plan->cpu_workers; i++)
            free(l->workers[i]);
    free(l->workers);
    free(l->refusals);
    free(l->by_job);
    reaper_free(l->env.reaper);
    environ_free(l->environ);
    if (l->setup.devnull > 0)
        close(l->setup.devnull);
    pthread_cond_destroy(&l->wanted);
    pthread_cond_destroy(&l->settled);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static int lanes_init(struct lanes *l) {
    const struct plan *plan = l->opts.plan;
    int devnull = open("/dev/null", O_RDWR | O_CLOEXEC), error;

    if (devnull < 0)
        return -errno;
    error = spawn_setup_init(&l->setup, devnull, l->opts.nofile_soft);
    if (!error)
        error = reaper_new(&l->env.reaper, l->opts.run_id);
    if (error)
        return error;
    l->env.plan = plan;
    l->environ = environ_new(plan, l->opts.run_id, environ);
    l->env.environ = l->environ;
    l->by_job = calloc(plan->njobs, sizeof *l->by_job);
    l->workers = calloc(plan->cpu_workers, sizeof *l->workers);
    l->refusals = calloc((size_t)plan->io_limit + plan->cpu_workers, sizeof *l->refusals);
    if (!l->environ || !l->by_job || !l->workers || !l->refusals)
        return UV_ENOMEM;
    return fit_descriptors(l);
}

int lanes_open(struct lanes **out, const struct lanes_opts *opts) {
    struct lanes *l = calloc(1, sizeof *l);
    int error;

    if (!l)
        return UV_ENOMEM;
    l->opts = *opts;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->wanted, NULL);
    pthread_cond_init(&l->settled, NULL);
    queue_init(&l->starts);
    queue_init(&l->mail);
    error = lanes_init(l);
    while (!error && l->nstarters < STARTERS && l->nstarters < opts->plan->njobs)
        error = starter_open(l);
    if (error && l->nstarters) /* one will do */
        error = 0;
    if (!error)
        error = uv_async_init(opts->loop, &l->wake, on_mail);
    if (error) {
        starters_close(l);
        lanes_free(l);
        return error;
    }
    l->wake.data = l;
    uv_timer_init(opts->loop, &l->timer);
    l->timer.data = l;
    uv_timer_start(&l->timer, on_reap_timer, REAP_EVERY_MS, REAP_EVERY_MS);
    *out = l;
    return 0;
}

uint32_t lanes_io_width(const struct lanes *l) {
    return l->io_width;
}

/* Sees to it that the task's worker is there. */
static int find_worker(struct lanes *l, struct task *t) {
    struct worker **w = &l->workers[t->process.attempt.slot];
    int error;

    if (!*w && !(*w = calloc(1, sizeof **w)))
        return UV_ENOMEM;
    if (!(*w)->open && (error = worker_open(l, *w)))
        return error;
    (*w)->busy = true;
    t->worker = *w;
    return 0;
}

static void give_starter(struct lanes *l, struct task *t) {
    pthread_mutex_lock(&l->lock);
    queue_push(&l->starts, t);
    pthread_cond_signal(&l->wanted);
    pthread_mutex_unlock(&l->lock);
}

void lanes_start(struct lanes *l, const struct attempt *a) {
    struct task *t = calloc(1, sizeof *t);
    int error = t ? process_init(&t->process, &l->env, a) : UV_ENOMEM;

    if (!error && t->process.job->type == LANE_CPU && (error = find_worker(l, t)))
        process_release(&t->process);
    if (!error) {
        t->lanes = l;
        l->by_job[a->job] = t;
        give_starter(l, t);
        return;
    }
    free(t);
    l->refusals[l->nrefusals++] = (struct refusal){.attempt = *a, .error = error};
    uv_async_send(&l->wake);
}

void lanes_stop(struct lanes *l, uint32_t job) {
    struct task *t = l->by_job[job];

    if (!t || atomic_exchange(&t->stop, true))
        return;
    if (t->worker)
        uv_async_send(&t->worker->wake);
    else if (t->running)
        process_stop(&t->process);
}

void lanes_kill_all(struct lanes *l) {
    atomic_store(&l->killing, true);
    reaper_signal_all(l->env.reaper, SIGKILL);
}

/* What is being started is waited for: muster is about to stop, and a job that
 * runs by then, but is not known yet, would run on. Not for ever: one that hangs
 * in its exec must not keep muster running. */
void lanes_pause(struct lanes *l) {
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    pthread_mutex_lock(&l->lock);
    l->paused = true;
    while (l->starting &&
           pthread_cond_clockwait(&l->settled, &l->lock, CLOCK_MONOTONIC, &until) == 0)
        ;
    pthread_mutex_unlock(&l->lock);
    reaper_signal_all(l->env.reaper, SIGSTOP);
}

void lanes_resume(struct lanes *l) {
    reaper_signal_all(l->env.reaper, SIGCONT);
    pthread_mutex_lock(&l->lock);
    l->paused = false;
    pthread_cond_broadcast(&l->wanted);
    pthread_mutex_unlock(&l->lock);
}

void lanes_last_line(struct lanes *l, uint32_t job, char *buf, size_t n) {
    const struct task *t = l->by_job[job];

    buf[0] = '\0';
    if (t && t->process.end.err)
        capture_last_line(t->process.end.err, buf, n);
    if (t && t->process.end.out && !buf[0])
        capture_last_line(t->process.end.out, buf, n);
}

/* --- the end ------------------------------------------------------------ */

static void on_lanes_closed(uv_handle_t *handle) {
    struct lanes *l = handle->data;
    void (*closed)(void *, uint32_t) = l->closed;
    void *ctx = l->opts.ctx;
    uint32_t unkillable = l->unkillable;

    if (--l->open_handles)
        return;
    lanes_free(l);
    closed(ctx, unkillable);
}

/* Kills what was adopted and belongs to no attempt until nothing is left. */
static void on_stray_timer(uv_timer_t *timer) {
    struct lanes *l = timer->data;
    size_t n = reaper_scan(l->env.reaper, NULL, NULL, 0);

    if (n && clock_run_ns() < l->give_up_due) {
        reaper_signal(l->env.reaper, NULL, SIGKILL);
        uv_timer_start(timer, on_stray_timer, l->poll_ms, 0);
        l->poll_ms = l->poll_ms < 50 ? l->poll_ms * 2 : l->poll_ms;
        return;
    }
    l->unkillable = (uint32_t)n;
    l->open_handles = 2;
    uv_close((uv_handle_t *)&l->wake, on_lanes_closed);
    uv_close((uv_handle_t *)&l->timer, on_lanes_closed);
}

void lanes_close(struct lanes *l, void (*closed)(void *ctx, uint32_t unkillable)) {
    l->closed = closed;
    starters_close(l);
    for (uint32_t i = 0; i < l->opts.plan->cpu_workers; i++)
        if (l->workers[i])
            worker_close(l->workers[i]);
    l->give_up_due = clock_run_ns() + STRAY_GIVE_UP_NS;
    l->poll_ms = STRAY_FIRST_MS;
    uv_timer_start(&l->timer, on_stray_timer, 0, 0);
}
