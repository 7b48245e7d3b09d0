/* SPDX-License-Identifier: MIT */
/* test_waits: what a job has waited for is what its group has, while it stood in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../fakes/roll.h"
#include "run/waits.h"

#define GROUPS 5
#define JOBS   40
#define WHATS  6
#define STEPS  20000

static void a_part_of_it(void **state) {
    struct waits *w = waits_new(1, 2);
    const struct wait *list;

    (void)state;
    assert_non_null(w);
    waits_begin(w, 100);
    waits_are(w, 0, WAIT_SLOT, 1, 100);
    waits_let_go(w, 1, 0);
    waits_let_go(w, 1, 7);
    waits_ready(w, 1, 0, 130);
    waits_are(w, 0, WAIT_MEMORY, 0, 150);
    waits_are(w, 0, WAIT_SLOT, 1, 155);
    waits_are(w, 0, WAIT_NOTHING, 0, 165);
    assert_int_equal(waits_end(w, 1, 200, &list), 3);
    assert_int_equal(list[0].kind, WAIT_JOB);
    assert_int_equal(list[0].what, 7);
    assert_int_equal(list[0].ns, 100 - 20 - 15);
    assert_int_equal(list[1].kind, WAIT_SLOT);
    assert_int_equal(list[1].what, 1);
    assert_int_equal(list[1].ns, 30);
    assert_int_equal(list[2].kind, WAIT_MEMORY);
    assert_int_equal(list[2].ns, 5);
    assert_int_equal(waits_end(w, 1, 300, &list), 0);
    waits_free(w);
}

static void numbers_that_were_not_there_before(void **state) {
    struct waits *w = waits_new(1, 0);
    const struct wait *list;

    (void)state;
    waits_forget(w, 100000);
    waits_ready(w, 100000, 0, 5);
    waits_are(w, 0, WAIT_RATE, 3, 5);
    assert_int_equal(waits_end(w, 100000, 9, &list), 1);
    assert_int_equal(list[0].ns, 4);
    waits_ready(w, 7, 0, 10);
    waits_forget(w, 7);
    assert_int_equal(waits_end(w, 7, 20, &list), 0);
    waits_free(w);
}

/* Groups change what they wait for, jobs come and go: beside it each job counts for itself. */
static void at_random(void **state) {
    struct waits *w = waits_new(GROUPS, JOBS);
    uint32_t is[GROUPS] = {0}, in[JOBS];
    int64_t spent[JOBS][WHATS + 1] = {{0}}, now = 0;

    (void)state;
    memset(in, 0xff, sizeof in);
    for (int i = 0; i < STEPS; i++) {
        int64_t ns = roll(10);
        uint32_t job = roll(JOBS), group = roll(GROUPS);
        const struct wait *list;
        size_t n, told = 0;

        for (uint32_t k = 0; k < JOBS; k++)
            if (in[k] < GROUPS)
                spent[k][is[in[k]]] += ns;
        now += ns;
        switch (roll(3)) {
        case 0: /* 0: nothing */
            is[group] = roll(WHATS + 1);
            waits_are(w, group, is[group] ? WAIT_CONCURRENCY : WAIT_NOTHING, is[group], now);
            break;
        case 1:
            if (in[job] < GROUPS)
                break;
            in[job] = group;
            memset(spent[job], 0, sizeof spent[job]);
            waits_ready(w, job, group, now);
            break;
        default:
            if (in[job] >= GROUPS)
                break;
            in[job] = GROUPS;
            n = waits_end(w, job, now, &list);
            for (uint32_t k = 1; k <= WHATS; k++)
                told += spent[job][k] > 0;
            assert_int_equal(n, told);
            for (size_t k = 0; k < n; k++)
                assert_int_equal(list[k].ns, spent[job][list[k].what]);
        }
    }
    waits_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_of_it),
        cmocka_unit_test(numbers_that_were_not_there_before),
        cmocka_unit_test(at_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
