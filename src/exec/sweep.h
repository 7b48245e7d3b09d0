/* SPDX-License-Identifier: MIT */
/* sweep: ends what the jobs of a muster that was killed have left. */
#ifndef MUSTER_EXEC_SWEEP_H
#define MUSTER_EXEC_SWEEP_H
#include <stdint.h>

/*
 * SIGKILL to every process whose soft RLIMIT_LOCKS is a mark of [first, end),
 * again and again until none is left or they will not die for ten seconds:
 * daemons with a session and an environment of their own inherit it (see
 * reaper.h). What took another user's id is out of reach. For a launcher, which
 * has no heap: uses none. Blocks.
 */
void sweep_marked(uint64_t first, uint64_t end);
#endif
