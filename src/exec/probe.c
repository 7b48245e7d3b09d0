/* SPDX-License-Identifier: MIT */
/* probe: asks a target again and again until it answers; without a process, without blocking. */
#include "exec/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "exec/reserve.h"

#define PAUSE_FIRST_MS     100
#define PAUSE_MAX_MS       1000
#define CONNECT_TIMEOUT_MS 5000
#define HTTP_TIMEOUT_MS    30000

/* One that is being made. */
struct connection {
    uv_poll_t poll;
    struct probe *probe;
    int fd;
};

static void ask(struct probe *p);

/* --- the ends of an attempt ------------------------------------------------- */

static void on_part_closed(struct probe *p) {
    if (--p->open_parts == 0)
        p->closed(p);
}

static void on_connection_closed(uv_handle_t *handle) {
    struct connection *c = handle->data;
    struct probe *p = c->probe;

    free(c);
    on_part_closed(p);
}

static void drop_connection(struct probe *p) {
    struct connection *c = p->connection;

    p->connection = NULL;
    if (!c)
        return;
    uv_close((uv_handle_t *)&c->poll, on_connection_closed); /* before its descriptor is */
    close(c->fd);
}

/* Leaves nothing of an attempt, but a look that the pool has begun. */
static void drop_attempt(struct probe *p) {
    drop_connection(p);
    if (p->resolve)
        resolve_forget(p->resolve);
    p->resolve = NULL;
#ifdef WITH_CURL
    if (p->fetch)
        fetch_cancel(p->fetch);
    p->fetch = NULL;
#endif
    if (p->addresses)
        freeaddrinfo(p->addresses);
    p->addresses = p->next_address = NULL;
    uv_timer_stop(&p->timer);
}

static void set_timer(struct probe *p, uv_timer_cb act, uint64_t ms) {
    uv_update_time(p->env->loop); /* uv_timer_start() counts from the cached time */
    uv_timer_start(&p->timer, act, ms, 0);
}

static void on_next(uv_timer_t *timer) {
    ask(timer->data);
}

static void note(struct probe *p, const char *words) {
    snprintf(p->trouble, sizeof p->trouble, "%s", words);
}

static void note_error(struct probe *p, int error) {
    const char *words = strerrordesc_np(-error);

    note(p, words ? words : uv_strerror(error)); /* of look-ups, libuv has words of its own */
}

/* No answer, for what was noted: another attempt in a while. */
static void fail(struct probe *p) {
    drop_attempt(p);
    set_timer(p, on_next, p->pause_ms);
    p->pause_ms = p->pause_ms * 3 / 2 < PAUSE_MAX_MS ? p->pause_ms * 3 / 2 : PAUSE_MAX_MS;
}

static void succeed(struct probe *p) {
    drop_attempt(p);
    p->answered(p);
}

/* --- connections ------------------------------------------------------------ */

static void try_addresses(struct probe *p);

static void connection_failed(struct probe *p, int error) {
    drop_connection(p);
    note_error(p, error);
    try_addresses(p);
}

static void on_patience_over(uv_timer_t *timer) {
    connection_failed(timer->data, UV_ETIMEDOUT);
}

static void on_connected(uv_poll_t *poll, int status, int events) {
    struct connection *c = poll->data;
    int error = 0;
    socklen_t n = sizeof error;

    (void)events;
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n))
        error = errno;
    if (!error && status < 0)
        error = -status;
    if (error)
        connection_failed(c->probe, -error);
    else
        succeed(c->probe);
}

/* Has the loop wait for it. Takes fd over. */
static int watch_connection(struct probe *p, int fd) {
    struct connection *c = calloc(1, sizeof *c);
    int error = c ? uv_poll_init(p->env->loop, &c->poll, fd) : UV_ENOMEM;

    if (error) {
        free(c);
        close(fd);
        return error;
    }
    c->probe = p;
    c->fd = fd;
    c->poll.data = c;
    p->connection = c;
    p->open_parts++;
    uv_poll_start(&c->poll, UV_WRITABLE, on_connected);
    set_timer(p, on_patience_over, CONNECT_TIMEOUT_MS);
    return 0;
}

/* 1: it stands; 0: it is under way; or UV_E…. */
static int begin_connection(struct probe *p, const struct sockaddr *address, socklen_t n) {
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc;

    if (fd < 0)
        return -errno;
    rc = connect(fd, address, n) ? -errno : 1;
    if (rc == -EINPROGRESS)
        return watch_connection(p, fd);
    close(fd);
    return rc;
}

/* The next of them, until one can be connected to, or none is left. */
static void try_addresses(struct probe *p) {
    while (p->next_address) {
        const struct addrinfo *a = p->next_address;
        int rc = begin_connection(p, a->ai_addr, a->ai_addrlen);

        p->next_address = a->ai_next;
        if (rc == 1)
            succeed(p);
        if (rc >= 0)
            return;
        note_error(p, rc);
    }
    fail(p);
}

static void on_resolved(void *owner, int error, struct addrinfo *addresses) {
    struct probe *p = owner;

    p->resolve = NULL;
    p->addresses = p->next_address = addresses;
    if (error) {
        note_error(p, error);
        fail(p);
    } else {
        try_addresses(p);
    }
}

static void ask_tcp(struct probe *p) {
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    const struct target *t = p->target;

    /* Digits need no look-up. */
    if (getaddrinfo(t->host, t->port, &hints, &p->addresses) == 0) {
        p->next_address = p->addresses;
        try_addresses(p);
        return;
    }
    p->resolve = resolve_start(p->env->resolver, t->host, t->port, on_resolved, p);
    if (!p->resolve) {
        note_error(p, UV_EAGAIN);
        fail(p);
    }
}

static void ask_unix(struct probe *p) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int rc;

    snprintf(address.sun_path, sizeof address.sun_path, "%s", p->target->path);
    rc = begin_connection(p, (const struct sockaddr *)&address, sizeof address);
    if (rc == 1) {
        succeed(p);
    } else if (rc < 0) {
        note_error(p, rc);
        fail(p);
    }
}

/* --- files ------------------------------------------------------------------ */

/* By the pool: the file may be on another machine. */
static void look_work(uv_work_t *work) {
    struct probe *p = work->data;
    struct stat st;

    p->found = stat(p->target->path, &st) ? -errno : 0;
}

static void look_done(uv_work_t *work, int status) {
    struct probe *p = work->data;

    (void)status;
    if (p->closing) {
        on_part_closed(p);
        return;
    }
    p->open_parts--;
    if (p->found == 0) {
        succeed(p);
        return;
    }
    note_error(p, p->found);
    fail(p);
}

static void ask_file(struct probe *p) {
    int error;

    p->look.data = p;
    error = reserve_queue_work(p->env->loop, &p->look, look_work, look_done);
    if (error) {
        note_error(p, error);
        fail(p);
    } else {
        p->open_parts++;
    }
}

/* --- URLs ------------------------------------------------------------------- */

#ifdef WITH_CURL
/* The status is all that is wanted to know. */
static enum fetch_taken on_body(void *owner, const char *bytes, size_t n) {
    (void)owner;
    (void)bytes;
    (void)n;
    return FETCH_ENOUGH;
}

static void on_fetched(void *owner, const struct fetch_result *r) {
    struct probe *p = owner;
    char words[32];

    p->fetch = NULL;
    if (!r->words && r->status >= 200 && r->status <= 299) {
        succeed(p);
        return;
    }
    snprintf(words, sizeof words, "HTTP %d", r->status);
    note(p, r->words ? r->words : words);
    fail(p);
}

static void on_fetch_timeout(uv_timer_t *timer) {
    struct probe *p = timer->data;

    note_error(p, UV_ETIMEDOUT);
    fail(p);
}

static const struct fetch_events fetch_events = {.body = on_body, .done = on_fetched};

static void ask_http(struct probe *p) {
    const struct fetch_request request = {.url = p->target->path, .body_bytes = FETCH_NO_BODY};

    p->fetch = fetch_start(p->env->fetcher, &request, &fetch_events, p);
    if (p->fetch) {
        set_timer(p, on_fetch_timeout, HTTP_TIMEOUT_MS);
    } else {
        note_error(p, UV_ENOMEM);
        fail(p);
    }
}
#endif

/* --- what they share -------------------------------------------------------- */

void probe_needs_add(struct probe_needs *needs, const struct target *target) {
    bool any = target->kind == TARGET_ANY;

    needs->resolver = needs->resolver || any || target->kind == TARGET_TCP;
    needs->fetcher = needs->fetcher || any || target->kind == TARGET_HTTP;
}

int probe_env_open(struct probe_env *env, uv_loop_t *loop, const struct probe_needs *needs,
                   unsigned connections) {
    int error;

    *env = (struct probe_env){.loop = loop};
    error = needs->resolver ? resolver_open(&env->resolver, loop) : 0;
#ifdef WITH_CURL
    if (!error && needs->fetcher)
        error = fetcher_open(&env->fetcher, loop, connections);
#else
    (void)connections;
#endif
    return error;
}

unsigned probe_env_close(struct probe_env *env, void (*closed)(void *ctx), void *ctx) {
    unsigned n = 0;

    if (env->resolver) {
        n++;
        resolver_close(env->resolver, closed, ctx);
    }
#ifdef WITH_CURL
    if (env->fetcher) {
        n++;
        fetcher_close(env->fetcher, closed, ctx);
    }
#endif
    return n;
}

/* --- all -------------------------------------------------------------------- */

static void ask(struct probe *p) {
    static void (*const asks[])(struct probe *) = {
        [TARGET_TCP] = ask_tcp,
        [TARGET_UNIX] = ask_unix,
        [TARGET_FILE] = ask_file,
#ifdef WITH_CURL
        [TARGET_HTTP] = ask_http,
#endif
    };

    asks[p->target->kind](p);
}

int probe_open(struct probe *p, const struct probe_env *env, const struct target *target,
               void (*answered)(struct probe *p)) {
    *p = (struct probe){
        .env = env, .target = target, .answered = answered, .pause_ms = PAUSE_FIRST_MS};
#ifndef WITH_CURL
    if (target->kind == TARGET_HTTP)
        return UV_ENOSYS;
#endif
    uv_timer_init(env->loop, &p->timer); /* cannot fail */
    p->timer.data = p;
    p->open_parts = 1;
    uv_timer_start(&p->timer, on_next, 0, 0);
    return 0;
}

static void on_timer_closed(uv_handle_t *handle) {
    on_part_closed(handle->data);
}

void probe_close(struct probe *p, void (*closed)(struct probe *p)) {
    p->closed = closed;
    p->closing = true;
    drop_attempt(p);
    uv_close((uv_handle_t *)&p->timer, on_timer_closed);
}

const char *probe_trouble(const struct probe *p) {
    return p->trouble;
}
