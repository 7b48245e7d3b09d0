/* SPDX-License-Identifier: MIT */
/* test_resolve: names that are known and names that are not, and answers that nobody wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exec/resolve.h"

#define MANY 40 /* more than there are threads */

static struct {
    uv_loop_t loop;
    struct resolver *resolver;
    unsigned answers, good, left;
} trial;

static void on_closed(void *ctx) {
    (void)ctx;
}

static void on_done(void *owner, int error, struct addrinfo *addresses) {
    assert_ptr_equal(owner, &trial);
    assert_true(error <= 0);
    trial.answers++;
    trial.good += error == 0 && addresses && addresses->ai_socktype == SOCK_STREAM;
    if (addresses)
        freeaddrinfo(addresses);
    if (trial.answers == trial.left)
        resolver_close(trial.resolver, on_closed, NULL);
}

static struct resolve *look_up(const char *host) {
    struct resolve *q = resolve_start(trial.resolver, host, "80", on_done, &trial);

    assert_non_null(q);
    return q;
}

static void known(void **state) {
    (void)state;
    trial.left = MANY;
    for (int i = 0; i < MANY; i++)
        look_up(i % 2 ? "localhost" : "127.0.0.1");
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    assert_int_equal(trial.answers, MANY);
    assert_int_equal(trial.good, MANY);
}

static void unknown(void **state) {
    (void)state;
    trial.left = 1;
    look_up("not a name");
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    assert_int_equal(trial.answers, 1);
    assert_int_equal(trial.good, 0);
}

static void forgotten(void **state) {
    (void)state;
    trial.left = 1;
    for (int i = 0; i < MANY; i++)
        resolve_forget(look_up("localhost"));
    look_up("localhost");
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    assert_int_equal(trial.answers, 1);
}

/* What is being looked up is left to its thread. */
static void closed_meanwhile(void **state) {
    (void)state;
    for (int i = 0; i < MANY; i++)
        look_up("localhost");
    resolver_close(trial.resolver, on_closed, NULL);
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    assert_int_equal(trial.answers, 0);
}

static int begin(void **state) {
    (void)state;
    memset(&trial, 0, sizeof trial);
    return uv_loop_init(&trial.loop) || resolver_open(&trial.resolver, &trial.loop);
}

static int end(void **state) {
    (void)state;
    return uv_loop_close(&trial.loop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(known, begin, end),
        cmocka_unit_test_setup_teardown(unknown, begin, end),
        cmocka_unit_test_setup_teardown(forgotten, begin, end),
        cmocka_unit_test_setup_teardown(closed_meanwhile, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
