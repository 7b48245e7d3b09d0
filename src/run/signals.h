/* SPDX-License-Identifier: MIT */
/* signals: those that a run takes notice of, as events of its loop. */
#ifndef MUSTER_RUN_SIGNALS_H
#define MUSTER_RUN_SIGNALS_H
#include <stdbool.h>
#include <uv.h>

enum signals_kind {
    SIGNALS_STOP,    /* INT, TERM, HUP */
    SIGNALS_QUIT,    /* QUIT: stop at once */
    SIGNALS_SUSPEND, /* TSTP */
    SIGNALS_LIST,    /* USR1: what is running? */
    SIGNALS_KINDS,
};
#define SIGNALS_COUNT 6

typedef void (*signals_cb)(void *ctx, int sig);

/* Embedded in its owner; all on the loop's thread. */
struct signals {
    uv_signal_t handles[SIGNALS_COUNT];
    const signals_cb *act; /* one of each kind */
    void *ctx;
};

/* Makes handles that watch nothing yet. 0 or UV_E…; nothing is open then. */
int signals_open(struct signals *s, uv_loop_t *loop, const signals_cb *act, void *ctx);
/* Watches all but what was ignored when muster started (nohup, `&` in a script). 0 or UV_E…. */
int signals_watch(struct signals *s);
/* Stops this process as the signal would have it, and returns when it goes on. */
void signals_suspend(struct signals *s, int sig);
/*
 * A closed handle leaves its signal's default behind, which for most is the end without a
 * report. So all are blocked meanwhile; those to stop stay so, and wait for whoever unblocks
 * them. After an interruption, and for those that only ask, they are ignored then.
 */
void signals_close(struct signals *s, bool interrupted);
#endif
