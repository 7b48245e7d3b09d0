/* SPDX-License-Identifier: MIT */
/* test_ends: the file of ends, for jobs of the plan and, in a ring, for items. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../fakes/fake_root.h"
#include "store/ends.h"

#define JOBS         3
#define ITEMS_BEYOND 20000

static struct end end_of(uint32_t job) {
    struct end end = {.job = job, .status = STATUS_OK, .settled = SETTLED_OK};

    memcpy(end.definition.bytes, &job, sizeof job);
    return end;
}

/* How many ends another process would find, each of them whole; *least: the first item. */
static uint32_t count(uint32_t *items, uint32_t *least) {
    uint32_t jobs = 0;
    struct ends ends;
    bool alive;

    *items = 0;
    *least = UINT32_MAX;
    assert_int_equal(ends_open(&ends, root, "run", &alive), 0);
    for (uint32_t i = 0; i < ends.room; i++) {
        const struct end end = ends_at(&ends, i);
        uint32_t job;

        if (end.status == STATUS_NONE)
            continue;
        memcpy(&job, end.definition.bytes, sizeof job);
        assert_int_equal(job, end.job);
        assert_int_equal(end.status, STATUS_OK);
        assert_int_equal(end.settled, SETTLED_OK);
        jobs += end.job < JOBS;
        *items += end.job >= JOBS;
        if (end.job >= JOBS && end.job < *least)
            *least = end.job;
    }
    ends_release(&ends, NULL, NULL);
    return jobs;
}

static void of_jobs_alone(void **state) {
    uint32_t items, least;
    struct ends ends;

    (void)state;
    ends_init(&ends);
    assert_int_equal(ends_make(&ends, root, "run", JOBS, false), 0);
    assert_int_equal(ends.room, JOBS);
    assert_int_equal(count(&items, &least), 0);
    for (uint32_t i = 0; i < JOBS; i++) {
        const struct end end = end_of(i);

        ends_add(&ends, &end);
        assert_int_equal(count(&items, &least), i + 1);
        assert_int_equal(items, 0);
    }
    ends_release(&ends, root, "run");
}

static void a_ring_of_items(void **state) {
    uint32_t items, least, ring, job = JOBS;
    struct ends ends;

    (void)state;
    ends_init(&ends);
    assert_int_equal(ends_make(&ends, root, "run", JOBS, true), 0);
    ring = ends.room - JOBS;
    assert_true(ring > 1000);
    for (uint32_t i = 0; i < ring; i++) {
        const struct end end = end_of(job++);

        ends_add_item(&ends, &end);
    }
    assert_int_equal(count(&items, &least), 0);
    assert_int_equal(items, ring);
    /* None of them may go yet: the next is not noted. */
    const struct end more = end_of(job++);
    ends_add_item(&ends, &more);
    assert_int_equal(count(&items, &least), 0);
    assert_int_equal(items, ring);
    assert_int_equal(least, JOBS);
    /* The oldest are in the database: newer ones take their places. */
    ends_drop_items(&ends, 101);
    for (uint32_t i = 0; i < 100; i++) {
        const struct end end = end_of(job++);

        ends_add_item(&ends, &end);
    }
    assert_int_equal(count(&items, &least), 0);
    assert_int_equal(items, ring);
    assert_int_equal(least, JOBS); /* whose place is that of the one that was not noted */
    /* Jobs of the plan have places of their own. */
    const struct end end = end_of(1);
    ends_add(&ends, &end);
    assert_int_equal(count(&items, &least), 1);
    assert_int_equal(items, ring);
    ends_release(&ends, root, "run");
}

static void however_many(void **state) {
    uint32_t items, least;
    struct ends ends;

    (void)state;
    ends_init(&ends);
    assert_int_equal(ends_make(&ends, root, "run", JOBS, true), 0);
    for (uint32_t i = 0; i < ITEMS_BEYOND; i++) {
        const struct end end = end_of(JOBS + i);

        ends_add_item(&ends, &end);
        if (i >= 10)
            ends_drop_items(&ends, 1);
    }
    count(&items, &least);
    assert_int_equal(items, ends.room - JOBS);
    assert_int_equal(least, JOBS + ITEMS_BEYOND - items);
    ends_drop_items(&ends, UINT32_MAX);
    assert_int_equal(ends.dropped, ends.items);
    ends_release(&ends, root, "run");
}

/* Nothing is left in the folder. */
static int finish(void **state) {
    if (rmdir(root) == 0)
        return 0;
    tear_down(state);
    return -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_jobs_alone),
        cmocka_unit_test(a_ring_of_items),
        cmocka_unit_test(however_many),
    };

    return cmocka_run_group_tests_name("ends", tests, set_up, finish);
}
