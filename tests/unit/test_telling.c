/* SPDX-License-Identifier: MIT */
/* test_telling: who sees which outputs, and what sums come of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "run/sums.h"
#include "run/telling.h"

static struct telling telling;

static int begin(void **state) {
    (void)state;
    telling_init(&telling);
    return 0;
}

static int end(void **state) {
    (void)state;
    telling_release(&telling);
    return 0;
}

/* What a job adds by one name=value to what it sees. */
static const struct told_set *add(const struct told_set *set, const char *job, const char *name,
                                  const char *value) {
    struct facts *facts = facts_new(&(struct env_var){name, value}, 1);
    const struct told_set *both = telling_add(&telling, set, job, facts);

    free(facts);
    return both;
}

static void expect(const struct told_set *set, const char *const *entries) {
    size_t n = 0;

    assert_non_null(set);
    assert_null(set->fault);
    for (; entries[n]; n++) {
        assert_true(n < set->count);
        assert_string_equal(set->list[n]->entry, entries[n]);
    }
    assert_int_equal(set->count, n);
}

static void nothing(void **state) {
    const struct told_set *none[] = {NULL, NULL};
    struct facts *facts = facts_new(NULL, 0);

    (void)state;
    assert_null(telling_join(&telling, none, 2));
    assert_null(telling_join(&telling, none, 0));
    assert_null(telling_add(&telling, NULL, "x", facts));
    free(facts);
}

static void names_become_variables(void **state) {
    (void)state;
    expect(add(NULL, "a", "n", "1"), (const char *const[]){"MUSTER_OUT_a_n=1", NULL});
    expect(add(NULL, "a.b-c_D9", "n", "x=y"),
           (const char *const[]){"MUSTER_OUT_a_b_c_D9_n=x=y", NULL});
}

static void sets_are_shared_where_they_are_the_same(void **state) {
    const struct told_set *a = add(NULL, "a", "n", "1"), *b = add(NULL, "b", "n", "2");

    (void)state;
    assert_ptr_equal(telling_join(&telling, (const struct told_set *[]){NULL, a, NULL, a}, 4), a);
    const struct told_set *both = telling_join(&telling, (const struct told_set *[]){b, a}, 2);
    expect(both, (const char *const[]){"MUSTER_OUT_a_n=1", "MUSTER_OUT_b_n=2", NULL});
    const struct told_set *more = add(both, "c", "n", "3");
    /* by two ways, and once */
    expect(telling_join(&telling, (const struct told_set *[]){more, both, a}, 3),
           (const char *const[]){"MUSTER_OUT_a_n=1", "MUSTER_OUT_b_n=2", "MUSTER_OUT_c_n=3", NULL});
}

static void names_that_begin_alike(void **state) {
    const struct told_set *set = add(NULL, "a", "b", "1");

    (void)state;
    set = add(set, "a", "b_c", "2"); /* another job so named would clash by nothing here */
    set = add(set, "a", "b1", "3");
    expect(set, (const char *const[]){"MUSTER_OUT_a_b=1", "MUSTER_OUT_a_b1=3", "MUSTER_OUT_a_b_c=2",
                                      NULL});
}

static void two_jobs_of_one_variable(void **state) {
    const struct told_set *one = add(NULL, "a", "b_c", "1"), *other = add(NULL, "a_b", "c", "2");
    const struct told_set *both =
        telling_join(&telling, (const struct told_set *[]){one, other}, 2);

    (void)state;
    assert_string_equal(both->fault, "MUSTER_OUT_a_b_c is an output of both 'a' and 'a_b'");
    /* and so for all that comes after */
    assert_ptr_equal(telling_join(&telling, (const struct told_set *[]){one, both}, 2), both);
    assert_ptr_equal(add(both, "x", "y", "z"), both);
}

static void a_long_chain_costs_nothing(void **state) {
    const struct told_set *set = add(NULL, "a", "n", "1");

    (void)state;
    for (int i = 0; i < 1000000; i++)
        assert_ptr_equal(telling_join(&telling, &set, 1), set);
}

/* Jobs 0, 1 before 2, 2 before 3; 4 by itself. */
static void those_after_see_it(void **state) {
    static const uint32_t after2[] = {0, 1}, after3[] = {2};
    static const struct plan_job jobs[] = {{.name = "a"},
                                           {.name = "b"},
                                           {.name = "c", .after = after2, .nafter = 2},
                                           {.name = "d", .after = after3, .nafter = 1},
                                           {.name = "e"}};
    struct facts *facts = facts_new(&(struct env_var){"n", "1"}, 1);

    (void)state;
    for (uint32_t i = 0; i < 5; i++)
        assert_null(telling_see(&telling, i, &jobs[i]));
    telling_end(&telling, 4, &jobs[4], NULL);
    telling_end(&telling, 1, &jobs[1], facts);
    telling_end(&telling, 0, &jobs[0], NULL);
    const struct told_set *seen = telling_see(&telling, 2, &jobs[2]);
    expect(seen, (const char *const[]){"MUSTER_OUT_b_n=1", NULL});
    telling_end(&telling, 2, &jobs[2], NULL);
    assert_ptr_equal(telling_see(&telling, 3, &jobs[3]), seen);
    telling_end(&telling, 3, &jobs[3], facts);
    assert_null(telling_see(&telling, 4, &jobs[4]));
    assert_null(telling_see(&telling, 1000000, &jobs[4]));
    free(facts);
}

/* Outputs of items reach those after their section when all have ended, and those after one item
 * at once. */
static void items_give(void **state) {
    static const uint32_t before[] = {0};
    static const char *const one[] = {"x"};
    static const struct plan_job jobs[] = {
        {.name = "a"},
        {.name = "b", .after = before, .nafter = 1},
        {.name = "c", .after = before, .nafter = 1, .after_items = one}};
    const struct told_set *x = add(NULL, "a[x]", "n", "1"), *y = add(NULL, "a[y]", "n", "2");

    (void)state;
    telling_give(&telling, 0, true, x);
    telling_give(&telling, 0, true, x);
    telling_give(&telling, 0, true, y);
    telling_give(&telling, 2, false, x);
    telling_give(&telling, 1, true, NULL);
    assert_null(telling_see(&telling, 0, &jobs[0]));
    expect(telling_see(&telling, 2, &jobs[2]), (const char *const[]){"MUSTER_OUT_a_x__n=1", NULL});
    telling_end(&telling, 0, &jobs[0], NULL);
    expect(telling_see(&telling, 1, &jobs[1]),
           (const char *const[]){"MUSTER_OUT_a_x__n=1", "MUSTER_OUT_a_y__n=2", NULL});
    expect(telling_see(&telling, 2, &jobs[2]), (const char *const[]){"MUSTER_OUT_a_x__n=1", NULL});
}

/* --- sums --- */

#define JOBS 8

static void numbers_are_added_up(void **state) {
    static const struct env_var told[JOBS][4] = {
        {{"whole", "1"}, {"part", "0.5"}, {"text", "abc"}},
        {{"whole", "-4"}, {"part", "2"}, {"text", "1"}},
        {{"whole", "20"}, {"big", "9223372036854775807"}, {"not", "1e400"}},
        {{"big", "1"}, {"exp", "1e3"}, {"not", "0x10"}},
        {{"not", " 1"}, {"exp", "-2.5E-1"}, {"zeros", "007"}},
        {{"not", ""}, {"not2", "+1"}, {"not3", "1."}},
        {{"not", ".5"}, {"not2", "inf"}, {"not3", "nan"}},
        {{"not", "-"}, {"not2", "1e"}, {"not3", "1 "}},
    };
    struct plan_job defs[JOBS] = {{0}};
    struct plan plan = {.jobs = defs, .njobs = JOBS};
    struct job_result results[JOBS] = {{0}};
    struct run_result run = {.plan = &plan, .jobs = results};
    struct run_sums sums;

    (void)state;
    for (size_t i = 0; i < JOBS; i++)
        assert_non_null(results[i].facts = facts_new(told[i], 3));
    assert_int_equal(run_sums_init(&sums, &run), 0);
    assert_int_equal(sums.count, 6);
    assert_string_equal(sums.list[0].name, "whole");
    assert_true(sums.list[0].whole && sums.list[0].number == 17);
    assert_string_equal(sums.list[1].name, "part");
    assert_true(!sums.list[1].whole && sums.list[1].value == 2.5);
    assert_string_equal(sums.list[2].name, "text"); /* what is one of it */
    assert_true(sums.list[2].whole && sums.list[2].number == 1);
    assert_string_equal(sums.list[3].name, "big");
    assert_true(!sums.list[3].whole && sums.list[3].value > 9.2e18);
    assert_string_equal(sums.list[4].name, "exp");
    assert_true(!sums.list[4].whole && sums.list[4].value == 999.75);
    assert_string_equal(sums.list[5].name, "zeros");
    assert_true(sums.list[5].whole && sums.list[5].number == 7);
    run_sums_release(&sums);
    for (size_t i = 0; i < JOBS; i++)
        free(results[i].facts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing, begin, end),
        cmocka_unit_test_setup_teardown(names_become_variables, begin, end),
        cmocka_unit_test_setup_teardown(sets_are_shared_where_they_are_the_same, begin, end),
        cmocka_unit_test_setup_teardown(names_that_begin_alike, begin, end),
        cmocka_unit_test_setup_teardown(two_jobs_of_one_variable, begin, end),
        cmocka_unit_test_setup_teardown(a_long_chain_costs_nothing, begin, end),
        cmocka_unit_test_setup_teardown(those_after_see_it, begin, end),
        cmocka_unit_test_setup_teardown(items_give, begin, end),
        cmocka_unit_test(numbers_are_added_up),
    };

    return cmocka_run_group_tests_name("telling", tests, NULL, NULL);
}
