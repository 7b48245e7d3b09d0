/* SPDX-License-Identifier: MIT */
/* hand: one place of a persistent worker: its process, and the task that it is at. */
#include "exec/hand.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/trace.h"
#include "exec/starter.h"

/*
 * What holds an order's end up, in this order: the line of its answer is understood
 * (by the pool where it is long), what was told on standard error by then is read
 * (and written by the pool where it is much). Where there will be no answer, its
 * process must be gone instead, and then what is left in its pipes is read first:
 * it may have answered after all. hand_go_on() is called whenever one of these is done.
 */

#define PATIENCE_MS 1000            /* from the end of its input until it is stopped */
#define LOOK_NS     (2 * NS_PER_MS) /* of an order that is worth a look at its whole tree */
#define LOOK_EVERY  64              /* and of short ones each so many-th */

static void on_in_writable(void *owner);
static void on_patience(uv_timer_t *timer);

void hand_init(struct hand *h, const struct hand_env *env, uint32_t index) {
    *h = (struct hand){.env = env, .index = index, .in = -1, .out = -1, .err = -1};
    h->in_watch.fd = h->out_watch.fd = h->err_watch.fd = -1;
    uv_timer_init(env->loop, &h->patience); /* cannot fail */
    h->patience.data = h;
}

/* --- what it does wrong --------------------------------------------------- */

static void close_fd(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* By the signal that its order says, if it is at one. */
static void stop(struct hand *h) {
    h->state = HAND_LEAVING;
    if (h->order && h->order->sent) {
        h->set.stop_signal = h->order->stop_signal;
        h->set.kill_after_ns = h->order->kill_after_ns;
    }
    process_stop(&h->process);
}

void hand_blame_as(struct hand *h, char *words) {
    trace(TRACE_EXEC, "%s: %s", h->def.name, words ? words : "at fault");
    if (h->fault || h->state == HAND_LEAVING)
        free(words);
    else
        h->fault = words ? words : strdup("its worker failed");
    stop(h);
}

void hand_blame(struct hand *h, const char *what) {
    hand_blame_as(h, strdup(what));
}

void hand_leave(struct hand *h) {
    trace(TRACE_EXEC, "%s: leaves after %u", h->def.name, (unsigned)h->served);
    h->state = HAND_LEAVING;
    pollset_remove(h->env->set, &h->in_watch);
    close_fd(&h->in);
    hearing_go_on(h);
    uv_update_time(h->env->loop); /* uv_timer_start() counts from the cached time */
    uv_timer_start(&h->patience, on_patience, PATIENCE_MS, 0);
}

void hand_wait_for_end(struct hand *h) {
    if (uv_is_active((uv_handle_t *)&h->patience))
        return;
    uv_update_time(h->env->loop);
    uv_timer_start(&h->patience, on_patience, PATIENCE_MS, 0);
}

static void on_patience(uv_timer_t *timer) {
    struct hand *h = timer->data;

    if (h->gone)
        return;
    if (h->state == HAND_LEAVING)
        stop(h);
    else
        hand_blame(h, h->out_watch.fd < 0 ? "its worker closed its standard output"
                                          : "its worker closed its standard input");
}

/* --- the start ------------------------------------------------------------ */

static void on_launched(struct process *p);
static void on_gone(struct process *p);

static int start(struct hand *h) {
    const struct plan_job *job = h->env->worker->job;
    struct attempt a = {
        .job = ATTEMPT_OF_NO_JOB, .number = ++h->number, .slot = h->index, .lane = LANE_CPU};
    int error;

    h->set = *job->set;
    h->def = *job;
    h->def.set = &h->set;
    a.def = &h->def;
    error = process_init(&h->process, &h->env->process, &a);
    if (error)
        return error;
    h->process.launched = on_launched;
    h->state = HAND_STARTING;
    h->served = 0;
    h->worn = h->gone = h->answered = false;
    starter_add(h->env->starter, &h->process);
    return 0;
}

/* It is out of hand. */
static void end_order(struct hand *h, struct hand_report *report) {
    struct hand_order *o = h->order;

    h->order = NULL;
    o->hand = NULL;
    o->ended(o, report);
}

static void now_away(struct hand *h) {
    h->state = HAND_AWAY;
    h->env->away(h);
}

/* Starts one more process for an order that is out already. */
static void start_again(struct hand *h) {
    int error = start(h);

    if (!error)
        return;
    h->state = HAND_AWAY;
    end_order(h, &(struct hand_report){.error = error, .stage = SPAWN_RESOURCES, .exit = -1});
}

/* Sends the rest of the request, or as much as goes into the pipe. */
static void send_request(struct hand *h) {
    const struct hand_order *o = h->order;

    pollset_remove(h->env->set, &h->in_watch);
    while (h->sent < o->line_len) {
        ssize_t n = write(h->in, o->line + h->sent, o->line_len - h->sent);

        if (n >= 0) {
            h->sent += (size_t)n;
        } else if (errno == EAGAIN) {
            if (pollset_add_writer(h->env->set, &h->in_watch, h->in, on_in_writable, h))
                hand_blame(h, "its worker cannot be written to");
            return;
        } else if (errno != EINTR) {
            hand_wait_for_end(h); /* EPIPE: it will be dead in a moment */
            return;
        }
    }
}

static void on_in_writable(void *owner) {
    struct hand *h = owner;

    if (h->order && h->state == HAND_UP)
        send_request(h);
    else
        pollset_remove(h->env->set, &h->in_watch);
}

/* Begins to serve its order. */
static void serve(struct hand *h) {
    h->order->sent = true;
    h->sent = 0;
    h->begun_ns = clock_ns();
    hearing_go_on(h);
    send_request(h);
}

static void on_launched(struct process *p) {
    struct hand *h = (struct hand *)(void *)p;
    struct hand_report report = {.error = p->end.error, .stage = p->end.stage, .exit = -1};
    struct hand_order *o = h->order;
    bool told;

    if (report.error) {
        report.detail = p->end.detail;
        p->end.detail = NULL;
        process_release(p);
        h->state = HAND_AWAY;
        if (o)
            end_order(h, &report);
        now_away(h);
        return;
    }
    h->in = p->in_fd;
    h->out = p->out.fd;
    h->err = p->err.fd;
    p->in_fd = p->out.fd = p->err.fd = -1;
    fcntl(h->in, F_SETFL, O_NONBLOCK);
    fcntl(h->out, F_SETFL, O_NONBLOCK);
    fcntl(h->err, F_SETFL, O_NONBLOCK);
    h->state = HAND_UP;
    usage_init(&h->usage, p->group.leader);
    h->user_us = h->sys_us = 0;
    process_watch(p, h->env->set, on_gone);
    hearing_go_on(h);
    if (!o && h->closing)
        hand_leave(h);
    if (!o)
        return;
    told = o->sent;
    serve(h);
    if (!told)
        o->begun(o);
}

int hand_give(struct hand *h, struct hand_order *o) {
    int error;

    o->hand = h;
    o->sent = o->withdrawn = false;
    h->order = o;
    if (h->state == HAND_UP) {
        serve(h);
        return 0;
    }
    if (h->state != HAND_AWAY)
        return 1; /* it starts, or another will when this one has left */
    error = start(h);
    if (!error)
        return 1;
    h->order = NULL;
    o->hand = NULL;
    return error;
}

/* --- the end of an order ---------------------------------------------------- */

/* What it has used since the last order was over. */
static void account(struct hand *h, struct hand_report *report) {
    struct usage *u = &h->usage;

    if (clock_ns() - h->begun_ns >= LOOK_NS || h->served % LOOK_EVERY == 0) {
        usage_look(u);
        report->max_rss = u->peak;
        if (u->peak > u->rss + u->rss / 8)
            usage_forget_peak(u); /* the next order's is another */
        if (h->env->worker->memory && u->rss > h->env->worker->memory)
            h->worn = true;
    } else {
        usage_glance(u);
        report->max_rss = u->peak;
    }
    report->user_us = u->user_us - h->user_us;
    report->sys_us = u->sys_us - h->sys_us;
    h->user_us = u->user_us;
    h->sys_us = u->sys_us;
}

/* Its order is answered, and all that it told is read. */
static void conclude(struct hand *h) {
    struct hand_report report = {.answer = h->answer, .exit = -1};

    h->answered = false;
    account(h, &report);
    h->served++;
    h->last_id = h->order->id;
    end_order(h, &report);
    if (h->env->worker->tasks && h->served >= h->env->worker->tasks)
        h->worn = true;
    if ((h->worn || h->closing) && h->state == HAND_UP && !h->gone)
        hand_leave(h);
}

/* "exit 3", "SIGSEGV (core dumped)"; a shell makes exit 128 + N of signal N. */
static void put_end(const struct attempt_end *end, char *buf, size_t n) {
    const char *name = sigabbrev_np(end->exit > 128 ? end->exit - 128 : end->signal);

    if (end->exit > 128 && name)
        snprintf(buf, n, "exit %d (SIG%s)", end->exit, name);
    else if (end->exit >= 0)
        snprintf(buf, n, "exit %d%s", end->exit, end->exit == 127 ? " (command not found)" : "");
    else if (end->oom)
        snprintf(buf, n, "out of memory");
    else if (name)
        snprintf(buf, n, "SIG%s%s", name, end->core ? " (core dumped)" : "");
    else
        snprintf(buf, n, "signal %d", end->signal);
}

/* Its order will not be answered any more. */
static void lose(struct hand *h) {
    const struct attempt_end *end = &h->process.end;
    struct hand_report report = {
        .words = h->fault,
        .error = end->error,
        .stage = end->stage,
        .exit = h->order->withdrawn ? end->exit : -1,
        .signal = h->fault ? 0 : end->signal,
        .killed = end->killed,
        .user_us = end->user_us - h->user_us,
        .sys_us = end->sys_us - h->sys_us,
        .max_rss = end->max_rss,
        .leftover = end->leftover,
        .unkillable = end->unkillable,
    };
    char how[64];

    h->fault = NULL;
    if (report.user_us < 0)
        report.user_us = 0;
    if (report.sys_us < 0)
        report.sys_us = 0;
    if (!report.words && !h->order->withdrawn && !report.error) {
        put_end(end, how, sizeof how);
        if (asprintf(&report.words, "its worker died: %s", how) < 0)
            report.words = NULL;
    }
    end_order(h, &report);
}

/* Whether its process died before it has read any of the request, as one that was idle
 * may: then another can do it. Not one that has never done anything. */
static bool died_idle(const struct hand *h) {
    int unread = 0;

    return h->served && !h->fault && !h->order->withdrawn && !h->closing &&
           ioctl(h->in, FIONREAD, &unread) == 0 && (size_t)unread == h->sent;
}

/* Its process has ended, and its pipes are empty. */
static void be_away(struct hand *h) {
    bool again = h->order && h->order->sent && died_idle(h);

    uv_timer_stop(&h->patience);
    pollset_remove(h->env->set, &h->in_watch);
    pollset_remove(h->env->set, &h->out_watch);
    pollset_remove(h->env->set, &h->err_watch);
    close_fd(&h->in);
    close_fd(&h->out);
    close_fd(&h->err);
    if (h->order && h->order->sent && !again)
        lose(h);
    free(h->fault);
    h->fault = NULL;
    process_release(&h->process);
    free(h->line);
    h->line = NULL;
    h->line_len = h->line_cap = 0;
    h->state = HAND_AWAY;
    if (h->order)
        start_again(h);
    if (h->state == HAND_AWAY)
        now_away(h);
}

/* --- what is next --------------------------------------------------------- */

static void on_gone(struct process *p) {
    struct hand *h = (struct hand *)(void *)p;

    h->gone = true;
    h->err_left = hearing_pending(h);
    hand_go_on(h);
}

void hand_go_on(struct hand *h) {
    if (h->understanding || h->spilling)
        return;
    if (h->gone)
        hearing_finish(h);
    if (h->understanding || (h->answered && !hearing_drain(h)))
        return;
    if (h->answered)
        conclude(h);
    if (h->gone && hearing_drain(h))
        be_away(h);
}

bool hand_withdraw(struct hand_order *o) {
    struct hand *h = o->hand;

    o->withdrawn = true;
    if (!o->sent) {
        h->order = NULL;
        o->hand = NULL;
        return true;
    }
    if (h->state == HAND_STARTING) /* once more: there is no process to be stopped */
        end_order(h, &(struct hand_report){.exit = -1});
    else if (!h->answered && !h->gone)
        stop(h);
    return false;
}

void hand_spare(struct hand *h) {
    if (h->state == HAND_UP && !h->order)
        hand_leave(h);
}

void hand_dismiss(struct hand *h) {
    h->closing = true;
    if (h->state == HAND_UP)
        hand_leave(h);
    else if (h->state == HAND_STARTING)
        h->process.unwanted = true; /* or on_launched() sees to it */
    else if (h->state == HAND_AWAY)
        h->env->away(h);
}
