/* SPDX-License-Identifier: MIT */
/* process: start, watch, stop and account for one process group, on whichever loop it is given. */
#ifndef MUSTER_EXEC_PROCESS_H
#define MUSTER_EXEC_PROCESS_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

#include "exec/attempt.h"
#include "exec/facts.h"
#include "exec/launcher.h"
#include "exec/pollset.h"
#include "exec/reaper.h"
#include "exec/stream.h"
#include "plan/plan.h"

struct environ;
struct mask_set;
struct memgroup;
struct memgroups;
struct process;

/* What all processes of a run share. */
struct process_env {
    const struct plan *plan;
    const struct environ *environ;
    struct reaper *reaper;
    struct memgroups *memory;          /* may be NULL */
    const struct jobserver *jobserver; /* may be NULL */
    struct facts_folder *facts;        /* may be NULL */
};

/* All is gone and every handle is closed; the callee takes `end` and releases the process. */
typedef void (*process_ended_cb)(struct process *p);

struct lookup;

/*
 * One attempt. The main thread makes it and asks for it; then it belongs to the
 * thread of the loop that watches it, until its ended callback.
 */
struct process {
    STAILQ_ENTRY(process) next;          /* in the starter's queue */
    void (*launched)(struct process *p); /* the starter is done with it, see starter_add() */
    bool unwanted;                       /* it is not to be started any more */
    struct attempt attempt;
    struct process_env env;
    const struct plan_job *job;
    struct lookup *lookup;   /* until it is started, if there was one to be made */
    struct memgroup *memory; /* its memory group, or NULL */
    char *listing;           /* the file of its batch's items, or NULL */
    struct mask_set *mask;   /* of what it prints, where that is not the plan's, or NULL */
    struct group group;
    struct attempt_end end; /* filled as things become known; owns the captures from the start */
    struct pollset *set;    /* of the loop that watches it */
    struct pollset_fd exit_watch;
    uv_timer_t timer;   /* grace, sweep */
    uv_work_t clearing; /* of what it has on the disk, at its end */
    int in_fd; /* write end of a STREAM_PIPE, or -1; whoever takes it sets it to -1, as the fd of
                  `out` and `err` where these are such */
    struct stream_reader out, err;
    int pidfd;
    process_ended_cb ended;
    unsigned open_parts; /* handles of its own that are not closed */
    bool exited;         /* the leader has, and is not reaped yet */
    bool gone;           /* nothing lives, or it is given up */
    bool closing;
    int64_t kill_due;    /* run time: when SIGKILL follows the stop-signal */
    int64_t give_up_due; /* run time: when to stop waiting for the killed */
    unsigned looks;      /* for what the leader has left */
    uint64_t poll_ms;    /* between two looks at what is left */
};

/* An attempt, not started, embedded in its owner. 0 or UV_ENOMEM. */
int process_init(struct process *p, const struct process_env *env, const struct attempt *a);
/* It was never watched, or has ended: frees what its end still owns. */
void process_release(struct process *p);

/* Whether something must be looked for on the disk before it can be asked for. */
bool process_needs_lookup(const struct process *p);
/* Looks for it. What is not there shows in p->end. Blocks; any thread, which
 * alone has the process meanwhile. */
void process_lookup(struct process *p);
/*
 * Asks a launcher for it. 0, or UV_EAGAIN: not wholly sent yet, see
 * launcher_ask(); process_answer() follows. Else UV_E…, the process is as
 * before. The launcher's thread.
 */
int process_ask(struct process *p, struct launcher *l);
/* It was asked for in vain: takes that back. */
void process_unask(struct process *p);
/* The launcher's answer. Either it runs, and must be watched, or p->end has an
 * error, and it can but be released. */
void process_answer(struct process *p, const struct launch_reply *reply);
/* It is not started: p->end says so. */
void process_refuse(struct process *p, int error, enum spawn_stage stage);
/*
 * Watches it on a set's loop; on the loop's thread from here on. Its end comes by
 * `ended`, never from within this call; also where the loop cannot take it:
 * then it is killed and end.error says why.
 */
void process_watch(struct process *p, struct pollset *set, process_ended_cb ended);
/* Stop-signal and CONT to all of it, SIGKILL after the job's kill-after. Again:
 * no effect. Loop's thread. */
void process_stop(struct process *p);
#endif
