/* SPDX-License-Identifier: MIT */
/* starter: gets processes started, by launchers, without ever holding the main loop. */
#include "exec/starter.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/trace.h"
#include "exec/launcher.h"
#include "exec/reserve.h"

/*
 * A process goes from the queue to a launcher: packed, sent, and left alone
 * until the answer comes. A launcher has up to DEPTH of them, so that it goes
 * on to the next without waiting for this loop. What has to be looked for on
 * the disk first is looked for by libuv's thread pool; then the process goes
 * back to the head of the queue.
 *
 * Launchers are forked by the parent thread, since what they start becomes its
 * own. A slot is the parent thread's while it is WANTED or ENDING, else the main
 * one's.
 */

#define LAUNCHERS_MAX 2 /* more gain nothing (measured) */
#define DEPTH         2
#define SETTLE_NS     NS_PER_S

enum slot_state {
    NO_LAUNCHER,
    WANTED,  /* the parent thread forks it */
    FORKED,  /* it has, or has not: `error` */
    RUNNING, /* it is polled, and asked */
    CLOSING, /* it is told to end; its poll handle is being closed */
    ENDING,  /* the parent thread reaps it */
};

struct slot {
    struct starter *starter;
    _Atomic enum slot_state state;
    struct launcher launcher;
    int error;                        /* FORKED */
    bool proven;                      /* it has answered before */
    uint64_t begun;                   /* ENDING: mark of what it was at when it died, or 0 */
    uv_poll_t poll;                   /* RUNNING, CLOSING */
    struct process *under_way[DEPTH]; /* oldest first */
    unsigned n;
};

STAILQ_HEAD(queue, process);

struct starter {
    struct starter_opts opts;
    uv_loop_t *loop;
    pthread_t parent;
    pthread_mutex_t lock; /* of quit, and held where a state changes */
    pthread_cond_t wake;  /* parent: a launcher is wanted, or quit */
    bool quit;
    uv_async_t news; /* a launcher was forked; something was refused */
    struct slot slots[LAUNCHERS_MAX];
    struct queue starts, refused;
    unsigned open_handles;
    bool paused, resting, closing;
};

struct lookup_work {
    uv_work_t work;
    struct starter *starter;
    struct process *process;
};

/* --- the parent thread ---------------------------------------------------- */

static struct slot *find_slot(struct starter *s, enum slot_state state) {
    for (unsigned i = 0; i < s->opts.launchers; i++)
        if (s->slots[i].state == state)
            return &s->slots[i];
    return NULL;
}

static void end_launcher(struct slot *slot) {
    launcher_release(&slot->launcher);
    if (slot->begun)
        launcher_kill_begun(slot->begun);
    slot->begun = 0;
}

static void *parent_run(void *arg) {
    struct starter *s = arg;

    pthread_mutex_lock(&s->lock);
    while (!s->quit) {
        struct slot *slot = find_slot(s, ENDING);
        enum slot_state next = NO_LAUNCHER;

        if (!slot && (slot = find_slot(s, WANTED)))
            next = FORKED;
        if (!slot) {
            pthread_cond_wait(&s->wake, &s->lock);
            continue;
        }
        pthread_mutex_unlock(&s->lock);
        if (next == FORKED)
            slot->error = launcher_fork(&slot->launcher, s->opts.setup);
        else
            end_launcher(slot);
        pthread_mutex_lock(&s->lock);
        slot->state = next;
        uv_async_send(&s->news);
    }
    pthread_mutex_unlock(&s->lock);
    for (unsigned i = 0; i < s->opts.launchers; i++)
        end_launcher(&s->slots[i]);
    return NULL;
}

/* --- the main thread ------------------------------------------------------ */

static void pump(struct starter *s);

static void set_state(struct slot *slot, enum slot_state state) {
    struct starter *s = slot->starter;

    pthread_mutex_lock(&s->lock);
    slot->state = state;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

/* `launched` is called for it by the loop. */
static void refuse(struct starter *s, struct process *p, int error, enum spawn_stage stage) {
    process_refuse(p, error, stage);
    STAILQ_INSERT_TAIL(&s->refused, p, next);
    uv_async_send(&s->news);
}

static void on_handle_closed(struct starter *s) {
    void (*closed)(void *) = s->opts.closed;
    void *ctx = s->opts.ctx;

    if (--s->open_handles || !s->closing)
        return;
    for (unsigned i = 0; i < LAUNCHERS_MAX; i++)
        launcher_free(&s->slots[i].launcher);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    free(s);
    if (closed)
        closed(ctx);
}

static void on_news_closed(uv_handle_t *handle) {
    on_handle_closed(handle->data);
}

static void on_poll_closed(uv_handle_t *handle) {
    struct slot *slot = handle->data;
    struct starter *s = slot->starter;

    set_state(slot, ENDING);
    on_handle_closed(s);
}

static void hang_up(struct slot *slot) {
    uv_close((uv_handle_t *)&slot->poll, on_poll_closed); /* before its descriptor is */
    launcher_hang_up(&slot->launcher);
    set_state(slot, CLOSING);
}

/* All but one, the guard of what runs. */
static void rest(struct starter *s) {
    const struct slot *guard = find_slot(s, RUNNING);

    for (unsigned i = 0; i < s->opts.launchers; i++)
        if (s->slots[i].state == RUNNING && s->slots[i].n == 0 && &s->slots[i] != guard)
            hang_up(&s->slots[i]);
}

/* What it was at is lost, since it may run, and is killed if it does. What was
 * behind that has not been begun: it goes back. */
static void launcher_died(struct slot *slot) {
    struct starter *s = slot->starter;

    trace(TRACE_EXEC, "launcher %d is dead", (int)slot->launcher.pid);
    while (slot->n > 1) {
        struct process *p = slot->under_way[--slot->n];

        process_unask(p);
        STAILQ_INSERT_HEAD(&s->starts, p, next);
    }
    if (slot->n) {
        slot->n = 0;
        slot->begun = slot->under_way[0]->group.mark;
        refuse(s, slot->under_way[0], UV_EPIPE, SPAWN_LOST);
    }
    hang_up(slot);
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void poll_slot(struct slot *slot, bool unsent) {
    uv_poll_start(&slot->poll, unsent ? UV_READABLE | UV_WRITABLE : UV_READABLE, on_poll);
}

/* Asks for a process. It may have refused it, or put it back. */
static void ask(struct slot *slot, struct process *p) {
    struct starter *s = slot->starter;
    int error = process_ask(p, &slot->launcher);

    if (!error || error == UV_EAGAIN) {
        slot->under_way[slot->n++] = p;
        if (error)
            poll_slot(slot, true);
    } else if (error == UV_EPIPE) {
        if (slot->proven || slot->n)
            STAILQ_INSERT_HEAD(&s->starts, p, next);
        else
            refuse(s, p, error, SPAWN_LOST); /* one would die after the other */
        launcher_died(slot);
    } else {
        refuse(s, p, error, SPAWN_RESOURCES);
    }
}

/* One answer. False: there is none, or no launcher any more. */
static bool take_answer(struct slot *slot) {
    struct launch_reply reply;
    struct process *p = slot->under_way[0];
    int error = launcher_answer(&slot->launcher, &reply);

    if (error == UV_EPIPE)
        launcher_died(slot);
    if (error)
        return false;
    slot->proven = true;
    slot->n--;
    memmove(slot->under_way, slot->under_way + 1, slot->n * sizeof *slot->under_way);
    process_answer(p, &reply);
    p->launched(p);
    return slot->state == RUNNING;
}

static void serve(struct slot *slot) {
    struct starter *s = slot->starter;

    if (launcher_unsent(&slot->launcher)) {
        int error = launcher_flush(&slot->launcher);

        if (error == UV_EPIPE)
            launcher_died(slot);
        else if (error != UV_EAGAIN)
            poll_slot(slot, false);
        if (error && error != UV_EPIPE && error != UV_EAGAIN) /* not a byte of it was sent */
            refuse(s, slot->under_way[--slot->n], error, SPAWN_RESOURCES);
    }
    if (slot->state == RUNNING)
        while (take_answer(slot) && slot->n) /* the first also sees an end */
            ;
    pump(s);
    if (s->resting && STAILQ_EMPTY(&s->starts))
        rest(s);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events; /* whatever it is, the socket tells */
    serve(poll->data);
}

static void lookup_work(uv_work_t *work) {
    process_lookup(((struct lookup_work *)work->data)->process);
}

static void lookup_done(uv_work_t *work, int status) {
    struct lookup_work *w = work->data;
    struct starter *s = w->starter;
    struct process *p = w->process;

    (void)status;
    free(w);
    if (p->end.error) {
        p->launched(p);
    } else {
        STAILQ_INSERT_HEAD(&s->starts, p, next);
        pump(s);
    }
}

static void look_up(struct starter *s, struct process *p) {
    struct lookup_work *w = malloc(sizeof *w);
    int error;

    if (!w) {
        refuse(s, p, UV_ENOMEM, SPAWN_RESOURCES);
        return;
    }
    *w = (struct lookup_work){.work.data = w, .starter = s, .process = p};
    error = reserve_queue_work(s->loop, &w->work, lookup_work, lookup_done);
    if (error) {
        free(w);
        refuse(s, p, error, SPAWN_RESOURCES);
    }
}

/* The launcher with the least to do that can be asked, or NULL. */
static struct slot *find_idle(struct starter *s) {
    struct slot *found = NULL;

    for (unsigned i = 0; i < s->opts.launchers; i++) {
        struct slot *slot = &s->slots[i];

        if (slot->state == RUNNING && slot->n < (found ? found->n : DEPTH) &&
            !launcher_unsent(&slot->launcher))
            found = slot;
    }
    return found;
}

/* Starts what can be started now. */
static void pump(struct starter *s) {
    while (!STAILQ_EMPTY(&s->starts) && !s->paused) {
        struct process *p = STAILQ_FIRST(&s->starts);
        struct slot *slot = find_idle(s);

        if (!slot && !p->unwanted) {
            slot = find_slot(s, NO_LAUNCHER);
            if (slot)
                set_state(slot, WANTED);
            return;
        }
        STAILQ_REMOVE_HEAD(&s->starts, next);
        if (p->unwanted)
            refuse(s, p, UV_ECANCELED, SPAWN_RESOURCES);
        else if (process_needs_lookup(p))
            look_up(s, p);
        else
            ask(slot, p);
    }
}

/* No launcher, and none to come: nothing can be started now. */
static void refuse_all(struct starter *s, int error) {
    struct process *p;

    if (find_slot(s, RUNNING) || find_slot(s, WANTED))
        return;
    while ((p = STAILQ_FIRST(&s->starts))) {
        STAILQ_REMOVE_HEAD(&s->starts, next);
        refuse(s, p, error, SPAWN_RESOURCES);
    }
}

static void attach(struct slot *slot) {
    struct starter *s = slot->starter;
    int error = slot->error;

    if (!error)
        error = uv_poll_init(s->loop, &slot->poll, slot->launcher.socket);
    if (error) {
        launcher_hang_up(&slot->launcher);
        set_state(slot, ENDING);
        refuse_all(s, error);
        return;
    }
    s->open_handles++;
    slot->poll.data = slot;
    slot->proven = false;
    poll_slot(slot, false);
    set_state(slot, RUNNING);
}

/* There is to be one, also while nothing is started. Not where launchers do not
 * live long enough to start anything. */
static void guard(struct starter *s) {
    struct slot *slot = find_slot(s, NO_LAUNCHER);

    if (slot && slot->proven && !find_slot(s, RUNNING) && !find_slot(s, WANTED))
        set_state(slot, WANTED);
}

static void on_news(uv_async_t *async) {
    struct starter *s = async->data;
    struct process *p;

    for (unsigned i = 0; i < s->opts.launchers; i++) {
        if (s->slots[i].state == FORKED)
            attach(&s->slots[i]);
    }
    pump(s);
    if (s->resting && STAILQ_EMPTY(&s->starts))
        rest(s);
    guard(s);
    while ((p = STAILQ_FIRST(&s->refused))) {
        STAILQ_REMOVE_HEAD(&s->refused, next);
        p->launched(p);
    }
}

void starter_add(struct starter *s, struct process *p) {
    s->resting = false;
    STAILQ_INSERT_TAIL(&s->starts, p, next);
    pump(s);
}

void starter_pause(struct starter *s) {
    int64_t until = clock_ns() + SETTLE_NS;

    s->paused = true;
    for (;;) {
        struct pollfd polls[LAUNCHERS_MAX];
        struct slot *asked[LAUNCHERS_MAX];
        int64_t left = until - clock_ns();
        nfds_t n = 0;

        for (unsigned i = 0; i < s->opts.launchers; i++) {
            struct slot *slot = &s->slots[i];

            if (slot->state != RUNNING || !slot->n)
                continue;
            polls[n] = (struct pollfd){.fd = slot->launcher.socket,
                                       .events = launcher_unsent(&slot->launcher) ? POLLIN | POLLOUT
                                                                                  : POLLIN};
            asked[n++] = slot;
        }
        if (!n || left <= 0 || poll(polls, n, (int)(left / NS_PER_MS) + 1) <= 0)
            return;
        for (nfds_t i = 0; i < n; i++)
            if (polls[i].revents)
                serve(asked[i]);
    }
}

void starter_resume(struct starter *s) {
    s->paused = false;
    pump(s);
}

void starter_rest(struct starter *s) {
    s->resting = true;
    if (STAILQ_EMPTY(&s->starts))
        rest(s);
}

int starter_open(struct starter **out, uv_loop_t *loop, const struct starter_opts *opts) {
    struct starter *s = calloc(1, sizeof *s);
    int error;

    if (!s)
        return UV_ENOMEM;
    s->opts = *opts;
    s->loop = loop;
    if (s->opts.launchers > LAUNCHERS_MAX)
        s->opts.launchers = LAUNCHERS_MAX;
    STAILQ_INIT(&s->starts);
    STAILQ_INIT(&s->refused);
    for (unsigned i = 0; i < LAUNCHERS_MAX; i++) {
        s->slots[i].starter = s;
        s->slots[i].state = WANTED;
        launcher_init(&s->slots[i].launcher);
    }
    error = uv_async_init(loop, &s->news, on_news);
    if (error) {
        free(s);
        return error;
    }
    s->news.data = s;
    s->open_handles = 1;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, NULL);
    error = thread_start(&s->parent, parent_run, s);
    if (error) {
        s->closing = true;
        s->opts.closed = NULL;
        uv_close((uv_handle_t *)&s->news, on_news_closed);
        return error;
    }
    *out = s;
    return 0;
}

void starter_dismiss(struct starter *s) {
    s->closing = true;
    for (unsigned i = 0; i < s->opts.launchers; i++)
        if (s->slots[i].state == RUNNING)
            hang_up(&s->slots[i]);
    pthread_mutex_lock(&s->lock);
    s->quit = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

void starter_close(struct starter *s) {
    if (!s->closing)
        starter_dismiss(s);
    pthread_join(s->parent, NULL);
    uv_close((uv_handle_t *)&s->news, on_news_closed);
}
