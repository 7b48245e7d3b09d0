/* SPDX-License-Identifier: MIT */
/* test_ledger: results of items are kept whole and come back in the order of reports. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#include <cmocka.h>

#include "cli/keeping.h"
#include "exec/attempt.h"
#include "exec/facts.h"
#include "run/ledger.h"

#define ITEMS 5000

static struct job_settings set = {.type = LANE_IO};
static struct plan_items items = {.section = "b", .naxes = 1};
static struct plan_job defs[3] = {{.name = "a", .set = &set},
                                  {.name = "b", .set = &set, .items = &items},
                                  {.name = "c", .set = &set}};
static struct job_result rows[3];
static struct plan plan = {.jobs = defs, .njobs = 3};
static struct run_result run;

static struct attempt_http *make_http(const char *line) {
    struct attempt_http *http = calloc(1, sizeof *http + strlen(line) + 1);

    assert_non_null(http);
    http->status = 404;
    memcpy(http->line, line, strlen(line) + 1);
    return http;
}

/* The n-th item: every third has all that a result can have. */
static void add_item(struct ledger *ledger, uint64_t n) {
    char text[24], name[32], words[32];
    struct plan_item item = {.index = n, .text = text};
    struct plan_job def = defs[1];
    struct attempt_result attempts[2] = {{.wall_ns = (int64_t)n, .status = STATUS_FAILED},
                                         {.wall_ns = 1, .status = STATUS_OK}};
    struct job_result r = {.status = STATUS_OK, .cause = NO_JOB, .wait_ns = (int64_t)n};
    struct job_info job = {.id = 3, .section = 1, .def = &def, .result = &r};
    bool full = n % 3 == 0;
    struct ledger_row *row;

    snprintf(text, sizeof text, "v%u", (unsigned)n);
    snprintf(name, sizeof name, "b[%s]", text);
    snprintf(words, sizeof words, "why %u", (unsigned)n);
    def.name = name;
    def.item = &item;
    if (full) {
        attempts[0].detail = strdup(text);
        attempts[1].http = make_http(name);
        r.attempts = attempts;
        r.nattempts = 2;
        r.facts = facts_new((struct env_var[]){{"n", text}, {"empty", ""}}, 2);
    }
    row = ledger_row_make(&job, full ? words : "");
    assert_non_null(row);
    assert_int_equal(ledger_add(ledger, row), 0);
    free(row);
    free(r.facts);
    for (int i = 0; i < 2; i++)
        attempt_result_release(&attempts[i]);
}

static void check_item(const struct job_info *job, uint64_t n) {
    const struct job_result *r = job->result;
    char text[24], name[32], words[32];

    snprintf(text, sizeof text, "v%u", (unsigned)n);
    snprintf(name, sizeof name, "b[%s]", text);
    snprintf(words, sizeof words, "why %u", (unsigned)n);
    assert_int_equal(job->section, 1);
    assert_string_equal(job->def->name, name);
    assert_string_equal(job->def->item->text, text);
    assert_int_equal(job->def->item->index, n);
    assert_ptr_equal(job->def->set, &set);
    assert_int_equal(r->wait_ns, n);
    if (n % 3 != 0) {
        assert_null(r->words);
        assert_null(r->facts);
        assert_int_equal(r->nattempts, 0);
        return;
    }
    assert_string_equal(r->words, words);
    assert_int_equal(r->nattempts, 2);
    assert_int_equal(r->attempts[0].wall_ns, n);
    assert_string_equal(r->attempts[0].detail, text);
    assert_null(r->attempts[0].http);
    assert_null(r->attempts[1].detail);
    assert_int_equal(r->attempts[1].http->status, 404);
    assert_string_equal(r->attempts[1].http->line, name);
    assert_int_equal(r->facts->count, 2);
    assert_string_equal(r->facts->vars[0].name, "n");
    assert_string_equal(r->facts->vars[0].value, text);
    assert_string_equal(r->facts->vars[1].value, "");
    assert_null(r->facts->vars[2].name);
}

static void check_walk(void) {
    struct result_walk walk;
    const struct job_info *job;

    result_begin(&walk, &run);
    job = result_next(&walk);
    assert_string_equal(job->def->name, "a");
    for (uint64_t n = 0; n < ITEMS; n++) {
        job = result_next(&walk);
        assert_non_null(job);
        check_item(job, n);
    }
    job = result_next(&walk);
    assert_string_equal(job->def->name, "c");
    assert_null(result_next(&walk));
    assert_int_equal(walk.error, 0);
}

static void rows_come_back_in_order(void **state) {
    struct ledger *ledger = ledger_new();

    (void)state;
    assert_non_null(ledger);
    rows[0].status = rows[2].status = STATUS_OK;
    for (uint64_t n = 0; n < ITEMS; n++) /* as they end: in any order */
        add_item(ledger, n * 7919 % ITEMS);
    run = (struct run_result){.plan = &plan, .jobs = rows, .items = {.ledger = ledger}};
    check_walk();
    check_walk(); /* for another report */
    assert_false(result_has_row(&run, 1));
    ledger_free(ledger);
}

static void two_walks_at_a_time(void **state) {
    struct ledger *ledger = ledger_new();
    struct result_walk a, b;

    (void)state;
    for (uint64_t n = 0; n < 9; n++)
        add_item(ledger, n);
    run = (struct run_result){.plan = &plan, .jobs = rows, .items = {.ledger = ledger}};
    result_begin(&a, &run);
    result_begin(&b, &run);
    result_next(&a);
    result_next(&b);
    const struct job_info *of_a = result_next(&a);
    result_next(&b);
    const struct job_info *of_b = result_next(&b);
    check_item(of_a, 0);
    check_item(of_b, 1);
    ledger_free(ledger);
}

/* The disk is full in the midst of a row: of what comes too late for that only a part is there. */
static void a_row_cut_short(void **state) {
    struct ledger *ledger = ledger_new();
    struct plan_item item = {.text = "v"};
    struct plan_job def = {.name = "b[v]", .item = &item};
    struct job_result r = {.status = STATUS_OK};
    const struct job_info job = {.section = 1, .def = &def, .result = &r};
    struct ledger_row *row = ledger_row_make(&job, NULL);
    struct rlimit before, limit;
    int error = 0;

    (void)state;
    assert_non_null(row);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = row->size * 100 + 8; /* less than a row's beginning */
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (int i = 0; i < ITEMS && !error; i++)
        error = ledger_add(ledger, row);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(error, UV_EFBIG);
    assert_int_equal(ledger_sort(ledger), UV_EIO);
    free(row);
    ledger_free(ledger);
}

/* A section in whose place there is a row of its own: it had no items, or its list failed. */
static void a_section_without_items(void **state) {
    struct result_walk walk;

    (void)state;
    rows[1].status = STATUS_SKIPPED;
    run = (struct run_result){.plan = &plan, .jobs = rows};
    assert_true(result_has_row(&run, 1));
    result_begin(&walk, &run);
    for (uint32_t i = 0; i < 3; i++)
        assert_string_equal(result_next(&walk)->def->name, defs[i].name);
    assert_null(result_next(&walk));
    rows[1].status = STATUS_NONE;
}

/* ---- what is kept ---- */

static bool wants(struct keeping *k, enum status status, int64_t wall_ns) {
    struct attempt_result attempt = {.start_ns = 1, .wall_ns = wall_ns};
    struct job_result r = {.status = (uint8_t)status, .nattempts = 1, .attempts = &attempt};
    struct plan_item item = {.text = "x"};
    struct plan_job def = defs[1];
    const struct job_info job = {.section = 1, .def = &def, .result = &r};

    def.item = &item;
    item_results_add(&run.items, &r);
    return keeping_wants(k, &run, &job);
}

static void few_of_many_are_kept(void **state) {
    struct keeping keeping = {0}, all = {.all = true};
    unsigned kept = 0;

    (void)state;
    run = (struct run_result){.plan = &plan, .jobs = rows};
    for (int i = 0; i < ITEMS; i++)
        kept += wants(&keeping, STATUS_OK, 1000);
    assert_int_equal(kept, 50);
    assert_int_equal(run.items.busy_ns[LANE_IO], (ITEMS - 50) * 1000);
    assert_true(wants(&keeping, STATUS_FAILED, 1));
    assert_true(wants(&keeping, STATUS_SKIPPED, 0));
    assert_true(wants(&keeping, STATUS_OK, 2000)); /* the longest so far */
    assert_false(wants(&keeping, STATUS_OK, 500));
    assert_true(wants(&all, STATUS_OK, 500));
    assert_int_equal(run.items.totals.jobs, ITEMS + 5);
    assert_int_equal(run.items.totals.by_status[STATUS_OK], ITEMS + 3);
    item_results_release(&run.items);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_in_order), cmocka_unit_test(two_walks_at_a_time),
        cmocka_unit_test(a_row_cut_short),         cmocka_unit_test(a_section_without_items),
        cmocka_unit_test(few_of_many_are_kept),
    };

    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
