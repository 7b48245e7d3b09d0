/* SPDX-License-Identifier: MIT */
/* test_host: CPUs and memory by cgroup quotas, on a tree of files made for each case. */
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../fakes/fake_root.h"
#include "base/host.h"

static const char v2_mount[] =
    "31 23 0:28 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
static const char v1_mount[] =
    "30 23 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    "32 31 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
    "33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n";

static void test_nothing_there(void **state) {
    (void)state;
    assert_true(host_cgroup_cpus(root) == UINT32_MAX);
    put("proc/self/mountinfo", "rubbish\n\n- - -\n1 2 3 - cgroup2\n");
    put("proc/self/cgroup", "rubbish\n::\n0:\n");
    assert_true(host_cgroup_cpus(root) == UINT32_MAX);
}

static void test_v2(void **state) {
    (void)state;
    put("proc/self/mountinfo", v2_mount);
    put("proc/self/cgroup", "0::/user.slice/job.scope\n");
    put("sys/fs/cgroup/user.slice/job.scope/cpu.max", "max 100000\n");
    assert_true(host_cgroup_cpus(root) == UINT32_MAX);
    put("sys/fs/cgroup/user.slice/job.scope/cpu.max", "250000 100000\n");
    assert_int_equal(host_cgroup_cpus(root), 3);
    put("sys/fs/cgroup/user.slice/job.scope/cpu.max", "200000 100000\n");
    assert_int_equal(host_cgroup_cpus(root), 2);
    /* Less further up, where the group itself says nothing. */
    put("sys/fs/cgroup/user.slice/cpu.max", "1000 100000\n");
    assert_int_equal(host_cgroup_cpus(root), 1);
    put("sys/fs/cgroup/user.slice/cpu.max", "800000 100000\n");
    assert_int_equal(host_cgroup_cpus(root), 2);
}

static void test_v2_own_namespace(void **state) {
    (void)state;
    put("proc/self/mountinfo", v2_mount);
    put("proc/self/cgroup", "0::/\n");
    put("sys/fs/cgroup/cpu.max", "150000 100000\n");
    assert_int_equal(host_cgroup_cpus(root), 2);
}

/* A container without a namespace: the mount shows its own group only. */
static void test_v2_mounted_below(void **state) {
    (void)state;
    put("proc/self/mountinfo", "31 23 0:28 /docker/ab /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    put("proc/self/cgroup", "0::/docker/ab/x\n");
    put("sys/fs/cgroup/cpu.max", "400000 100000\n");
    put("sys/fs/cgroup/x/cpu.max", "300000 100000\n");
    assert_int_equal(host_cgroup_cpus(root), 3);
    put("proc/self/cgroup", "0::/docker/abc\n");
    assert_int_equal(host_cgroup_cpus(root), 4);
}

static void test_v1(void **state) {
    (void)state;
    put("proc/self/mountinfo", v1_mount);
    put("proc/self/cgroup", "4:cpu,cpuacct:/a/b\n3:cpuset:/z\n0::/\n");
    put("sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1\n");
    put("sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n");
    assert_true(host_cgroup_cpus(root) == UINT32_MAX);
    put("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "100001\n");
    put("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "50000\n");
    assert_int_equal(host_cgroup_cpus(root), 3);
    /* A hybrid machine: the least of both counts. */
    put("sys/fs/cgroup/unified/cpu.max", "100000 100000\n");
    assert_int_equal(host_cgroup_cpus(root), 1);
}

/* Mounted where they usually are, they are found without the list of mounts. */
static void test_usual_places(void **state) {
    (void)state;
    put("proc/self/cgroup", "4:cpu,cpuacct:/a\n3:cpuset:/z\n0::/u\n");
    put("sys/fs/cgroup/cpu,cpuacct/a/cgroup.procs", "");
    put("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "300000\n");
    put("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
    put("sys/fs/cgroup/unified/u/cgroup.procs", "");
    assert_int_equal(host_cgroup_cpus(root), 3);
    put("sys/fs/cgroup/unified/cpu.max", "200000 100000\n");
    assert_int_equal(host_cgroup_cpus(root), 2);
    /* One that is elsewhere: the list tells. */
    put("proc/self/cgroup", "4:cpu,cpuacct:/a\n0::/elsewhere\n");
    put("proc/self/mountinfo", "31 23 0:28 / /cg rw - cgroup2 cgroup2 rw\n");
    put("cg/elsewhere/cpu.max", "100000 100000\n");
    assert_int_equal(host_cgroup_cpus(root), 1);
}

static void test_memory(void **state) {
    (void)state;
    assert_true(host_cgroup_memory(root) == UINT64_MAX);
    put("proc/self/cgroup", "4:memory:/a/b\n0::/u\n");
    put("sys/fs/cgroup/memory/a/b/cgroup.procs", "");
    put("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
    put("sys/fs/cgroup/unified/u/cgroup.procs", "");
    put("sys/fs/cgroup/unified/u/memory.max", "max\n");
    assert_true(host_cgroup_memory(root) == UINT64_C(9223372036854771712));
    put("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "2147483648\n");
    assert_true(host_cgroup_memory(root) == UINT64_C(2) << 30);
    put("sys/fs/cgroup/unified/memory.max", "1073741824\n");
    assert_true(host_cgroup_memory(root) == UINT64_C(1) << 30);
    /* Elsewhere: the list of mounts tells. */
    put("proc/self/cgroup", "4:memory:/elsewhere\n");
    put("proc/self/mountinfo", "33 31 0:30 / /cg rw - cgroup cgroup rw,memory\n");
    put("cg/elsewhere/memory.limit_in_bytes", "4096\n");
    assert_true(host_cgroup_memory(root) == 4096);
    assert_true(host_cgroup_cpus(root) == UINT32_MAX);
}

static void expect_cgroup(const char *controller, const char *want) {
    char full[PATH_MAX], *found = host_cgroup(root, controller);

    if (want) {
        snprintf(full, sizeof full, "%s%s", root, want);
        assert_non_null(found);
        assert_string_equal(found, full);
    } else {
        assert_null(found);
    }
    free(found);
}

static void test_own_folder(void **state) {
    (void)state;
    expect_cgroup("memory", NULL);
    expect_cgroup(NULL, NULL);
    put("proc/self/cgroup", "5:memory:/a/b\n3:cpuset,memoryless:/z\n0::/u\n");
    expect_cgroup("memory", NULL);
    put("sys/fs/cgroup/unified/u/cgroup.procs", "");
    put("sys/fs/cgroup/memory/cgroup.procs", "");
    expect_cgroup(NULL, "/sys/fs/cgroup/unified/u");
    expect_cgroup("memory", "/sys/fs/cgroup/memory"); /* a part of the tree is mounted */
    put("sys/fs/cgroup/memory/a/b/cgroup.procs", "");
    expect_cgroup("memory", "/sys/fs/cgroup/memory/a/b");
    expect_cgroup("cpu", NULL);
    put("proc/self/cgroup", "0::/\n");
    put("sys/fs/cgroup/cgroup.procs", "");
    expect_cgroup(NULL, "/sys/fs/cgroup");
    expect_cgroup("memory", NULL);
}

static void test_machine(void **state) {
    cpu_set_t before, one;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
        if (CPU_ISSET(i, &before))
            CPU_SET(i, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(host_cpus(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(host_cpus(), 1); /* as it was when first asked */
    assert_true(*host_name());
    assert_true(host_memory() > 1 << 20 && host_memory() < UINT64_C(1) << 62);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_nothing_there),    CASE(test_v2),         CASE(test_v2_own_namespace),
        CASE(test_v2_mounted_below), CASE(test_v1),         CASE(test_machine),
        CASE(test_usual_places),     CASE(test_own_folder), CASE(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
