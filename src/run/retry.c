/* SPDX-License-Identifier: MIT */
/* retry: what the end of an attempt means, whether another follows, and after how long. Pure. */
#include "run/retry.h"

#include <stdlib.h>
#include <string.h>

#include "exec/facts.h"

#define DELAY_NS_MAX 1e18 /* 31 years: far from overflow in sums with the clock */

/* It exited well, but what it told is of no use. */
static bool told_amiss(const struct job_settings *set, const struct attempt_end *end) {
    return exit_set_has(&set->ok_exit, end->exit) &&
           (end->facts_lost || (end->facts && end->facts->fault));
}

struct verdict retry_judge(const struct job_settings *set, const struct attempt_end *end) {
    if (end->error)
        return (struct verdict){STATUS_FAILED, REASON_SPAWN};
    if (end->outcome == OUTCOME_OK)
        return (struct verdict){STATUS_OK, REASON_NONE};
    if (end->outcome == OUTCOME_HTTP)
        return (struct verdict){STATUS_FAILED, REASON_HTTP};
    if (end->outcome == OUTCOME_LOST)
        return (struct verdict){STATUS_FAILED, REASON_LOST};
    if (exit_set_has(&set->skip_exit, end->exit))
        return (struct verdict){STATUS_SKIPPED, REASON_NONE};
    if (told_amiss(set, end))
        return (struct verdict){STATUS_FAILED, REASON_EXIT};
    if (exit_set_has(&set->ok_exit, end->exit))
        return (struct verdict){STATUS_OK, REASON_NONE};
    if (end->oom)
        return (struct verdict){STATUS_FAILED, REASON_OOM};
    return (struct verdict){STATUS_FAILED, end->exit < 0 ? REASON_SIGNAL : REASON_EXIT};
}

void retry_note_amiss(const struct job_settings *set, struct verdict verdict,
                      struct attempt_end *end) {
    const char *fault = end->facts ? end->facts->fault : NULL;

    if (verdict.status != STATUS_FAILED || verdict.reason != REASON_EXIT || !told_amiss(set, end))
        return;
    end->stage = SPAWN_FACTS;
    free(end->detail);
    end->detail = fault ? strdup(fault) : NULL;
}

bool retry_wanted(const struct job_settings *set, struct verdict verdict,
                  const struct attempt_end *end) {
    const struct retry_on *on = &set->retry_on;

    if (verdict.status != STATUS_FAILED && verdict.status != STATUS_TIMEOUT)
        return false;
    if (on->any)
        return true;
    switch (verdict.reason) {
    case REASON_TIMEOUT:
    case REASON_NOT_READY:
        return on->timeout;
    case REASON_SIGNAL:
        return on->signal;
    case REASON_SPAWN:
        return on->spawn;
    case REASON_EXIT:
        return exit_set_has(&on->exits, end->exit);
    case REASON_HTTP: /* of half an answer the status tells nothing */
        return end->http && end->http->whole ? http_set_has(&on->statuses, end->http->status)
                                             : on->http;
    case REASON_LOST:
        return on->lost;
    case REASON_OOM: /* it ended as what was killed in it made it */
        return end->exit < 0 ? on->signal : exit_set_has(&on->exits, end->exit);
    default:
        return false;
    }
}

enum limit_outcome retry_outcome(struct verdict verdict) {
    switch (verdict.status) {
    case STATUS_OK:
        return LIMIT_GOOD;
    case STATUS_FAILED:
    case STATUS_TIMEOUT:
        return LIMIT_BAD;
    default:
        return LIMIT_NEITHER;
    }
}

/* splitmix64 (Steele, Lea, Flood 2014): any seed will do, also 0. */
static uint64_t draw(uint64_t *random) {
    uint64_t z = *random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

int64_t retry_heed(const struct job_settings *set, int64_t delay_ns, int64_t asked_ns) {
    if (set->retry_max_delay_ns && asked_ns > set->retry_max_delay_ns)
        asked_ns = set->retry_max_delay_ns;
    return asked_ns > delay_ns ? asked_ns : delay_ns;
}

int64_t retry_delay_ns(const struct job_settings *set, double *unclipped_ns, uint64_t *random) {
    double unit = (double)(draw(random) >> 11) * 0x1p-53; /* [0, 1) */
    double delay = (double)set->retry_delay_ns;

    if (*unclipped_ns > 0)
        delay = *unclipped_ns * set->retry_backoff;
    if (delay > DELAY_NS_MAX)
        delay = DELAY_NS_MAX;
    *unclipped_ns = delay;
    if (set->retry_max_delay_ns && delay > (double)set->retry_max_delay_ns)
        delay = (double)set->retry_max_delay_ns;
    return (int64_t)(delay - delay * set->retry_jitter * unit);
}
