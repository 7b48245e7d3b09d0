/* SPDX-License-Identifier: MIT */
/* test_probe: targets that answer at once, later, or never, and probes that are called off. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "exec/probe.h"

static struct {
    uv_loop_t loop;
    struct probe_env env;
    struct probe probe;
    uv_timer_t timer;
    char dir[64], path[80], port[16];
    int listener;
    unsigned answers, closes;
    int64_t begun_ns, answered_ns;
} trial;

static void on_gone(void *ctx) {
    (void)ctx;
}

static void on_closed(struct probe *p) {
    assert_ptr_equal(p, &trial.probe);
    trial.closes++;
    uv_close((uv_handle_t *)&trial.timer, NULL);
    resolver_close(trial.env.resolver, on_gone, NULL);
}

static void on_answered(struct probe *p) {
    trial.answers++;
    trial.answered_ns = clock_ns();
    probe_close(p, on_closed);
}

/* Waits for the target; calls `later` when it was in vain for some time. */
static void await(const struct target *t, uv_timer_cb later, uint64_t ms) {
    trial.begun_ns = clock_ns();
    assert_int_equal(probe_open(&trial.probe, &trial.env, t, on_answered), 0);
    uv_timer_start(&trial.timer, later, ms, 0);
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    assert_int_equal(trial.closes, 1);
}

static void call_off(uv_timer_t *timer) {
    (void)timer;
    probe_close(&trial.probe, on_closed);
}

static void fail_by_now(uv_timer_t *timer) {
    (void)timer;
    fail_msg("no answer: %s", probe_trouble(&trial.probe));
}

/* A port of this machine that nobody listens at, unless `listening`. */
static void take_port(bool listening) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;

    trial.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(trial.listener >= 0);
    assert_int_equal(bind(trial.listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(trial.listener, (struct sockaddr *)&a, &n), 0);
    snprintf(trial.port, sizeof trial.port, "%u", ntohs(a.sin_port));
    if (listening)
        assert_int_equal(listen(trial.listener, 8), 0);
}

static void listen_now(uv_timer_t *timer) {
    assert_int_equal(listen(trial.listener, 8), 0);
    uv_timer_start(timer, fail_by_now, 20000, 0);
}

static void tcp_at_once(void **state) {
    const struct target t = {TARGET_TCP, "127.0.0.1", trial.port, NULL};

    (void)state;
    take_port(true);
    await(&t, fail_by_now, 20000);
    assert_int_equal(trial.answers, 1);
}

static void tcp_by_name(void **state) {
    const struct target t = {TARGET_TCP, "localhost", trial.port, NULL};

    (void)state;
    take_port(true);
    await(&t, fail_by_now, 20000);
    assert_int_equal(trial.answers, 1);
}

/* It is asked every second at least. */
static void tcp_later(void **state) {
    const struct target t = {TARGET_TCP, "localhost", trial.port, NULL};

    (void)state;
    take_port(false);
    await(&t, listen_now, 1500);
    assert_int_equal(trial.answers, 1);
    assert_true(trial.answered_ns - trial.begun_ns >= 1500 * NS_PER_MS);
    assert_true(trial.answered_ns - trial.begun_ns < 4500 * NS_PER_MS);
    assert_string_equal(probe_trouble(&trial.probe), "Connection refused");
}

static void tcp_never(void **state) {
    const struct target t = {TARGET_TCP, "127.0.0.1", trial.port, NULL};

    (void)state;
    take_port(false);
    await(&t, call_off, 300);
    assert_int_equal(trial.answers, 0);
    assert_string_equal(probe_trouble(&trial.probe), "Connection refused");
}

/* 192.0.2.0/24 is nobody's (RFC 5737): refused at once, or never answered. */
static void tcp_silence(void **state) {
    const struct target t = {TARGET_TCP, "192.0.2.1", "81", NULL};

    (void)state;
    await(&t, call_off, 200);
    assert_int_equal(trial.answers, 0);
    assert_true(clock_ns() - trial.begun_ns < 3 * NS_PER_S);
}

static void name_unknown(void **state) {
    const struct target t = {TARGET_TCP, "not a name", "81", NULL};

    (void)state;
    await(&t, call_off, 500);
    assert_int_equal(trial.answers, 0);
    assert_true(*probe_trouble(&trial.probe));
}

/* Called off before it has begun. */
static void never_asked(void **state) {
    const struct target t = {TARGET_TCP, "localhost", "81", NULL};

    (void)state;
    assert_int_equal(probe_open(&trial.probe, &trial.env, &t, on_answered), 0);
    probe_close(&trial.probe, on_closed);
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    assert_int_equal(trial.closes, 1);
    assert_int_equal(trial.answers, 0);
}

/* Right after it was asked. */
static void call_off_at_once(const struct target *t) {
    assert_int_equal(probe_open(&trial.probe, &trial.env, t, on_answered), 0);
    uv_run(&trial.loop, UV_RUN_NOWAIT);
    probe_close(&trial.probe, on_closed);
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    assert_int_equal(trial.closes, 1);
    assert_int_equal(trial.answers, 0);
}

static void file_called_off(void **state) {
    (void)state;
    call_off_at_once(&(struct target){TARGET_FILE, NULL, NULL, trial.path});
}

static void name_called_off(void **state) {
    (void)state;
    call_off_at_once(&(struct target){TARGET_TCP, "localhost", "81", NULL});
}

static void make_folder(uv_timer_t *timer) {
    assert_int_equal(mkdir(trial.path, 0700), 0);
    uv_timer_start(timer, fail_by_now, 20000, 0);
}

/* Whatever it is. */
static void file_later(void **state) {
    const struct target t = {TARGET_FILE, NULL, NULL, trial.path};

    (void)state;
    await(&t, make_folder, 300);
    assert_int_equal(trial.answers, 1);
    assert_string_equal(probe_trouble(&trial.probe), "No such file or directory");
    assert_int_equal(rmdir(trial.path), 0);
}

static void unix_socket(void **state) {
    const struct target t = {TARGET_UNIX, NULL, NULL, trial.path};
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    (void)state;
    snprintf(a.sun_path, sizeof a.sun_path, "%s", trial.path);
    trial.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(trial.listener, (struct sockaddr *)&a, sizeof a), 0);
    await(&t, listen_now, 300);
    assert_int_equal(trial.answers, 1);
    assert_string_equal(probe_trouble(&trial.probe), "Connection refused");
    unlink(trial.path);
}

static int begin(void **state) {
    (void)state;
    memset(&trial, 0, sizeof trial);
    trial.listener = -1;
    snprintf(trial.dir, sizeof trial.dir, "/tmp/muster-test-XXXXXX");
    if (!mkdtemp(trial.dir) || uv_loop_init(&trial.loop) ||
        resolver_open(&trial.env.resolver, &trial.loop))
        return -1;
    snprintf(trial.path, sizeof trial.path, "%s/there", trial.dir);
    trial.env.loop = &trial.loop;
    return uv_timer_init(&trial.loop, &trial.timer);
}

static int end(void **state) {
    (void)state;
    if (trial.listener >= 0)
        close(trial.listener);
    return rmdir(trial.dir) || uv_loop_close(&trial.loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(tcp_at_once),     TEST(tcp_by_name),  TEST(tcp_later),   TEST(tcp_never),
        TEST(tcp_silence),     TEST(name_unknown), TEST(never_asked), TEST(file_called_off),
        TEST(name_called_off), TEST(file_later),   TEST(unix_socket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
