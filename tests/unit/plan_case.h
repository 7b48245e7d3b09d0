/* SPDX-License-Identifier: MIT */
/* plan_case: a manifest from a string, loaded and judged, for the tests of the plan room. */
#ifndef MUSTER_TESTS_PLAN_CASE_H
#define MUSTER_TESTS_PLAN_CASE_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "plan/plan.h"

struct plan_case {
    struct plan *plan;
    struct diag *diag;
    char *said; /* all that was said, rendered */
};

static inline char *plan_case_render(const struct diag *diag, const char *name) {
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    assert_non_null(out);
    diag_render(diag, name, out, 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* Loads n bytes as "m.ini"; two CPUs, so two workers. */
static inline struct plan_case plan_case_bytes(const char *bytes, size_t n) {
    struct plan_opts opts = {.path = "m.ini", .cpus = 2};
    struct plan_case c;
    int err = plan_load_bytes(&opts, bytes, n, &c.plan, &c.diag);

    assert_non_null(c.plan);
    assert_int_equal(err, c.diag->errors ? UV_EINVAL : 0);
    c.said = plan_case_render(c.diag, "m.ini");
    return c;
}

static inline struct plan_case plan_case_text(const char *text) {
    return plan_case_bytes(text, strlen(text));
}

/* The same of a manifest without a fault. */
static inline struct plan_case plan_case_good(const char *text) {
    struct plan_case c = plan_case_text(text);

    assert_string_equal(c.said, "");
    return c;
}

static inline void plan_case_free(struct plan_case *c) {
    free(c->said);
    c->plan = plan_free(c->plan);
}

/* Whether all that is said of a manifest is this, to the byte. */
static inline void plan_case_says(const char *text, const char *expected) {
    struct plan_case c = plan_case_text(text);

    assert_string_equal(c.said, expected);
    plan_case_free(&c);
}

/* The same of the messages alone, without excerpts and closing line. */
static inline void plan_case_messages(const char *text, const char *expected) {
    struct plan_case c = plan_case_text(text);
    char *to = c.said, *from = c.said;

    while (*from) {
        size_t n = strcspn(from, "\n") + 1;
        const char *closing = strstr(from, "nothing was run\n");
        bool message = !strncmp(from, "m.ini:", 6) || !strncmp(from, "muster: ", 8);
        if (message && (!closing || closing > from + n)) {
            memmove(to, from, n);
            to += n;
        }
        from += n;
    }
    *to = '\0';
    assert_string_equal(c.said, expected);
    plan_case_free(&c);
}
#endif
