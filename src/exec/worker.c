/* SPDX-License-Identifier: MIT */
/* worker: one of the CPU lane: a thread with a loop of its own, and one process at a time. */
#include "exec/worker.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/thread.h"

static void on_ended(struct process *p) {
    struct worker *w = (struct worker *)(void *)((char *)p->set - offsetof(struct worker, set));

    w->process = NULL;
    w->ended(p);
}

static void on_wake(uv_async_t *async) {
    struct worker *w = async->data;
    struct process *p = atomic_exchange(&w->given, NULL);

    if (p) {
        w->process = p;
        process_watch(p, &w->set, on_ended);
    }
    if (w->process && atomic_load(&w->stop))
        process_stop(w->process);
    if (atomic_load(&w->quit)) {
        uv_close((uv_handle_t *)&w->wake, NULL);
        pollset_close(&w->set, NULL, NULL);
    }
}

static void *run(void *arg) {
    struct worker *w = arg;

    uv_run(&w->loop, UV_RUN_DEFAULT);
    return NULL;
}

/*
 * libuv forgets its epoll descriptor when what it makes behind that fails
 * (uv_loop_init() of 1.44): each start that is put off would cost one for good.
 * It is closed unless a libuv that knows better has, and the number may be
 * something else's by now: then epoll_ctl() says EINVAL.
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

int worker_open(struct worker *w, const uv_loop_t *other, process_ended_cb ended) {
    int error = loop_open(&w->loop, other);

    if (error)
        return error;
    error = pollset_open(&w->set, &w->loop);
    if (error)
        goto no_set;
    error = uv_async_init(&w->loop, &w->wake, on_wake);
    if (error)
        goto no_wake;
    w->ended = ended;
    w->wake.data = w;
    atomic_store(&w->quit, false); /* it may have been closed before */
    error = thread_start(&w->thread, run, w);
    if (error)
        goto no_thread;
    w->open = true;
    return 0;

no_thread:
    uv_close((uv_handle_t *)&w->wake, NULL);
no_wake:
    pollset_close(&w->set, NULL, NULL);
no_set:
    uv_run(&w->loop, UV_RUN_DEFAULT);
    uv_loop_close(&w->loop);
    return error;
}

void worker_give(struct worker *w, struct process *p) {
    atomic_store(&w->stop, false);
    atomic_store(&w->given, p);
    uv_async_send(&w->wake);
}

void worker_stop(struct worker *w) {
    atomic_store(&w->stop, true);
    uv_async_send(&w->wake);
}

void worker_close(struct worker *w) {
    if (!w->open)
        return;
    atomic_store(&w->quit, true);
    uv_async_send(&w->wake);
    pthread_join(w->thread, NULL);
    if (uv_loop_close(&w->loop))
        abort(); /* a handle was forgotten */
    w->open = false;
}
