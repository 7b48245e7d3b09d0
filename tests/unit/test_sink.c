/* SPDX-License-Identifier: MIT */
/* test_sink: files that are whole or absent, and streams that tell their error. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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
#include <uv.h>

#include "report/sink.h"

static char folder[] = "/tmp/test_sink.XXXXXX";
static int home;

/* Each test in an empty folder of its own. */
static int begin(void **state) {
    (void)state;
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    umask(022);
    return home < 0 || !mkdtemp(folder) || chdir(folder) < 0 ? -1 : 0;
}

static int end(void **state) {
    DIR *dir = opendir(".");
    struct dirent *entry;

    (void)state;
    while (dir && (entry = readdir(dir)))
        if (unlink(entry->d_name) < 0)
            rmdir(entry->d_name);
    if (dir)
        closedir(dir);
    if (fchdir(home) < 0 || close(home) < 0)
        return -1;
    return rmdir(folder);
}

static void put(const char *path, const char *text) {
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void expect(const char *path, const char *want) {
    char got[256];
    FILE *f = fopen(path, "r");
    size_t n;

    assert_non_null(f);
    n = fread(got, 1, sizeof got - 1, f);
    got[n] = '\0';
    fclose(f);
    assert_string_equal(got, want);
}

/* How many names there are in the folder. */
static int names(void) {
    DIR *dir = opendir(".");
    struct dirent *entry;
    int n = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)))
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return n;
}

static int write_file(const char *path, const char *text) {
    struct sink s;
    int error = sink_open_file(&s, path);

    if (error)
        return error;
    fputs(text, s.stream);
    return sink_close(&s);
}

static void test_new(void **state) {
    struct stat st;

    (void)state;
    assert_int_equal(write_file("a", "text\n"), 0);
    expect("a", "text\n");
    assert_int_equal(stat("a", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(names(), 1);
}

/* The old file is there, whole, until the new one is. */
static void test_replace(void **state) {
    struct sink s;
    struct stat st;

    (void)state;
    put("a", "old");
    chmod("a", 0600);
    assert_int_equal(sink_open_file(&s, "a"), 0);
    fputs("new", s.stream);
    fflush(s.stream);
    expect("a", "old");
    assert_int_equal(sink_close(&s), 0);
    expect("a", "new");
    assert_int_equal(stat("a", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(names(), 1);
}

static void test_failed(void **state) {
    struct sink s;

    (void)state;
    put("a", "old");
    assert_int_equal(sink_open_file(&s, "a"), 0);
    fputs("half", s.stream);
    sink_fail(&s, UV_ENOMEM);
    sink_fail(&s, UV_EIO); /* the first counts */
    assert_int_equal(sink_close(&s), UV_ENOMEM);
    expect("a", "old");
    assert_int_equal(names(), 1);
}

static void test_links(void **state) {
    char long_name[PATH_MAX + 2];
    struct stat st;

    (void)state;
    mkdir("sub", 0755);
    put("sub/real", "old");
    assert_int_equal(symlink("real", "sub/near"), 0);
    assert_int_equal(symlink("sub/near", "far"), 0);
    assert_int_equal(write_file("far", "new"), 0);
    expect("sub/real", "new");
    assert_int_equal(lstat("far", &st), 0);
    assert_true(S_ISLNK(st.st_mode));

    assert_int_equal(symlink("sub/absent", "dangling"), 0);
    assert_int_equal(write_file("dangling", "made"), 0);
    expect("sub/absent", "made");

    assert_int_equal(symlink("loop", "loop"), 0);
    assert_int_equal(write_file("loop", "x"), UV_ELOOP);

    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_int_equal(write_file(long_name, "x"), UV_ENAMETOOLONG);
    unlink("sub/real");
    unlink("sub/near");
    unlink("sub/absent");
}

/* In a folder like /tmp anyone could have put a link there: only one's own is followed. */
static void test_foreign_link(void **state) {
    uid_t stranger = geteuid() == 0 ? 65534 : geteuid();

    (void)state;
    put("target", "old");
    assert_int_equal(mkdir("sticky", 0755), 0);
    assert_int_equal(chmod("sticky", 01777), 0);
    assert_int_equal(symlink("../target", "sticky/link"), 0);
    assert_int_equal(write_file("sticky/link", "mine"), 0);
    expect("target", "mine");
    assert_int_equal(lchown("sticky/link", stranger, (gid_t)-1), 0);
    assert_int_equal(write_file("sticky/link", "theirs"), geteuid() == 0 ? UV_EACCES : 0);
    expect("target", geteuid() == 0 ? "mine" : "theirs");
    unlink("sticky/link");
}

static void test_refused(void **state) {
    (void)state;
    mkdir("sub", 0755);
    assert_int_equal(write_file("sub", "x"), UV_EISDIR);
    assert_int_equal(write_file("sub/", "x"), UV_EISDIR);
    assert_int_equal(write_file("none/a", "x"), UV_ENOENT);
    assert_int_equal(write_file("", "x"), UV_ENOENT);
    put("a", "");
    assert_int_equal(write_file("a/b", "x"), UV_ENOTDIR);
}

static void test_device(void **state) {
    (void)state;
    assert_int_equal(write_file("/dev/full", "x"), UV_ENOSPC);
    assert_int_equal(write_file("/dev/null", "x"), 0);
}

/* The error stays the first one, whatever is written after it. */
static void test_error_kept(void **state) {
    struct sink s;

    (void)state;
    assert_int_equal(sink_open_file(&s, "/dev/full"), 0);
    for (int i = 0; i < 100000; i++)
        fputs("more than a buffer holds\n", s.stream);
    assert_int_equal(s.error, UV_ENOSPC);
    assert_false(ferror(s.stream));
    assert_int_equal(sink_close(&s), UV_ENOSPC);
}

static void test_stdout(void **state) {
    struct sink s;
    int saved = dup(STDOUT_FILENO), full = open("/dev/full", O_WRONLY | O_CLOEXEC), error;

    (void)state;
    fflush(stdout);
    dup2(full, STDOUT_FILENO);
    assert_int_equal(sink_open_fd(&s, STDOUT_FILENO), 0);
    fputs("x", s.stream);
    error = sink_close(&s);
    dup2(saved, STDOUT_FILENO);
    assert_int_equal(error, UV_ENOSPC);
    assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0); /* it is not closed */

    fflush(stdout);
    close(STDOUT_FILENO);
    assert_int_equal(sink_open_fd(&s, STDOUT_FILENO), 0);
    fputs("x", s.stream);
    error = sink_close(&s);
    dup2(saved, STDOUT_FILENO);
    assert_int_equal(error, UV_EBADF);

    /* Nothing to write is nothing lost. */
    fflush(stdout);
    dup2(full, STDOUT_FILENO);
    assert_int_equal(sink_open_fd(&s, STDOUT_FILENO), 0);
    error = sink_close(&s);
    dup2(saved, STDOUT_FILENO);
    assert_int_equal(error, 0);
    close(saved);
    close(full);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_new),    TEST(test_replace),      TEST(test_failed),
        TEST(test_links),  TEST(test_foreign_link), TEST(test_refused),
        TEST(test_device), TEST(test_error_kept),   TEST(test_stdout),
    };

    return cmocka_run_group_tests_name("sink", tests, NULL, NULL);
}
