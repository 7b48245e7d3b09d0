/* SPDX-License-Identifier: MIT */
/* process: start, watch, stop and account for one process group, on whichever loop it is given. */
#include "exec/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mask.h"
#include "base/source.h"
#include "base/trace.h"
#include "exec/capture.h"
#include "exec/environ.h"
#include "exec/listing.h"
#include "exec/reserve.h"
#include "exec/memgroup.h"
#include "exec/terminal.h"

/*
 * The end of an attempt. The leader's exit is seen first (its pidfd becomes
 * readable) and sets the exit status and the wall time. It stays a zombie while
 * anything of its group lives, since its id is the group's: what it left is
 * swept with the stop-signal, then SIGKILL, looked at every few milliseconds.
 * When nothing is left the leader is reaped, which gives the accounts, and
 * then, no writer being alive, what is in the pipes is all there will ever be:
 * they are read empty and closed without waiting for their end of file, which
 * a stranger who holds the other end could put off for good. At last all
 * handles are closed and the owner is told. Every attempt that was started goes
 * this one way, whatever happened to it.
 */

#define SWEEP_FIRST_MS 2
#define SWEEP_MAX_MS   50
#define GIVE_UP_NS     (10 * NS_PER_S) /* from SIGKILL until it is not waited for any more */
#define LOOKS_MAX      4               /* for what the leader has left, while that changes */
#define PIDS_MAX       64

static void lookup_free(struct process *p);

/* Nothing of what it prints is kept but by way of this. 0 or UV_ENOMEM. */
static int mask_output(struct process *p, const struct mask_set *set) {
    int error = p->end.out ? capture_mask(p->end.out, set) : 0;

    return !error && p->end.err ? capture_mask(p->end.err, set) : error;
}

int process_init(struct process *p, const struct process_env *env, const struct attempt *a) {
    const struct plan_job *job = a->def;

    memset(p, 0, sizeof *p);
    p->attempt = *a;
    p->env = *env;
    p->job = job;
    p->end.exit = -1;
    p->exit_watch.fd = -1;
    p->pidfd = p->in_fd = -1;
    stream_init(&p->out, -1);
    stream_init(&p->err, -1);
    p->kill_due = p->give_up_due = INT64_MAX;
    p->group.job = job->name;
    p->group.attempt = a->number;
    if ((job->set->out.kind == STREAM_CAPTURE && !(p->end.out = capture_new())) ||
        (job->set->err.kind == STREAM_CAPTURE && !(p->end.err = capture_new())) ||
        (env->plan->mask && mask_output(p, env->plan->mask))) {
        attempt_end_release(&p->end);
        return UV_ENOMEM;
    }
    return 0;
}

void process_release(struct process *p) {
    lookup_free(p);
    if (p->memory) /* it never ran */
        memgroup_remove(p->memory);
    p->memory = memgroup_free(p->memory);
    p->listing = listing_remove(p->listing);
    attempt_end_release(&p->end);
    p->mask = mask_set_free(p->mask);
}

/* --- the start ------------------------------------------------------------ */

/* What had to be looked for just before the start. */
struct lookup {
    struct arena arena;
    const struct env_var *env_file; /* of an env-file that was not there before */
    const char *program;
};

static const char *first_word(const struct plan_job *job) {
    return job->action == ACTION_COMMAND ? job->set->shell[0] : job->argv[0];
}

/* The path of an env-file that was not there before, or NULL. */
static const char *late_file(const struct plan_job *job) {
    const struct env_file *file = job->set->env_file;

    return file && !file->vars ? file->path : NULL;
}

/* A path, or a name to be looked for. */
static const char *program_of(const struct process *p) {
    if (p->lookup && p->lookup->program)
        return p->lookup->program;
    return p->job->program ? p->job->program : first_word(p->job);
}

/* Whether it is to have a memory group. */
static bool wants_group(const struct process *p) {
    return p->job->set->limits.memory && memgroups_usable(p->env.memory);
}

/* Whether what jobs before told is a fault, or may be secret. */
static bool told_matters(const struct process *p) {
    return p->attempt.told && (p->attempt.told->fault || p->env.plan->secrets);
}

bool process_needs_lookup(const struct process *p) {
    return !p->lookup && (late_file(p->job) || program_of(p)[0] != '/' || wants_group(p) ||
                          told_matters(p) || job_is_batch(p->job) || p->job->set->pty);
}

static void close_fd(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void process_unask(struct process *p) {
    close_fd(&p->in_fd);
    close_fd(&p->out.fd);
    close_fd(&p->err.fd);
}

void process_refuse(struct process *p, int error, enum spawn_stage stage) {
    process_unask(p);
    p->end.error = error;
    p->end.stage = stage;
    p->end.start_ns = clock_ns();
}

static void look_for_program(struct process *p, struct lookup *found) {
    const struct plan_job *job = p->job;
    const char *word = first_word(job);
    int error;

    found->program = plan_find_program(&found->arena, word, plan_job_path(p->env.plan, job),
                                       job->set->dir, &error);
    if (found->program)
        return;
    if (strchr(word, '/'))
        word = source_resolve(&found->arena, job->set->dir, word);
    p->end.detail = word ? strdup(word) : NULL;
    process_refuse(p, error, spawn_is_shortage(error) ? SPAWN_RESOURCES : SPAWN_EXEC);
}

void process_lookup(struct process *p) {
    const char *late = late_file(p->job);
    struct lookup *found = calloc(1, sizeof *found);
    struct late_env file = {0};
    int error;

    if (!found) {
        process_refuse(p, UV_ENOMEM, SPAWN_RESOURCES);
        return;
    }
    p->lookup = found;
    arena_init(&found->arena, NULL);
    if (late)
        file = environ_read_late(&found->arena, late);
    found->env_file = file.vars;
    if (file.error) {
        p->end.detail = strdup(file.fault ? file.fault : late);
        process_refuse(p, file.error,
                       spawn_is_shortage(file.error) ? SPAWN_RESOURCES
                       : file.fault                  ? SPAWN_ENV_LINE
                                                     : SPAWN_ENV_FILE);
    } else if (p->attempt.told && p->attempt.told->fault) {
        p->end.detail = strdup(p->attempt.told->fault);
        process_refuse(p, UV_EINVAL, SPAWN_TOLD);
    } else if (environ_late_mask(p->env.environ, found->env_file, p->attempt.told, &p->mask) ||
               (p->mask && mask_output(p, p->mask))) {
        process_refuse(p, UV_ENOMEM, SPAWN_RESOURCES);
    } else if (program_of(p)[0] != '/') {
        look_for_program(p, found);
    }
    if (!p->end.error && p->job->set->pty && access(TERMINAL_PATH, R_OK | W_OK) < 0) {
        process_refuse(p, -errno, SPAWN_STDOUT);
        p->end.detail = strdup(TERMINAL_PATH);
    }
    if (!p->end.error && !p->listing && job_is_batch(p->job) &&
        (error = listing_make(p->job->item, &p->listing, &p->end)))
        process_refuse(p, error, p->end.stage);
    if (!p->end.error && !p->memory && wants_group(p))
        p->memory = memgroup_make(p->env.memory, p->job->set->limits.memory);
}

static void lookup_free(struct process *p) {
    if (!p->lookup)
        return;
    arena_release(&p->lookup->arena);
    free(p->lookup);
    p->lookup = NULL;
}

/* The words, the shell's before a command and a batch's items behind it as its arguments; one
 * block to free(), or NULL. */
static const char **make_argv(const struct plan_job *job) {
    bool command = job->action == ACTION_COMMAND;
    bool batch = command && job_is_batch(job);
    const char *const *words = command ? job->set->shell : job->argv;
    const char **argv;
    size_t n = 0;

    while (words[n])
        n++;
    argv = malloc((n + 3 + (batch ? job->item->nvalues : 0)) * sizeof *argv);
    if (!argv)
        return NULL;
    memcpy(argv, words, n * sizeof *argv);
    if (command)
        argv[n++] = job->command;
    if (batch)
        argv[n++] = "muster"; /* $0 */
    for (uint32_t i = 0; batch && i < job->item->nvalues; i++)
        argv[n++] = job->item->values[i];
    argv[n] = NULL;
    return argv;
}

/* What is known without memory of its own. */
static struct spawn_opts describe(const struct process *p) {
    const struct plan_job *job = p->job;
    struct job_limits limits = job->set->limits;

    if (p->memory) /* which bounds them all together, not the address space of each */
        limits.memory = 0;
    return (struct spawn_opts){
        .program = program_of(p),
        .dir = job->set->dir,
        .in = job->set->in,
        .out = job->set->out,
        .err = job->set->err,
        .in_fd = -1,
        .out_fd = -1,
        .err_fd = -1,
        .nice = job->set->nice,
        .limits = limits,
        .memory_group = p->memory ? p->memory->path : "",
        .mark = p->group.mark,
        .jobserver = p->env.jobserver && p->attempt.lane == LANE_CPU &&
                     job->set->jobserver == JOBSERVER_PIPE,
    };
}

static int make_pipe(const struct stream *s, int *read_end, int *write_end) {
    int ends[2];

    if (!stream_is_pipe(s))
        return 0;
    if (pipe2(ends, O_CLOEXEC))
        return -errno;
    *read_end = ends[0];
    *write_end = ends[1];
    return 0;
}

/* The ends of an output: if it is captured a pipe's, or a terminal's. */
static int make_ends(const struct process *p, const struct stream *s, struct stream_reader *reader,
                     int *write_end) {
    reader->terminal = p->job->set->pty && s->kind == STREAM_CAPTURE;
    return reader->terminal ? terminal_open(&reader->fd, write_end)
                            : make_pipe(s, &reader->fd, write_end);
}

int process_ask(struct process *p, struct launcher *l) {
    struct spawn_opts opts;
    const char **argv = NULL;
    char **envp = NULL;
    int error;

    p->group.mark = reaper_mark(p->env.reaper);
    opts = describe(p);
    error = make_pipe(&opts.in, &opts.in_fd, &p->in_fd);
    if (!error)
        error = make_ends(p, &opts.out, &p->out, &opts.out_fd);
    if (!error)
        error = make_ends(p, &opts.err, &p->err, &opts.err_fd);
    if (!error) {
        opts.argv = argv = make_argv(p->job);
        opts.envp = envp =
            environ_make(p->env.environ, p->job, p->lookup ? p->lookup->env_file : NULL, p->listing,
                         &p->attempt);
        error = argv && envp ? 0 : UV_ENOMEM;
    }
    if (!error) {
        error = launcher_ask(l, &opts);
    } else {
        close_fd(&opts.in_fd);
        close_fd(&opts.out_fd);
        close_fd(&opts.err_fd);
    }
    free(argv);
    free(envp);
    if (error && error != UV_EAGAIN)
        process_unask(p);
    return error;
}

static void start_failed(struct process *p, const struct launch_reply *reply) {
    struct spawn_opts opts = describe(p);
    enum spawn_stage stage = (enum spawn_stage)reply->stage;
    const char *fault = spawn_fault(&opts, stage);

    if (reply->pid > 0) /* it got as far as a zombie */
        waitpid(reply->pid, NULL, __WALL);
    p->end.detail = fault ? strdup(fault) : NULL;
    process_refuse(p, reply->error, stage);
}

void process_answer(struct process *p, const struct launch_reply *reply) {
    if (reply->error) {
        start_failed(p, reply);
    } else {
        p->pidfd = (int)syscall(SYS_pidfd_open, reply->pid, 0); /* -1: exit is polled for */
        p->end.start_ns = reply->start_ns;
        p->group.leader = reply->pid;
        reaper_add(p->env.reaper, &p->group);
        trace(TRACE_EXEC, "%s attempt %u: pid %d", p->job->name, p->attempt.number,
              (int)reply->pid);
    }
    lookup_free(p);
}

/* --- the end --------------------------------------------------------------- */

static void finish(struct process *p);

static void on_handle_closed(uv_handle_t *handle) {
    struct process *p = handle->data;

    p->open_parts--;
    finish(p);
}

static void close_handle(struct process *p, uv_handle_t *handle) {
    handle->data = p;
    uv_close(handle, on_handle_closed);
}

/* Closes the rest once nothing lives and both streams are at their end, and
 * tells the owner once that is done too. */
static void finish(struct process *p) {
    if (!p->gone || !stream_ended(&p->out) || !stream_ended(&p->err))
        return;
    if (!p->closing) {
        p->closing = true;
        close_handle(p, (uv_handle_t *)&p->timer);
        pollset_remove(p->set, &p->exit_watch);
        if (p->pidfd >= 0)
            close(p->pidfd);
    }
    if (p->open_parts > 0)
        return;
    if (p->end.out)
        p->end.out_bytes = capture_total(p->end.out);
    if (p->end.err)
        p->end.err_bytes = capture_total(p->end.err);
    p->ended(p);
}

static void reap_leader(struct process *p) {
    struct attempt_end *end = &p->end;
    struct rusage ru;
    int status;

    reaper_remove(p->env.reaper, &p->group);
    if (!p->exited || wait4(p->group.leader, &status, WNOHANG | __WALL, &ru) != p->group.leader)
        return;
    if (WIFEXITED(status))
        end->exit = WEXITSTATUS(status);
    else
        end->signal = WTERMSIG(status);
    end->core = WIFSIGNALED(status) && WCOREDUMP(status);
    end->oom = end->signal == SIGKILL && !end->killed && memgroups_struck(p->env.memory);
    end->user_us = ru.ru_utime.tv_sec * 1000000L + ru.ru_utime.tv_usec + p->group.user_us;
    end->sys_us = ru.ru_stime.tv_sec * 1000000L + ru.ru_stime.tv_usec + p->group.sys_us;
    end->max_rss = (uint64_t)ru.ru_maxrss * 1024;
    if (p->group.max_rss > end->max_rss)
        end->max_rss = p->group.max_rss;
}

static void clear_work(uv_work_t *work) {
    struct process *p = work->data;
    const struct attempt *a = &p->attempt;

    p->listing = listing_remove(p->listing);
    if (p->memory)
        memgroup_remove(p->memory);
    if (p->env.facts)
        p->end.facts_lost = facts_read(p->env.facts, a->job, a->number, &p->end.facts) != 0;
}

static void clear_done(uv_work_t *work, int status) {
    struct process *p = work->data;

    (void)status;
    if (p->memory)
        p->end.oom = p->end.oom || p->memory->struck;
    p->memory = memgroup_free(p->memory);
    p->open_parts--;
    finish(p);
}

/* What it has on the disk goes: its file of items, its memory group, what it told, which is read
 * before. */
static void clear_up(struct process *p) {
    const struct attempt *a = &p->attempt;

    if (!p->listing && !p->memory &&
        (!p->env.facts || !facts_made(p->env.facts, a->job, a->number)))
        return;
    p->open_parts++;
    p->clearing.data = p;
    if (reserve_queue_work(p->set->loop, &p->clearing, clear_work, clear_done)) {
        clear_work(&p->clearing);
        clear_done(&p->clearing, 0);
    }
}

/* Nothing lives any more, or is not waited for any more. */
static void be_gone(struct process *p) {
    uv_timer_stop(&p->timer);
    reap_leader(p);
    p->gone = true;
    p->open_parts++; /* keeps it whole while both streams end */
    stream_end(&p->out);
    stream_end(&p->err);
    clear_up(p);
    p->open_parts--;
    finish(p);
}

static void give_up(struct process *p, const pid_t *pids, size_t n) {
    size_t size = 16 * (n + 2), at;

    p->end.unkillable = (uint32_t)n + !p->exited;
    if (p->end.leftover < p->end.unkillable)
        p->end.leftover = p->end.unkillable;
    free(p->end.detail);
    p->end.detail = malloc(size);
    if (p->end.detail) {
        at = (size_t)snprintf(p->end.detail, size, "pid");
        if (!p->exited)
            at += (size_t)snprintf(p->end.detail + at, size - at, " %d,", (int)p->group.leader);
        for (size_t i = 0; i < n && i < PIDS_MAX; i++)
            at += (size_t)snprintf(p->end.detail + at, size - at, " %d,", (int)pids[i]);
        p->end.detail[at - 1] = '\0'; /* the last comma */
    }
    if (!p->exited)
        p->end.wall_ns = clock_ns() - p->end.start_ns;
    be_gone(p);
}

static void on_timer(uv_timer_t *timer);

static void arm(struct process *p, int64_t now) {
    int64_t due = p->end.killed ? p->give_up_due : p->kill_due;
    uint64_t ms = due > now ? (uint64_t)((due - now + NS_PER_MS - 1) / NS_PER_MS) : 0;

    if (due == INT64_MAX && !p->exited && pollset_has(&p->exit_watch))
        return;
    if ((p->exited || !pollset_has(&p->exit_watch)) && ms > p->poll_ms) {
        ms = p->poll_ms;
        p->poll_ms = p->poll_ms * 2 < SWEEP_MAX_MS ? p->poll_ms * 2 : SWEEP_MAX_MS;
    }
    uv_update_time(p->set->loop); /* the timer counts from the loop's own time */
    uv_timer_start(&p->timer, on_timer, ms, 0);
}

static void begin_stop(struct process *p, int sig, int64_t now) {
    trace(TRACE_EXEC, "%s: signal %d", p->job->name, sig);
    p->kill_due = now + p->job->set->kill_after_ns;
    reaper_signal(p->env.reaper, &p->group, sig);
    reaper_signal(p->env.reaper, &p->group, SIGCONT); /* a stopped process cannot act on it */
}

/* How many processes the leader left: all of them where it ended by itself;
 * where it was stopped only those that its stop-signal could not reach. */
static uint32_t count_leftover(const struct process *p, const pid_t *pids, size_t n,
                               bool *changing) {
    size_t count = 0;

    for (size_t i = 0; i < n && i < PIDS_MAX; i++)
        if (!p->end.stopped || getsid(pids[i]) != p->group.leader)
            count += reaper_count_tree(pids[i], changing);
    return (uint32_t)(count + (n > PIDS_MAX ? n - PIDS_MAX : 0));
}

/* One step of an end under way: timers, what is left, what to do about it. */
static void step(struct process *p) {
    int64_t now = clock_run_ns(); /* a pause of the run is not counted */
    pid_t pids[PIDS_MAX];
    size_t n = 0;

    if (!p->end.killed && now >= p->kill_due) {
        trace(TRACE_EXEC, "%s: SIGKILL", p->job->name);
        p->end.killed = true;
        p->give_up_due = now + GIVE_UP_NS;
        p->poll_ms = SWEEP_FIRST_MS;
        reaper_signal(p->env.reaper, &p->group, SIGKILL);
    }
    if (p->exited) {
        n = reaper_scan(p->env.reaper, &p->group, pids, PIDS_MAX);
        if (n == 0) {
            be_gone(p);
            return;
        }
        bool stopping = p->kill_due < INT64_MAX, changing = false;

        if (p->looks < LOOKS_MAX && (!stopping || p->end.leftover == 0)) {
            p->looks++;
            p->end.leftover = count_leftover(p, pids, n, &changing);
            /* What an exiting one leaves shows in a moment. */
            if (changing && !stopping && p->looks < LOOKS_MAX) {
                arm(p, now);
                return;
            }
        }
        if (!stopping)
            begin_stop(p, p->job->set->stop_signal, now);
        reaper_signal_new(p->env.reaper, &p->group,
                          p->end.killed ? SIGKILL : p->job->set->stop_signal);
    }
    if (now >= p->give_up_due) {
        if (!p->exited)
            n = reaper_scan(p->env.reaper, &p->group, pids, PIDS_MAX);
        give_up(p, pids, n);
        return;
    }
    arm(p, now);
}

static void leader_exited(struct process *p) {
    p->end.wall_ns = clock_ns() - p->end.start_ns;
    p->exited = true;
    p->poll_ms = SWEEP_FIRST_MS;
    pollset_remove(p->set, &p->exit_watch);
    step(p);
}

static void on_exit_readable(void *owner) {
    leader_exited(owner);
}

static void on_timer(uv_timer_t *timer) {
    struct process *p = timer->data;
    siginfo_t si = {0};

    /* Without a poll handle the exit is asked for. */
    if (!p->exited && !pollset_has(&p->exit_watch) &&
        waitid(P_PID, (id_t)p->group.leader, &si, WEXITED | WNOWAIT | WNOHANG) == 0 && si.si_pid) {
        leader_exited(p);
        return;
    }
    step(p);
}

static void on_stream_changed(void *owner) {
    finish(owner);
}

void process_watch(struct process *p, struct pollset *set, process_ended_cb ended) {
    int error, err_error;

    p->set = set;
    p->ended = ended;
    p->poll_ms = SWEEP_FIRST_MS;
    uv_timer_init(set->loop, &p->timer); /* cannot fail */
    p->timer.data = p;
    p->open_parts++;
    error = stream_watch(&p->out, set, p->end.out, on_stream_changed, p);
    err_error = stream_watch(&p->err, set, p->end.err, on_stream_changed, p);
    if (!error)
        error = err_error;
    if (!error && p->pidfd >= 0)
        error = pollset_add(set, &p->exit_watch, p->pidfd, on_exit_readable, p);
    if (!error) {
        arm(p, clock_run_ns()); /* polls if there was no descriptor for a pidfd */
        return;
    }
    p->end.error = error;
    p->end.stage = SPAWN_RESOURCES;
    p->kill_due = clock_run_ns(); /* and so is the timer */
    arm(p, p->kill_due);
}

void process_stop(struct process *p) {
    int64_t now = clock_run_ns();

    if (p->exited || p->end.stopped)
        return;
    p->end.stopped = true;
    begin_stop(p, p->job->set->stop_signal, now);
    arm(p, now);
}
