/* SPDX-License-Identifier: MIT */
/* progress: what a run tells on standard error while it goes on. */
#ifndef MUSTER_CLI_PROGRESS_H
#define MUSTER_CLI_PROGRESS_H
#include <stdbool.h>

#include "cli/explain.h"
#include "cli/keeping.h"
#include "plan/plan.h"
#include "report/board.h"
#include "report/display.h"
#include "report/output.h"
#include "run/result.h"
#include "run/session.h"

struct store;

/* The context of progress_events. */
struct progress {
    struct run_result *result; /* that session_run() fills */
    struct output *output;     /* thread that does the writing */
    struct store *store;       /* that records each end, or NULL */
    struct explain *explain;   /* of what jobs waited for, or NULL */
    enum output_mode mode;
    bool quiet, verbose;
    struct keeping keeping;
    struct display *display; /* of how the run stands; or NULL */
    struct board *board;     /* by which that is known; or NULL, too */
    int64_t begun;           /* run time */
    bool keep;               /* a report will show the tails of the jobs' output */
    bool lost;               /* some job's output could not be kept, and that has been said */
};

extern const struct session_events progress_events;
#endif
