/* SPDX-License-Identifier: MIT */
/* pollset: many descriptors that are read from, behind one poll handle of a loop. */
#include "exec/pollset.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_MAX 64 /* the rest is there at the next round */

static void on_poll(uv_poll_t *poll, int status, int events) {
    struct pollset *s = poll->data;
    struct epoll_event ready[EVENTS_MAX];
    int n = epoll_wait(s->epoll, ready, EVENTS_MAX, 0);

    (void)status;
    (void)events;
    for (int i = 0; i < n; i++) {
        struct pollset_fd *f = ready[i].data.ptr;

        if (pollset_has(f)) /* one before it in the list may have taken it out */
            f->ready(f->owner);
    }
}

int pollset_open(struct pollset *s, uv_loop_t *loop) {
    int error;

    *s = (struct pollset){.loop = loop, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    if (s->epoll < 0)
        return -errno;
    error = uv_poll_init(loop, &s->poll, s->epoll);
    if (error) {
        close(s->epoll);
        return error;
    }
    s->poll.data = s;
    uv_poll_start(&s->poll, UV_READABLE, on_poll);
    return 0;
}

static void on_closed(uv_handle_t *handle) {
    struct pollset *s = handle->data;

    if (s->closed)
        s->closed(s->ctx);
}

void pollset_close(struct pollset *s, void (*closed)(void *ctx), void *ctx) {
    s->closed = closed;
    s->ctx = ctx;
    uv_close((uv_handle_t *)&s->poll, on_closed);
    close(s->epoll);
}

static int add(struct pollset *s, struct pollset_fd *f, int fd, uint32_t events,
               void (*ready)(void *owner), void *owner) {
    struct epoll_event event = {.events = events, .data.ptr = f};

    *f = (struct pollset_fd){.fd = -1, .ready = ready, .owner = owner};
    if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event))
        return -errno;
    f->fd = fd;
    return 0;
}

int pollset_add(struct pollset *s, struct pollset_fd *f, int fd, void (*ready)(void *owner),
                void *owner) {
    return add(s, f, fd, EPOLLIN, ready, owner);
}

int pollset_add_writer(struct pollset *s, struct pollset_fd *f, int fd, void (*ready)(void *owner),
                       void *owner) {
    return add(s, f, fd, EPOLLOUT, ready, owner);
}

void pollset_remove(struct pollset *s, struct pollset_fd *f) {
    if (f->fd >= 0)
        epoll_ctl(s->epoll, EPOLL_CTL_DEL, f->fd, NULL);
    f->fd = -1;
}
