/* SPDX-License-Identifier: MIT */
/* room: how many descriptors there are for jobs, and for how many jobs they do. */
#ifndef MUSTER_EXEC_ROOM_H
#define MUSTER_EXEC_ROOM_H
#include <stdbool.h>
#include <stdint.h>

#include "plan/plan.h"

struct room {
    uint32_t io_width; /* attempts at once in the I/O lane, at most plan->io_limit */
    bool spares;       /* those to spare are left for others */
    uint64_t fds;      /* that will be in use at once, at most */
};

/*
 * What the soft limit leaves, beside the CPU workers and, unless jobs could not run
 * then, `spare_fds` for others. 0; UV_EMFILE: it leaves too little for any job.
 * Main thread, with all open that stays open.
 */
int room_find(const struct plan *plan, uint32_t spare_fds, struct room *room);
/*
 * Has the kernel make room for so many descriptors now; fd is any that is open.
 * Later, when threads share the table, each time it doubles stands still for an RCU
 * grace period, some 10 ms (expand_fdtable() in fs/file.c).
 */
void room_make(int fd, uint64_t fds);
#endif
