/* SPDX-License-Identifier: MIT */
/* host: what the machine grants this process. */
#ifndef MUSTER_BASE_HOST_H
#define MUSTER_BASE_HOST_H
#include <stdint.h>

/*
 * The CPUs that this process may use: those of its affinity mask, or fewer
 * where a cgroup quota (v2 `cpu.max`, v1 `cpu.cfs_quota_us`, the least on the
 * way up the tree, rounded up) grants less; at least 1. As it was when first
 * asked for. Main thread.
 */
uint32_t host_cpus(void);
/*
 * What the cgroup quotas alone grant, in whole CPUs; UINT32_MAX where none
 * does. `root` stands before /proc/self and the mount points: "" for the
 * machine's own, a folder in tests.
 */
uint32_t host_cgroup_cpus(const char *root);
/*
 * The memory that this process may use, in bytes: all of the machine's, or less
 * where a cgroup's limit (v2 `memory.max`, v1 `memory.limit_in_bytes`, the least on
 * the way up the tree) grants less. Reads files.
 */
uint64_t host_memory(void);
/* What the limits of cgroups alone grant; UINT64_MAX, or more than there is, where none does. */
uint64_t host_cgroup_memory(const char *root);
/*
 * The folder of this process's own cgroup, malloc'd: in the v1 hierarchy of a
 * controller, or (NULL) in v2, where these usually are mounted; that of the
 * mount itself where the group is not below it, as in a container that was given
 * a part of the tree. NULL: there is none. `root` as above.
 */
char *host_cgroup(const char *root, const char *controller);
/* The host's name, "localhost" where it cannot be had. Static storage; main thread. */
const char *host_name(void);
#endif
