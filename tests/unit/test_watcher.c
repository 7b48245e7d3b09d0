/* SPDX-License-Identifier: MIT */
/* test_watcher: services that print a line, or are looked at in vain, and their end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exec/capture.h"
#include "exec/watcher.h"

#define TICK_MS 5

/* What comes from a service, a piece each tick; NULL ends them, "" is a tick without. */
static struct {
    uv_loop_t loop;
    uv_timer_t tick;
    struct plan plan;
    struct plan_job jobs[2];
    struct job_settings set;
    struct ready_sign sign;
    struct watchers *watchers;
    struct capture *out, *err;
    const char *const *pieces;
    unsigned next, ready_at, told;
} trial;

static void on_ready(void *ctx, const struct attempt *a) {
    (void)ctx;
    assert_int_equal(a->job, 0);
    assert_int_equal(a->number, 3);
    trial.told++;
    trial.ready_at = trial.next;
}

static void stop(void) {
    if (!trial.watchers)
        return;
    watchers_close(trial.watchers);
    trial.watchers = NULL;
    uv_close((uv_handle_t *)&trial.tick, NULL);
}

/* Bytes as a stream puts them in: what does not fit into memory goes to the file. */
static void print(struct capture *c, const char *text, size_t n) {
    assert_int_equal(capture_add(c, text, n), 0);
}

static void on_tick(uv_timer_t *tick) {
    const char *piece = trial.pieces[trial.next];

    (void)tick;
    if (!piece || trial.told) {
        stop();
        return;
    }
    trial.next++;
    if (*piece == '2')
        print(trial.err, piece + 1, strlen(piece + 1));
    else if (*piece)
        print(trial.out, piece, strlen(piece));
}

static int begin(void **state) {
    (void)state;
    memset(&trial, 0, sizeof trial);
    assert_int_equal(uv_loop_init(&trial.loop), 0);
    trial.set.service = true;
    trial.set.ready = &trial.sign;
    trial.jobs[0] = (struct plan_job){.name = "s", .set = &trial.set};
    trial.plan.jobs = trial.jobs;
    trial.plan.njobs = 1;
    trial.sign.kind = READY_LINE;
    trial.out = capture_new();
    trial.err = capture_new();
    return 0;
}

static int finish(void **state) {
    (void)state;
    capture_free(trial.out);
    capture_free(trial.err);
    return uv_loop_close(&trial.loop);
}

static void look(const char *regex, const char *const *pieces) {
    const struct attempt a = {.job = 0, .number = 3, .def = &trial.jobs[0]};

    trial.sign.regex = regex;
    trial.pieces = pieces;
    assert_true(watchers_suit(&trial.jobs[0]));
    assert_int_equal(watchers_open(&trial.watchers, &trial.loop, &trial.plan, on_ready, NULL), 0);
    assert_int_equal(watchers_add(trial.watchers, &a, trial.out, trial.err), 0);
    uv_timer_init(&trial.loop, &trial.tick);
    uv_timer_start(&trial.tick, on_tick, TICK_MS, TICK_MS);
    uv_run(&trial.loop, UV_RUN_DEFAULT);
}

#define WAIT "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", ""

static void a_line_in_pieces(void **state) {
    (void)state;
    look("^rea?dy [0-9]+$", (const char *const[]){"starting\nre", "ady", " 12", WAIT, "\nmore",
                                                  WAIT, WAIT, WAIT, WAIT, WAIT, NULL});
    assert_int_equal(trial.told, 1);
    assert_true(trial.ready_at > 23); /* not before the line's end */
}

static void a_line_on_standard_error(void **state) {
    (void)state;
    look("up$", (const char *const[]){"no\n", "2is up\n", WAIT, WAIT, WAIT, WAIT, WAIT, NULL});
    assert_int_equal(trial.told, 1);
}

static void no_such_line(void **state) {
    (void)state;
    look("^ready$", (const char *const[]){"already\n", "ready", WAIT, WAIT, WAIT, NULL});
    assert_int_equal(trial.told, 0);
}

static void a_line_with_a_nul(void **state) {
    (void)state;
    print(trial.out, "a\0ready\n", 8);
    look("ready$", (const char *const[]){WAIT, WAIT, WAIT, WAIT, WAIT, NULL});
    assert_int_equal(trial.told, 1);
}

static void a_line_of_a_terminal(void **state) {
    (void)state;
    look("ready$", (const char *const[]){"no\r\n", "ready\r\n", WAIT, WAIT, WAIT, NULL});
    assert_int_equal(trial.told, 1);
}

/* Of a line that never ends the beginning counts; what comes behind it is found. */
static void very_long_lines(void **state) {
    const size_t n = 1U << 20;
    char *line = malloc(n);

    (void)state;
    assert_non_null(line);
    memset(line, 'x', n);
    memcpy(line + n - 7, "ready!\n", 7);
    print(trial.out, line, n);
    print(trial.err, line, n - 7);
    print(trial.err, "\nready!\n", 8);
    free(line);
    look("ready!$", (const char *const[]){WAIT, WAIT, WAIT, WAIT, WAIT, WAIT, WAIT, WAIT, NULL});
    assert_int_equal(trial.told, 1);
}

static void it_ends_before(void **state) {
    const struct attempt a = {.job = 0, .number = 3, .def = &trial.jobs[0]};

    (void)state;
    trial.sign.regex = "x";
    assert_int_equal(watchers_open(&trial.watchers, &trial.loop, &trial.plan, on_ready, NULL), 0);
    assert_int_equal(watchers_add(trial.watchers, &a, trial.out, NULL), 0);
    print(trial.out, "x\n", 2);
    assert_string_equal(watchers_trouble(trial.watchers, 0), "");
    watchers_remove(trial.watchers, 0);
    watchers_remove(trial.watchers, 0);
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    assert_int_equal(trial.told, 0);
    watchers_close(trial.watchers);
    uv_run(&trial.loop, UV_RUN_DEFAULT);
}

static void a_target_that_never_answers(void **state) {
    (void)state;
    trial.sign.kind = READY_TARGET;
    trial.sign.target = (struct target){.kind = TARGET_TCP, .host = "127.0.0.1", .port = "1"};
    look(NULL, (const char *const[]){WAIT, WAIT, NULL});
    assert_int_equal(trial.told, 0);
}

static void a_target_that_is_there(void **state) {
    (void)state;
    trial.sign.kind = READY_TARGET;
    trial.sign.target = (struct target){.kind = TARGET_FILE, .path = "/"};
    look(NULL, (const char *const[]){WAIT, WAIT, WAIT, WAIT, WAIT, NULL});
    assert_int_equal(trial.told, 1);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void) {
    const struct CMUnitTest tests[] = {
        test(a_line_in_pieces),  test(a_line_on_standard_error),    test(no_such_line),
        test(a_line_with_a_nul), test(a_line_of_a_terminal),        test(very_long_lines),
        test(it_ends_before),    test(a_target_that_never_answers), test(a_target_that_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
