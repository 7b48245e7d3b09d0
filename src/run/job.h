/* SPDX-License-Identifier: MIT */
/* job: the states of a job and the only place that moves it from one to the next. */
#ifndef MUSTER_RUN_JOB_H
#define MUSTER_RUN_JOB_H

enum job_state {
    JOB_WAITING,  /* for jobs that it comes after */
    JOB_READY,    /* for a slot in its lane */
    JOB_STARTING, /* holds a slot; its process is being made */
    JOB_RUNNING,
    JOB_STOPPING, /* told to end, not gone yet */
    JOB_BACKOFF,  /* between two attempts, holds nothing */
    JOB_DONE,
    JOB_STATES,
};

enum job_event {
    JOB_EV_DEPS_MET, /* all it comes after have ended as it wants */
    JOB_EV_SKIP,     /* they have not: it will never run */
    JOB_EV_SLOT,     /* it got its slot */
    JOB_EV_STARTED,  /* its process runs */
    JOB_EV_PUT_OFF,  /* the machine has no room for its process now */
    JOB_EV_ENDED,    /* the attempt is gone and was the last */
    JOB_EV_RETRY,    /* the attempt is gone and another follows */
    JOB_EV_TIMEOUT,  /* the attempt's time is up */
    JOB_EV_DUE,      /* the delay before the next attempt is over */
    JOB_EV_CANCEL,   /* the run wants it no more, or a limit lets it in no more */
    JOB_EV_ITEMS,    /* it stands for items, and all of them have ended */
    JOB_EVENTS,
};

extern const char *const job_state_names[JOB_STATES];
extern const char *const job_event_names[JOB_EVENTS];

/* Where an event takes a job, or -1: the two never meet. */
int job_next(enum job_state state, enum job_event event);
/* Moves *state, traces the move; aborts on a cell that is a bug. */
void job_step(enum job_state *state, enum job_event event, const char *name);
#endif
