/* SPDX-License-Identifier: MIT */
/* retry: what the end of an attempt means, whether another follows, and after how long. Pure. */
#ifndef MUSTER_RUN_RETRY_H
#define MUSTER_RUN_RETRY_H
#include <stdbool.h>
#include <stdint.h>

#include "exec/attempt.h"
#include "plan/plan.h"
#include "run/limit.h"
#include "run/result.h"

/* What an attempt that nobody here stopped comes to, by the job's own terms. */
struct verdict retry_judge(const struct job_settings *set, const struct attempt_end *end);
/* Where an attempt failed though it exited well, because of what it told: notes that
 * as the end's stage and detail. */
void retry_note_amiss(const struct job_settings *set, struct verdict verdict,
                      struct attempt_end *end);
/* Whether `retry-on` asks for another attempt after this one. */
bool retry_wanted(const struct job_settings *set, struct verdict verdict,
                  const struct attempt_end *end);

/* What it says to the circuit breakers that the attempt ran under. */
enum limit_outcome retry_outcome(struct verdict verdict);

/*
 * The delay before the next attempt, drawn from [delay - delay * jitter, delay]
 * with the generator *random. *unclipped_ns carries from one retry of a job to
 * the next and is 0 at first.
 */
int64_t retry_delay_ns(const struct job_settings *set, double *unclipped_ns, uint64_t *random);
/* The delay where the other side asked for one (Retry-After; 0: it did not): no
 * shorter than that, as far as retry-max-delay allows. */
int64_t retry_heed(const struct job_settings *set, int64_t delay_ns, int64_t asked_ns);
#endif
