/* SPDX-License-Identifier: MIT */
/* test_items: the items that axes make: their order, names, values; and the jobs that they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "../fakes/fake_root.h"
#include "plan/item.h"
#include "plan_case.h"
#include "run/items.h"

static uv_loop_t loop;

static const char *const letters[] = {"a", "b", "c"};
static const struct plan_axis list = {
    .name = "x", .kind = AXIS_LIST, .values = letters, .nvalues = 3};
static const struct plan_axis range = {
    .name = "n", .kind = AXIS_RANGE, .range = {.from = 8, .step = 2, .last = 1, .width = 2}};

static void news(void *ctx) {
    (void)ctx;
}

/* All items, by name and values: "a[#1: 1 2], …". */
static void expect(const struct plan_items *axes, const char *text) {
    struct items *s = items_open(&(struct items_opts){.loop = &loop, .axes = axes, .news = news});
    char all[1024] = "";
    struct plan_item *item;
    int got;

    assert_non_null(s);
    while ((got = items_next(s, &item)) >= 0) {
        size_t n = strlen(all);

        if (got == 0) {
            uv_run(&loop, UV_RUN_ONCE);
            continue;
        }
        n += (size_t)snprintf(all + n, sizeof all - n, "%s%u %s:", n ? ", " : "",
                              (unsigned)item->index, item->text);
        for (uint32_t i = 0; i < item->nvalues; i++)
            n += (size_t)snprintf(all + n, sizeof all - n, " %s", item->values[i]);
        free(item);
    }
    assert_int_equal(got, UV_EOF);
    assert_int_equal(items_next(s, &item), UV_EOF);
    assert_string_equal(all, text);
    items_close(s);
}

static void one_axis(void **state) {
    const struct plan_items axes = {.axes = &list, .naxes = 1};

    (void)state;
    expect(&axes, "0 a: a, 1 b: b, 2 c: c");
}

static void the_last_axis_varies_fastest(void **state) {
    const struct plan_axis both[] = {list, range};
    const struct plan_items axes = {.axes = both, .naxes = 2};

    (void)state;
    expect(&axes, "0 a,08: a 08, 1 a,10: a 10, 2 b,08: b 08, 3 b,10: b 10, 4 c,08: c 08, "
                  "5 c,10: c 10");
}

/* Nothing is left of many combinations: whoever asks gets to other things in between. */
static void most_is_excluded(void **state) {
    static const char *const excluded[] = {NULL, "0", NULL, "1"};
    const struct plan_axis both[] = {
        {.name = "n", .kind = AXIS_RANGE, .range = {.from = 1, .last = 99999, .step = 1}},
        {.name = "m", .kind = AXIS_RANGE, .range = {.from = 0, .last = 1, .step = 1}}};
    const struct plan_items axes = {.axes = both, .naxes = 2, .excluded = excluded, .nexcluded = 2};
    const struct items_opts opts = {.loop = &loop, .axes = &axes};
    struct items *s = items_open(&opts);
    struct plan_item *item;
    int calls = 1, got;

    (void)state;
    assert_non_null(s);
    while ((got = items_next(s, &item)) == UV_EAGAIN)
        calls++;
    assert_int_equal(got, UV_EOF);
    assert_in_range(calls, 5, 50);
    items_close(s);
}

static void what_is_excluded_has_no_index(void **state) {
    static const char *const excluded[] = {"a", NULL, "c", "10"};
    const struct plan_axis both[] = {list, range};
    const struct plan_items axes = {.axes = both, .naxes = 2, .excluded = excluded, .nexcluded = 2};

    (void)state;
    expect(&axes, "0 b,08: b 08, 1 b,10: b 10, 2 c,08: c 08");
}

static void batches(void **state) {
    const struct plan_items two = {.axes = &list, .naxes = 1, .batch = 2};
    const struct plan_items three = {.axes = &list, .naxes = 1, .batch = 3};

    (void)state;
    expect(&two, "0 #0: a b, 1 #1: c");
    expect(&three, "0 #0: a b c");
}

static void an_axis_without_values(void **state) {
    const struct plan_axis none = {.name = "y", .kind = AXIS_LIST};
    const struct plan_axis first[] = {none, list}, last[] = {list, none};

    (void)state;
    expect(&(struct plan_items){.axes = first, .naxes = 2}, "");
    expect(&(struct plan_items){.axes = last, .naxes = 2}, "");
}

static void names_of_files_in_the_order_of_their_bytes(void **state) {
    struct plan_axis glob = {.name = "f", .kind = AXIS_GLOB, .source = "*.txt", .folder = root};

    (void)state;
    put("b.txt", "");
    put("B.txt", "");
    put("a b.txt", "");
    put("\xc3\xa4.txt", "");
    put(".hidden.txt", "");
    expect(&(struct plan_items){.axes = &glob, .naxes = 1},
           "0 B.txt: B.txt, 1 a b.txt: a b.txt, 2 b.txt: b.txt, 3 \xc3\xa4.txt: \xc3\xa4.txt");
    glob.source = "*.none";
    expect(&(struct plan_items){.axes = &glob, .naxes = 1}, "");
}

static void lines_are_gone_over_again(void **state) {
    char path[sizeof root + 8];
    struct plan_axis both[] = {range, {.name = "l", .kind = AXIS_LINES, .source = path}};

    (void)state;
    put("list", "one\nsame\nsame\n");
    snprintf(path, sizeof path, "%s/list", root);
    expect(&(struct plan_items){.axes = both, .naxes = 2},
           "0 08,one: 08 one, 1 08,same: 08 same, 2 08,same: 08 same, 3 10,one: 10 one, "
           "4 10,same: 10 same, 5 10,same: 10 same");
}

/* ---- the jobs ---- */

static struct plan_case loaded;
static struct arena arena;
static const char *fault; /* why the values will not do, or NULL */

/* The first job's item of these values, NULL at their end; `want`: what item_make_job() returns. */
static struct plan_job make(const char *const *values, int want, const char *manifest) {
    static struct plan_item item;
    static char text[256];
    struct plan_job job;

    text[0] = '\0';
    item = (struct plan_item){.text = text, .values = values};
    for (; values[item.nvalues]; item.nvalues++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", item.nvalues ? "," : "",
                 values[item.nvalues]);
    loaded = plan_case_good(manifest);
    arena_init(&arena, NULL);
    fault = NULL;
    assert_int_equal(item_make_job(loaded.plan, &loaded.plan->jobs[0], &item, &arena, &job, &fault),
                     want);
    return job;
}

#define OF(...) ((const char *const[]){__VA_ARGS__, NULL})

static int forget(void **state) {
    (void)state;
    arena_release(&arena);
    plan_case_free(&loaded);
    return 0;
}

static const char *env_of(const struct env_var *env, const char *name) {
    for (; env && env->name; env++)
        if (!strcmp(env->name, name))
            return env->value;
    return NULL;
}

static void values_stand_where_the_section_has_them(void **state) {
    const struct plan_job job = make(OF("a b", "2"), 0,
                                     "[vars]\n"
                                     "root = /srv\n"
                                     "[job a]\n"
                                     "type = io\n"
                                     "each.x = 1 2\n"
                                     "each.y.range = 1..3\n"
                                     "dir = {root}/{x}\n"
                                     "env.BOTH = {x}-{y}\n"
                                     "env.SAME = same\n"
                                     "timeout = {y}s\n"
                                     "stdout = file:{root}/{y}.log\n"
                                     "exec = /bin/echo {x}{y} 'a {y}' \"{root}\"\n");

    (void)state;
    assert_string_equal(job.name, "a[a b,2]");
    assert_string_equal(job.set->dir, "/srv/a b");
    assert_string_equal(env_of(job.env, "BOTH"), "a b-2");
    assert_string_equal(env_of(job.env, "SAME"), "same");
    assert_true(job.set->timeout_ns == INT64_C(2000000000));
    assert_string_equal(job.set->out.text, "/srv/2.log");
    assert_string_equal(job.argv[1], "a b2"); /* one word, whatever is in it */
    assert_string_equal(job.argv[3], "/srv");
    assert_null(job.argv[4]);
    assert_ptr_equal(job.items, loaded.plan->jobs[0].items);
}

static void what_has_no_axes_is_shared(void **state) {
    const struct plan_job job = make(OF("v"), 0,
                                     "[job a]\n"
                                     "type = cpu\n"
                                     "each.x.lines = -\n"
                                     "command = work \"$x\"\n");

    (void)state;
    assert_ptr_equal(job.set, loaded.plan->jobs[0].set);
    assert_ptr_equal(job.env, loaded.plan->jobs[0].env);
    assert_string_equal(job.name, "a[v]");
}

static void a_request_of_its_own(void **state) {
    const struct plan_job job = make(OF("p"), 0,
                                     "[job a]\n"
                                     "type = io\n"
                                     "each.x.lines = -\n"
                                     "http = http://host/{x}\n"
                                     "http.header.Accept = text/{x}\n"
                                     "http.header.Other = same\n"
                                     "http.body = <{x}>\n");

    (void)state;
    assert_int_equal(job.action, ACTION_HTTP);
    assert_string_equal(job.command, "http://host/p");
    assert_string_equal(env_of(job.set->http.headers, "Accept"), "text/p");
    assert_string_equal(env_of(job.set->http.headers, "Other"), "same");
    assert_string_equal(job.set->http.body, "<p>");
}

static void a_batch_spreads_its_values(void **state) {
    const struct plan_job job = make(OF("1", "", "x y"), 0,
                                     "[job a]\n"
                                     "type = io\n"
                                     "each.x.lines = -\n"
                                     "batch = 3\n"
                                     "exec = /bin/echo -- {x} end\n");

    (void)state;
    assert_string_equal(job.argv[2], "1");
    assert_string_equal(job.argv[3], "");
    assert_string_equal(job.argv[4], "x y");
    assert_string_equal(job.argv[5], "end");
    assert_null(job.argv[6]);
}

static void a_value_that_does_not_do(void **state) {
    const struct plan_job job = make(OF("soon"), UV_EINVAL,
                                     "[job a]\n"
                                     "type = io\n"
                                     "each.x.lines = -\n"
                                     "timeout = {x}\n"
                                     "command = true\n");

    (void)state;
    assert_string_equal(job.name, "a[soon]");
    assert_non_null(fault);
    assert_non_null(strstr(fault, "timeout"));
    assert_non_null(strstr(fault, "soon"));
}

static int begin(void **state) {
    return set_up(state) || uv_loop_init(&loop);
}

static int finish(void **state) {
    uv_run(&loop, UV_RUN_DEFAULT);
    return tear_down(state) || uv_loop_close(&loop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_axis),
        cmocka_unit_test(the_last_axis_varies_fastest),
        cmocka_unit_test(what_is_excluded_has_no_index),
        cmocka_unit_test(most_is_excluded),
        cmocka_unit_test(batches),
        cmocka_unit_test(an_axis_without_values),
        cmocka_unit_test(names_of_files_in_the_order_of_their_bytes),
        cmocka_unit_test(lines_are_gone_over_again),
        cmocka_unit_test_teardown(values_stand_where_the_section_has_them, forget),
        cmocka_unit_test_teardown(what_has_no_axes_is_shared, forget),
        cmocka_unit_test_teardown(a_request_of_its_own, forget),
        cmocka_unit_test_teardown(a_batch_spreads_its_values, forget),
        cmocka_unit_test_teardown(a_value_that_does_not_do, forget),
    };

    return cmocka_run_group_tests_name("items", tests, begin, finish);
}
