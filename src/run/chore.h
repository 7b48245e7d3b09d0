/* SPDX-License-Identifier: MIT */
/*
 * chore: one command beside the jobs, made as an attempt like theirs: a cleanup, or
 * what is run at the end. Pure, as the scheduler is; see sched.h for times and orders.
 */
#ifndef MUSTER_RUN_CHORE_H
#define MUSTER_RUN_CHORE_H
#include <stdbool.h>
#include <stdint.h>

#include "exec/attempt.h"
#include "plan/plan.h"
#include "run/result.h"
#include "run/sched.h"

#define CHORE_MOST_NS   (30 * NS_PER_S) /* what it may take where no more can be waited for */
#define CHORE_GRACE_NS  NS_PER_S        /* from the first signal to SIGKILL then, at most */
#define CHORE_VARS      4               /* of its own at most */
#define CHORE_VALUE_MAX 32              /* bytes of each value, its NUL included */

/* What is to be done. All but the number outlives the chore, or is copied. */
struct chore_order {
    uint32_t id;                /* that no attempt bears meanwhile */
    uint32_t number;            /* of the attempt that its environment names */
    const struct plan_job *job; /* whose name, folder, shell, environment and limits it has */
    const char *command;
    struct {
        const char *name;
        char value[CHORE_VALUE_MAX];
    } vars[CHORE_VARS]; /* a NULL name ends them */
    bool hurried;       /* as by chore_hurry() from the beginning */
};

enum chore_phase { CHORE_NONE, CHORE_ASKED, CHORE_PUT_OFF, CHORE_RUNNING, CHORE_STOPPING };

/* Embedded in its owner, zeroed at first; one thing after the other. */
struct chore {
    enum chore_phase phase;
    bool late;           /* it was stopped: its time was up */
    struct plan_job def; /* the order as a job of the I/O lane */
    struct job_settings set;
    struct chore_order order;
    struct env_var *env;
    struct attempt attempt;
    int64_t since;    /* it runs; before that: when it was ordered */
    int64_t due;      /* the end of its time, or another try to start it; INT64_MAX: none */
    int64_t delay_ns; /* before that try */
    struct attempt_result row;
    struct job_result result; /* once it has ended, with the row */
};

/* Orders it to be started. 0 or UV_ENOMEM: there is none then. */
int chore_begin(struct chore *c, const struct chore_order *order,
                const struct sched_executor *executor, void *ctx, int64_t now);
/* Whether an attempt is the chore's, and not one of a job. */
bool chore_owns(const struct chore *c, const struct attempt *a);
/* The executor's answers. */
void chore_started(struct chore *c, int64_t now);
/* Tried again after 10 ms doubling to 1 s. False: for 30 s in vain, it has ended. */
bool chore_put_off(struct chore *c, int error, int64_t now);
/* It has ended: the result stands, good until the next one begins. */
void chore_ended(struct chore *c, struct attempt_end *end);
/* Nobody can wait for long any more: 30 s from now it is stopped, if not before. */
void chore_hurry(struct chore *c, int64_t now);
/* Acts upon its time. */
void chore_advance(struct chore *c, const struct sched_executor *executor, void *ctx, int64_t now);
/* The ended chore as a job, for the words of its result. */
struct job_info chore_info(struct chore *c);
/* Frees what the last one left. */
void chore_release(struct chore *c);
#endif
