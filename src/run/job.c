/* SPDX-License-Identifier: MIT */
/* job: the states of a job and the only place that moves it from one to the next. */
#include "run/job.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/trace.h"

const char *const job_state_names[JOB_STATES] = {
    [JOB_WAITING] = "waiting", [JOB_READY] = "ready",       [JOB_STARTING] = "starting",
    [JOB_RUNNING] = "running", [JOB_STOPPING] = "stopping", [JOB_BACKOFF] = "backoff",
    [JOB_DONE] = "done",
};

const char *const job_event_names[JOB_EVENTS] = {
    [JOB_EV_DEPS_MET] = "deps met", [JOB_EV_SKIP] = "skip",         [JOB_EV_SLOT] = "slot",
    [JOB_EV_STARTED] = "started",   [JOB_EV_PUT_OFF] = "put off",   [JOB_EV_ENDED] = "ended",
    [JOB_EV_RETRY] = "retry",       [JOB_EV_TIMEOUT] = "timeout",   [JOB_EV_DUE] = "due",
    [JOB_EV_CANCEL] = "cancel",     [JOB_EV_ITEMS] = "items ended",
};

/* Each cell holds the next state plus one, so that those left out are 0: impossible. */
#define TO(state) ((state) + 1)

/* clang-format off */
static const unsigned char cells[JOB_STATES][JOB_EVENTS] = {
    [JOB_WAITING] = {
        [JOB_EV_DEPS_MET] = TO(JOB_READY),
        [JOB_EV_SKIP]     = TO(JOB_DONE),
        [JOB_EV_CANCEL]   = TO(JOB_DONE),
        [JOB_EV_ITEMS]    = TO(JOB_DONE),
    },
    [JOB_READY] = {
        [JOB_EV_SKIP]     = TO(JOB_DONE), /* a service that had let it in has failed */
        [JOB_EV_SLOT]     = TO(JOB_STARTING),
        [JOB_EV_CANCEL]   = TO(JOB_DONE),
    },
    [JOB_STARTING] = {
        [JOB_EV_STARTED]  = TO(JOB_RUNNING),
        [JOB_EV_PUT_OFF]  = TO(JOB_READY),
        [JOB_EV_ENDED]    = TO(JOB_DONE),
        [JOB_EV_RETRY]    = TO(JOB_BACKOFF),
        [JOB_EV_CANCEL]   = TO(JOB_STOPPING),
    },
    [JOB_RUNNING] = {
        [JOB_EV_ENDED]    = TO(JOB_DONE),
        [JOB_EV_RETRY]    = TO(JOB_BACKOFF),
        [JOB_EV_TIMEOUT]  = TO(JOB_STOPPING),
        [JOB_EV_CANCEL]   = TO(JOB_STOPPING),
    },
    [JOB_STOPPING] = {
        [JOB_EV_STARTED]  = TO(JOB_STOPPING), /* told to end while it was being made */
        [JOB_EV_PUT_OFF]  = TO(JOB_DONE),     /* the same, and it never was made */
        [JOB_EV_ENDED]    = TO(JOB_DONE),
        [JOB_EV_RETRY]    = TO(JOB_BACKOFF),
        [JOB_EV_TIMEOUT]  = TO(JOB_STOPPING),
        [JOB_EV_CANCEL]   = TO(JOB_STOPPING),
    },
    [JOB_BACKOFF] = {
        [JOB_EV_DUE]      = TO(JOB_READY),
        [JOB_EV_CANCEL]   = TO(JOB_DONE),
    },
};
/* clang-format on */

int job_next(enum job_state state, enum job_event event) {
    return cells[state][event] - 1;
}

void job_step(enum job_state *state, enum job_event event, const char *name) {
    int next = job_next(*state, event);

    if (next < 0) {
        fprintf(stderr, "muster: bug: job '%s': '%s' while %s\n", name, job_event_names[event],
                job_state_names[*state]);
        abort();
    }
    trace(TRACE_SCHED, "job %s: %s, %s -> %s", name, job_event_names[event],
          job_state_names[*state], job_state_names[next]);
    *state = (enum job_state)next;
}
