/* SPDX-License-Identifier: MIT */
/* events: where the reports go that are written while a run goes on (jsonl). */
#ifndef MUSTER_CLI_EVENTS_H
#define MUSTER_CLI_EVENTS_H
#include <stdbool.h>
#include <stddef.h>

#include "plan/plan.h"
#include "report/sink.h"
#include "run/result.h"

struct output;

/* One of them. */
struct event_report {
    const struct report_spec *spec;
    struct sink sink;
    bool open;
};

/* All zero: none yet. */
struct events {
    struct event_report *reports; /* owned */
    size_t count;
    bool failed; /* one could not be opened, and that has been said */
};

/*
 * Opens those of a list. What cannot be opened is said and noted; UV_ENOMEM is
 * the only error returned. Blocks. Main thread, as all that follow.
 */
int events_open(struct events *e, const struct report_spec *reports, size_t n);
/* Has an output write events to all that are open. */
void events_attach(const struct events *e, struct output *output);
/*
 * The output is drained: writes the run's end and closes one. False: something
 * went wrong with it, and that has been said, or it never was open.
 */
bool events_finish(struct events *e, const struct report_spec *spec, const struct run_result *run);
/* Closes what is still open; files that have no event yet are not put in place. */
void events_release(struct events *e);
#endif
