/* SPDX-License-Identifier: MIT */
/* probe: asks a target again and again until it answers; without a process, without blocking. */
#ifndef MUSTER_EXEC_PROBE_H
#define MUSTER_EXEC_PROBE_H
#include <stdbool.h>
#include <uv.h>

#include "exec/fetch.h"
#include "exec/resolve.h"
#include "plan/target.h"

struct probe;

/* What probes of a loop share. */
struct probe_env {
    uv_loop_t *loop;
    struct resolver *resolver; /* NULL where no target is a host */
    struct fetcher *fetcher;   /* NULL where none is an URL */
};

/* Which of them it takes; zeroed at first. */
struct probe_needs {
    bool resolver, fetcher;
};

/* Adds what a target takes. */
void probe_needs_add(struct probe_needs *needs, const struct target *target);
/*
 * Opens what is needed; a fetcher keeps so many connections for later. 0 or UV_E…: what is open
 * then is there to be closed, too.
 */
int probe_env_open(struct probe_env *env, uv_loop_t *loop, const struct probe_needs *needs,
                   unsigned connections);
/* Closes what is open: `closed` follows so many times, from the loop. */
unsigned probe_env_close(struct probe_env *env, void (*closed)(void *ctx), void *ctx);

/*
 * One target. It is asked at once, then 100 ms after each answer that was none,
 * growing to 1 s. An attempt that hangs is given up: connections after 5 s, HTTP
 * requests after 30 s. Embedded in its owner; all on the loop's thread.
 */
struct probe {
    const struct probe_env *env;
    const struct target *target; /* the owner's */
    void (*answered)(struct probe *p);
    void (*closed)(struct probe *p);
    uv_timer_t timer; /* the next attempt, or the end of this one's patience */
    struct resolve *resolve;
    struct addrinfo *addresses, *next_address;
    struct connection *connection; /* under way, or NULL */
    struct fetch *fetch;
    uv_work_t look; /* whether a file is there */
    int found;      /* 0 or UV_E…: what the look has come to */
    uint64_t pause_ms;
    unsigned open_parts; /* handles and work that are not closed */
    bool closing;
    char trouble[160]; /* why there is no answer yet, in words; "" before the first */
};

/*
 * Begins. `answered` comes once, from the loop, and nothing after it: then, or
 * before, probe_close(). 0; or UV_E…, nothing is open then.
 */
int probe_open(struct probe *p, const struct probe_env *env, const struct target *target,
               void (*answered)(struct probe *p));
/* Ends it at once, whatever is under way. `closed` follows, from the loop. */
void probe_close(struct probe *p, void (*closed)(struct probe *p));
/* Why there is no answer yet: "Connection refused", "HTTP 503"; "" when nothing is known. */
const char *probe_trouble(const struct probe *p);
#endif
