/* SPDX-License-Identifier: MIT */
/* memgroup: memory cgroups for attempts, and whether the kernel's OOM killer struck. */
#ifndef MUSTER_EXEC_MEMGROUP_H
#define MUSTER_EXEC_MEMGROUP_H
#include <stdbool.h>
#include <stdint.h>

/*
 * A group is a folder below that of muster's own: in the memory hierarchy of
 * cgroup v1, or in v2 where the memory controller can be had for what is below,
 * which the kernel grants only at the top of the tree while muster itself is in
 * the group (cgroups(7), "no internal processes"). Where there can be none, the
 * caller has RLIMIT_AS. A group that a killed muster left is removed by the next
 * one that makes any.
 */
struct memgroups;

/* The group of one attempt. */
struct memgroup {
    struct memgroups *of;
    bool struck; /* by memgroup_remove() */
    char path[]; /* of its folder */
};

#define MEMGROUP_PREFIX "muster-" /* then its process id, "-", and what is of that muster alone */

/* Removes groups of that name below `own` whose muster is gone; those in which something lives
 * stay. Blocks. */
void memgroups_sweep(const char *own);
/* Finds muster's own group. `root` stands before /proc and /sys: "" but for tests.
 * NULL when out of memory. Blocks. */
struct memgroups *memgroups_new(const char *root);
/* Accepts NULL; returns NULL. */
struct memgroups *memgroups_free(struct memgroups *m);
/* Whether groups can be made, as far as is known before the first. Any thread; m may be NULL. */
bool memgroups_usable(const struct memgroups *m);
/*
 * Whether something of muster's own group was killed for want of memory since
 * this was asked last. Any thread; m may be NULL.
 */
bool memgroups_struck(struct memgroups *m);

/* A group whose processes may have so many bytes together; NULL: there can be
 * none. Any thread. Blocks. */
struct memgroup *memgroup_make(struct memgroups *m, uint64_t bytes);
/* Removes it, once nothing of it lives, and notes whether anything of it was killed
 * for want of memory. Any thread. Blocks. */
void memgroup_remove(struct memgroup *g);
/* Accepts NULL; returns NULL. */
struct memgroup *memgroup_free(struct memgroup *g);
#endif
