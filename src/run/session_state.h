/* SPDX-License-Identifier: MIT */
/* session_state: a session's own state, for its parts alone: session.c and dispatch.c. */
#ifndef MUSTER_RUN_SESSION_STATE_H
#define MUSTER_RUN_SESSION_STATE_H
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "exec/jobserver.h"
#include "exec/lanes.h"
#include "exec/sampler.h"
#include "run/lag.h"
#include "run/relay.h"
#include "run/sched.h"
#include "run/session_opts.h"
#include "run/showing.h"
#include "run/signals.h"
#include "run/supply.h"

struct session {
    const struct session_opts *opts;
    struct run_result *result;
    uv_loop_t loop;
    struct signals signals;
    uv_timer_t timer; /* for sched_due(), and for ending the run */
    struct showing showing;
    uv_async_t news; /* of the recorder */
    struct lag lag;
    struct lanes *lanes;
    struct sched *sched;
    struct jobserver *jobserver; /* NULL: there is none */
    struct sampler *sampler;     /* of jobs of type auto; made for the first */
    struct relay relay;
    int64_t deadline;      /* run time, or INT64_MAX: for cleanups, the scheduler has its own */
    struct supply *supply; /* of items */
    uint64_t seed;
    uint64_t nofile_soft; /* before it was raised */
    uint64_t core_soft;   /* before it was lowered */
    unsigned told;        /* see surroundings_shortage() */
    unsigned stops;       /* signals to stop so far */
    bool retries;         /* some job may be tried again */
    bool recording;       /* it has begun */
    bool closing;         /* all jobs have ended, or nothing was started */
};

/* Tells a sentence. */
void session_say(struct session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* That starts are put off, once per run and cause. */
void session_tell_shortage(struct session *s, int error, enum lane lane, uint32_t from,
                           uint32_t to);
/* After every call of the scheduler: its next wish, or the end. */
void session_rearm(struct session *s);
#endif
