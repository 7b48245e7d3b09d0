/* SPDX-License-Identifier: MIT */
/* fetch: HTTP requests on a loop, by libcurl's multi interface. */
#ifndef MUSTER_EXEC_FETCH_H
#define MUSTER_EXEC_FETCH_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "plan/plan.h"

/*
 * All requests of a run. Connections and looked-up names are kept and shared;
 * names are looked up by threads of libcurl's own. All on the loop's thread.
 */
struct fetcher;
struct fetch;

/*
 * connections: kept open at most when idle. 0 or UV_E…; UV_ENOSYS: there is no
 * libcurl.
 */
int fetcher_open(struct fetcher **out, uv_loop_t *loop, unsigned connections);
/* No request is under way. `closed` follows, from the loop. */
void fetcher_close(struct fetcher *f, void (*closed)(void *ctx), void *ctx);

#define FETCH_NO_BODY UINT64_MAX
#define FETCH_LATER   SIZE_MAX       /* of give(): not now, fetch_go_on() tells when */
#define FETCH_BROKEN  (SIZE_MAX - 1) /* of give(): there is nothing to be had */

/* What is asked for. All is borrowed until its end. */
struct fetch_request {
    const char *url;
    const char *method;            /* NULL: GET, or POST where there is a body */
    const struct env_var *headers; /* NULL name ends it, or NULL; an empty value: not that one */
    const char *user;              /* "name:password" for basic authentication, or NULL */
    const char *ca_file;           /* certificates to trust in place of the system's, or NULL */
    uint64_t body_bytes;           /* FETCH_NO_BODY: it has none */
    const char *body;              /* NULL: give() has it */
    unsigned redirects_max;        /* 0: none is followed */
};

struct fetch_result {
    const char *words; /* why there is no whole answer; NULL: there is one */
    int status;        /* of the answer, 0: there was none */
    const char *line;  /* its status line, "" when there was none */
    int64_t lookup_ns, connect_ns, tls_ns, first_byte_ns; /* since its start; 0: not reached */
    int64_t retry_after_ns;                               /* 0: nothing was said of that */
    uint64_t sent, received;                              /* bytes of bodies */
    unsigned redirects;
};

/* What became of bytes that came: they were taken, fetch_go_on() is to bring them
 * again, or no more are wanted, and that is the end, a good one. */
enum fetch_taken { FETCH_TAKEN, FETCH_AGAIN, FETCH_ENOUGH };

struct fetch_events {
    /* n bytes of the answer's body. Once FETCH_AGAIN, the same bytes begin the next call,
     * which may have more of them. */
    enum fetch_taken (*body)(void *owner, const char *bytes, size_t n);
    /* Up to n bytes of the request's body into `to`: how many, 0 at its end,
     * FETCH_LATER or FETCH_BROKEN. NULL where none is given so. */
    size_t (*give)(void *owner, char *to, size_t n);
    /* It is wanted from the start again. */
    void (*rewind)(void *owner);
    /* It has ended; the fetch is gone, `r` is of the call. */
    void (*done)(void *owner, const struct fetch_result *r);
};

/* Begins a request. NULL: no memory for it. No event comes from within. */
struct fetch *fetch_start(struct fetcher *f, const struct fetch_request *q,
                          const struct fetch_events *events, void *owner);
/* What had to wait may go on; events may come from within, but not `done`. */
void fetch_go_on(struct fetch *fetch);
/* Breaks it off: it is gone, and no event follows. Not from within an event. */
void fetch_cancel(struct fetch *fetch);
#endif
