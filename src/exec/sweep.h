/* SPDX-License-Identifier: MIT */
/* sweep: removes what jobs have left, their processes after muster was killed. */
#ifndef MUSTER_EXEC_SWEEP_H
#define MUSTER_EXEC_SWEEP_H
#include <stdint.h>

/*
 * SIGKILL to every process whose soft RLIMIT_LOCKS is a mark of [first, end),
 * again and again until none is left or they will not die for ten seconds:
 * daemons with a session and an environment of their own inherit it (see
 * reaper.h). What took another user's id is out of reach, but see killgroup.h. For a
 * launcher, which has no heap: uses none. Blocks.
 */
void sweep_marked(uint64_t first, uint64_t end);
/* Removes a folder with all that is in it, folders in one another up to some depth. No
 * link is followed. What cannot be removed stays. Uses no heap either. Blocks. */
void sweep_folder(const char *path);
#endif
