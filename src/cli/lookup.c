/* SPDX-License-Identifier: MIT */
/* lookup: the history as the verbs that read it open it. */
#include "cli/lookup.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/state.h"

int lookup_open(struct lookup *l, const struct cli_options *o, const char *behind) {
    int error;

    *l = (struct lookup){.there = false};
    error = state_path(o->state_dir, &l->folder);
    if (error) {
        cli_error("history: %s%s", cli_state_trouble(error), behind);
        return CLI_BROKEN;
    }
    error = past_open(&l->past, l->folder);
    l->there = error == 0;
    if (!error || error == UV_ENOENT)
        return 0;
    cli_error("history: %s%s", l->past.db.why, behind);
    return CLI_BROKEN;
}

void lookup_close(struct lookup *l) {
    if (l->folder)
        past_close(&l->past);
    free(l->folder);
}
