/* SPDX-License-Identifier: MIT */
/* test_limit: one shared limit: how many at once, the token bucket, the circuit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "run/limit.h"
#include "run/result.h"

#define T0 (1000 * NS_PER_S)

static struct limit limit;
static struct plan_limit is;

static void begin(struct plan_limit what) {
    is = what;
    limit_init(&limit, &is);
}

static void take(uint32_t job, int64_t now) {
    limit_take(&limit, job, now);
    limit_started(&limit, now);
}

static void at_most_so_many_at_once(void **state) {
    (void)state;
    begin((struct plan_limit){.concurrency = 2});
    assert_int_equal(limit_room(&limit, T0), 2);
    take(1, T0);
    limit_take(&limit, 2, T0);
    assert_int_equal(limit_room(&limit, T0), 0);
    assert_false(limit_shut(&limit, T0));
    assert_true(limit_due(&limit, T0) == LIMIT_NEVER);
    assert_false(limit_end(&limit, 1, LIMIT_BAD, T0));
    assert_int_equal(limit_room(&limit, T0), 1);
    limit_undo(&limit, 2);
    assert_int_equal(limit_room(&limit, T0), 2);
}

static void a_bucket_is_full_at_first_and_fills_at_its_rate(void **state) {
    (void)state;
    begin((struct plan_limit){.rate = {50, NS_PER_S}, .burst = 10});
    for (uint32_t i = 0; i < 10; i++)
        take(i, T0);
    assert_true(limit_shut(&limit, T0));
    assert_true(limit_due(&limit, T0) == T0 + 20 * NS_PER_MS);
    assert_int_equal(limit_room(&limit, T0 + 20 * NS_PER_MS - 1), 0);
    assert_int_equal(limit_room(&limit, T0 + 20 * NS_PER_MS), 1);
    assert_int_equal(limit_room(&limit, T0 + 99 * NS_PER_MS), 4);
    assert_int_equal(limit_room(&limit, T0 + 1000 * NS_PER_S), 10);
    /* An attempt that ends gives no token back. */
    for (uint32_t i = 0; i < 10; i++)
        take(i, T0 + 1000 * NS_PER_S);
    limit_end(&limit, 3, LIMIT_GOOD, T0 + 1000 * NS_PER_S);
    assert_int_equal(limit_room(&limit, T0 + 1000 * NS_PER_S), 0);
}

/* Rates that do not divide a second lose nothing and win nothing over a long time. */
static void odd_rates_are_exact(void **state) {
    static const struct text_rate rates[] = {
        {7, NS_PER_S},  {3, 60 * NS_PER_S},      {999983, NS_PER_S},
        {11, NS_PER_S}, {1000, 3600 * NS_PER_S}, {4294967295, 3600 * NS_PER_S},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        const struct text_rate *r = &rates[i];
        int64_t now = T0;
        uint32_t n = r->count < 100000 ? 2 * r->count + 5 : 100000;

        begin((struct plan_limit){.rate = *r, .burst = 2}); /* a full bucket drops fractions */
        take(0, now);
        take(0, now);
        for (uint32_t k = 1; k <= n; k++) {
            int64_t due = limit_due(&limit, now);

            /* The k-th token, rounded up to a nanosecond. */
            assert_true(due == T0 + (int64_t)((k * (uint64_t)r->per_ns + r->count - 1) / r->count));
            now = due;
            assert_int_equal(limit_room(&limit, now), 1);
            take(k, now);
        }
    }
}

/* Starts keep to the rate, not decisions: a burst that starts late is no second one. */
static void tokens_leave_when_processes_start(void **state) {
    (void)state;
    begin((struct plan_limit){.rate = {10, NS_PER_S}, .burst = 2});
    limit_take(&limit, 1, T0);
    assert_int_equal(limit_room(&limit, T0), 1);
    limit_take(&limit, 2, T0);
    assert_int_equal(limit_room(&limit, T0 + 1 * NS_PER_MS), 0);
    assert_true(limit_due(&limit, T0 + 1 * NS_PER_MS) == LIMIT_NEVER);
    limit_started(&limit, T0 + 30 * NS_PER_MS);
    assert_true(limit_due(&limit, T0 + 40 * NS_PER_MS) == T0 + 130 * NS_PER_MS);
    limit_started(&limit, T0 + 50 * NS_PER_MS);
    assert_true(limit_due(&limit, T0 + 50 * NS_PER_MS) == T0 + 130 * NS_PER_MS);
    assert_int_equal(limit_room(&limit, T0 + 130 * NS_PER_MS), 1);
    limit_take(&limit, 3, T0 + 130 * NS_PER_MS);
    assert_true(limit_due(&limit, T0 + 130 * NS_PER_MS) == T0 + 230 * NS_PER_MS);
    limit_undo(&limit, 3); /* put off: it took none */
    assert_int_equal(limit_room(&limit, T0 + 130 * NS_PER_MS), 1);
    assert_int_equal(limit_room(&limit, T0 + 230 * NS_PER_MS), 2);
    assert_int_equal(limit_room(&limit, T0 + 330 * NS_PER_MS), 2);
}

static void attempt(uint32_t job, enum limit_outcome outcome, int64_t now) {
    take(job, now);
    limit_end(&limit, job, outcome, now);
}

static void failures_in_a_row_open_the_circuit(void **state) {
    (void)state;
    begin((struct plan_limit){.breaker = 3, .cooldown_ns = 30 * NS_PER_S});
    attempt(1, LIMIT_BAD, T0);
    attempt(2, LIMIT_BAD, T0);
    attempt(3, LIMIT_GOOD, T0); /* any success counts anew */
    attempt(4, LIMIT_BAD, T0);
    attempt(5, LIMIT_NEITHER, T0); /* neither of both does not */
    attempt(6, LIMIT_BAD, T0);
    assert_int_equal(limit.circuit, LIMIT_CLOSED);
    take(7, T0);
    take(8, T0);
    assert_true(limit_end(&limit, 7, LIMIT_BAD, T0));
    assert_int_equal(limit.circuit, LIMIT_OPEN);
    assert_true(limit_shut(&limit, T0));
    assert_true(limit_due(&limit, T0) == T0 + 30 * NS_PER_S);
    assert_false(limit_refuses(&limit, T0));
    /* What began before has no say in it. */
    assert_false(limit_end(&limit, 8, LIMIT_GOOD, T0 + NS_PER_S));
    assert_true(limit_due(&limit, T0 + NS_PER_S) == T0 + 30 * NS_PER_S);
}

static void one_probe_closes_it_or_opens_it_again(void **state) {
    int64_t t = T0 + 30 * NS_PER_S;

    (void)state;
    begin((struct plan_limit){.breaker = 1, .cooldown_ns = 30 * NS_PER_S});
    take(1, T0);
    take(2, T0);
    limit_end(&limit, 1, LIMIT_BAD, T0);
    assert_int_equal(limit_room(&limit, t - 1), 0);
    assert_int_equal(limit_room(&limit, t), 1);
    take(3, t);
    assert_int_equal(limit_room(&limit, t), 0);
    assert_true(limit_due(&limit, t) == LIMIT_NEVER);
    assert_false(limit_end(&limit, 2, LIMIT_GOOD, t)); /* no probe */
    assert_int_equal(limit_room(&limit, t), 0);
    assert_true(limit_end(&limit, 3, LIMIT_BAD, t + NS_PER_S));
    assert_true(limit_due(&limit, t + NS_PER_S) == t + 31 * NS_PER_S);
    t += 31 * NS_PER_S;
    limit_take(&limit, 4, t);
    limit_undo(&limit, 4); /* never made: another may be the probe */
    assert_int_equal(limit_room(&limit, t), 1);
    attempt(5, LIMIT_NEITHER, t); /* said nothing: the same */
    assert_int_equal(limit_room(&limit, t), 1);
    attempt(6, LIMIT_GOOD, t);
    assert_int_equal(limit.circuit, LIMIT_CLOSED);
    assert_true(limit_room(&limit, t) > 1000);
}

static void an_open_circuit_may_refuse(void **state) {
    (void)state;
    begin((struct plan_limit){.breaker = 1, .cooldown_ns = NS_PER_S, .action = BREAKER_FAIL});
    assert_false(limit_refuses(&limit, T0));
    attempt(1, LIMIT_BAD, T0);
    assert_true(limit_refuses(&limit, T0 + NS_PER_S - 1));
    assert_false(limit_refuses(&limit, T0 + NS_PER_S));
    take(2, T0 + NS_PER_S); /* while the probe runs, others wait for what it says */
    assert_false(limit_refuses(&limit, T0 + NS_PER_S));
    assert_true(limit_shut(&limit, T0 + NS_PER_S));
}

static void the_three_together(void **state) {
    (void)state;
    begin((struct plan_limit){.concurrency = 2,
                              .rate = {1, NS_PER_S},
                              .burst = 3,
                              .breaker = 1,
                              .cooldown_ns = NS_PER_S / 2});
    assert_int_equal(limit_room(&limit, T0), 2);
    take(1, T0);
    take(2, T0);
    limit_end(&limit, 1, LIMIT_GOOD, T0);
    take(3, T0);
    limit_end(&limit, 3, LIMIT_BAD, T0);
    assert_true(limit_due(&limit, T0) == T0 + NS_PER_S); /* the cooldown is over before */
    take(4, T0 + NS_PER_S);
    limit_end(&limit, 2, LIMIT_GOOD, T0 + NS_PER_S);
    assert_int_equal(limit_room(&limit, T0 + 9 * NS_PER_S), 0); /* but for the probe's end */
    limit_end(&limit, 4, LIMIT_GOOD, T0 + 9 * NS_PER_S);
    assert_int_equal(limit_room(&limit, T0 + 9 * NS_PER_S), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_most_so_many_at_once),
        cmocka_unit_test(a_bucket_is_full_at_first_and_fills_at_its_rate),
        cmocka_unit_test(odd_rates_are_exact),
        cmocka_unit_test(tokens_leave_when_processes_start),
        cmocka_unit_test(failures_in_a_row_open_the_circuit),
        cmocka_unit_test(one_probe_closes_it_or_opens_it_again),
        cmocka_unit_test(an_open_circuit_may_refuse),
        cmocka_unit_test(the_three_together),
    };

    return cmocka_run_group_tests_name("limit", tests, NULL, NULL);
}
