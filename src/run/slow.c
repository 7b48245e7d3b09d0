/* SPDX-License-Identifier: MIT */
/* slow: which running attempts are past their job's `slow`, each told once. */
#include "run/slow.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "plan/item.h"

#define PERIOD_MIN_MS 20
#define PERIOD_MAX_MS 1000
#define PERIOD_PART   10 /* of the shortest: so much later it may be told */

uint64_t slow_period_ms(const struct plan *plan) {
    int64_t least_ns = 0, period_ms;

    for (uint32_t i = 0; i < plan->njobs; i++) {
        int64_t slow_ns = plan->jobs[i].set->slow_ns;

        if (item_has_own(&plan->jobs[i], offsetof(struct job_settings, slow_ns)))
            slow_ns = NS_PER_MS; /* as short as may be */
        if (slow_ns > 0 && (least_ns == 0 || slow_ns < least_ns))
            least_ns = slow_ns;
    }
    if (least_ns == 0)
        return 0;
    period_ms = least_ns / PERIOD_PART / NS_PER_MS;
    if (period_ms < PERIOD_MIN_MS)
        return PERIOD_MIN_MS;
    return period_ms < PERIOD_MAX_MS ? (uint64_t)period_ms : PERIOD_MAX_MS;
}

bool slow_due(struct slow *s, uint32_t id, const struct job_settings *set, int64_t since,
              int64_t now) {
    int64_t *told;

    if (set->slow_ns == 0 || now - since < set->slow_ns)
        return false;
    told = mem_grow(s->told, id, &s->count, sizeof *told);
    if (!told)
        return false;
    s->told = told;
    if (told[id] == since)
        return false;
    told[id] = since;
    return true;
}

void slow_release(struct slow *s) {
    free(s->told);
    *s = (struct slow){0};
}
