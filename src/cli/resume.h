/* SPDX-License-Identifier: MIT */
/* resume: which other runs of its manifest a run begins beside, and what it leaves out
 * because one of before has settled it. */
#ifndef MUSTER_CLI_RESUME_H
#define MUSTER_CLI_RESUME_H
#include "cli/cli.h"
#include "run/presence.h"

struct resume {
    struct presence presence; /* of a run; the launchers are to keep its descriptor */
    uint8_t *settled;         /* an enum settled for each job of the plan; NULL: all run */
    struct facts **facts;     /* what they told, an entry each, or NULL; the session takes them */
    uint32_t njobs;           /* of the plan */
    struct settled_set *set;  /* the same of items */
    char run[32];             /* that is resumed; "": none */
};

/*
 * Joins the runs of the plan's manifest, where a history is kept. With --resume waits
 * until it is the only one, and finds out what it leaves out, which is said. 0, or the
 * status to end with: why has been said, and there is nothing to close. Before the
 * run; main thread; blocks.
 */
int resume_open(struct resume *r, const struct cli_options *o, const struct plan *plan);
/* The same for a plan that is only shown: joins and waits for nothing. */
int resume_look(struct resume *r, const struct cli_options *o, const struct plan *plan);
void resume_close(struct resume *r);
#endif
