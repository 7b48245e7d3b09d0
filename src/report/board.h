/* SPDX-License-Identifier: MIT */
/* board: what of a run has ended, and what runs since when, for its status. Pure. */
#ifndef MUSTER_REPORT_BOARD_H
#define MUSTER_REPORT_BOARD_H
#include <stdint.h>

#include "report/forecast.h"
#include "report/standing.h"
#include "run/result.h"
#include "run/sched.h"

#define BOARD_BUCKETS 256

struct board_entry;

/* One thread. */
struct board {
    const struct plan *plan;
    struct board_entry *buckets[BOARD_BUCKETS]; /* of what runs, by number */
    struct board_entry *first, *last;           /* the same in the order of their starts */
    uint32_t running;
    uint32_t jobs;  /* that are to end, as far as that is known, */
    uint32_t open;  /* but for the items of so many sections */
    uint32_t *left; /* by section: items of it that `jobs` has and that have not ended; NULL: no
                     * section has axes */
    uint32_t done, failed, retries;
    struct forecast *forecast; /* owned; NULL: there is none */
};

/* How many items a section has, 0: that is not known before. */
uint32_t board_items(const struct plan_items *items);
/* Nothing was told yet of the run of a plan; by what is known of its jobs, or NULL. 0 or
 * UV_ENOMEM: there is no board then. */
int board_init(struct board *b, const struct plan *plan, const struct length *lengths);
/* An attempt has started; what `job` refers to stays until its end. `now` is in run time. */
void board_started(struct board *b, const struct job_info *job, uint32_t attempt, int64_t now);
/* It has ended, and another follows. */
void board_retry(struct board *b, const struct job_info *job);
/* A job has ended, which may never have started. */
void board_ended(struct board *b, const struct job_info *job);
/* All items of a section have ended. */
void board_section_ended(struct board *b, uint32_t section);
/* The status by all that, and by what the scheduler has; it began at `start`. */
void board_read(struct board *b, const struct sched_counts *counts, int64_t start, int64_t now,
                struct standing *out);
void board_release(struct board *b);
#endif
