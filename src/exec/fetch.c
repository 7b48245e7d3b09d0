/* SPDX-License-Identifier: MIT */
/* fetch: HTTP requests on a loop, by libcurl's multi interface. */
#include "exec/fetch.h"

#ifdef WITH_CURL
#include <config.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/libcurl.h"
#include "base/trace.h"

/*
 * libcurl says which sockets it waits for; they are in an epoll set of the
 * fetcher's own, of which the loop sees the one descriptor, so that a request
 * makes no handle of the loop's. A request that has ended gives its easy handle
 * back for the next one.
 *
 * HTTP/1.1 alone is spoken: what comes over a connection of HTTP/2 while one of
 * its answers has to wait for the disk would pile up in memory.
 */

#define EVENTS_MAX 64 /* the rest is there at the next round */
#define LINE_BYTES 128

struct fetcher {
    const struct libcurl *curl;
    CURLM *multi;
    uv_poll_t poll; /* of the epoll descriptor */
    uv_timer_t timer;
    int epoll;
    struct fetch *live; /* under way */
    struct fetch *idle; /* to be used again */
    unsigned idle_left; /* how many more of these are kept */
    bool netrc;         /* there is one */
    bool broken;        /* the set cannot take a socket: nothing can go on */
    unsigned open_handles;
    void (*closed)(void *ctx);
    void *ctx;
};

struct fetch {
    struct fetch *next, **link; /* among the live ones; `next` alone among the idle */
    struct fetcher *fetcher;
    CURL *easy;
    const struct fetch_events *events;
    void *owner;
    struct curl_slist *headers;
    bool enough, paused;
    bool cut; /* a header has begun and not ended */
    char line[LINE_BYTES];
    char words[CURL_ERROR_SIZE];
};

/* --- between libcurl and the loop ----------------------------------------- */

static void finish_some(struct fetcher *f);

static void act(struct fetcher *f, curl_socket_t socket, int events) {
    int running;

    f->curl->multi_socket_action(f->multi, socket, events, &running);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    struct fetcher *f = poll->data;
    struct epoll_event ready[EVENTS_MAX];
    int n = epoll_wait(f->epoll, ready, EVENTS_MAX, 0);

    (void)status;
    (void)events;
    for (int i = 0; i < n; i++)
        act(f, ready[i].data.fd,
            (ready[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                (ready[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                (ready[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0));
    finish_some(f);
}

static void on_timer(uv_timer_t *timer) {
    struct fetcher *f = timer->data;

    act(f, CURL_SOCKET_TIMEOUT, 0);
    finish_some(f);
}

static int want_timer(CURLM *multi, long ms, void *of) {
    struct fetcher *f = of;

    (void)multi;
    if (ms < 0) {
        uv_timer_stop(&f->timer);
        return 0;
    }
    if (ms > 0)
        uv_update_time(f->timer.loop); /* uv_timer_start() counts from the cached time */
    uv_timer_start(&f->timer, on_timer, (uint64_t)ms, 0);
    return 0;
}

/* `known` is not NULL where the set has it. */
static int want_socket(CURL *easy, curl_socket_t socket, int what, void *of, void *known) {
    struct fetcher *f = of;
    struct epoll_event event = {.data.fd = socket};

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(f->epoll, EPOLL_CTL_DEL, socket, NULL);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
    if (epoll_ctl(f->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event) == 0) {
        if (!known)
            f->curl->multi_assign(f->multi, socket, f);
        return 0;
    }
    f->broken = true;
    uv_timer_start(&f->timer, on_timer, 0, 0);
    return 0;
}

/* No job inherits it. */
static curl_socket_t open_socket(void *of, curlsocktype purpose, struct curl_sockaddr *address) {
    (void)of;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* --- one request ---------------------------------------------------------- */

static size_t take_body(char *bytes, size_t size, size_t n, void *of) {
    struct fetch *t = of;

    switch (t->events->body(t->owner, bytes, size * n)) {
    case FETCH_TAKEN:
        return size * n;
    case FETCH_AGAIN:
        t->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    default:
        t->enough = true;
        return 0;
    }
}

static size_t give_body(char *to, size_t size, size_t n, void *of) {
    struct fetch *t = of;
    size_t given = t->events->give(t->owner, to, size * n);

    if (given == FETCH_BROKEN)
        return CURL_READFUNC_ABORT;
    if (given != FETCH_LATER)
        return given;
    t->paused = true;
    return CURL_READFUNC_PAUSE;
}

static int rewind_body(void *of, curl_off_t at, int origin) {
    struct fetch *t = of;

    if (at || origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    t->events->rewind(t->owner);
    return CURL_SEEKFUNC_OK;
}

/* Of each answer, those of redirects too, the first line is kept. */
static size_t take_header(char *bytes, size_t size, size_t n, void *of) {
    struct fetch *t = of;
    size_t len = size * n;

    if (len >= 5 && !memcmp(bytes, "HTTP/", 5)) {
        while (len && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
            len--;
        snprintf(t->line, sizeof t->line, "%.*s", (int)len, bytes);
        t->cut = true;
    } else if (*bytes == '\r' || *bytes == '\n') {
        t->cut = false;
    }
    return size * n;
}

static bool add_headers(struct fetch *t, const struct env_var *headers) {
    const struct libcurl *c = t->fetcher->curl;

    for (const struct env_var *h = headers; h && h->name; h++) {
        char *line;
        struct curl_slist *list;

        if (asprintf(&line, *h->value ? "%s: %s" : "%s:", h->name, h->value) < 0)
            return false;
        list = c->slist_append(t->headers, line);
        free(line);
        if (!list)
            return false;
        t->headers = list;
    }
    return true;
}

/* Whether all of it was understood: else there was no memory, or a URL with a
 * control character in it. */
static CURLcode describe(struct fetch *t, const struct fetch_request *q) {
    const struct fetcher *f = t->fetcher;
    bool body = q->body_bytes != FETCH_NO_BODY;
    const char *method = q->method ? q->method : body ? "POST" : "GET";
    CURLcode code = CURLE_OK;

#define SET(option, value)                                                                         \
    do {                                                                                           \
        if (!code)                                                                                 \
            code = f->curl->easy_setopt(t->easy, option, value);                                   \
    } while (0)
    SET(CURLOPT_PRIVATE, t);
    SET(CURLOPT_ERRORBUFFER, t->words);
    SET(CURLOPT_URL, q->url);
    SET(CURLOPT_USERAGENT, "muster/" PACKAGE_VERSION);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_HEADERFUNCTION, take_header);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_FOLLOWLOCATION, (long)(q->redirects_max > 0));
    SET(CURLOPT_MAXREDIRS, (long)q->redirects_max);
#if LIBCURL_VERSION_NUM >= 0x075500
    SET(CURLOPT_PROTOCOLS_STR, "http,https"); /* and so those of redirects */
    SET(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
    SET(CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    SET(CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    if (f->netrc)
        SET(CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
    if (q->user)
        SET(CURLOPT_USERPWD, q->user);
    if (q->ca_file)
        SET(CURLOPT_CAINFO, q->ca_file);
    if (t->headers)
        SET(CURLOPT_HTTPHEADER, t->headers);
    if (body) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_bytes);
        if (q->body) {
            SET(CURLOPT_POSTFIELDS, q->body);
        } else {
            SET(CURLOPT_READFUNCTION, give_body);
            SET(CURLOPT_READDATA, t);
            SET(CURLOPT_SEEKFUNCTION, rewind_body);
            SET(CURLOPT_SEEKDATA, t);
        }
    }
    if (!strcmp(method, "HEAD"))
        SET(CURLOPT_NOBODY, 1L);
    else if (strcmp(method, body ? "POST" : "GET"))
        SET(CURLOPT_CUSTOMREQUEST, method);
#undef SET
    /* Where a look-up hangs, the end is not to wait for it: CURLOPT_QUICK_EXIT of 7.87, which
     * the header need not know yet, and an older library does not. */
    if (!code)
        f->curl->easy_setopt(t->easy, (CURLoption)(CURLOPTTYPE_LONG + 322), 1L);
    return code;
}

static struct fetch *take_idle(struct fetcher *f) {
    struct fetch *t = f->idle;

    if (t) {
        f->idle = t->next;
        f->idle_left++;
    } else {
        t = calloc(1, sizeof *t);
        if (!t)
            return NULL;
        t->fetcher = f;
        t->easy = f->curl->easy_init();
        if (!t->easy) {
            free(t);
            return NULL;
        }
    }
    t->enough = t->paused = t->cut = false;
    t->line[0] = t->words[0] = '\0';
    return t;
}

static void give_idle(struct fetch *t) {
    struct fetcher *f = t->fetcher;

    f->curl->slist_free_all(t->headers);
    t->headers = NULL;
    if (!f->idle_left) {
        f->curl->easy_cleanup(t->easy);
        free(t);
        return;
    }
    f->idle_left--;
    f->curl->easy_reset(t->easy);
    t->next = f->idle;
    f->idle = t;
}

static void unlink_live(struct fetch *t) {
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
}

struct fetch *fetch_start(struct fetcher *f, const struct fetch_request *q,
                          const struct fetch_events *events, void *owner) {
    struct fetch *t = take_idle(f);

    if (!t)
        return NULL;
    t->events = events;
    t->owner = owner;
    if (f->broken || !add_headers(t, q->headers) || describe(t, q) ||
        f->curl->multi_add_handle(f->multi, t->easy)) {
        give_idle(t);
        return NULL;
    }
    t->next = f->live;
    t->link = &f->live;
    if (t->next)
        t->next->link = &t->next;
    f->live = t;
    return t;
}

void fetch_go_on(struct fetch *t) {
    if (!t->paused)
        return;
    t->paused = false;
    t->fetcher->curl->easy_pause(t->easy, CURLPAUSE_CONT);
    /* Whatever it has come to, the timer's call tells. */
    uv_timer_start(&t->fetcher->timer, on_timer, 0, 0);
}

void fetch_cancel(struct fetch *t) {
    unlink_live(t);
    t->fetcher->curl->multi_remove_handle(t->fetcher->multi, t->easy);
    give_idle(t);
}

/* --- its end --------------------------------------------------------------- */

static int64_t get_time(const struct fetch *t, CURLINFO info) {
    curl_off_t us = 0;

    t->fetcher->curl->easy_getinfo(t->easy, info, &us);
    return us * 1000;
}

static uint64_t get_size(const struct fetch *t, CURLINFO info) {
    curl_off_t bytes = 0;

    t->fetcher->curl->easy_getinfo(t->easy, info, &bytes);
    return bytes > 0 ? (uint64_t)bytes : 0;
}

/* Why there is no answer. Of connections the kernel knows it better. */
static const char *explain(struct fetch *t, CURLcode code) {
    const struct libcurl *c = t->fetcher->curl;
    long os_error = 0;

    c->easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &os_error);
    if (code == CURLE_COULDNT_CONNECT && os_error > 0 && strerrordesc_np((int)os_error))
        return strerrordesc_np((int)os_error);
    return *t->words ? t->words : c->easy_strerror(code);
}

static struct fetch_result conclude(struct fetch *t, CURLcode code) {
    const struct libcurl *c = t->fetcher->curl;
    struct fetch_result r = {.line = t->line};
    curl_off_t after = 0;
    long status = 0, redirects = 0;

    if (code && !(t->enough && code == CURLE_WRITE_ERROR))
        r.words = explain(t, code);
    else if (t->cut) /* libcurl takes that for an answer */
        r.words = "the connection was closed in the middle of the header";
    c->easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    c->easy_getinfo(t->easy, CURLINFO_REDIRECT_COUNT, &redirects);
    c->easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &after);
    r.status = (int)status;
    r.redirects = (unsigned)redirects;
    if (after > 0)
        r.retry_after_ns = after < 1000000000 ? after * NS_PER_S : 1000000000 * NS_PER_S;
    r.lookup_ns = get_time(t, CURLINFO_NAMELOOKUP_TIME_T);
    r.connect_ns = get_time(t, CURLINFO_CONNECT_TIME_T);
    r.tls_ns = get_time(t, CURLINFO_APPCONNECT_TIME_T);
    r.first_byte_ns = get_time(t, CURLINFO_STARTTRANSFER_TIME_T);
    r.sent = get_size(t, CURLINFO_SIZE_UPLOAD_T);
    r.received = get_size(t, CURLINFO_SIZE_DOWNLOAD_T);
    return r;
}

static void finish(struct fetch *t, CURLcode code) {
    struct fetch_result r = conclude(t, code);
    const struct fetch_events *events = t->events;
    void *owner = t->owner;

    trace(TRACE_EXEC, "request ended: %s", r.words ? r.words : r.line);
    unlink_live(t);
    t->fetcher->curl->multi_remove_handle(t->fetcher->multi, t->easy);
    events->done(owner, &r); /* its texts are the fetch's */
    give_idle(t);
}

/* Tells the ends that libcurl has come to. */
static void finish_some(struct fetcher *f) {
    CURLMsg *msg;
    int left;

    while ((msg = f->curl->multi_info_read(f->multi, &left))) {
        CURLcode code = msg->data.result;
        struct fetch *t = NULL;

        f->curl->easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        finish(t, code);
    }
    while (f->broken && f->live)
        finish(f->live, CURLE_OUT_OF_MEMORY);
    f->broken = false;
}

/* --- all of them ------------------------------------------------------------ */

/* Whether libcurl is to look for passwords: it would look for the file each time. */
static bool has_netrc(void) {
    const char *home = getenv("HOME");
    char path[4096];

    return home && snprintf(path, sizeof path, "%s/.netrc", home) < (int)sizeof path &&
           access(path, R_OK) == 0;
}

int fetcher_open(struct fetcher **out, uv_loop_t *loop, unsigned connections) {
    const char *why;
    const struct libcurl *curl = libcurl_load(&why);
    struct fetcher *f = curl ? calloc(1, sizeof *f) : NULL;
    int error = UV_ENOMEM;

    if (!f)
        return curl ? UV_ENOMEM : UV_ENOSYS;
    f->curl = curl;
    f->netrc = has_netrc();
    f->idle_left = connections;
    f->multi = curl->multi_init();
    if (!f->multi)
        goto no_multi;
    curl->multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    curl->multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
    curl->multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, want_timer);
    curl->multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
    curl->multi_setopt(f->multi, CURLMOPT_MAXCONNECTS, (long)connections);
    f->epoll = epoll_create1(EPOLL_CLOEXEC);
    error = f->epoll < 0 ? -errno : 0;
    if (error)
        goto no_epoll;
    error = uv_poll_init(loop, &f->poll, f->epoll);
    if (error)
        goto no_poll;
    uv_timer_init(loop, &f->timer);
    f->poll.data = f->timer.data = f;
    uv_poll_start(&f->poll, UV_READABLE, on_poll);
    f->open_handles = 2;
    *out = f;
    return 0;

no_poll:
    close(f->epoll);
no_epoll:
    curl->multi_cleanup(f->multi);
no_multi:
    free(f);
    return error;
}

static void on_closed(uv_handle_t *handle) {
    struct fetcher *f = handle->data;
    void (*closed)(void *) = f->closed;
    void *ctx = f->ctx;

    if (--f->open_handles)
        return;
    free(f);
    closed(ctx);
}

void fetcher_close(struct fetcher *f, void (*closed)(void *ctx), void *ctx) {
    f->closed = closed;
    f->ctx = ctx;
    f->idle_left = 0;
    for (struct fetch *t; (t = f->idle);) {
        f->idle = t->next;
        give_idle(t);
    }
    f->curl->multi_cleanup(f->multi); /* connections say farewell: the set is still there */
    uv_close((uv_handle_t *)&f->poll, on_closed);
    close(f->epoll);
    uv_close((uv_handle_t *)&f->timer, on_closed);
}
#endif
