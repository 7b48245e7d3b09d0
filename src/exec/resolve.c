/* SPDX-License-Identifier: MIT */
/* resolve: name look-ups, on threads of their own, that nobody has to wait for. */
#include "exec/resolve.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"

#define THREADS_MAX 8 /* at once; further look-ups wait for their turn */

/*
 * What the loop and the threads share stays until the last of them has left it:
 * threads of look-ups that hang may outlive the run.
 */
struct shared {
    pthread_mutex_t lock; /* of all that follows */
    unsigned users;       /* the resolver, and each thread */
    bool closed;          /* `wake` is not to be used any more */
    uv_async_t *wake;
    struct resolve *waiting, **waiting_end;
    struct resolve *answered;
    unsigned threads;
};

struct resolve {
    struct resolve *next;
    resolve_done_cb done;
    void *owner; /* the loop's; NULL: nobody wants it */
    struct addrinfo *addresses;
    int error;
    char *port; /* behind the host, in the same block */
    char host[];
};

struct resolver {
    uv_async_t wake;
    struct shared *shared;
    void (*closed)(void *ctx);
    void *ctx;
};

static void free_list(struct resolve *q) {
    for (struct resolve *next; q; q = next) {
        next = q->next;
        if (q->addresses)
            freeaddrinfo(q->addresses);
        free(q);
    }
}

/* Under the lock, which it gives up. */
static void leave(struct shared *s) {
    bool last = --s->users == 0;

    pthread_mutex_unlock(&s->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static int as_uv_error(int gai) {
    switch (gai) {
    case 0:
        return 0;
    case EAI_AGAIN:
        return UV_EAI_AGAIN;
    case EAI_FAMILY:
        return UV_EAI_FAMILY;
    case EAI_MEMORY:
        return UV_EAI_MEMORY;
    case EAI_NONAME:
    case EAI_NODATA:
        return UV_EAI_NONAME;
    default:
        return UV_EAI_FAIL;
    }
}

static void look_up(struct resolve *q) {
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};

    q->error = as_uv_error(getaddrinfo(q->host, q->port, &hints, &q->addresses));
}

static struct resolve *take_waiting(struct shared *s) {
    struct resolve *q = s->waiting;

    if (q && !(s->waiting = q->next))
        s->waiting_end = &s->waiting;
    return q;
}

static void *thread_run(void *arg) {
    struct shared *s = arg;
    struct resolve *q;

    pthread_mutex_lock(&s->lock);
    while (!s->closed && (q = take_waiting(s))) {
        pthread_mutex_unlock(&s->lock);
        look_up(q);
        pthread_mutex_lock(&s->lock);
        q->next = s->answered;
        s->answered = q;
        if (!s->closed)
            uv_async_send(s->wake);
    }
    s->threads--;
    if (s->closed && !s->threads) { /* nobody else will */
        free_list(s->answered);
        s->answered = NULL;
    }
    leave(s);
    return NULL;
}

/* Under the lock. 0 or UV_E… when not even one thread is there. */
static int need_thread(struct shared *s) {
    pthread_t thread;
    int error;

    if (s->threads == THREADS_MAX)
        return 0;
    error = thread_start(&thread, thread_run, s);
    if (error)
        return s->threads ? 0 : error;
    pthread_detach(thread);
    s->threads++;
    s->users++;
    return 0;
}

struct resolve *resolve_start(struct resolver *r, const char *host, const char *port,
                              resolve_done_cb done, void *owner) {
    struct shared *s = r->shared;
    size_t n = strlen(host) + 1, m = strlen(port) + 1;
    struct resolve *q = malloc(sizeof *q + n + m);

    if (!q)
        return NULL;
    *q = (struct resolve){.done = done, .owner = owner, .port = q->host + n};
    memcpy(q->host, host, n);
    memcpy(q->port, port, m);
    pthread_mutex_lock(&s->lock);
    if (need_thread(s)) {
        free(q);
        q = NULL;
    } else {
        *s->waiting_end = q;
        s->waiting_end = &q->next;
    }
    pthread_mutex_unlock(&s->lock);
    return q;
}

void resolve_forget(struct resolve *q) {
    q->owner = NULL;
}

static void on_wake(uv_async_t *async) {
    struct resolver *r = async->data;
    struct shared *s = r->shared;
    struct resolve *q;

    for (;;) {
        pthread_mutex_lock(&s->lock);
        q = s->answered;
        if (q)
            s->answered = q->next;
        pthread_mutex_unlock(&s->lock);
        if (!q)
            return;
        if (q->owner) {
            q->done(q->owner, q->error, q->addresses);
            q->addresses = NULL;
        }
        q->next = NULL;
        free_list(q);
    }
}

int resolver_open(struct resolver **out, uv_loop_t *loop) {
    struct resolver *r = calloc(1, sizeof *r);
    struct shared *s = calloc(1, sizeof *s);
    int error = r && s ? uv_async_init(loop, &r->wake, on_wake) : UV_ENOMEM;

    if (error) {
        free(r);
        free(s);
        return error;
    }
    pthread_mutex_init(&s->lock, NULL);
    s->users = 1;
    s->wake = &r->wake;
    s->waiting_end = &s->waiting;
    r->shared = s;
    r->wake.data = r;
    *out = r;
    return 0;
}

static void on_closed(uv_handle_t *handle) {
    struct resolver *r = handle->data;
    void (*closed)(void *) = r->closed;
    void *ctx = r->ctx;

    pthread_mutex_lock(&r->shared->lock);
    leave(r->shared);
    free(r);
    closed(ctx);
}

void resolver_close(struct resolver *r, void (*closed)(void *ctx), void *ctx) {
    struct shared *s = r->shared;

    r->closed = closed;
    r->ctx = ctx;
    pthread_mutex_lock(&s->lock);
    s->closed = true;
    free_list(s->waiting);
    s->waiting = NULL;
    free_list(s->answered);
    s->answered = NULL;
    pthread_mutex_unlock(&s->lock);
    uv_close((uv_handle_t *)&r->wake, on_closed);
}
