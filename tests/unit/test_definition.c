/* SPDX-License-Identifier: MIT */
/* test_definition: what makes two jobs the same, and what makes them differ. */
#include "plan_case.h"
#include "store/definition.h"

/* The definition of the last job of a manifest. */
static struct definition of(const char *text) {
    struct plan_case c = plan_case_good(text);
    struct definer definer;
    struct definition d;

    definer_init(&definer, c.plan);
    for (uint32_t i = 0; i < c.plan->njobs; i++)
        d = definer_job(&definer, &c.plan->jobs[i]);
    plan_case_free(&c);
    return d;
}

static bool same(const char *a, const char *b) {
    struct definition of_a = of(a), of_b = of(b);

    return memcmp(of_a.bytes, of_b.bytes, sizeof of_a.bytes) == 0;
}

#define JOB(rest) "[job x]\ntype = io\ncommand = a\n" rest

static void what_is_written_otherwise_is_the_same(void **state) {
    static const char *const cases[] = {
        JOB(""),
        "# a comment\n[job x]\ncommand   =  a\n\ntype = io\n",
        "[defaults]\ntype = io\n[job x]\ncommand = a\n",
        "[template t]\ntype = cpu\ncommand = a\n[job x]\nuse = t\ntype = io\n",
        JOB("retries = 0\n"),
        JOB("timeout = 0\n"),
        JOB("ok-exit = 0\n"),
        "[job before]\ntype = cpu\ncommand = b\n" JOB(""),
        "[muster]\nio-limit = 3\n" JOB(""),
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (!same(cases[0], cases[i]))
            fail_msg("differs: %s", cases[i]);
}

static void each_key_makes_a_difference(void **state) {
    static const char *const cases[] = {
        JOB(""),
        "[job y]\ntype = io\ncommand = a\n",
        "[job x]\ntype = cpu\ncommand = a\n",
        "[job x]\ntype = io\ncommand = b\n",
        "[job x]\ntype = io\nexec = a\n",
        "[job x]\ntype = io\nexec = a a\n",
        JOB("dir = /tmp\n"),
        JOB("env.A = 1\n"),
        JOB("env.A = 2\n"),
        JOB("env.A1 =\n"),
        JOB("clear-env = yes\n"),
        JOB("stdin = text:x\n"),
        JOB("stdin = file:/x\n"),
        JOB("stdout = null\n"),
        JOB("stdout = file:/x\n"),
        JOB("stdout = append:/x\n"),
        JOB("stderr = capture\n"),
        JOB("shell = /bin/bash -c\n"),
        JOB("shell = /bin/bash -e -c\n"),
        JOB("timeout = 1s\n"),
        JOB("kill-after = 1s\n"),
        JOB("stop-signal = INT\n"),
        JOB("retries = 1\n"),
        JOB("retry-delay = 2s\n"),
        JOB("retry-backoff = 1\n"),
        JOB("retry-max-delay = 2s\n"),
        JOB("retry-jitter = 0\n"),
        JOB("retry-on = timeout\n"),
        JOB("retry-on = exit:3\n"),
        JOB("ok-exit = 0 1\n"),
        JOB("skip-exit = 77\n"),
        JOB("allow-failure = yes\n"),
        JOB("when = always\n"),
        JOB("priority = 1\n"),
        JOB("nice = 1\n"),
        JOB("max-open-files = 64\n"),
        JOB("memory = 1M\n"),
        "[job x]\ntype = auto\ncommand = a\n",
        "[job x]\ntype = io\nhttp = http://a/\n",
        "[job x]\ntype = io\nhttp = http://b/\n",
        "[job x]\ntype = io\nhttp = http://a/\nhttp.method = PUT\n",
        "[job x]\ntype = io\nhttp = http://a/\nhttp.header.A = 1\n",
        "[job x]\ntype = io\nhttp = http://a/\nhttp.header.A = 2\n",
        "[job x]\ntype = io\nhttp = http://a/\nhttp.body = b\n",
        "[job x]\ntype = io\nhttp = http://a/\nhttp.expect = 204\n",
        "[job x]\ntype = io\nwait-for = file:a\n",
        "[job x]\ntype = io\nwait-for = file:b\n",
        "[limit l]\nconcurrency = 1\n" JOB("limits = l\n"),
        "[limit k]\nconcurrency = 1\n" JOB("limits = k\n"),
        "[job b]\ntype = io\ncommand = b\n" JOB("after = b\n"),
        "[job c]\ntype = io\ncommand = b\n" JOB("after = c\n"),
        "[vars]\nV = 1\n" JOB(""),
        "[vars]\nV = 2\n" JOB(""),
        "[env]\nV = 1\n" JOB(""),
    };
    enum { COUNT = sizeof cases / sizeof *cases };
    struct definition all[COUNT];

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        all[i] = of(cases[i]);
        for (size_t k = 0; k < i; k++)
            if (memcmp(all[k].bytes, all[i].bytes, sizeof all[i].bytes) == 0)
                fail_msg("the same: %s and %s", cases[k], cases[i]);
    }
}

static void values_of_secrets_make_none(void **state) {
    (void)state;
    assert_true(same(JOB("env.A = 1\nsecret = A\n"), JOB("env.A = 2\nsecret = A\n")));
    assert_true(
        same("[vars]\nA = 1\n" JOB("secret = A B\n"), "[vars]\nA = 2\n" JOB("secret = A\n")));
    assert_false(same(JOB("env.A = 1\nsecret = B\n"), JOB("env.A = 2\nsecret = B\n")));
    assert_false(same(JOB("env.A =\nsecret = A B\n"), JOB("env.B =\nsecret = A B\n")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_otherwise_is_the_same),
        cmocka_unit_test(each_key_makes_a_difference),
        cmocka_unit_test(values_of_secrets_make_none),
    };

    return cmocka_run_group_tests_name("definition", tests, NULL, NULL);
}
