/* SPDX-License-Identifier: MIT */
/* test_lock: what is locked by which file, and what no lock is taken by. */
#include <fcntl.h>
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

#include "run/lock.h"

static char folder[] = "/tmp/test_lock.XXXXXX";

static void put(const char *path, const char *text) {
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

/* Each test beside two manifests and an empty state folder. */
static int begin(void **state) {
    (void)state;
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    if (!mkdtemp(folder) || chdir(folder) < 0)
        return -1;
    put("a.ini", "");
    put("b.ini", "");
    return symlink("a.ini", "link.ini");
}

static int end(void **state) {
    char command[64];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return chdir("/") < 0 ? -1 : system(command);
}

static int open_lock(struct lock *l, const char *manifest, const char *name) {
    return lock_open(l, "state", &(struct lock_subject){manifest, name});
}

/* Whether two manifests have one lock, taken by the first for the second to find. */
static bool excludes(const char *one, const char *one_name, const char *other,
                     const char *other_name) {
    struct lock a, b;
    int error;

    assert_int_equal(open_lock(&a, one, one_name), 0);
    assert_int_equal(open_lock(&b, other, other_name), 0);
    assert_int_equal(lock_take(&a, false), 0);
    error = lock_take(&b, false);
    assert_true(error == 0 || error == UV_EBUSY);
    if (error)
        assert_int_equal(lock_holder(&b), getpid());
    lock_release(&a);
    if (error)
        assert_int_equal(lock_take(&b, true), 0);
    lock_release(&b);
    return error;
}

static void test_subject(void **state) {
    char path[PATH_MAX];

    (void)state;
    snprintf(path, sizeof path, "%s/./a.ini", folder);
    assert_true(excludes("a.ini", "a", "a.ini", "another name"));
    assert_true(excludes("a.ini", "a", "link.ini", "link"));
    assert_true(excludes("a.ini", "a", path, "a"));
    assert_false(excludes("a.ini", "same", "b.ini", "same"));

    /* What has no path goes by its name, which is no path. */
    assert_true(excludes("-", "same", "-", "same"));
    assert_false(excludes("-", "one", "-", "other"));
    assert_false(excludes("-", "a.ini", "a.ini", "a.ini"));
    snprintf(path, sizeof path, "%s/a.ini", folder);
    assert_false(excludes("-", path, "a.ini", "a"));
    assert_true(excludes("/dev/fd/99", "same", "-", "same"));
}

static void test_file(void **state) {
    struct lock l;
    struct stat st;
    char path[PATH_MAX];

    (void)state;
    assert_int_equal(open_lock(&l, "a.ini", "a"), 0);
    assert_int_equal(lock_holder(&l), 0); /* nobody has signed it */
    assert_int_equal(lock_take(&l, false), 0);
    assert_int_equal(strncmp(l.name, "a.ini-", 6), 0);
    snprintf(path, sizeof path, "state/%s", l.name);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(fcntl(l.fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(stat("state", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);

    /* Who is gone is not named. */
    put(path, "2147483646\n");
    assert_int_equal(lock_holder(&l), 0);
    put(path, "rubbish\n");
    assert_int_equal(lock_holder(&l), 0);
    put(path, "1"); /* half written */
    assert_int_equal(lock_holder(&l), 0);
    lock_release(&l);
    assert_int_equal(stat(path, &st), 0); /* it stays */
}

/* A name stays one name, of a length that every file system takes. */
static void test_name(void **state) {
    char name[400];
    struct lock l;

    (void)state;
    memset(name, 'x', sizeof name);
    memcpy(name, "../ .\xc3\xa4/", 8);
    name[sizeof name - 1] = '\0';
    assert_int_equal(open_lock(&l, "-", name), 0);
    assert_null(strchr(l.name, '/'));
    assert_int_equal(strncmp(l.name, "_.__.___xx", 10), 0);
    assert_true(strlen(l.name) < 140);
    lock_release(&l);
}

/* The lock of a.ini's file, with the name that it has. */
static void lock_path(char *path, size_t n) {
    struct lock l;

    assert_int_equal(open_lock(&l, "a.ini", "a"), 0);
    snprintf(path, n, "state/%s", l.name);
    lock_release(&l);
    assert_int_equal(unlink(path), 0);
}

static void expect_refused(int error) {
    struct lock l;

    assert_int_equal(open_lock(&l, "a.ini", "a"), error);
    assert_non_null(l.name);
    lock_release(&l);
}

static void test_refused(void **state) {
    char path[PATH_MAX];

    (void)state;
    lock_path(path, sizeof path);
    assert_int_equal(symlink("elsewhere", path), 0);
    expect_refused(UV_ELOOP);
    assert_int_equal(access("state/elsewhere", F_OK), -1);
    unlink(path);

    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refused(UV_EPERM);
    unlink(path);

    put("precious", "12345");
    assert_int_equal(link("precious", path), 0);
    expect_refused(UV_EPERM);
    unlink(path);

    assert_int_equal(mkdir(path, 0700), 0);
    expect_refused(UV_EISDIR);
    rmdir(path);

    if (geteuid() == 0) { /* no other can make such a file */
        put(path, "");
        assert_int_equal(chown(path, 1, (gid_t)-1), 0);
        expect_refused(UV_EPERM);
    }
}

/* A file that was taken away under its lock locks nobody out of the new one. */
static void test_removed(void **state) {
    char path[PATH_MAX];
    struct lock a, b, c;

    (void)state;
    lock_path(path, sizeof path);
    assert_int_equal(open_lock(&a, "a.ini", "a"), 0);
    assert_int_equal(open_lock(&b, "a.ini", "a"), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(open_lock(&c, "a.ini", "a"), 0);
    assert_int_equal(lock_take(&c, false), 0);
    assert_int_equal(lock_take(&b, false), UV_EBUSY); /* by the new file */
    lock_release(&c);
    assert_int_equal(lock_take(&b, false), 0);
    assert_int_equal(lock_take(&a, false), UV_EBUSY);
    lock_release(&a);
    lock_release(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_subject, begin, end),
        cmocka_unit_test_setup_teardown(test_file, begin, end),
        cmocka_unit_test_setup_teardown(test_name, begin, end),
        cmocka_unit_test_setup_teardown(test_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_removed, begin, end),
    };

    return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
