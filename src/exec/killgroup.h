/* SPDX-License-Identifier: MIT */
/* killgroup: the cgroup of a run, by which its guard kills all that is left of it. */
#ifndef MUSTER_EXEC_KILLGROUP_H
#define MUSTER_EXEC_KILLGROUP_H
#include <sys/types.h>

/*
 * A folder below that of muster's own group, in cgroup v2, where muster may make one.
 * Launchers are born in it, and with them all that they start: nobody leaves it by a
 * session, an id or a limit of his own. Processes with a memory group of v2 are in that.
 */
struct killgroup {
    char *path; /* of its folder */
    char *own;  /* of the folder of muster's own group */
    int fd;     /* of its folder; -1: the kernel lets no process be born in it */
};

/*
 * Makes one. `root` stands before /proc and /sys: "" but for tests. NULL: there can be
 * none, which trace tells, or no memory. Blocks.
 */
struct killgroup *killgroup_new(const char *root);
/* Removes it, unless something lives in it. Accepts NULL; returns NULL. Blocks. */
struct killgroup *killgroup_free(struct killgroup *g);
/*
 * As fork(), but the child is in the group, if there can be one in it: g may be NULL. The
 * child must not use the heap or stdio, whose locks another thread may hold for good. One
 * thread at a time.
 */
pid_t killgroup_fork(struct killgroup *g);
/*
 * Leaves the group for muster's own, and kills all that is in it, those below it, and
 * what would flee. For a launcher: uses no heap. g may be NULL. Blocks for some
 * hundredths of a second.
 */
void killgroup_strike(const struct killgroup *g);
/* Removes it as soon as nothing lives in it, or gives up after ten seconds. Likewise. */
void killgroup_clear(const struct killgroup *g);
#endif
