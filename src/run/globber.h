/* SPDX-License-Identifier: MIT */
/* globber: the names that a pattern stands for, looked for without blocking the loop. */
#ifndef MUSTER_RUN_GLOBBER_H
#define MUSTER_RUN_GLOBBER_H
#include <stdint.h>
#include <uv.h>

/* By libuv's thread pool. All on the loop's thread. */
struct globber;

struct globber_opts {
    uv_loop_t *loop;
    const char *pattern; /* as glob(7) has it; outlives the globber, as does */
    const char *folder;  /* what it is relative to, absolute */
    void (*news)(void *ctx);
    void *ctx;
};

/* Looks for nothing yet. NULL when out of memory. */
struct globber *globber_open(const struct globber_opts *opts);
/*
 * The name of an index, as the pattern writes it, in the order of their bytes: 1
 * with *name, which lives as long as the globber. 0: not known yet, news()
 * follows. UV_EOF: there are not so many. Else UV_E….
 */
int globber_name(struct globber *g, uint64_t index, const char **name);
/* Gives it up; freed when nothing of it is under way. Accepts NULL. No news any more. */
void globber_close(struct globber *g);
#endif
