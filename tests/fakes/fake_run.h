/* SPDX-License-Identifier: MIT */
/* fake_run: a plan built by hand, a clock, an executor without processes and a
 * listener that writes down what it hears: what the scheduler needs of a world. */
#ifndef MUSTER_FAKES_FAKE_RUN_H
#define MUSTER_FAKES_FAKE_RUN_H
#include <stdbool.h>
#include <stdint.h>

#include "plan/plan.h"
#include "run/result.h"
#include "run/sched.h"

#define FAKE_JOBS_MAX 64

/* What became of the order to start. */
enum fake_phase { FAKE_IDLE, FAKE_ASKED, FAKE_UP };

struct fake_attempt {
    struct attempt a;
    enum fake_phase phase;
    bool told; /* to stop */
    bool late; /* its time was up */
};

struct fake_run {
    struct plan plan;
    uint32_t order[FAKE_JOBS_MAX]; /* as they were made */
    struct plan_job jobs[FAKE_JOBS_MAX];
    struct job_settings sets[FAKE_JOBS_MAX]; /* one for each */
    uint32_t after[FAKE_JOBS_MAX][FAKE_JOBS_MAX];
    char names[FAKE_JOBS_MAX][16];
    struct job_result results[FAKE_JOBS_MAX];
    struct run_result result; /* of fake_result() */
    struct fake_attempt attempts[FAKE_JOBS_MAX];
    unsigned dones[FAKE_JOBS_MAX]; /* how often each was told to have ended */
    struct sched *sched;
    int64_t now, late_ns; /* how long after a start the scheduler hears of it */
    uint64_t seed;
    enum lane (*lane_of)(void *ctx, uint32_t job);
    uint32_t (*grant)(uint32_t running, uint32_t wanted); /* of CPUs; NULL: all */
    bool explain;                                         /* what jobs wait for is heard */
    bool hold;                                            /* see sched_release() */
    const uint8_t *settled;                               /* see sched_opts */
    char log[16384];
    size_t log_len;
    /* Further ears, for tests that check more than the log; NULL: none. */
    void (*on_start)(struct fake_run *f, const struct attempt *a);
    void (*on_ready)(struct fake_run *f, uint32_t job);
    void (*on_retry)(struct fake_run *f, uint32_t job, int64_t delay_ns);
    void (*on_done)(struct fake_run *f, uint32_t job);
    void *ctx;
};

/* 64 I/O slots, 2 workers, no jobs, the clock at 1000 s. */
void fake_init(struct fake_run *f);
void fake_release(struct fake_run *f);
/* A job with the defaults of the manual but without jitter; its index. */
uint32_t fake_job(struct fake_run *f, const char *name, enum lane lane);
/* `job` comes after `dep`. */
void fake_after(struct fake_run *f, const char *job, const char *dep);
struct job_settings *fake_set(struct fake_run *f, const char *job);
struct job_result *fake_row(struct fake_run *f, const char *job);
uint32_t fake_index(const struct fake_run *f, const char *job);

/* Makes the scheduler, and begins. */
void fake_new(struct fake_run *f);
void fake_begin(struct fake_run *f);
/* The executor's answers, by index and by name. */
void fake_started(struct fake_run *f, uint32_t job);
void fake_put_off(struct fake_run *f, uint32_t job, int error);
void fake_ended(struct fake_run *f, uint32_t job, struct attempt_end end);
void fake_up(struct fake_run *f, const char *job);
void fake_ready(struct fake_run *f, const char *job);
void fake_exit(struct fake_run *f, const char *job, int status); /* up first, if it is not */
void fake_die(struct fake_run *f, const char *job, int sig);     /* the same */
void fake_cannot(struct fake_run *f, const char *job, int error);
/* Time passes; the scheduler is woken whenever it wants to be. */
void fake_pass(struct fake_run *f, int64_t ns);
/* What was heard since the last call, and fails when it is not `text`: "start
 * a.1@0" (attempt, slot), "unstarted a.1@0", "stop a", "late a", "ready a 20ms", "retry a 1000ms",
 * "done a ok", with the reason in brackets and the cause, joined by ", ". With explain, before a
 * start: "waited a KIND.WHAT 20ms", KIND being an enum wait_kind. */
void fake_expect(struct fake_run *f, const char *text);
/* The run's result around the rows, for result.h's functions. */
struct run_result *fake_result(struct fake_run *f);
#endif
