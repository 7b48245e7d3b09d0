/* SPDX-License-Identifier: MIT */
/* hand_state: a hand, and what its parts want of one another: hand.c, hearing.c. */
#ifndef MUSTER_EXEC_HAND_STATE_H
#define MUSTER_EXEC_HAND_STATE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "exec/dialog.h"
#include "exec/process.h"
#include "exec/usage.h"

struct capture;
struct starter;

/* How a task came out for whoever ordered it. */
struct hand_report {
    /* The answer, if there is one. Whoever is told releases it. */
    struct dialog_line answer;
    char *words; /* why there is none, malloc'd, or NULL: it was withdrawn, or `error` */
    int error;   /* UV_E…: its process could not be started, at this stage */
    enum spawn_stage stage;
    char *detail; /* what was at fault then, malloc'd, or NULL */
    int exit;     /* of its process, where it was withdrawn; -1: none */
    int signal;   /* that its process ended by, or 0 */
    bool killed;
    int64_t user_us, sys_us; /* CPU time that was used for it */
    uint64_t max_rss;        /* bytes */
    uint32_t leftover, unkillable;
};

/* A task for a hand; embedded in its owner. All calls: main thread, from the loop. */
struct hand_order {
    uint64_t id;      /* of its request, rising from order to order */
    const char *line; /* the request, which stays while the order is out */
    size_t line_len;
    struct capture *err; /* of what is told on standard error meanwhile; NULL: nobody hears */
    int stop_signal;     /* by which its process is stopped */
    int64_t kill_after_ns;
    /* Its request is on its way. */
    void (*begun)(struct hand_order *o);
    /* It has been answered, or never will be: it is out no more. The callee takes over
     * what the report owns. */
    void (*ended)(struct hand_order *o, struct hand_report *report);

    /* the hand's */
    struct hand *hand;
    bool sent; /* some of its request may have been read */
    bool withdrawn;
};

enum hand_state {
    HAND_AWAY,     /* there is no process */
    HAND_STARTING, /* it is being started */
    HAND_UP,
    HAND_LEAVING, /* it is to go, or goes */
};

/* What hands share. */
struct hand_env {
    uv_loop_t *loop;
    struct pollset *set;
    struct starter *starter;
    struct process_env process; /* `facts` is NULL */
    const struct plan_worker *worker;
    /* It is AWAY, and has no order. */
    void (*away)(struct hand *h);
    void *owner;
};

/*
 * A process is started for the first order, and serves one after the other until it
 * has had as many as it should, has grown too large, or cannot be relied on. It then
 * gets the end of its standard input, in which it may leave as it likes; a signal
 * follows. One that is at fault gets the signal at once, and its order ends when all
 * of it is gone. Next orders have another process. All: main thread.
 */
struct hand {
    struct process process; /* must be the first */
    const struct hand_env *env;
    uint32_t index;          /* place in its crew */
    struct plan_job def;     /* its process as a job */
    struct job_settings set; /* its own, for the way it is stopped */
    enum hand_state state;
    struct hand_order *order;
    uint32_t number;  /* of the process, from 1 */
    uint32_t served;  /* orders that it has answered */
    uint64_t last_id; /* of the last of these */
    bool worn;        /* it is to be replaced after this order */
    bool gone;        /* it has ended, but for what is left in its pipes */
    bool closing;     /* there will be no other */
    char *fault;      /* what it did wrong */
    int in, out, err; /* ends of its pipes, or -1 */
    struct pollset_fd in_watch, out_watch, err_watch;
    size_t sent; /* bytes of the request */
    char *line;  /* what has come of a line */
    size_t line_len, line_cap;
    struct dialog_line answer; /* while what else was told is read, or it is understood */
    bool answered;
    size_t err_left; /* bytes to be read of standard error before that is all */
    uv_work_t work;  /* of the pool: understands a long line, or writes to a file */
    bool understanding, spilling;
    uv_timer_t patience;
    struct usage usage;
    int64_t begun_ns, user_us, sys_us; /* the order's: clock_ns(), and what was used before */
};

/* --- hand.c --- */

/* It cannot be relied on: its process is stopped, and its order ends with these words. */
void hand_blame(struct hand *h, const char *words);
/* The same with words that are malloc'd, and taken over; NULL: out of memory. */
void hand_blame_as(struct hand *h, char *words);
/* It may go as it likes, for a while. */
void hand_leave(struct hand *h);
/* It has closed a stream, as those do that end: else it is at fault. */
void hand_wait_for_end(struct hand *h);
/* Something that it or its order waited for is done. */
void hand_go_on(struct hand *h);

/* --- hearing.c --- */

/* Nothing is read from it, while the pool is at work for it. */
void hearing_pause(struct hand *h);
/* What is wanted of it is read. */
void hearing_go_on(struct hand *h);
/* Bytes of its standard error that are there now. */
size_t hearing_pending(const struct hand *h);
/* Reads err_left bytes of standard error. False: the pool has to write some first. */
bool hearing_drain(struct hand *h);
/* Reads what its standard output has, until it is empty or the order is answered: for
 * one that has ended. */
void hearing_finish(struct hand *h);
#endif
