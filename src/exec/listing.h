/* SPDX-License-Identifier: MIT */
/* listing: the file $MUSTER_ITEMS of a batch, with an item a line. */
#ifndef MUSTER_EXEC_LISTING_H
#define MUSTER_EXEC_LISTING_H
#include "exec/attempt.h"
#include "plan/plan.h"

/*
 * Writes a new file of this user's alone, in TMPDIR or else /tmp. 0 with *path, to be
 * given to listing_remove(); or UV_E…, *path is NULL then, and end->stage and detail say
 * at what. Blocks; any thread.
 */
int listing_make(const struct plan_item *item, char **path, struct attempt_end *end);
/* Removes the file and frees its path. Accepts NULL; returns NULL. Blocks; any thread. */
char *listing_remove(char *path);
#endif
