/* SPDX-License-Identifier: MIT */
/* sums: the outputs of all jobs that are numbers, added up by their names. */
#ifndef MUSTER_RUN_SUMS_H
#define MUSTER_RUN_SUMS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "run/result.h"

struct run_sum {
    const char *name; /* of the output */
    bool whole;       /* all were whole numbers, and so is their sum: */
    int64_t number;
    double value; /* the same, and otherwise */
};

/* In the order in which the jobs' names come first. */
struct run_sums {
    struct arena arena;
    struct run_sum *list;
    size_t count;
};

/* Goes over all jobs. 0 or UV_E…; release in either case. */
int run_sums_init(struct run_sums *sums, const struct run_result *run);
void run_sums_release(struct run_sums *sums);
/* The same as text, to be kept: one block to free(), or NULL when out of memory. */
struct facts *run_sums_facts(const struct run_result *run);
#endif
