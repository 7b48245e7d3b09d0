/* SPDX-License-Identifier: MIT */
/* test_state: where the state folder is, and how it comes to be. */
#include <fcntl.h>
#include <pwd.h>
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
#include <uv.h>

#include "base/state.h"

/* With both variables like this (NULL: not set), the path is that. */
static void expect_path(const char *dir, const char *xdg, const char *home, const char *want) {
    char *path;

    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    if (xdg)
        setenv("XDG_STATE_HOME", xdg, 1);
    if (home)
        setenv("HOME", home, 1);
    if (!want) {
        assert_int_equal(state_path(dir, &path), UV_ENOENT);
        assert_null(path);
        return;
    }
    assert_int_equal(state_path(dir, &path), 0);
    assert_string_equal(path, want);
    free(path);
}

static void test_path(void **state) {
    (void)state;
    expect_path(NULL, "/x", "/h", "/x/muster");
    expect_path(NULL, NULL, "/h", "/h/.local/state/muster");
    expect_path(NULL, "", "/h", "/h/.local/state/muster");
    expect_path(NULL, "relative", "/h", "/h/.local/state/muster");
    expect_path("d/e", "/x", "/h", "d/e");
    expect_path("/d", NULL, NULL, "/d");
    expect_path(NULL, "", "", NULL);
    expect_path(NULL, NULL, "relative", NULL);
}

static void test_without_home(void **state) {
    const struct passwd *user = getpwuid(getuid());
    char path[4096];

    (void)state;
    snprintf(path, sizeof path, "%s/.local/state/muster", user ? user->pw_dir : "");
    expect_path(NULL, NULL, NULL, user ? path : NULL);
}

static void expect_mode(const char *path) {
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(st.st_mode & 07777, 0700);
}

static void test_open(void **state) {
    char folder[] = "/tmp/test_state.XXXXXX";
    int fd;

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    umask(0);
    for (int again = 0; again < 2; again++) {
        fd = state_open("a/b/c");
        assert_true(fd >= 0);
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        assert_int_equal(close(fd), 0);
    }
    expect_mode("a");
    expect_mode("a/b");
    expect_mode("a/b/c");

    /* One that is there stays as it is. */
    assert_int_equal(chmod("a/b/c", 0755), 0);
    fd = state_open("a/b/c/");
    assert_true(fd >= 0);
    close(fd);
    fd = state_open("a/d/");
    assert_true(fd >= 0);
    close(fd);

    /* What stands in the way is named. */
    fd = open("f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(state_open("f"), UV_ENOTDIR);
    assert_int_equal(state_open("f/g"), UV_ENOTDIR);
    assert_int_equal(state_open("/proc/muster/state"), UV_ENOENT);
    assert_int_equal(state_open(""), UV_ENOENT);

    assert_int_equal(unlink("f"), 0);
    assert_int_equal(rmdir("a/d"), 0);
    assert_int_equal(rmdir("a/b/c"), 0);
    assert_int_equal(rmdir("a/b"), 0);
    assert_int_equal(rmdir("a"), 0);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_without_home),
        cmocka_unit_test(test_open),
    };

    return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
