/* SPDX-License-Identifier: MIT */
/* test_presence: who is beside whom, and who waits until nobody is. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "base/clock.h"
#include "run/presence.h"

static char folder[] = "/tmp/test-presence.XXXXXX";

static int begin(void **state) {
    (void)state;
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state) {
    char path[64];

    (void)state;
    snprintf(path, sizeof path, "%s/" PRESENCE_FILE, folder);
    unlink(path);
    return rmdir(folder);
}

/* A process that has joined; it ends when `go` is closed. With `launcher` it has a child
 * that lives as long, and is killed itself. */
struct other {
    pid_t pid;
    int go;
};

static void wait_for_end_of(int fd) {
    char c;

    while (read(fd, &c, 1) > 0)
        ;
}

static struct other start(const char *key, bool launcher) {
    int up[2], go[2];
    struct other o;
    char c;

    assert_int_equal(pipe2(up, O_CLOEXEC), 0);
    assert_int_equal(pipe2(go, O_CLOEXEC), 0);
    o.pid = fork();
    if (o.pid == 0) {
        struct presence p;
        pid_t nobody;

        close(go[1]);
        if (presence_join(&p, folder, key, false, &nobody) != 0)
            _exit(1);
        if (launcher && fork() > 0) {
            wait_for_end_of(go[0]); /* a second one is there: killed meanwhile */
            _exit(1);
        }
        if (write(up[1], "x", 1) != 1)
            _exit(1);
        close(up[1]);
        wait_for_end_of(go[0]);
        _exit(0);
    }
    assert_int_equal(read(up[0], &c, 1), 1);
    if (launcher) {
        kill(o.pid, SIGKILL);
        assert_int_equal(waitpid(o.pid, NULL, 0), o.pid);
    }
    close(up[0]);
    close(up[1]);
    close(go[0]);
    o.go = go[1];
    return o;
}

static void stop(const struct other *o) {
    close(o->go);
    waitpid(o->pid, NULL, 0);
}

static int join(struct presence *p, const char *key, bool alone, pid_t *other) {
    *other = -1;
    return presence_join(p, folder, key, alone, other);
}

static void many_may_be_there(void **state) {
    struct other other = start("a", false);
    struct presence p;
    pid_t nobody;

    (void)state;
    assert_int_equal(join(&p, "a", false, &nobody), 0);
    assert_true(p.fd > 0);
    assert_true(fcntl(p.fd, F_GETFD) & FD_CLOEXEC);
    presence_leave(&p);
    assert_int_equal(p.fd, 0);
    presence_leave(&p);
    stop(&other);
}

static void alone_beside_one_that_goes_on(void **state) {
    struct other other = start("a", false);
    struct presence p;
    pid_t who;

    (void)state;
    assert_int_equal(join(&p, "a", true, &who), UV_EBUSY);
    assert_int_equal(who, other.pid);
    assert_int_equal(p.fd, 0);
    assert_int_equal(join(&p, "b", true, &who), 0); /* that is of another manifest */
    presence_leave(&p);
    stop(&other);
    assert_int_equal(join(&p, "a", true, &who), 0);
    presence_leave(&p);
}

/* Muster is dead, a launcher of it is not yet. */
static void alone_after_what_a_killed_one_has_left(void **state) {
    struct other other = start("a", true);
    int64_t begin_ns = clock_ns();
    struct presence p;
    pid_t who, later;

    (void)state;
    later = fork();
    if (later == 0) {
        usleep(1500000); /* more than is waited for one that goes on */
        _exit(0);
    }
    close(other.go); /* the other end is the child's, and now the one that sleeps has ours */
    assert_int_equal(join(&p, "a", true, &who), 0);
    assert_true(clock_ns() - begin_ns > 1400 * NS_PER_MS);
    assert_int_equal(who, -1);
    presence_leave(&p);
    assert_int_equal(waitpid(later, NULL, 0), later);
}

/* Who has waited lets others join, but no second one that wants to be alone. */
static void one_that_was_alone_is_there_like_any_other(void **state) {
    struct presence p;
    pid_t nobody, pid;
    int status;

    (void)state;
    assert_int_equal(join(&p, "a", true, &nobody), 0);
    pid = fork();
    if (pid == 0) {
        struct presence q;
        pid_t who;

        if (presence_join(&q, folder, "a", false, &who) != 0)
            _exit(1);
        presence_leave(&q);
        _exit(presence_join(&q, folder, "a", true, &who) == UV_EBUSY && who == getppid() ? 0 : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    presence_leave(&p);
}

static void strange_files(void **state) {
    char path[64];
    struct presence p;
    pid_t nobody;

    (void)state;
    snprintf(path, sizeof path, "%s/" PRESENCE_FILE, folder);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_int_equal(join(&p, "a", false, &nobody), UV_ELOOP);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(join(&p, "a", true, &nobody), UV_EPERM);
    assert_int_equal(p.fd, 0);
    assert_int_equal(presence_join(&p, "/dev/null/x", "a", false, &nobody), UV_ENOTDIR);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(many_may_be_there),
        TEST(alone_beside_one_that_goes_on),
        TEST(alone_after_what_a_killed_one_has_left),
        TEST(one_that_was_alone_is_there_like_any_other),
        TEST(strange_files),
    };

    return cmocka_run_group_tests_name("presence", tests, NULL, NULL);
}
