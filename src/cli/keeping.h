/* SPDX-License-Identifier: MIT */
/* keeping: which results of items are kept for the reports, so that memory and disk do not
 * grow with the list. */
#ifndef MUSTER_CLI_KEEPING_H
#define MUSTER_CLI_KEEPING_H
#include <stdbool.h>
#include <stdint.h>

#include "report/summary.h"
#include "run/result.h"

/* All zero but `all` at first. */
struct keeping {
    bool all;                                /* a report has a row for each */
    unsigned hints;                          /* kept for what they tell of their lane */
    int64_t longest_ns[SUMMARY_LONGEST_MAX]; /* of those that were told */
};

/*
 * Whether an item's result, which has just been counted in run->items, is to be
 * kept. All are that did not go plainly well, and those that the table shows of the
 * others. What is not is added up in run->items.
 */
bool keeping_wants(struct keeping *k, struct run_result *run, const struct job_info *job);
#endif
