/* SPDX-License-Identifier: MIT */
/* test_killgroup: the cgroup of a run, on a tree of files made for each case. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../fakes/fake_root.h"
#include "exec/killgroup.h"

static char own[PATH_MAX], path[PATH_MAX];

/* What stands in the one line of a file. */
static void expect(const char *folder, const char *file, const char *want) {
    char full[2 * PATH_MAX], got[64] = "";
    FILE *f;

    snprintf(full, sizeof full, "%s/%s", folder, file);
    f = fopen(full, "r");
    assert_non_null(f);
    assert_ptr_equal(fgets(got, sizeof got, f), *want ? got : NULL);
    fclose(f);
    assert_string_equal(got, want);
}

static struct killgroup a_group(void) {
    snprintf(own, sizeof own, "%s/u", root);
    snprintf(path, sizeof path, "%s/u/muster-1-run", root);
    put("u/muster-1-run/cgroup.kill", "");
    return (struct killgroup){.own = own, .path = path, .fd = -1};
}

static void none(void **state) {
    (void)state;
    assert_null(killgroup_new(root)); /* no cgroups */
    put("proc/self/cgroup", "4:memory:/a\n");
    put("sys/fs/cgroup/memory/a/cgroup.procs", "");
    assert_null(killgroup_new(root)); /* not of v2 */
    assert_null(killgroup_free(NULL));
}

/* A kernel before 5.14: nothing stays, but what a muster that is dead had left goes. */
static void cannot_be_killed(void **state) {
    (void)state;
    put("proc/self/cgroup", "0::/u\n");
    put("sys/fs/cgroup/u/cgroup.procs", "");
    put("sys/fs/cgroup/u/muster-2147483646-run/x", "");
    assert_int_equal(chdir(root), 0);
    assert_int_equal(unlink("sys/fs/cgroup/u/muster-2147483646-run/x"), 0);
    assert_null(killgroup_new(root));
    assert_int_equal(unlink("sys/fs/cgroup/u/cgroup.procs"), 0);
    assert_int_equal(rmdir("sys/fs/cgroup/u"), 0);
    assert_int_equal(chdir("/"), 0);
}

static void leaves_and_kills(void **state) {
    struct killgroup g = a_group();

    (void)state;
    put("u/cgroup.procs", "");
    killgroup_strike(&g);
    expect(own, "cgroup.procs", "0");
    expect(path, "cgroup.kill", "1");
    killgroup_clear(&g);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(access(own, F_OK), 0);
    killgroup_strike(NULL);
    killgroup_clear(NULL);
}

/* It would kill itself. */
static void cannot_leave(void **state) {
    struct killgroup g = a_group();

    (void)state;
    killgroup_strike(&g);
    expect(path, "cgroup.kill", "");
}

static void forks_without(void **state) {
    struct killgroup g = {.fd = -1};
    struct killgroup *const groups[] = {NULL, &g};

    (void)state;
    for (int i = 0; i < 2; i++) {
        pid_t pid = killgroup_fork(groups[i]);
        int status;

        if (pid == 0)
            _exit(3);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(WEXITSTATUS(status), 3);
    }
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(none),         CASE(cannot_be_killed), CASE(leaves_and_kills),
        CASE(cannot_leave), CASE(forks_without),
    };

    return cmocka_run_group_tests_name("killgroup", tests, NULL, NULL);
}
