/* SPDX-License-Identifier: MIT */
/* test_heap: the priority queue against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "run/heap.h"

#define SIZE 50

static uint32_t keys[SIZE];

static bool before(const void *ctx, uint32_t a, uint32_t b) {
    const uint32_t *k = ctx;

    return k[a] != k[b] ? k[a] < k[b] : a < b;
}

static void comes_out_in_order(void **state) {
    struct heap h;

    (void)state;
    assert_int_equal(heap_init(&h, SIZE, before, keys), 0);
    for (uint32_t i = 0; i < SIZE; i++) {
        keys[i] = (i * 7 + 3) % 10;
        heap_push(&h, i);
    }
    for (uint32_t i = 0, last = 0; i < SIZE; i++) {
        uint32_t x = heap_pop(&h);

        assert_true(i == 0 || before(keys, last, x));
        assert_false(heap_has(&h, x));
        last = x;
    }
    assert_int_equal(h.count, 0);
    heap_release(&h);
}

/* While it is full; what is there stays, in its order. */
static void grows(void **state) {
    struct heap h;

    (void)state;
    assert_int_equal(heap_init(&h, 0, before, keys), 0);
    for (uint32_t i = 0; i < SIZE; i++) {
        keys[i] = (i * 31 + 5) % 17;
        assert_int_equal(heap_reserve(&h, i + 1), 0);
        assert_int_equal(heap_reserve(&h, i / 2), 0); /* never less */
        assert_false(heap_has(&h, i));
        heap_push(&h, i);
    }
    for (uint32_t i = 0, last = 0; i < SIZE; i++) {
        uint32_t x = heap_pop(&h);

        assert_true(i == 0 || before(keys, last, x));
        last = x;
    }
    heap_release(&h);
}

static void an_empty_one_is_fine(void **state) {
    struct heap h;

    (void)state;
    assert_int_equal(heap_init(&h, 0, before, keys), 0);
    assert_int_equal(h.count, 0);
    heap_release(&h);
    heap_release(&h);
}

static void removing_an_absent_one_has_no_effect(void **state) {
    struct heap h;

    (void)state;
    assert_int_equal(heap_init(&h, SIZE, before, keys), 0);
    keys[3] = 1;
    heap_push(&h, 3);
    heap_remove(&h, 4);
    assert_int_equal(h.count, 1);
    heap_remove(&h, 3);
    heap_remove(&h, 3);
    assert_int_equal(h.count, 0);
    heap_release(&h);
}

static uint32_t first_of(const bool *in) {
    uint32_t best = HEAP_OUT;

    for (uint32_t i = 0; i < SIZE; i++)
        if (in[i] && (best == HEAP_OUT || before(keys, i, best)))
            best = i;
    return best;
}

static void agrees_with_a_plain_array(void **state) {
    struct heap h;
    bool in[SIZE] = {false};
    uint32_t count = 0;

    (void)state;
    srand(1);
    assert_int_equal(heap_init(&h, SIZE, before, keys), 0);
    for (int step = 0; step < 20000; step++) {
        uint32_t x = (uint32_t)rand() % SIZE;
        uint32_t key = (uint32_t)rand() % 20;

        switch (rand() % 3) {
        case 0:
            if (!in[x]) {
                keys[x] = key;
                heap_push(&h, x);
                in[x] = true;
                count++;
            }
            break;
        case 1:
            count -= in[x];
            in[x] = false;
            heap_remove(&h, x);
            break;
        default:
            if (count > 0) {
                uint32_t want = first_of(in);

                assert_int_equal(heap_pop(&h), want);
                in[want] = false;
                count--;
            }
        }
        assert_int_equal(h.count, count);
        assert_int_equal(heap_has(&h, x), in[x]);
        if (count > 0)
            assert_int_equal(h.items[0], first_of(in));
    }
    heap_release(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_out_in_order),
        cmocka_unit_test(grows),
        cmocka_unit_test(an_empty_one_is_fine),
        cmocka_unit_test(removing_an_absent_one_has_no_effect),
        cmocka_unit_test(agrees_with_a_plain_array),
    };

    return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
