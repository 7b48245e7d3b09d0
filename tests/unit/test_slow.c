/* SPDX-License-Identifier: MIT */
/* test_slow: which running attempts are pointed out, and how often they are looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "run/slow.h"

static void test_once(void **state) {
    static const struct job_settings set = {.slow_ns = 10}, never = {0};
    struct slow s = {0};

    (void)state;
    assert_false(slow_due(&s, 0, &set, 100, 109));
    assert_true(slow_due(&s, 0, &set, 100, 110));
    assert_false(slow_due(&s, 0, &set, 100, 500));
    assert_false(slow_due(&s, 1, &never, 100, 500));
    assert_true(slow_due(&s, 5000, &set, 100, 500)); /* another job */
    assert_false(slow_due(&s, 5000, &set, 100, 501));
    assert_false(slow_due(&s, 0, &set, 495, 500)); /* another attempt */
    assert_true(slow_due(&s, 0, &set, 495, 505));
    slow_release(&s);
}

static void test_period(void **state) {
    struct job_settings sets[] = {{.slow_ns = 0}, {.slow_ns = 0}, {.slow_ns = 0}};
    struct plan_job jobs[] = {{.set = &sets[0]}, {.set = &sets[1]}, {.set = &sets[2]}};
    struct plan plan = {.jobs = jobs, .njobs = 3};

    (void)state;
    assert_int_equal(slow_period_ms(&plan), 0);
    sets[2].slow_ns = 3600 * NS_PER_S;
    assert_int_equal(slow_period_ms(&plan), 1000);
    sets[1].slow_ns = 2 * NS_PER_S;
    assert_int_equal(slow_period_ms(&plan), 200);
    sets[0].slow_ns = 1;
    assert_int_equal(slow_period_ms(&plan), 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_once), cmocka_unit_test(test_period)};

    return cmocka_run_group_tests_name("slow", tests, NULL, NULL);
}
