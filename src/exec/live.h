/* SPDX-License-Identifier: MIT */
/* live: an attempt under way, as the lanes see it, whichever way it is made. */
#ifndef MUSTER_EXEC_LIVE_H
#define MUSTER_EXEC_LIVE_H
#include "exec/attempt.h"

struct live;

/*
 * One way to make attempts. All on the main thread; `ended` of the lanes follows
 * each, and never from within.
 */
struct live_way {
    /* It is to end, as its job has it; not begun yet: it never will. Again: no effect. */
    void (*stop)(struct live *v);
    /* At once, and what of it could still begin is not to. Its processes, if it has
     * any in the reaper's table, get their SIGKILL from there. */
    void (*kill)(struct live *v);
};

/* Embedded in what is made. */
struct live {
    const struct live_way *way;
    const struct attempt_end *end; /* as far as it is known; captures from the start */
};
#endif
