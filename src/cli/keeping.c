/* SPDX-License-Identifier: MIT */
/* keeping: which results of items are kept for the reports. */
#include "cli/keeping.h"

/* Whether it is among the longest so far. */
static bool is_long(struct keeping *k, int64_t wall_ns) {
    int at = SUMMARY_LONGEST_MAX;

    while (at > 0 && wall_ns > k->longest_ns[at - 1])
        at--;
    if (at == SUMMARY_LONGEST_MAX)
        return false;
    for (int i = SUMMARY_LONGEST_MAX - 1; i > at; i--)
        k->longest_ns[i] = k->longest_ns[i - 1];
    k->longest_ns[at] = wall_ns;
    return true;
}

bool keeping_wants(struct keeping *k, struct run_result *run, const struct job_info *job) {
    const struct job_result *r = job->result;
    bool wanted = k->all || r->status != STATUS_OK || r->flaky || r->leftover || r->unkillable ||
                  r->facts || run->items.totals.jobs <= REPORT_ROWS_MAX;

    if (is_long(k, job_wall_ns(r)))
        wanted = true;
    if (!wanted && k->hints < SUMMARY_HINTS_MAX && summary_hints_at(job)) {
        k->hints++;
        wanted = true;
    }
    if (!wanted)
        run->items.busy_ns[r->lane] += job_busy_ns(r);
    return wanted;
}
