/* SPDX-License-Identifier: MIT */
/* lookup: the history as the verbs that read it open it. */
#ifndef MUSTER_CLI_LOOKUP_H
#define MUSTER_CLI_LOOKUP_H
#include <stdbool.h>

#include "cli/cli.h"
#include "store/past.h"

struct lookup {
    struct past past;
    char *folder;
    bool there; /* there is a history, and it is open */
};

/* Opens the history where the options say. 0, also where nothing was ever recorded, or the
 * status to end with: what is wrong has been said, and `behind` it. Close in either case.
 * Blocks. */
int lookup_open(struct lookup *l, const struct cli_options *o, const char *behind);
void lookup_close(struct lookup *l);
#endif
