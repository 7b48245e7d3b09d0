/* SPDX-License-Identifier: MIT */
/* attempt: one try at a job, as asked for and as it ended. Plain facts, no behaviour. */
#ifndef MUSTER_EXEC_ATTEMPT_H
#define MUSTER_EXEC_ATTEMPT_H
#include <stdbool.h>
#include <stdint.h>

#include "plan/plan.h"

struct capture;
struct facts;
struct told_set;

/* Where in the start of a process it went wrong. */
enum spawn_stage {
    SPAWN_OK,
    SPAWN_RESOURCES, /* pipes, clone, memory: the machine's, not the job's fault */
    SPAWN_ENV_FILE,
    SPAWN_ENV_LINE, /* detail says which and why, in words */
    SPAWN_ITEMS,    /* the file of its batch's items */
    SPAWN_STDIN,
    SPAWN_STDOUT,
    SPAWN_STDERR,
    SPAWN_DIR,
    SPAWN_LIMITS,
    SPAWN_EXEC,
    SPAWN_TOLD,    /* the outputs of jobs before; detail says in words what is wrong */
    SPAWN_FACTS,   /* it ended well, but its own outputs cannot be used; the same */
    SPAWN_REQUEST, /* detail says what it lacks, in words */
    SPAWN_LOST,    /* the launcher died over it (see exec/launcher) */
};

/* What an attempt came to, where its exit does not say. */
enum attempt_outcome {
    OUTCOME_EXIT, /* exit and signal say it */
    OUTCOME_OK,   /* what was to be had without a process was had */
    OUTCOME_HTTP, /* no answer, or not the one that was wanted; detail says why, in words */
    OUTCOME_LOST, /* whoever did it never told; detail says why, in words */
};

#define ATTEMPT_OF_NO_JOB UINT32_MAX /* for `job`: of a persistent worker's process */

/* One attempt to be made. */
struct attempt {
    uint32_t job;                /* its number: one of the plan's jobs, or that of an item's */
    uint32_t number;             /* from 1 */
    uint32_t slot;               /* lowest slot it holds in its lane */
    uint32_t turn;               /* how many the scheduler had sent to be started before it */
    enum lane lane;              /* that it starts in */
    const struct plan_job *def;  /* the job; outlives the attempt */
    const struct told_set *told; /* variables of jobs before (exec/facts.h), or NULL; outlives it */
};

/* What is known of a request and its answer. */
struct attempt_http {
    int status;                                           /* of the answer; 0: none came */
    bool whole;                                           /* and all of it came */
    int64_t lookup_ns, connect_ns, tls_ns, first_byte_ns; /* since its start; 0: not reached */
    uint64_t sent, received;                              /* bytes of bodies */
    uint32_t redirects;
    char line[]; /* its status line, "" when none came */
};

/* How it ended. */
struct attempt_end {
    int error;              /* 0, or UV_E…: it could not be started, see stage */
    enum spawn_stage stage; /* SPAWN_OK when it was started */
    char *detail; /* what could not be used (a path), or unkillable ids; malloc'd, or NULL */
    enum attempt_outcome outcome;
    int exit;         /* 0-255, or -1: it did not end by exiting */
    int signal;       /* that ended it, or 0 */
    bool core;        /* it dumped core */
    bool oom;         /* the kernel killed some of it for want of memory */
    bool stopped;     /* it was asked to stop before it ended */
    bool killed;      /* SIGKILL had to be sent */
    int64_t start_ns; /* clock_ns() at its start */
    int64_t wall_ns;  /* to the exit of its first process */
    int64_t user_us, sys_us;
    uint64_t max_rss; /* bytes */
    uint64_t out_bytes, err_bytes;
    uint32_t leftover;         /* processes that it left and that were stopped */
    uint32_t unkillable;       /* of those, how many would not die */
    int64_t retry_after_ns;    /* no sooner is another attempt wanted there; 0: nothing was said */
    struct attempt_http *http; /* of a request that was made, malloc'd, or NULL */
    struct capture *out;       /* captured streams, owned, or NULL */
    struct capture *err;
    struct facts *facts; /* what it told, owned, or NULL (exec/facts.h) */
    bool facts_lost;     /* it told something for which there was no memory */
};

/* Frees what an end owns (detail, http, captures, facts), not the struct itself. */
void attempt_end_release(struct attempt_end *end);
#endif
