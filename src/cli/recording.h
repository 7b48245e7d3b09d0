/* SPDX-License-Identifier: MIT */
/* recording: the history of the run under way, as the command line wants it. */
#ifndef MUSTER_CLI_RECORDING_H
#define MUSTER_CLI_RECORDING_H
#include "cli/cli.h"
#include "run/result.h"
#include "run/session.h"

struct progress;
struct resume;
struct store;

/* The context of recording_recorder. */
struct recording {
    struct store *store;       /* NULL: nothing is recorded */
    struct progress *progress; /* where trouble is told; it has the store, too */
};

/* Gets ready to record the run that `progress` shows, unless there is to be no history
 * or none can be: which is said. Main thread, as all here. */
void recording_open(struct recording *r, const struct cli_options *o, const struct resume *resume,
                    struct progress *progress);
extern const struct session_recorder recording_recorder;
/* Waits until what is shown of the run has been recorded. */
void recording_catch_up(struct recording *r);
/* All jobs have ended: sets the run's exit status, and waits until that and they are
 * recorded. */
void recording_finish(struct recording *r, struct run_result *run);
/* The reports are there and muster ends with `exit`. Also after a run that did not begin. */
void recording_close(struct recording *r, int exit);
#endif
