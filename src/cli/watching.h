/* SPDX-License-Identifier: MIT */
/* watching: whether and where is shown how a run stands while it goes on. */
#ifndef MUSTER_CLI_WATCHING_H
#define MUSTER_CLI_WATCHING_H
#include "cli/cli.h"
#include "report/board.h"
#include "report/display.h"

struct output;

/* Stays where it is until the output is drained. */
struct watching {
    struct display display;
    struct board board;
    uint32_t tick_ms; /* so often it wants to hear how the run stands; 0: never */
};

/*
 * Gets ready to show it as the options, the environment and standard error have it: an area
 * of a terminal, lines in the log of a CI service (`ci`), or nothing. Before the run. Blocks:
 * asks the history how long its jobs took.
 */
void watching_open(struct watching *w, const struct cli_options *o, const struct plan *plan,
                   bool ci, struct output *output);
/* The output is drained. */
void watching_close(struct watching *w);
#endif
