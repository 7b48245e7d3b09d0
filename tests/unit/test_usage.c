/* SPDX-License-Identifier: MIT */
/* test_usage: what a tree of processes has used, while it goes on. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "exec/usage.h"

#define MIB (UINT64_C(1) << 20)

static pid_t pid;   /* of the tree's first process, and of its group */
static int said[2]; /* a byte for each step that a process has made */

static void say(void) {
    if (write(said[1], "", 1) != 1)
        _exit(1);
}

static void hear(void) {
    char c;

    assert_int_equal(read(said[0], &c, 1), 1);
}

static void burn(clock_t ms) {
    clock_t end = clock() + ms * (CLOCKS_PER_SEC / 1000);

    while (clock() < end)
        ;
}

static void fill(size_t n) {
    char *block = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    memset(block, 1, n);
    munmap(block, n);
}

/* A shell's way: a process below does the work, first one that is waited for, then one
 * that goes on. */
static void parent_of_workers(void) {
    pid_t first = fork();

    if (first == 0) {
        burn(60);
        _exit(0);
    }
    waitpid(first, NULL, 0);
    say();
    if (fork() == 0) {
        burn(60);
        fill(64 * MIB);
        say();
        for (;;)
            pause();
    }
    for (;;)
        pause();
}

/* Of the whole group. */
static int end(void **state) {
    (void)state;
    if (pid > 0 && kill(-pid, SIGKILL) == 0)
        waitpid(pid, NULL, 0);
    pid = 0;
    return 0;
}

static void a_tree(void **state) {
    struct usage u;
    int64_t before;

    (void)state;
    assert_int_equal(pipe(said), 0);
    pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        parent_of_workers();
    }
    usage_init(&u, pid);
    hear();
    usage_look(&u);
    assert_true(u.user_us + u.sys_us >= 40000); /* in ticks of 10 ms */
    before = u.user_us + u.sys_us;
    hear();
    usage_look(&u);
    assert_int_equal(u.count, 2);
    assert_true(u.user_us + u.sys_us - before >= 60000);
    assert_true(u.peak >= 64 * MIB);
    assert_true(u.rss > 0 && u.rss < 64 * MIB);
    usage_forget_peak(&u);
    before = u.user_us + u.sys_us;
    usage_glance(&u);
    assert_true(u.user_us + u.sys_us >= before);
    usage_look(&u);
    assert_true(u.peak < 64 * MIB);
    end(NULL);
    before = u.user_us + u.sys_us;
    usage_glance(&u); /* of nothing: it never falls */
    usage_look(&u);
    assert_int_equal(u.count, 0);
    assert_true(u.user_us + u.sys_us == before);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(a_tree, end)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
