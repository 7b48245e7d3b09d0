/* SPDX-License-Identifier: MIT */
/* keeping: which results of items are kept for the reports. */
#include "cli/keeping.h"

#include "report/summary.h"

#define TABLE_ROWS 50 /* with more jobs the table has only those that are not plainly ok */
#define HINTS_MAX  5  /* of a table */

/* Whether it is among the longest so far. */
static bool is_long(struct keeping *k, int64_t wall_ns) {
    int at = KEEPING_LONGEST;

    while (at > 0 && wall_ns > k->longest_ns[at - 1])
        at--;
    if (at == KEEPING_LONGEST)
        return false;
    for (int i = KEEPING_LONGEST - 1; i > at; i--)
        k->longest_ns[i] = k->longest_ns[i - 1];
    k->longest_ns[at] = wall_ns;
    return true;
}

bool keeping_wants(struct keeping *k, struct run_result *run, const struct job_info *job) {
    const struct job_result *r = job->result;
    bool wanted = k->all || r->status != STATUS_OK || r->flaky || r->leftover || r->unkillable ||
                  r->facts || run->items.totals.jobs <= TABLE_ROWS;

    if (is_long(k, job_wall_ns(r)))
        wanted = true;
    if (!wanted && k->hints < HINTS_MAX && summary_hints_at(job)) {
        k->hints++;
        wanted = true;
    }
    for (uint32_t i = 0; !wanted && i < r->nattempts; i++)
        run->items.busy_ns[r->lane] += r->attempts[i].wall_ns;
    return wanted;
}
