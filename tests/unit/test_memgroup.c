/* SPDX-License-Identifier: MIT */
/* test_memgroup: memory cgroups and OOM counters, on a tree of files made for each case. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../fakes/fake_root.h"
#include "exec/memgroup.h"

/* What stands in a file of a group. */
static void expect(const struct memgroup *g, const char *file, const char *want) {
    char path[PATH_MAX], got[64] = "";
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", g->path, file);
    f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(got, sizeof got, f));
    fclose(f);
    assert_string_equal(got, want);
}

static bool there(const char *path) {
    char full[PATH_MAX];

    snprintf(full, sizeof full, "%s/%s", root, path);
    return access(full, F_OK) == 0;
}

/* A group in which the kernel has killed so many. */
static void kills(const struct memgroup *g, const char *file, const char *text) {
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", g->path + strlen(root) + 1, file);
    put(path, text);
}

static void version_1(void **state) {
    struct memgroups *m;
    struct memgroup *g;

    (void)state;
    put("proc/self/cgroup", "4:memory:/a\n0::/\n");
    put("sys/fs/cgroup/memory/a/cgroup.procs", "");
    put("sys/fs/cgroup/memory/a/memory.oom_control",
        "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
    m = memgroups_new(root);
    assert_true(memgroups_usable(m));
    assert_false(memgroups_struck(m));
    put("sys/fs/cgroup/memory/a/memory.oom_control",
        "oom_kill_disable 1\nunder_oom 0\noom_kill 12\n");
    assert_true(memgroups_struck(m));
    assert_false(memgroups_struck(m)); /* what was told is not told again */

    g = memgroup_make(m, 64 << 20);
    assert_non_null(g);
    expect(g, "memory.limit_in_bytes", "67108864");
    expect(g, "memory.memsw.limit_in_bytes", "67108864");
    kills(g, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n");
    memgroup_remove(g);
    assert_false(g->struck);
    kills(g, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
    memgroup_remove(g);
    assert_true(g->struck);
    g = memgroup_free(g);
    memgroups_free(m);
}

static void version_2(void **state) {
    struct memgroups *m;
    struct memgroup *g, *other;

    (void)state;
    put("proc/self/cgroup", "0::/u\n");
    put("sys/fs/cgroup/u/cgroup.procs", "");
    put("sys/fs/cgroup/u/cgroup.subtree_control", "cpu memory pids\n");
    put("sys/fs/cgroup/u/memory.events", "low 0\nhigh 0\nmax 9\noom 2\noom_kill 2\n");
    m = memgroups_new(root);
    g = memgroup_make(m, UINT64_MAX);
    other = memgroup_make(m, 1);
    assert_true(g && other);
    assert_string_not_equal(g->path, other->path);
    expect(g, "memory.max", "9223372036854775807");
    expect(g, "memory.swap.max", "0");
    expect(other, "memory.max", "1");
    /* What happens in a group counts for those above it, too, and once only. */
    kills(g, "memory.events", "oom 1\noom_kill 1\noom_group_kill 0\n");
    put("sys/fs/cgroup/u/memory.events", "oom 3\noom_kill 3\n");
    memgroup_remove(g);
    assert_true(g->struck);
    assert_false(memgroups_struck(m));
    memgroup_remove(other);
    assert_false(other->struck);
    memgroup_free(g);
    memgroup_free(other);
    memgroups_free(m);
}

/* The kernel does not give the controller to what is below a group with processes. */
static void not_delegated(void **state) {
    struct memgroups *m;

    (void)state;
    put("proc/self/cgroup", "0::/u\n");
    put("sys/fs/cgroup/u/cgroup.procs", "");
    put("sys/fs/cgroup/u/cgroup.subtree_control", "cpu\n");
    m = memgroups_new(root);
    assert_true(memgroups_usable(m)); /* as far as is known */
    assert_null(memgroup_make(m, 1 << 20));
    assert_false(memgroups_usable(m));
    memgroups_free(m);
}

static void cannot_be_made(void **state) {
    struct memgroups *m;

    (void)state;
    put("proc/self/cgroup", "4:memory:/a\n");
    put("sys/fs/cgroup/memory/a/cgroup.procs", "");
    m = memgroups_new(root);
    tear_down(NULL);
    assert_null(memgroup_make(m, 1 << 20));
    assert_false(memgroups_usable(m));
    memgroups_free(m);
    assert_int_equal(mkdir(root, 0700), 0);
}

static void nowhere(void **state) {
    struct memgroups *m = memgroups_new(root);

    (void)state;
    assert_non_null(m);
    assert_false(memgroups_usable(m));
    assert_false(memgroups_struck(m));
    memgroups_free(m);
    assert_false(memgroups_usable(NULL));
    assert_false(memgroups_struck(NULL));

    /* The machine's own counter, where the group has none. */
    put("proc/vmstat", "nr_free_pages 1\noom_kill 7\nnr_x 1\n");
    m = memgroups_new(root);
    assert_false(memgroups_struck(m));
    put("proc/vmstat", "nr_free_pages 1\noom_kill 8\nnr_x 1\n");
    assert_true(memgroups_struck(m));
    memgroups_free(m);
}

static void leftovers(void **state) {
    struct memgroups *m;
    struct memgroup *g;

    (void)state;
    put("proc/self/cgroup", "4:memory:/a\n");
    put("sys/fs/cgroup/memory/a/cgroup.procs", "");
    put("sys/fs/cgroup/memory/a/muster-1-0/x", "");          /* it lives */
    put("sys/fs/cgroup/memory/a/muster-2147483646-1/x", ""); /* something in it does */
    put("sys/fs/cgroup/memory/a/muster-2147483646-2/x", "");
    put("sys/fs/cgroup/memory/a/other/x", "");
    put("sys/fs/cgroup/memory/a/muster-x/x", "");
    assert_int_equal(chdir(root), 0);
    unlink("sys/fs/cgroup/memory/a/muster-1-0/x");
    unlink("sys/fs/cgroup/memory/a/muster-2147483646-2/x");
    unlink("sys/fs/cgroup/memory/a/other/x");
    unlink("sys/fs/cgroup/memory/a/muster-x/x");
    assert_int_equal(chdir("/"), 0);
    m = memgroups_new(root);
    g = memgroup_make(m, 1 << 20);
    assert_non_null(g);
    assert_false(there("sys/fs/cgroup/memory/a/muster-2147483646-2"));
    assert_true(there("sys/fs/cgroup/memory/a/muster-2147483646-1"));
    assert_true(there("sys/fs/cgroup/memory/a/muster-1-0"));
    assert_true(there("sys/fs/cgroup/memory/a/other"));
    assert_true(there("sys/fs/cgroup/memory/a/muster-x"));
    memgroup_free(g);
    memgroups_free(m);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(version_1),      CASE(version_2), CASE(not_delegated),
        CASE(cannot_be_made), CASE(nowhere),   CASE(leftovers),
    };

    return cmocka_run_group_tests_name("memgroup", tests, NULL, NULL);
}
