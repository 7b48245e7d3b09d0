/* SPDX-License-Identifier: MIT */
/* result: how each job and the run as a whole went; what all reports read. */
#ifndef MUSTER_RUN_RESULT_H
#define MUSTER_RUN_RESULT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "plan/plan.h"

struct attempt;
struct attempt_end;
struct facts;

enum status {
    STATUS_NONE, /* not ended */
    STATUS_OK,
    STATUS_FAILED,
    STATUS_TIMEOUT,
    STATUS_CANCELLED,
    STATUS_SKIPPED,
    STATUS_CACHED,
    STATUS_RESUMED,
    STATUSES,
};

enum reason {
    REASON_NONE,
    REASON_EXIT,
    REASON_SIGNAL,
    REASON_TIMEOUT,
    REASON_SPAWN,
    REASON_DEPENDENCY,
    REASON_CANCELLED,
    REASON_DEADLINE,
    REASON_BREAKER,
    REASON_HTTP,
    REASON_NOT_READY,
    REASON_LOST,
    REASON_OOM,
    REASONS,
};

/* What an attempt or a job comes to. */
struct verdict {
    enum status status;
    enum reason reason;
};

/* What a run that resumes this one makes of a job. */
enum settled {
    SETTLED_NO,      /* it runs */
    SETTLED_OK,      /* it need not, and what comes after it may */
    SETTLED_SKIPPED, /* it was not wanted, nor was what comes after it */
};

/* The words of reports: "ok", "not-ready"; NULL for STATUS_NONE, REASON_NONE. */
extern const char *const status_words[STATUSES];
extern const char *const reason_words[REASONS];

#define NO_JOB UINT32_MAX

/* One attempt that was started, or could not be. */
struct attempt_result {
    int64_t start_ns; /* clock_ns(); the run's start is run_result.start_ns */
    int64_t wall_ns;
    int64_t user_us, sys_us;
    uint64_t max_rss; /* bytes */
    uint64_t out_bytes, err_bytes;
    int16_t exit;   /* -1: null */
    uint8_t signal; /* 0: null */
    bool core, killed;
    uint8_t status, reason;
    uint8_t stage;             /* enum spawn_stage of REASON_SPAWN; SPAWN_FACTS: it told amiss */
    uint32_t slot;             /* lowest that it held in its lane */
    int error;                 /* UV_E… of REASON_SPAWN */
    char *detail;              /* the path at fault then, or words; malloc'd, or NULL */
    struct attempt_http *http; /* of a request that was made (exec/attempt), malloc'd, or NULL */
};
/* Frees what it owns. */
void attempt_result_release(struct attempt_result *a);

/* One job. Written by the scheduler alone. */
struct job_result {
    uint8_t status, reason; /* enum status, enum reason */
    bool flaky, allowed;
    uint8_t settled; /* enum settled */
    uint8_t lane;    /* enum lane: that it was counted in last */
    bool moved;      /* into it from the other one, while it ran */
    uint32_t cause;  /* the job that failed first (see run_cause()), or NO_JOB */
    int32_t worker;  /* first CPU worker of the last attempt, -1: none */
    uint32_t leftover, unkillable;
    uint32_t nattempts;
    struct attempt_result *attempts;
    struct facts *facts;      /* its outputs (exec/facts.h), malloc'd, or NULL: none */
    int64_t wait_ns;          /* ready to first start; 0 when never started */
    const char *words;        /* the reason in words, of a run of before; else NULL */
    uint64_t out_at, out_len; /* tail of stdout in the run's tail store (report/output) */
    uint64_t err_at, err_len;
};

/* A job of a run with its result, for who shows it, keeps it or reports it. */
struct job_info {
    uint32_t id;      /* its number, that of its attempts */
    uint32_t section; /* its place in the plan: of an item that of its section */
    const struct plan_job *def;
    struct job_result *result;
};

/* An enum settled: what a later run makes of a job that ended so, other than `resumed`. */
uint8_t job_settled(enum status status, enum reason reason);

/* Frees its attempts and its outputs. */
void job_result_release(struct job_result *j);

/* Makes room for one more attempt's row. 0 or UV_ENOMEM. */
int job_reserve_attempt(struct job_result *j);
/* Writes an attempt's end down, for which there is room; takes its detail. */
void job_add_attempt(struct job_result *j, const struct attempt *a, struct attempt_end *end,
                     enum status status, enum reason reason);

/* Sums over the attempts: computed, not stored. */
int64_t job_wall_ns(const struct job_result *j); /* first start to last end */
int64_t job_busy_ns(const struct job_result *j); /* the same without the delays between them */
int64_t job_cpu_us(const struct job_result *j);
uint64_t job_max_rss(const struct job_result *j);

struct run_totals {
    uint32_t jobs, by_status[STATUSES];
    uint32_t noted[STATUSES]; /* of those, how many flaky or allowed */
    uint32_t flaky, allowed, retries;
    int64_t job_wall_ns, cpu_us;
};

struct ledger;
struct ledger_reader;

/* What other jobs did not run because of. */
struct run_cause {
    const char *name;
    bool late; /* it timed out */
};

/* What is known of items that have ended: their own results go where they go. */
struct item_results {
    struct run_totals totals;
    bool failed;              /* one of them makes the run fail */
    struct ledger *ledger;    /* the results; NULL: nobody wants them */
    int64_t busy_ns[LANES];   /* of those that are not in it: how long their attempts ran */
    struct run_cause *causes; /* of them, those that others did not run because of */
    uint32_t ncauses;
    size_t causes_cap;
};

struct run_result {
    const struct plan *plan;
    char id[32];             /* sorts by time */
    struct timespec started; /* wall clock */
    struct timespec ended;
    int64_t start_ns; /* clock_ns() */
    int64_t wall_ns;
    const char *host;   /* its name; outlives the run */
    uint32_t cpus;      /* that it could use */
    int exit;           /* status to end with; 128 + N when interrupted; -1: it has not ended */
    int interrupted_by; /* signal, or 0 */
    bool deadline_passed;
    bool undelivered;         /* something could not be written: exit 3 */
    uint32_t unkillable;      /* adopted processes of ended jobs that would not die */
    uint32_t cleanups_failed; /* commands of jobs' `cleanup` */
    int64_t loop_lag_ns;      /* longest that the loop was kept from waiting */
    struct job_result *jobs;  /* one per plan job; of a section with axes it is only filled where
                               * it stands for items that there are not */
    struct item_results items;
};

/*
 * Goes over all jobs of a run in the order of reports, the manifest's: result_begin(), then
 * result_next() until it is NULL. What it returns is good until the next call. `error` is 0,
 * or UV_E… when there are jobs that could not be had.
 */
struct result_walk {
    const struct run_result *run;
    uint32_t next; /* job of the plan */
    struct job_info job;
    int error;
    size_t row; /* the next one of an item */
    struct ledger_reader *reader;
    struct plan_job def; /* of an item: all of its section's but its name */
    struct plan_item item;
    struct job_result result;
};
void result_begin(struct result_walk *w, const struct run_result *run);
const struct job_info *result_next(struct result_walk *w);
/* Whether a job of the plan has a row: a section with axes but in the place of items. */
bool result_has_row(const struct run_result *run, uint32_t job);

/* What job_result.cause stands for, which is not NO_JOB. */
struct run_cause run_cause(const struct run_result *r, uint32_t cause);

/* Frees the rows of a result. */
void run_result_release(struct run_result *result);
/* Counts the result of an item in. */
void item_results_add(struct item_results *items, const struct job_result *result);
/* Keeps a name (copied): its place in `causes`, or NO_JOB when out of memory. */
uint32_t item_results_cause(struct item_results *items, const char *name, bool late);
void item_results_release(struct item_results *items);

/* Counts over all jobs; linear. */
struct run_totals run_totals(const struct run_result *r);
/* The exit status by the order of precedence of the manual (2 and 75 come
 * before there is a run): signal, 3, 124, 1, 0. */
int run_exit_status(const struct run_result *r);
/*
 * The reason in words, into buf: "exit 3", "SIGSEGV", "timed out after 30s",
 * "not found: /bin/nope", "because fetch failed". "" for ok. Returns buf.
 */
const char *job_reason_text(const struct run_result *r, const struct job_info *job, char *buf,
                            size_t n);
/* "SIGTERM" for 15, "SIGRTMIN+1", "signal 77". Returns buf. */
const char *signal_name(int sig, char *buf, size_t n);
#endif
