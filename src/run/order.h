/* SPDX-License-Identifier: MIT */
/* order: what comes after what: who may start, who never will, who is wanted no more. */
#ifndef MUSTER_RUN_ORDER_H
#define MUSTER_RUN_ORDER_H
#include <stdbool.h>
#include <stdint.h>

#include "run/retry.h"
#include "run/sched_state.h"

/* The part of the scheduler that knows no attempts. What follows from an end comes later: tend.h.
 */

/* Fills the tables of dependents and counts what each job waits for; all are zeroed. */
void order_link(struct sched *s);
/* What of the outputs of jobs before it a job gets to see, which is about to start. */
const struct told_set *order_told(struct sched *s, uint32_t job);
/* The one place that changes a job's state. */
void order_move(struct sched *s, uint32_t job, enum job_event event);
/* Ends the wait of a job as soon as it is certain how. */
void order_resolve(struct sched *s, uint32_t job, int64_t now);
/* A job's result stands. `end` is its last attempt's, or NULL. */
void order_finish(struct sched *s, uint32_t job, enum job_event event, struct verdict verdict,
                  uint32_t cause, struct attempt_end *end);
/* A service is ready, which is a success to those that come after it. */
void order_ready(struct sched *s, uint32_t job, int64_t now);
/* The run wants a job no more: ends it, or tells its attempt to end when
 * `stop`. */
void order_cancel(struct sched *s, uint32_t job, bool stop, enum reason reason, uint32_t cause,
                  int64_t now);
/* A job may start as soon as there is room. */
void order_queue(struct sched *s, uint32_t job, int64_t now);
/* Tells what it has waited for, if that is wanted. */
void order_tell_waits(struct sched *s, uint32_t job, int64_t now);
/* What an earlier run has settled ends first, unless it waits for a service to be up and not
 * `all` is to end: were it cancelled, it would run again when this run is resumed. */
void order_leave_out(struct sched *s, bool all);
/* Nothing starts any more. With order_leave_out() the one place that goes over all jobs. */
void order_close_run(struct sched *s, bool stop, enum reason reason, uint32_t cause, int64_t now);
/* Whether others come after a job, or an item. */
bool order_has_dependents(const struct sched *s, uint32_t job);
/* Tells these how it has ended; an item is gone then. */
void order_release(struct sched *s, uint32_t job, int64_t now);
#endif
