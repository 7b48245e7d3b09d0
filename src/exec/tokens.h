/* SPDX-License-Identifier: MIT */
/* tokens: takes tokens out of a jobserver's pipe, and puts back each that it took. */
#ifndef MUSTER_EXEC_TOKENS_H
#define MUSTER_EXEC_TOKENS_H
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/* A token is a byte; the same byte goes back. All on the loop's thread; none blocks. */
struct tokens;

struct tokens_opts {
    uv_loop_t *loop;
    int read_fd, write_fd; /* of descriptions of their own, not blocking; it closes them */
    uint32_t most;         /* that are ever wanted */
    /* Others take several tokens for one job, too: what cannot be used yet is not kept
     * for long, so that no two wait for each other. */
    bool shared;
    /* Perhaps there are more now: tokens_want() will tell. Never from within a call. */
    void (*more)(void *ctx);
    void *ctx;
};

/* Holds none. 0 or UV_E…; then the descriptors are still the caller's. */
int tokens_open(struct tokens **out, const struct tokens_opts *opts);
/*
 * `least` are in use and `most` would be of use. Gives back what is above `most`, takes what
 * there is below it, and asks to be called again when there may be more. How many it holds.
 */
uint32_t tokens_want(struct tokens *t, uint32_t least, uint32_t most);
/* Gives all back and goes, as the loop runs on. Accepts NULL; returns NULL. */
struct tokens *tokens_close(struct tokens *t);
#endif
