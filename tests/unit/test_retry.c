/* SPDX-License-Identifier: MIT */
/* test_retry: what ends an attempt means, and how long until the next. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <uv.h>

#include "base/clock.h"
#include "exec/facts.h"
#include "run/retry.h"

static const struct job_settings plain = {
    .ok_exit = {{1}},
    .retry_delay_ns = NS_PER_S,
    .retry_max_delay_ns = 60 * NS_PER_S,
    .retry_backoff = 2,
    .retry_jitter = 0.5,
    .retry_on = {.any = true},
};

static struct facts void_facts = {.fault = (char[]){"line 1: a line is name=value"}};
static struct facts good_facts = {.count = 0};

static void ends_are_judged_by_the_jobs_terms(void **state) {
    static const struct {
        struct attempt_end end;
        enum status status;
        enum reason reason;
    } rows[] = {
        {{.exit = 0}, STATUS_OK, REASON_NONE},
        {{.exit = 1}, STATUS_FAILED, REASON_EXIT},
        {{.exit = 255}, STATUS_FAILED, REASON_EXIT},
        {{.exit = 77}, STATUS_SKIPPED, REASON_NONE},
        {{.exit = -1, .signal = SIGTERM}, STATUS_FAILED, REASON_SIGNAL},
        {{.exit = -1, .signal = SIGKILL, .oom = true}, STATUS_FAILED, REASON_OOM},
        {{.exit = 137, .oom = true}, STATUS_FAILED, REASON_OOM},
        {{.exit = 0, .oom = true}, STATUS_OK, REASON_NONE}, /* it did without */
        {{.exit = -1, .error = UV_ENOENT}, STATUS_FAILED, REASON_SPAWN},
        {{.exit = 0, .error = UV_ENOENT}, STATUS_FAILED, REASON_SPAWN},
        {{.exit = 0, .facts = &good_facts}, STATUS_OK, REASON_NONE},
        {{.exit = 0, .facts = &void_facts}, STATUS_FAILED, REASON_EXIT},
        {{.exit = 0, .facts_lost = true}, STATUS_FAILED, REASON_EXIT},
        {{.exit = 77, .facts = &void_facts}, STATUS_SKIPPED, REASON_NONE},
        {{.exit = -1, .signal = SIGTERM, .facts = &void_facts}, STATUS_FAILED, REASON_SIGNAL},
        {{.exit = -1, .outcome = OUTCOME_OK}, STATUS_OK, REASON_NONE},
        {{.exit = -1, .outcome = OUTCOME_HTTP}, STATUS_FAILED, REASON_HTTP},
    };
    struct job_settings set = plain;

    (void)state;
    set.skip_exit.bits[77 / 32] = 1U << 77 % 32;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct verdict v = retry_judge(&set, &rows[i].end);

        assert_int_equal(v.status, rows[i].status);
        assert_int_equal(v.reason, rows[i].reason);
    }
}

/* By the status of a whole answer; without one, as a class of its own. */
static void requests(void **state) {
    static struct attempt_http answers[] = {
        {.status = 429, .whole = true}, {.status = 404, .whole = true}, {.status = 503}, {0}};
    const struct verdict failed = {STATUS_FAILED, REASON_HTTP};
    struct job_settings set = plain;

    (void)state;
    for (int classes = 0; classes < 4; classes++) {
        set.retry_on = (struct retry_on){.http = classes & 1};
        if (classes & 2) /* 429, 503 */
            set.retry_on.statuses.bits[329 / 32] = 1U << 329 % 32,
                                             set.retry_on.statuses.bits[403 / 32] = 1U << 403 % 32;
        for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
            struct attempt_end end = {.outcome = OUTCOME_HTTP, .http = &answers[i]};
            bool whole = answers[i].whole;

            assert_int_equal(retry_wanted(&set, failed, &end),
                             whole ? classes & 2 && i == 0 : classes & 1);
        }
        assert_int_equal(retry_wanted(&set, failed, &(struct attempt_end){0}), classes & 1);
    }
}

static void other_sides_wish(void **state) {
    struct job_settings set = plain;

    (void)state;
    set.retry_max_delay_ns = 100;
    assert_int_equal(retry_heed(&set, 10, 0), 10);
    assert_int_equal(retry_heed(&set, 10, 5), 10);
    assert_int_equal(retry_heed(&set, 10, 50), 50);
    assert_int_equal(retry_heed(&set, 10, 500), 100);
    set.retry_max_delay_ns = 0;
    assert_int_equal(retry_heed(&set, 10, 500), 500);
}

static void retry_on_names_classes(void **state) {
    static const struct {
        struct retry_on on;
        struct verdict verdict;
        int exit;
        bool wanted;
    } rows[] = {
        {{.any = true}, {STATUS_FAILED, REASON_EXIT}, 1, true},
        {{.any = true}, {STATUS_FAILED, REASON_SPAWN}, -1, true},
        {{.any = true}, {STATUS_TIMEOUT, REASON_TIMEOUT}, -1, true},
        {{.any = true}, {STATUS_OK, REASON_NONE}, 0, false},
        {{.any = true}, {STATUS_SKIPPED, REASON_NONE}, 77, false},
        {{.any = true}, {STATUS_CANCELLED, REASON_CANCELLED}, -1, false},
        {{.timeout = true}, {STATUS_TIMEOUT, REASON_TIMEOUT}, -1, true},
        {{.timeout = true}, {STATUS_FAILED, REASON_EXIT}, 1, false},
        {{.signal = true}, {STATUS_FAILED, REASON_SIGNAL}, -1, true},
        {{.signal = true}, {STATUS_TIMEOUT, REASON_TIMEOUT}, -1, false},
        {{.spawn = true}, {STATUS_FAILED, REASON_SPAWN}, -1, true},
        {{.spawn = true}, {STATUS_FAILED, REASON_SIGNAL}, -1, false},
        {{.exits = {{1U << 3}}}, {STATUS_FAILED, REASON_EXIT}, 3, true},
        {{.exits = {{1U << 3}}}, {STATUS_FAILED, REASON_EXIT}, 4, false},
        {{.signal = true}, {STATUS_FAILED, REASON_OOM}, -1, true},
        {{.signal = true}, {STATUS_FAILED, REASON_OOM}, 137, false},
        {{.exits = {{1U << 3}}}, {STATUS_FAILED, REASON_OOM}, 3, true},
        {{.timeout = true}, {STATUS_FAILED, REASON_OOM}, -1, false},
        /* Stopped in time's name, though it then exited with a status of the list. */
        {{.exits = {{1U << 3}}}, {STATUS_TIMEOUT, REASON_TIMEOUT}, 3, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct job_settings set = plain;
        struct attempt_end end = {.exit = rows[i].exit};

        set.retry_on = rows[i].on;
        assert_int_equal(retry_wanted(&set, rows[i].verdict, &end), rows[i].wanted);
    }
}

static void jitter_stays_in_bounds(void **state) {
    uint64_t random = 42;
    int64_t least = INT64_MAX, most = 0;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        double carry = 0;
        int64_t d = retry_delay_ns(&plain, &carry, &random);

        least = d < least ? d : least;
        most = d > most ? d : most;
    }
    assert_true(least >= NS_PER_S / 2 && most <= NS_PER_S);
    /* and makes use of the room that it has */
    assert_true(least < NS_PER_S / 2 + NS_PER_MS && most > NS_PER_S - NS_PER_MS);
}

static void check_delays(const struct job_settings *set, const int64_t *expected, size_t n) {
    uint64_t random = 7;
    double carry = 0;

    for (size_t i = 0; i < n; i++)
        assert_int_equal(retry_delay_ns(set, &carry, &random), expected[i]);
}

static void delays_follow_the_formula(void **state) {
    static const int64_t growing[] = {NS_PER_S, 2 * NS_PER_S, 4 * NS_PER_S, 5 * NS_PER_S,
                                      5 * NS_PER_S};
    /* min(8 · 0.5^(n-1), 5): the unclipped delay goes on shrinking under the cap. */
    static const int64_t shrinking[] = {5 * NS_PER_S, 4 * NS_PER_S, 2 * NS_PER_S, NS_PER_S};
    static const int64_t none[] = {0, 0, 0};
    struct job_settings set = plain;

    (void)state;
    set.retry_jitter = 0;
    set.retry_max_delay_ns = 5 * NS_PER_S;
    check_delays(&set, growing, 5);
    set.retry_delay_ns = 8 * NS_PER_S;
    set.retry_backoff = 0.5;
    check_delays(&set, shrinking, 4);
    set.retry_delay_ns = 0;
    check_delays(&set, none, 3);
}

static void no_maximum_does_not_overflow(void **state) {
    struct job_settings set = plain;
    uint64_t random = 1;
    double carry = 0;

    (void)state;
    set.retry_jitter = 0;
    set.retry_max_delay_ns = 0;
    set.retry_backoff = 1e6;
    for (int i = 0; i < 1000; i++) {
        int64_t d = retry_delay_ns(&set, &carry, &random);

        assert_true(d > 0 && d <= INT64_C(1000000000000000000));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_are_judged_by_the_jobs_terms),
        cmocka_unit_test(requests),
        cmocka_unit_test(other_sides_wish),
        cmocka_unit_test(retry_on_names_classes),
        cmocka_unit_test(jitter_stays_in_bounds),
        cmocka_unit_test(delays_follow_the_formula),
        cmocka_unit_test(no_maximum_does_not_overflow),
    };

    return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
