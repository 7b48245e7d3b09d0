/* SPDX-License-Identifier: MIT */
/* test_queue: several queues over one array of links, against plain lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../fakes/roll.h"
#include "run/queue.h"

#define SIZE   200
#define QUEUES 5
#define STEPS  200000

static uint32_t keys[SIZE];
static uint64_t compared;

static bool by_key(const void *ctx, uint32_t a, uint32_t b) {
    const uint32_t *k = ctx;

    compared++;
    return k[a] != k[b] ? k[a] < k[b] : a < b;
}

/* Where each number is, by the test's own book; QUEUES: nowhere. */
static uint32_t model_first(const uint32_t *where, uint32_t queue) {
    uint32_t first = QUEUE_EMPTY;

    for (uint32_t x = 0; x < SIZE; x++)
        if (where[x] == queue && (first == QUEUE_EMPTY || by_key(keys, x, first)))
            first = x;
    return first;
}

static void the_first_is_always_first(void **state) {
    uint32_t where[SIZE], first[QUEUES];
    struct queues q;

    (void)state;
    assert_int_equal(queues_init(&q, 3, by_key, keys), 0);
    assert_int_equal(queues_reserve(&q, SIZE), 0);
    for (uint32_t i = 0; i < QUEUES; i++)
        first[i] = QUEUE_EMPTY;
    for (uint32_t x = 0; x < SIZE; x++)
        where[x] = QUEUES;
    for (int step = 0; step < STEPS; step++) {
        uint32_t x = roll(SIZE), i = roll(QUEUES);

        if (roll(3) == 0 && first[i] != QUEUE_EMPTY) {
            x = queue_pop(&q, &first[i]);
            assert_int_equal(x, model_first(where, i));
            where[x] = QUEUES;
        } else if (where[x] == QUEUES) {
            keys[x] = roll(50);
            queue_push(&q, &first[i], x);
            where[x] = i;
        } else {
            i = where[x];
            queue_remove(&q, &first[i], x);
            where[x] = QUEUES;
        }
        assert_int_equal(first[i], model_first(where, i));
    }
    queues_release(&q);
}

/* In order, in the opposite one and mixed: n log n comparisons in all. */
static void many_come_out_in_order_and_cheaply(void **state) {
    static uint32_t many[100000];
    const uint32_t n = sizeof many / sizeof *many;
    struct queues q;

    (void)state;
    assert_int_equal(queues_init(&q, n, by_key, many), 0);
    for (int kind = 0; kind < 3; kind++) {
        uint32_t first = QUEUE_EMPTY, last = 0;

        compared = 0;
        for (uint32_t i = 0; i < n; i++) {
            many[i] = kind == 0 ? i : kind == 1 ? n - i : roll(1000);
            queue_push(&q, &first, i);
        }
        for (uint32_t i = 0; i < n; i++) {
            uint32_t x = queue_pop(&q, &first);

            assert_true(many[x] >= last);
            last = many[x];
        }
        assert_int_equal(first, QUEUE_EMPTY);
        assert_in_range(compared, n - 1, (uint64_t)n * 40);
    }
    queues_release(&q);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_is_always_first),
        cmocka_unit_test(many_come_out_in_order_and_cheaply),
    };

    return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
