/* SPDX-License-Identifier: MIT */
/* test_mem: the arena, and the map that stands on it. */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/map.h"
#include "base/mem.h"

static void test_zeroed_and_aligned(void **state) {
    struct arena a;

    (void)state;
    arena_init(&a, NULL);
    for (size_t n = 0; n < 3000; n += 7) {
        char *p = arena_alloc(&a, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % alignof(uint64_t), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xa5, n);
    }
    arena_release(&a);
    assert_null(a.head);
}

/* Small pieces taken before and after a big one keep what is in them. */
static void test_big_pieces(void **state) {
    struct arena a;

    (void)state;
    arena_init(&a, NULL);
    char *small = arena_strndup(&a, "small", 5);
    char *big = arena_alloc(&a, 5 << 20);
    memset(big, 1, 5 << 20);
    char *next = arena_strndup(&a, "nextfoo", 4);
    assert_string_equal(small, "small");
    assert_string_equal(next, "next");
    /* The big one has its own chunk: the small ones go on side by side. */
    assert_true(next > small && next - small < 1024);
    arena_release(&a);
}

static void test_printf(void **state) {
    struct arena a;

    (void)state;
    arena_init(&a, NULL);
    assert_string_equal(arena_printf(&a, "%s-%d", "x", 42), "x-42");
    assert_string_equal(arena_printf(&a, "%s", ""), "");
    char *wide = arena_printf(&a, "%5000d", 1);
    assert_int_equal(strlen(wide), 5000);
    arena_release(&a);
}

static void test_grow(void **state) {
    struct arena a;
    uint32_t *list = NULL;
    size_t cap = 0;

    (void)state;
    arena_init(&a, NULL);
    for (uint32_t n = 0; n < 10000; n++) {
        list = arena_grow(&a, list, n, &cap, sizeof *list);
        list[n] = n;
    }
    for (uint32_t n = 0; n < 10000; n++)
        assert_int_equal(list[n], n);
    assert_true(cap >= 10000 && cap < 20001);
    arena_release(&a);
}

static void test_out_of_memory(void **state) {
    struct arena a;
    jmp_buf oom;
    size_t cap = SIZE_MAX / 4;

    (void)state;
    arena_init(&a, NULL);
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX / 2 + 1));
    assert_null(arena_grow(&a, NULL, cap, &cap, 16));
    a.on_oom = &oom;
    if (!setjmp(oom)) {
        arena_alloc(&a, SIZE_MAX);
        fail_msg("came back");
    }
    assert_string_equal(arena_strndup(&a, "still there", 11), "still there");
    arena_release(&a);
}

/* --- map --- */

static void test_map(void **state) {
    struct arena a;
    struct map m;
    char name[32];

    (void)state;
    arena_init(&a, NULL);
    map_init(&m, &a);
    assert_int_equal(map_get(&m, "x", 1), MAP_NONE);
    for (uint32_t i = 0; i < 5000; i++) {
        int n = snprintf(name, sizeof name, "compress-%u", i);
        assert_int_equal(map_add(&m, arena_strndup(&a, name, (size_t)n), (size_t)n, i), MAP_NONE);
    }
    for (uint32_t i = 0; i < 5000; i++) {
        int n = snprintf(name, sizeof name, "compress-%u", i);
        assert_int_equal(map_get(&m, name, (size_t)n), i);
        assert_int_equal(map_add(&m, name, (size_t)n, 7), i);
    }
    assert_int_equal(m.count, 5000);
    assert_int_equal(map_get(&m, "compress-5000", 13), MAP_NONE);
    /* A name is its bytes and its length; the empty one is one. */
    assert_int_equal(map_get(&m, "compress-12", 10), 1);
    assert_int_equal(map_add(&m, "", 0, 1), MAP_NONE);
    assert_int_equal(map_get(&m, "zzz", 0), 1);
    map_set(&m, "", 0, 2);
    assert_int_equal(map_get(&m, "", 0), 2);
    arena_release(&a);
}

/* Room that was asked for is there: what was noted of it stays where it is. */
static void test_map_reserve(void **state) {
    struct arena a;
    struct map m;
    char name[32];

    (void)state;
    arena_init(&a, NULL);
    map_init(&m, &a);
    assert_true(map_reserve(&m, 1000));
    const struct map_slot *slots = m.slots;
    for (uint32_t i = 0; i < 1000; i++) {
        int n = snprintf(name, sizeof name, "n%u", i);
        assert_int_equal(map_add(&m, arena_strndup(&a, name, (size_t)n), (size_t)n, i), MAP_NONE);
    }
    assert_ptr_equal(m.slots, slots);
    assert_true(map_reserve(&m, 0));
    assert_ptr_equal(m.slots, slots);
    assert_true(map_reserve(&m, 1000));
    assert_ptr_not_equal(m.slots, slots);
    assert_int_equal(map_get(&m, "n999", 4), 999);
    arena_release(&a);
}

/* Advice about pages changes nothing in them, whatever the block's size and place. */
static void test_advise_huge(void **state) {
    const size_t sizes[] = {1, 4096, 4 << 20, (5 << 20) + 1};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t skip = 0; skip < 2; skip++) {
            char *block = malloc(sizes[i] + skip);
            assert_non_null(block);
            memset(block, 'x', sizes[i] + skip);
            mem_advise_huge(block + skip, sizes[i]);
            for (size_t k = 0; k < sizes[i] + skip; k++)
                if (block[k] != 'x')
                    fail_msg("byte %zu of %zu", k, sizes[i]);
            free(block);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zeroed_and_aligned),
        cmocka_unit_test(test_big_pieces),
        cmocka_unit_test(test_printf),
        cmocka_unit_test(test_grow),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_map_reserve),
        cmocka_unit_test(test_advise_huge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
