/* SPDX-License-Identifier: MIT */
/* test_tracks: slots for the attempts of a past run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/tracks.h"

/* Attempts in the lowest slot that is free, a lane's apart from the other's. */
static void test_slots(void **state) {
    struct attempt_result attempts[][2] = {
        {{.start_ns = 0, .wall_ns = 10}, {.start_ns = 20, .wall_ns = 10}},
        {{.start_ns = 5, .wall_ns = 20}},
        {{.start_ns = 10, .wall_ns = 5}},
        {{.start_ns = 1, .wall_ns = 50}},
    };
    struct job_result rows[] = {{.attempts = attempts[0], .nattempts = 2},
                                {.attempts = attempts[1], .nattempts = 1},
                                {.attempts = attempts[2], .nattempts = 1},
                                {.attempts = attempts[3], .nattempts = 1, .lane = LANE_CPU},
                                {.nattempts = 0}};
    struct plan plan = {.njobs = 5};
    struct run_result run = {.plan = &plan, .jobs = rows};

    (void)state;
    assert_int_equal(tracks_assign(&run), 0);
    assert_int_equal(attempts[0][0].slot, 0);
    assert_int_equal(attempts[0][1].slot, 0);
    assert_int_equal(attempts[1][0].slot, 1);
    assert_int_equal(attempts[2][0].slot, 0);
    assert_int_equal(attempts[3][0].slot, 0);
    plan.njobs = 0;
    assert_int_equal(tracks_assign(&run), 0);
}

#define MANY 20000

/* Many at once, in any order: each has the lowest slot that nothing before it is in. */
static void test_many(void **state) {
    static struct attempt_result attempts[MANY];
    static struct job_result rows[MANY];
    static uint32_t by_start[MANY];
    static int64_t ends[MANY];
    struct plan plan = {.njobs = MANY};
    struct run_result run = {.plan = &plan, .jobs = rows};

    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t start = (uint32_t)(i * UINT64_C(7919) % MANY);

        attempts[i] = (struct attempt_result){.start_ns = start, .wall_ns = start * 31U % 500};
        rows[i] = (struct job_result){.attempts = &attempts[i], .nattempts = 1};
        by_start[start] = i;
    }
    assert_int_equal(tracks_assign(&run), 0);
    for (uint32_t i = 0; i < MANY; i++) {
        const struct attempt_result *a = &attempts[by_start[i]];
        uint32_t slot = 0;

        while (ends[slot] > a->start_ns)
            slot++;
        assert_int_equal(a->slot, slot);
        ends[slot] = a->start_ns + a->wall_ns;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_slots), cmocka_unit_test(test_many)};

    return cmocka_run_group_tests_name("tracks", tests, NULL, NULL);
}
