/* SPDX-License-Identifier: MIT */
/* host: what the machine grants this process. */
#ifndef MUSTER_BASE_HOST_H
#define MUSTER_BASE_HOST_H
#include <stdint.h>

/*
 * The CPUs that this process may use: those of its affinity mask, or fewer
 * where a cgroup quota (v2 `cpu.max`, v1 `cpu.cfs_quota_us`, the least on the
 * way up the tree, rounded up) grants less; at least 1.
 */
uint32_t host_cpus(void);
/* The same with another root in place of "/" for /proc/self and /sys: for tests. */
uint32_t host_cgroup_cpus(const char *root);
/* The host's name, "localhost" where it cannot be had. Static storage. */
const char *host_name(void);
#endif
