/* SPDX-License-Identifier: MIT */
/* sched_state: the scheduler's own state, for its parts alone: sched.c, order.c, tend.c. */
#ifndef MUSTER_RUN_SCHED_STATE_H
#define MUSTER_RUN_SCHED_STATE_H
#include <stdbool.h>
#include <stdint.h>

#include "run/heap.h"
#include "run/job.h"
#include "run/ready.h"
#include "run/sched_opts.h"
#include "run/slots.h"
#include "run/telling.h"

#define NEVER INT64_MAX

struct sched_job {
    enum job_state state;
    bool alive;          /* its attempt was started and has not ended */
    bool dep_failed;     /* one that it comes after did not succeed */
    bool dep_unwanted;   /* one that it comes after was skipped by choice */
    bool has_row;        /* there is room for its attempt's result row */
    bool guest;          /* it counts in the CPU lane, though it started in the other */
    uint8_t lane;        /* enum lane: where its current attempt was started, or the next will be */
    bool computes;       /* that is the CPU lane, whatever its mark */
    bool items_failed;   /* it stands for items: one of them did not succeed, */
    bool items_unwanted; /* or was skipped by choice */
    bool up;             /* a service that is ready: those after it were told */
    uint8_t stopped;     /* enum reason: why its attempt was told to end */
    uint32_t deps;       /* that it comes after and that have not ended */
    uint32_t cause;      /* the root of dep_failed, or of its being cancelled */
    uint32_t attempt;    /* number of the current or next one */
    uint32_t slot;       /* first of those it holds */
    int64_t since;       /* start of the current attempt; before the first: when it got ready */
    int64_t due;         /* of its timer: timeout or delay */
    double delay_ns;     /* see retry_delay_ns() */
};

/* A job that comes after one item of another. */
struct sched_need {
    uint32_t job, before; /* the section with that item */
    const char *item;
    bool met;
};

struct sched {
    struct sched_opts opts;
    const struct plan *plan;
    struct sched_job *jobs;
    uint32_t *dependents, *dependents_at; /* of job i: those from dependents_at[i] on */
    struct ready *ready;
    struct heap timers;
    struct slots slots[LANES];
    struct instances *instances; /* NULL: no job has axes */
    struct sched_need *needs;
    size_t nneeds;
    uint32_t *ended; /* jobs in the order of their ends, until tend_settle() */
    uint32_t nended, nsettled;
    uint32_t *aside; /* those whose dependents wait for sched_release() */
    uint32_t naside, ended_cap;
    uint32_t left; /* jobs of the plan that have not ended */
    uint32_t by_state[JOB_STATES];
    uint32_t alive[LANES];           /* slots' worth of attempts that run */
    uint32_t failures, first_failed; /* counted for max_failures */
    uint32_t retries_left;
    uint32_t turns; /* attempts sent to be started */
    uint64_t random;
    struct telling telling;
    struct waits *waits; /* NULL: nobody wants to know */
    int64_t deadline;
    int64_t starved_since; /* nothing ran and a start was put off, or NEVER */
    int64_t tend_at;       /* many items never start: when more are seen to, or NEVER */
    bool hold;             /* see sched_release() */
    bool closed;           /* nothing starts or is tried again any more */
    bool wind_down;        /* max_failures is reached, tend_settle() has to act on it */
    bool deadline_passed;
};

/* All that belongs to a job is had by these. */
static inline struct sched_job *job_at(const struct sched *s, uint32_t job) {
    if (job >= s->plan->njobs)
        return (struct sched_job *)(void *)instances_at(s->instances, job)->own;
    return &s->jobs[job];
}

static inline const struct plan_job *def_of(const struct sched *s, uint32_t job) {
    if (job >= s->plan->njobs)
        return &instances_at(s->instances, job)->def;
    return &s->plan->jobs[job];
}

static inline struct job_result *row_of(const struct sched *s, uint32_t job) {
    if (job >= s->plan->njobs)
        return &instances_at(s->instances, job)->result;
    return &s->opts.results[job];
}

static inline const char *name_of(const struct sched *s, uint32_t job) {
    return def_of(s, job)->name;
}

static inline const struct job_settings *set_of(const struct sched *s, uint32_t job) {
    return def_of(s, job)->set;
}

/* Its place in the plan: an item's is that of its section. */
static inline uint32_t section_of(const struct sched *s, uint32_t job) {
    return job < s->plan->njobs ? job : instances_at(s->instances, job)->section;
}

/* The job as the listener gets it. */
static inline struct job_info info_of(const struct sched *s, uint32_t job) {
    return (struct job_info){
        .id = job, .section = section_of(s, job), .def = def_of(s, job), .result = row_of(s, job)};
}

/* Where its attempt was started, or the next will be. */
static inline enum lane lane_of(const struct sched *s, uint32_t job) {
    return (enum lane)job_at(s, job)->lane;
}

/* Workers' worth. Never more than there are, else it would wait for ever. */
static inline uint32_t weight_in(const struct sched *s, uint32_t job, enum lane lane) {
    uint32_t cpus = set_of(s, job)->cpus, most = s->slots[lane].limit;

    return lane == LANE_IO ? 1 : cpus < most ? cpus : most;
}

static inline uint32_t weight(const struct sched *s, uint32_t job) {
    return weight_in(s, job, lane_of(s, job));
}

/* What the job's start needs beside a process; see ready.h. */
static inline uint32_t group_of(const struct sched *s, uint32_t job) {
    return ready_group(s->ready, section_of(s, job), lane_of(s, job));
}
#endif
