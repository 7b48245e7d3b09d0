/* SPDX-License-Identifier: MIT */
/* lanes: where attempts run. */
#include "exec/lanes.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "exec/capture.h"
#include "exec/crew.h"
#include "exec/environ.h"
#include "exec/jobserver.h"
#include "exec/errands.h"
#include "exec/killgroup.h"
#include "exec/live.h"
#include "exec/memgroup.h"
#include "exec/process.h"
#include "exec/reaper.h"
#include "exec/room.h"
#include "exec/starter.h"
#include "exec/worker.h"

/*
 * Who owns a task when. The main thread makes it and gives it to the starter.
 * Once its process runs, the main loop watches it (I/O lane), or a worker does
 * on its own loop (CPU lane), which posts it when it has ended and does not
 * touch it after that. The main thread alone frees tasks.
 */

#define LAUNCHERS        2    /* more gain nothing (measured) */
#define REAP_EVERY_MS    1000 /* dead strangers stay zombies no longer */
#define STRAY_FIRST_MS   2
#define STRAY_GIVE_UP_NS (10 * NS_PER_S)

struct task {
    struct process process;
    struct live live;
    struct lanes *lanes;
    struct worker *worker; /* CPU lane */
    struct task *next;     /* in the mailbox */
    bool running;          /* main thread: `started` was told */
    bool stop;             /* main thread: it is to stop */
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
    struct live **by_job; /* what each job has under way, by its number, or NULL */
    uint32_t nby_job;
    uint32_t io_width;
    bool spares;     /* see lanes_spares() */
    int facts_error; /* see lanes_facts_error() */

    struct starter *starter;
    struct errands *errands; /* NULL where all attempts are processes */
    struct crews *crews;     /* NULL where there are no persistent workers */
    struct pollset set;      /* the I/O lane's processes */
    pthread_mutex_t lock;    /* of the mailbox */
    struct task *mail;       /* ended, the latest first */
    uv_async_t wake;
    struct refusal *refusals;
    uint32_t nrefusals;

    struct worker **workers; /* made when first needed */

    uv_timer_t timer; /* reaps strangers; at the end kills them */
    int64_t give_up_due;
    uint64_t poll_ms;
    unsigned open_parts; /* handles, the starter */
    bool killing;
    void (*closed)(void *ctx, uint32_t unkillable);
    uint32_t unkillable;
};

/* A worker's thread: tells the main one that a task has ended. */
static void post(struct task *t) {
    struct lanes *l = t->lanes;
    bool ring;

    pthread_mutex_lock(&l->lock);
    ring = !l->mail;
    t->next = l->mail;
    l->mail = t;
    pthread_mutex_unlock(&l->lock);
    if (ring)
        uv_async_send(&l->wake);
}

/* The same: the worker's part is over. */
static void on_worker_ended(struct process *p) {
    post((struct task *)p);
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
    if (l->crews)
        crews_spare(l->crews);
}

/* Tells the end of what was begun, `running`, or was not. */
static void tell_end(struct lanes *l, const struct attempt *a, struct attempt_end *end,
                     bool running) {
    if (end->error && end->error != UV_ECANCELED && end->stage == SPAWN_RESOURCES && !running) {
        int error = end->error;

        close_idle_workers(l);
        attempt_end_release(end);
        l->opts.events->put_off(l->opts.ctx, a, error);
    } else {
        l->opts.events->ended(l->opts.ctx, a, end);
    }
}

/* Tells the end, in its owner's words, and forgets the task. */
static void task_ended(struct task *t) {
    struct lanes *l = t->lanes;
    struct process *p = &t->process;
    struct attempt a = p->attempt;
    struct attempt_end end = p->end;
    bool running = t->running;

    p->end = (struct attempt_end){0};
    l->by_job[a.job] = NULL;
    if (t->worker)
        t->worker->busy = false;
    task_free(t);
    tell_end(l, &a, &end, running);
}

static void on_errand_started(void *ctx, struct errand *e) {
    struct lanes *l = ctx;

    l->opts.events->started(l->opts.ctx, &e->attempt, e->pid, e->end.start_ns);
}

static void on_errand_ended(void *ctx, struct errand *e) {
    struct lanes *l = ctx;
    struct attempt a = e->attempt;
    struct attempt_end end = e->end;
    bool running = e->running;

    e->end = (struct attempt_end){0};
    l->by_job[a.job] = NULL;
    errands_free(e);
    tell_end(l, &a, &end, running);
}

static const struct errands_events errands_events = {.started = on_errand_started,
                                                     .ended = on_errand_ended};

static void task_started(struct task *t) {
    struct process *p = &t->process;

    t->running = true;
    t->lanes->opts.events->started(t->lanes->opts.ctx, &p->attempt, p->group.leader,
                                   p->end.start_ns);
}

static void on_io_ended(struct process *p) {
    task_ended((struct task *)p);
}

/* The starter is done with it. */
static void on_launched(struct process *p) {
    struct task *t = (struct task *)p;

    if (p->end.error) {
        task_ended(t);
        return;
    }
    if (!t->worker) {
        process_watch(p, &t->lanes->set, on_io_ended);
        if (t->stop)
            process_stop(p);
    }
    task_started(t);
    if (t->worker) { /* whose it is from here on */
        worker_give(t->worker, p);
        if (t->stop)
            worker_stop(t->worker);
    }
}

static void on_mail(uv_async_t *async) {
    struct lanes *l = async->data;
    struct task *ended = NULL, *t, *next;

    while (l->nrefusals) {
        struct refusal r = l->refusals[--l->nrefusals];

        close_idle_workers(l);
        l->opts.events->put_off(l->opts.ctx, &r.attempt, r.error);
    }
    pthread_mutex_lock(&l->lock);
    t = l->mail;
    l->mail = NULL;
    pthread_mutex_unlock(&l->lock);
    for (; t; t = next) { /* the first that ended is the first told */
        next = t->next;
        t->next = ended;
        ended = t;
    }
    for (t = ended; t; t = next) {
        next = t->next;
        task_ended(t);
    }
}

/* How wide the descriptor limit lets the I/O lane be, beside the workers. */
static int fit_descriptors(struct lanes *l) {
    struct room room;
    int error = room_find(l->opts.plan, l->opts.spare_fds, &room);

    if (error)
        return error;
    l->io_width = room.io_width;
    l->spares = room.spares;
    room_make(l->setup.devnull, room.fds);
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
    memgroups_free(l->env.memory);
    environ_free(l->environ);
    facts_folder_close(l->env.facts);
    killgroup_free(l->setup.group);
    if (l->setup.devnull > 0)
        close(l->setup.devnull);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static void part_closed(struct lanes *l) {
    void (*closed)(void *, uint32_t) = l->closed;
    void *ctx = l->opts.ctx;
    uint32_t unkillable = l->unkillable;

    if (--l->open_parts)
        return;
    lanes_free(l);
    if (closed)
        closed(ctx, unkillable);
}

static void on_part_closed(void *ctx) {
    part_closed(ctx);
}

static uint32_t count_launchers(const struct plan *plan) {
    uint64_t njobs = 0;

    for (uint32_t i = 0; i < plan->njobs && njobs < LAUNCHERS; i++)
        njobs += plan_job_most(&plan->jobs[i]);
    return njobs < LAUNCHERS ? (uint32_t)njobs : LAUNCHERS;
}

/* The starter before the rest, which is made while launchers are forked. */
static int lanes_init(struct lanes *l) {
    const struct plan *plan = l->opts.plan;
    struct errand_env errand_env;
    struct crews_opts crews = {.loop = l->opts.loop, .set = &l->set, .process = &l->env};
    const struct starter_opts starter = {
        .setup = &l->setup,
        .launchers = count_launchers(plan),
        .closed = on_part_closed,
        .ctx = l,
    };
    int error;

    l->setup.devnull = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (l->setup.devnull < 0)
        return -errno;
    error = spawn_setup_init(&l->setup, l->setup.devnull, l->opts.nofile_soft, l->opts.core_soft);
    l->facts_error = facts_folder_open(&l->env.facts);
    if (!error)
        error = fit_descriptors(l); /* before there are any of the starter's */
    if (!error)
        error = reaper_new(&l->env.reaper, l->opts.run_id);
    if (error)
        return error;
    l->setup.lock = l->opts.lock;
    l->setup.presence = l->opts.presence;
    if (l->opts.jobserver)
        memcpy(l->setup.jobserver, jobserver_fds(l->opts.jobserver), sizeof l->setup.jobserver);
    l->setup.first_mark = reaper_first_mark(l->env.reaper);
    l->setup.folder = facts_folder_path(l->env.facts);
    l->setup.group = killgroup_new("");
    error = starter_open(&l->starter, l->opts.loop, &starter);
    if (error)
        return error;
    l->env.memory = memgroups_new("");
    l->env.plan = plan;
    l->environ = environ_new(plan, l->opts.run_id, l->env.facts, environ);
    l->env.environ = l->environ;
    l->env.jobserver = l->opts.jobserver;
    if (l->environ && l->opts.jobserver)
        environ_set_jobserver(l->environ, jobserver_flags(l->opts.jobserver, JOBSERVER_PIPE),
                              jobserver_flags(l->opts.jobserver, JOBSERVER_FIFO));
    l->by_job = calloc(plan->njobs, sizeof *l->by_job);
    l->nby_job = plan->njobs;
    l->workers = calloc(plan->cpu_workers, sizeof *l->workers);
    l->refusals = calloc((size_t)plan->io_limit + plan->cpu_workers + 1, sizeof *l->refusals);
    if (!l->env.memory || !l->environ || !l->by_job || !l->workers || !l->refusals)
        return UV_ENOMEM;
    crews.starter = l->starter;
    if (plan->nworkers && !(l->crews = crews_new(&crews)))
        return UV_ENOMEM;
    errand_env = (struct errand_env){.loop = l->opts.loop,
                                     .plan = plan,
                                     .environ = l->environ,
                                     .crews = l->crews,
                                     .facts = l->env.facts};
    for (uint32_t i = 0; i < plan->njobs && !l->errands && !error; i++)
        if (errands_suit(&plan->jobs[i]))
            error = errands_open(&l->errands, &errand_env, &errands_events, l);
    return error;
}

int lanes_open(struct lanes **out, const struct lanes_opts *opts) {
    struct lanes *l = calloc(1, sizeof *l);
    int error;

    if (!l)
        return UV_ENOMEM;
    l->opts = *opts;
    pthread_mutex_init(&l->lock, NULL);
    error = lanes_init(l);
    if (!error && !(error = pollset_open(&l->set, opts->loop)) &&
        (error = uv_async_init(opts->loop, &l->wake, on_mail))) {
        l->open_parts++;
        pollset_close(&l->set, on_part_closed, l);
    }
    if (error) {
        l->open_parts++;
        if (l->errands) {
            l->open_parts++;
            errands_close(l->errands, on_part_closed, l);
        }
        if (l->crews) {
            l->open_parts++;
            crews_close(l->crews, on_part_closed, l);
        }
        l->starter ? starter_close(l->starter) : part_closed(l);
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

int lanes_facts_error(const struct lanes *l) {
    return l->facts_error;
}

bool lanes_spares(const struct lanes *l) {
    return l->spares;
}

/* Sees to it that the task's worker is there. */
static int find_worker(struct lanes *l, struct task *t) {
    struct worker **w = &l->workers[t->process.attempt.slot];
    int error;

    if (!*w && !(*w = calloc(1, sizeof **w)))
        return UV_ENOMEM;
    if (!(*w)->open && (error = worker_open(*w, l->opts.loop, on_worker_ended)))
        return error;
    (*w)->busy = true;
    t->worker = *w;
    return 0;
}

/* Room for what a job has whose number is behind those of the plan. */
static int make_room_for(struct lanes *l, uint32_t job) {
    uint32_t n = job < UINT32_MAX / 2 ? job * 2 + 1 : UINT32_MAX;
    struct live **by_job;

    if (job < l->nby_job)
        return 0;
    by_job = reallocarray(l->by_job, n, sizeof *by_job);
    if (!by_job)
        return UV_ENOMEM;
    memset(by_job + l->nby_job, 0, (n - l->nby_job) * sizeof *by_job);
    l->by_job = by_job;
    l->nby_job = n;
    return 0;
}

static struct task *task_of(struct live *v) {
    return (struct task *)(void *)((char *)v - offsetof(struct task, live));
}

static void stop_process(struct live *v) {
    struct task *t = task_of(v);

    if (t->stop)
        return;
    t->stop = true;
    t->process.unwanted = true;
    if (!t->running)
        return; /* on_launched() sees to it */
    if (t->worker)
        worker_stop(t->worker);
    else
        process_stop(&t->process);
}

static void kill_process(struct live *v) {
    struct task *t = task_of(v);

    if (!t->running)
        t->process.unwanted = true;
}

static const struct live_way process_way = {.stop = stop_process, .kill = kill_process};

static int start_process(struct lanes *l, const struct attempt *a) {
    struct task *t = calloc(1, sizeof *t);
    int error = t ? process_init(&t->process, &l->env, a) : UV_ENOMEM;

    if (!error && a->lane == LANE_CPU && (error = find_worker(l, t)))
        process_release(&t->process);
    if (!error) {
        t->lanes = l;
        t->live = (struct live){.way = &process_way, .end = &t->process.end};
        l->by_job[a->job] = &t->live;
        t->process.launched = on_launched;
        t->process.unwanted = l->killing;
        starter_add(l->starter, &t->process);
        return 0;
    }
    free(t);
    return error;
}

static int start_errand(struct lanes *l, const struct attempt *a) {
    struct errand *e = errands_add(l->errands, a);

    if (!e)
        return UV_ENOMEM;
    e->stopped = l->killing;
    l->by_job[a->job] = &e->live;
    return 0;
}

void lanes_start(struct lanes *l, const struct attempt *a) {
    int error = make_room_for(l, a->job);

    if (!error)
        error = errands_suit(a->def) ? start_errand(l, a) : start_process(l, a);
    if (!error)
        return;
    l->refusals[l->nrefusals++] = (struct refusal){.attempt = *a, .error = error};
    uv_async_send(&l->wake);
}

/* What a job has under way, or NULL. */
static struct live *live_of(const struct lanes *l, uint32_t job) {
    return job < l->nby_job ? l->by_job[job] : NULL;
}

void lanes_stop(struct lanes *l, uint32_t job) {
    struct live *live = live_of(l, job);

    if (live)
        live->way->stop(live);
}

void lanes_kill_all(struct lanes *l) {
    l->killing = true;
    for (uint32_t i = 0; i < l->nby_job; i++)
        if (l->by_job[i])
            l->by_job[i]->way->kill(l->by_job[i]);
    reaper_signal_all(l->env.reaper, SIGKILL);
}

/* What is being started is waited for: muster is about to stop, and a job that
 * runs by then, but is not known yet, would run on. */
void lanes_pause(struct lanes *l) {
    starter_pause(l->starter);
    reaper_signal_all(l->env.reaper, SIGSTOP);
}

void lanes_resume(struct lanes *l) {
    reaper_signal_all(l->env.reaper, SIGCONT);
    starter_resume(l->starter);
}

void lanes_rest(struct lanes *l) {
    starter_rest(l->starter);
}

struct lanes_streams lanes_streams(const struct lanes *l, uint32_t job) {
    const struct live *live = live_of(l, job);

    return live ? (struct lanes_streams){live->end->out, live->end->err}
                : (struct lanes_streams){NULL, NULL};
}

void lanes_last_line(struct lanes *l, uint32_t job, char *buf, size_t n) {
    const struct lanes_streams streams = lanes_streams(l, job);

    buf[0] = '\0';
    if (streams.err)
        capture_last_line(streams.err, buf, n);
    if (streams.out && !buf[0])
        capture_last_line(streams.out, buf, n);
}

/* --- the end ------------------------------------------------------------ */

static void on_handle_closed(uv_handle_t *handle) {
    part_closed(handle->data);
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
    uv_close((uv_handle_t *)&l->wake, on_handle_closed);
    uv_close((uv_handle_t *)&l->timer, on_handle_closed);
}

/* No process of the run's runs any more. */
static void close_all(void *ctx) {
    struct lanes *l = ctx;

    l->open_parts = 4; /* the starter, the pollset, two handles */
    starter_dismiss(l->starter);
    if (l->env.facts)
        facts_folder_remove(l->env.facts); /* which takes as long as launchers do to end */
    starter_close(l->starter);
    if (l->errands) {
        l->open_parts++;
        errands_close(l->errands, on_part_closed, l);
    }
    pollset_close(&l->set, on_part_closed, l);
    for (uint32_t i = 0; i < l->opts.plan->cpu_workers; i++)
        if (l->workers[i])
            worker_close(l->workers[i]);
    reaper_settle(l->env.reaper);
    l->give_up_due = clock_run_ns() + STRAY_GIVE_UP_NS;
    l->poll_ms = STRAY_FIRST_MS;
    uv_timer_start(&l->timer, on_stray_timer, 0, 0);
}

void lanes_close(struct lanes *l, void (*closed)(void *ctx, uint32_t unkillable)) {
    l->closed = closed;
    if (l->crews)
        crews_close(l->crews, close_all, l);
    else
        close_all(l);
}
