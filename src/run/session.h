/* SPDX-License-Identifier: MIT */
/* session: one run from plan to results: the loop, signals, shutdown. */
#ifndef MUSTER_RUN_SESSION_H
#define MUSTER_RUN_SESSION_H
#include "run/session_opts.h"

/*
 * Runs the plan to its end and fills *result (job rows are malloc'd). Installs
 * handlers for INT, TERM, HUP, QUIT, TSTP, USR1 for its time, except those
 * that were ignored; they have their default action again after it, or are
 * ignored after an interruption, so that nothing keeps the reports from being
 * written. INT, TERM and HUP are left blocked, for the caller to unblock.
 * 0: a run took place, result->exit is not set yet. UV_E…: nothing was
 * started. Closes its loop with no handle left in every case. Main thread.
 */
int session_run(const struct session_opts *opts, struct run_result *result);
#endif
