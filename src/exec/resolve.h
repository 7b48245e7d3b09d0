/* SPDX-License-Identifier: MIT */
/* resolve: name look-ups, on threads of their own, that nobody has to wait for. */
#ifndef MUSTER_EXEC_RESOLVE_H
#define MUSTER_EXEC_RESOLVE_H
#include <netdb.h>
#include <uv.h>

/*
 * Not in libuv's pool: a look-up can take half a minute and cannot be
 * cancelled, so that a few of them would hold up all that the pool is there for,
 * and the end of the run. Here each has a thread, a bounded number at a time,
 * and whoever does not want the answer any more walks away; a run that ends
 * leaves the thread to itself. All on the loop's thread.
 */
struct resolver;
struct resolve;

/* 0 or UV_E…. */
int resolver_open(struct resolver **out, uv_loop_t *loop);
/* Nobody waits for an answer any more. `closed` follows, from the loop. */
void resolver_close(struct resolver *r, void (*closed)(void *ctx), void *ctx);

/* error: 0 or UV_EAI_…; the addresses are the callee's, to freeaddrinfo(). */
typedef void (*resolve_done_cb)(void *owner, int error, struct addrinfo *addresses);
/*
 * Looks up a host and a port, both copied, for stream sockets. `done` comes from
 * the loop. NULL: no memory or no thread for it now.
 */
struct resolve *resolve_start(struct resolver *r, const char *host, const char *port,
                              resolve_done_cb done, void *owner);
/* `done` is not called any more. */
void resolve_forget(struct resolve *q);
#endif
