/* SPDX-License-Identifier: MIT */
/* test_sampler: which sessions compute, by made-up files and by real processes. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../fakes/fake_root.h"
#include "base/clock.h"
#include "exec/sampler.h"

/* --- made-up files --- */

static void put_of(int pid, const char *name, const char *text) {
    char path[64];

    snprintf(path, sizeof path, "proc/%d/%s", pid, name);
    put(path, text);
}

/* A process: its session, its CPU time and its children's in ticks, its time in the queue. */
static void put_process(int pid, int session, int user, int sys, int cuser, int csys,
                        const char *waited) {
    char text[256];

    snprintf(text, sizeof text,
             "%d (a) b (c) R 1 %d %d 0 -1 4194304 100 200 0 0 %d %d %d %d 20 0 1 0 100 0 0", pid,
             session, session, user, sys, cuser, csys);
    put_of(pid, "stat", text);
    if (waited)
        put_of(pid, "schedstat", waited);
}

static void sums_are_those_of_whole_sessions(void **state) {
    struct sampler_sum sums[] = {{.session = 20}, {.session = 30}, {.session = 40}};
    int64_t tick = NS_PER_S / sysconf(_SC_CLK_TCK);

    (void)state;
    sampler_measure(root, sums, 3); /* without /proc: nothing, and no harm */
    assert_int_equal(sums[0].ns, 0);
    put_process(20, 20, 1, 2, 3, 4, "999 5000 7\n");
    put_process(21, 20, 10, 0, 0, 0, NULL);
    put_process(30, 30, 0, 0, 0, 0, "0 0 0\n");
    put_process(50, 50, 1000, 0, 0, 0, "0 1000 0\n"); /* somebody else's */
    put_of(60, "stat", "rubbish");
    put_of(70, "stat", "");
    sampler_measure(root, sums, 3);
    assert_true(sums[0].ns == 20 * tick + 5000);
    assert_true(sums[1].ns == 0);
    assert_true(sums[2].ns == 0); /* gone */
}

/* --- real processes --- */

static uv_loop_t loop;
static uint32_t told[8], ntold;

static void on_computes(void *ctx, uint32_t job, uint32_t attempt) {
    (void)ctx;
    assert_int_equal(attempt, job + 10);
    assert_in_range(ntold, 0, 7);
    told[ntold++] = job;
}

/* A session that computes, itself or by a child, or waits. */
static pid_t begin_session(char what) {
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid)
        return pid;
    setsid();
    alarm(60);
    while (what == 'w')
        pause();
    if (what == 'c' && fork() > 0)
        while (1)
            pause();
    alarm(60);
    while (1)
        ;
}

static void on_tick(uv_timer_t *timer) {
    int64_t *till = timer->data;

    if (ntold >= 2 || clock_ns() > *till)
        uv_stop(&loop);
}

static void end_session(pid_t pid) {
    kill(-pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void what_computes_is_told_once(void **state) {
    int64_t till = clock_ns() + 30 * NS_PER_S;
    uv_timer_t timer;
    struct sampler *s;
    pid_t pids[3];

    (void)state;
    uv_loop_init(&loop);
    uv_timer_init(&loop, &timer);
    timer.data = &till;
    uv_timer_start(&timer, on_tick, 10, 10);
    s = sampler_new(&loop, on_computes, NULL);
    assert_non_null(s);
    for (uint32_t i = 0; i < 3; i++) {
        pids[i] = begin_session("wxc"[i]);
        sampler_add(s, i, i + 10, pids[i]);
    }
    sampler_add(s, 3, 13, getpid()); /* taken back */
    sampler_remove(s, 3);
    sampler_remove(s, 4); /* was never there */
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(ntold, 2);
    assert_int_equal(told[0] + told[1], 3); /* 1 and 2, in either order */
    for (uint32_t i = 0; i < 3; i++)
        end_session(pids[i]);
    assert_null(sampler_close(s)); /* maybe amidst a pass */
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sums_are_those_of_whole_sessions, set_up, tear_down),
        cmocka_unit_test(what_computes_is_told_once),
    };

    return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
