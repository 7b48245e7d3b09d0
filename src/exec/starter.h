/* SPDX-License-Identifier: MIT */
/* starter: gets processes started, by launchers, without ever holding the main loop. */
#ifndef MUSTER_EXEC_STARTER_H
#define MUSTER_EXEC_STARTER_H
#include <stdint.h>
#include <uv.h>

#include "exec/process.h"
#include "exec/spawn.h"

/*
 * Processes are started in the order in which they are added, two at a time or
 * so. All functions and callbacks: main thread.
 */
struct starter;

struct starter_opts {
    const struct spawn_setup *setup; /* outlives the starter */
    unsigned launchers;              /* at most */
    /* starter_close() is through; the starter is freed. */
    void (*closed)(void *ctx);
    void *ctx;
};

/*
 * Has launchers forked at once, by a thread of its own that is the parent of
 * all that is started and lives until starter_close(). 0 or UV_E….
 */
int starter_open(struct starter **out, uv_loop_t *loop, const struct starter_opts *opts);
/* Adds a process that is initialised, with p->launched set, which is called once, never from
 * within: it runs then, or p->end.error says why not. While p->unwanted is set before its turn
 * comes, it is not started (UV_ECANCELED). */
void starter_add(struct starter *s, struct process *p);
/* Nothing is asked for any more, and what was is waited for, but not for ever:
 * blocks, as a pause of the whole run may. */
void starter_pause(struct starter *s);
void starter_resume(struct starter *s);
/* Nothing will be added, as far as the caller knows: launchers end as soon as
 * they are idle, beside what still runs, but for one, the guard. If something
 * is, others are forked. */
void starter_rest(struct starter *s);
/* The launchers are to end, and the thread, which is not waited for. Nothing may be queued or
 * under way, and no process run: this is their parent's end. */
void starter_dismiss(struct starter *s);
/* Does that, if it was not done, and waits until they have: blocks. `closed` follows. */
void starter_close(struct starter *s);
#endif
