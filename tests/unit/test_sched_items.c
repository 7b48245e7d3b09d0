/* SPDX-License-Identifier: MIT */
/* test_sched_items: sections with axes under the scheduler: who starts when, who never does,
 * who sees which outputs, and how many live at once; against a model that looks at all of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "../fakes/roll.h"
#include "base/clock.h"
#include "exec/facts.h"
#include "run/sched.h"

#define ROUNDS    4000
#define JOBS_MAX  6
#define ITEMS_MAX 8
#define MANY      200000

enum fate { TO_DO, ASKED, OK, FAILED, SKIPPED };

static struct plan plan;
static struct plan_job jobs[JOBS_MAX];
static struct job_settings sets[JOBS_MAX];
static const struct plan_axis axis = {.name = "x", .kind = AXIS_LINES};
static struct plan_items items[JOBS_MAX];
static uint32_t after[JOBS_MAX][JOBS_MAX];
static const char *after_items[JOBS_MAX][JOBS_MAX];
static char names[JOBS_MAX][16];
static struct job_result results[JOBS_MAX];
static struct item_results kept;
static struct sched *sched;

/* The source. */
static uint64_t nitems, given[JOBS_MAX];
static bool slow_list, closed[JOBS_MAX];

/* The world. */
static struct attempt asked[64];
static uint32_t nasked, most_asked;
static enum fate fates[JOBS_MAX][ITEMS_MAX]; /* of a plain job the first */
static bool tells[JOBS_MAX][ITEMS_MAX];
static bool modelled;
static bool resumes = true, all_settled, is_behind;
static uint64_t dones;

/* ---- the source ---- */

static int next_item(void *ctx, uint32_t section, struct plan_item **out) {
    struct made {
        struct plan_item item;
        const char *values[1];
        char text[24];
    } * made;

    (void)ctx;
    assert_false(closed[section]);
    if (given[section] == nitems)
        return UV_EOF;
    if (slow_list && roll(3) == 0)
        return 0;
    made = calloc(1, sizeof *made);
    assert_non_null(made);
    snprintf(made->text, sizeof made->text, "%u", (unsigned)given[section]);
    made->values[0] = made->text;
    made->item = (struct plan_item){
        .index = given[section]++, .text = made->text, .values = made->values, .nvalues = 1};
    *out = &made->item;
    return 1;
}

static const char *no_fault(void *ctx, uint32_t section) {
    (void)ctx;
    (void)section;
    return NULL;
}

static bool is_followed(void *ctx, uint32_t section) {
    (void)ctx;
    (void)section;
    return false;
}

static void close_list(void *ctx, uint32_t section) {
    (void)ctx;
    closed[section] = true;
}

static const struct item_source source = {next_item, no_fault, is_followed, close_list};

/* ---- the model ---- */

static uint32_t count_of(uint32_t job) {
    return jobs[job].items ? (uint32_t)nitems : 1;
}

static uint32_t place_of(const struct plan_job *def) {
    return def->item ? (uint32_t)def->item->index : 0;
}

static uint64_t bit(uint32_t job, uint32_t i) {
    return UINT64_C(1) << (job * ITEMS_MAX + i);
}

static uint64_t seen_by(uint32_t job, uint32_t i);

static uint64_t seen_after(uint32_t job, uint32_t i) {
    return seen_by(job, i) | (tells[job][i] ? bit(job, i) : 0);
}

/* Calls `see` for each that the i-th of a job comes after. */
#define FOR_EACH_BEFORE(job, i, k, before, n)                                                      \
    for (uint32_t k = 0, before; k < jobs[job].nafter; k++)                                        \
        for (uint32_t n = (before = jobs[job].after[k], 0); n < count_of(before); n++)             \
            if (!after_items[job][k] || (after_items[job][k] == AFTER_SAME && n == (i)) ||         \
                (after_items[job][k] != AFTER_SAME && (uint32_t)atoi(after_items[job][k]) == n))

static uint64_t seen_by(uint32_t job, uint32_t i) {
    uint64_t seen = 0;

    FOR_EACH_BEFORE(job, i, k, before, n)
    seen |= seen_after(before, n);
    return seen;
}

/* Whether all that it comes after has ended well. */
static bool may_start(uint32_t job, uint32_t i) {
    bool may = true;

    FOR_EACH_BEFORE(job, i, k, before, n)
    may = may && fates[before][n] == OK;
    return may;
}

static bool may_be_skipped(uint32_t job, uint32_t i) {
    bool may = false;

    FOR_EACH_BEFORE(job, i, k, before, n)
    may = may || fates[before][n] == FAILED || fates[before][n] == SKIPPED;
    return may;
}

/* ---- the world ---- */

static void check_told(const struct attempt *a, uint32_t job, uint32_t i) {
    uint64_t seen = seen_by(job, i);
    size_t count = 0;

    if (a->told)
        assert_null(a->told->fault);
    for (uint32_t j = 0; j < plan.njobs; j++)
        for (uint32_t n = 0; n < count_of(j); n++) {
            char name[PLAN_OUT_MAX], entry[PLAN_OUT_MAX + 8], own[24];
            bool found = false;

            if (!(seen & bit(j, n)))
                continue;
            snprintf(own, sizeof own, jobs[j].items ? "%s[%u]" : "%s", names[j], (unsigned)n);
            snprintf(entry, sizeof entry, "%sn=1", plan_out_name(own, name));
            for (size_t k = 0; a->told && k < a->told->count; k++)
                found = found || !strcmp(a->told->list[k]->entry, entry);
            assert_true(found);
            count++;
        }
    assert_int_equal(a->told ? a->told->count : 0, count);
}

/* Which job of the plan an attempt is of. */
static uint32_t job_of(const struct attempt *a) {
    for (uint32_t j = 0; j < plan.njobs; j++)
        if (a->def->set == &sets[j])
            return j;
    fail();
    return 0;
}

static void on_start(void *ctx, const struct attempt *a) {
    (void)ctx;
    assert_in_range(nasked, 0, sizeof asked / sizeof *asked - 1);
    asked[nasked++] = *a;
    most_asked = nasked > most_asked ? nasked : most_asked;
    if (!modelled)
        return;
    assert_int_equal(fates[job_of(a)][place_of(a->def)], TO_DO);
    assert_true(may_start(job_of(a), place_of(a->def)));
    check_told(a, job_of(a), place_of(a->def));
    fates[job_of(a)][place_of(a->def)] = ASKED;
}

static void on_stop(void *ctx, uint32_t job) {
    (void)ctx;
    (void)job;
    fail();
}

static void on_done(void *ctx, const struct job_info *job, struct attempt_end *end) {
    enum fate *fate = &fates[job->section][modelled ? place_of(job->def) : 0];

    (void)ctx;
    (void)end;
    dones++;
    assert_true(job->def->item || !jobs[job->section].items || nitems == 0);
    if (!modelled)
        return;
    if (job->result->status == STATUS_SKIPPED) {
        assert_int_equal(*fate, TO_DO);
        assert_true(may_be_skipped(job->section, place_of(job->def)));
        assert_int_equal(job->result->reason, REASON_DEPENDENCY);
        assert_int_not_equal(job->result->cause, NO_JOB);
        *fate = SKIPPED;
        return;
    }
    assert_int_equal(*fate, ASKED);
    *fate = job->result->status == STATUS_OK ? OK : FAILED;
}

static const struct sched_executor executor = {.start = on_start, .stop = on_stop};
static const struct sched_listener listener = {.done = on_done};

static void end_one(uint32_t at, int status) {
    struct attempt a = asked[at];
    struct attempt_end end = {.exit = status, .start_ns = 1};
    uint32_t job = job_of(&a);

    asked[at] = asked[--nasked];
    sched_started(sched, &a, 1, 1, 1);
    if (modelled && tells[job][place_of(a.def)])
        end.facts = facts_new(&(struct env_var){"n", "1"}, 1);
    sched_ended(sched, &a, &end, 1);
}

/* ---- building ---- */

static void begin_plan(uint32_t njobs) {
    memset(jobs, 0, sizeof jobs);
    memset(results, 0, sizeof results);
    memset(fates, 0, sizeof fates);
    memset(tells, 0, sizeof tells);
    memset(given, 0, sizeof given);
    memset(closed, 0, sizeof closed);
    memset(after_items, 0, sizeof after_items);
    kept = (struct item_results){0};
    nasked = most_asked = 0;
    dones = 0;
    plan = (struct plan){.jobs = jobs,
                         .njobs = njobs,
                         .io_limit = 8,
                         .cpu_workers = 2,
                         .on_failure = ON_FAILURE_CONTINUE,
                         .max_failures = 1,
                         .max_retries = COUNT_UNLIMITED};
    for (uint32_t i = 0; i < njobs; i++) {
        snprintf(names[i], sizeof names[i], "j%u", (unsigned)i);
        sets[i] = (struct job_settings){
            .type = i % 2 ? LANE_CPU : LANE_IO, .ok_exit = {{1}}, .cpus = 1, .retry_backoff = 1};
        items[i] = (struct plan_items){.section = names[i], .axes = &axis, .naxes = 1};
        jobs[i] = (struct plan_job){.name = names[i],
                                    .set = &sets[i],
                                    .action = ACTION_COMMAND,
                                    .command = "true",
                                    .after = after[i],
                                    .after_items = after_items[i]};
    }
}

static void comes_after(uint32_t job, uint32_t before, const char *item) {
    after_items[job][jobs[job].nafter] = item;
    after[job][jobs[job].nafter++] = before;
}

static enum settled settled_item(void *ctx, const struct job_info *job, struct facts **told) {
    (void)ctx;
    (void)job;
    *told = NULL;
    return all_settled ? SETTLED_OK : SETTLED_NO;
}

static bool behind(void *ctx) {
    (void)ctx;
    return is_behind;
}

static void open_sched(void) {
    const struct sched_opts opts = {
        .plan = &plan,
        .results = results,
        .io_width = plan.io_limit,
        .cpu_width = plan.cpu_workers,
        .executor = &executor,
        .listener = &listener,
        .source = &source,
        .items = &kept,
        .settled_item = resumes ? settled_item : NULL,
        .behind = behind,
    };

    sched = sched_new(&opts);
    assert_non_null(sched);
    sched_begin(sched, 1);
}

static void close_sched(void) {
    assert_true(sched_done(sched));
    sched = sched_free(sched);
    for (uint32_t j = 0; j < plan.njobs; j++) {
        for (uint32_t k = 0; k < results[j].nattempts; k++)
            attempt_result_release(&results[j].attempts[k]);
        free(results[j].attempts);
        free(results[j].facts);
    }
    item_results_release(&kept);
}

/* ---- tests ---- */

static void random_round(void) {
    static const char *const one[ITEMS_MAX] = {"0", "1", "2", "3", "4", "5", "6", "7"};
    uint64_t total = 0;

    begin_plan(1 + roll(JOBS_MAX));
    nitems = 1 + roll(ITEMS_MAX);
    slow_list = roll(2);
    for (uint32_t j = 0; j < plan.njobs; j++) {
        jobs[j].items = roll(4) ? &items[j] : NULL;
        for (uint32_t before = 0; before < j; before++) {
            if (roll(3))
                continue;
            if (!jobs[before].items || roll(3) == 0)
                comes_after(j, before, NULL);
            else if (jobs[j].items && roll(3))
                comes_after(j, before, AFTER_SAME);
            else
                comes_after(j, before, one[roll((uint32_t)nitems)]);
        }
        total += count_of(j);
        for (uint32_t i = 0; i < count_of(j); i++)
            tells[j][i] = roll(3) == 0;
    }
    open_sched();
    for (int idle = 0; !sched_done(sched) && idle < 1000;) {
        idle = nasked ? 0 : idle + 1;
        if (nasked && roll(4))
            end_one(roll(nasked), roll(12) == 0);
        else
            sched_news(sched, 1);
    }
    assert_int_equal(dones, total);
    for (uint32_t j = 0; j < plan.njobs; j++)
        for (uint32_t i = 0; i < count_of(j); i++)
            assert_in_range(fates[j][i], OK, SKIPPED);
    close_sched();
}

static void random_rounds(void **state) {
    (void)state;
    modelled = true;
    roll_state = 20261121;
    for (int i = 0; i < ROUNDS; i++)
        random_round();
    modelled = false;
}

/* a, then b[*]: b's first starts when a's first has ended, and few live at a time. */
static void a_long_list_flows_through(void **state) {
    uint64_t first_of_b = 0;

    (void)state;
    begin_plan(2);
    nitems = MANY;
    slow_list = false;
    jobs[0].items = &items[0];
    jobs[1].items = &items[1];
    comes_after(1, 0, AFTER_SAME);
    open_sched();
    while (!sched_done(sched)) {
        assert_true(nasked > 0);
        if (!first_of_b && job_of(&asked[nasked - 1]) == 1)
            first_of_b = dones;
        end_one(0, 0);
    }
    assert_int_equal(dones, 2 * MANY);
    assert_in_range(first_of_b, 1, 16);
    assert_in_range(most_asked, 1, plan.io_limit + plan.cpu_workers);
    close_sched();
}

/* What ends without a start leaves the loop time for other things, and who records it, too. */
static void a_list_that_is_left_out_goes_by_in_parts(void **state) {
    int64_t due = 1;
    int calls = 0;

    (void)state;
    begin_plan(1);
    nitems = 10000;
    slow_list = false;
    all_settled = true;
    jobs[0].items = &items[0];
    open_sched();
    for (; !sched_done(sched) && calls < 1000; calls++) {
        uint64_t before = dones;
        int64_t now = sched_due(sched);

        assert_true(now > due && now <= due + 10 * NS_PER_MS);
        sched_news(sched, due);
        assert_int_equal(dones, before); /* it is not the time yet */
        due = now;
        is_behind = calls % 4 == 1;
        sched_advance(sched, now);
        assert_in_range(dones - before, is_behind ? 0 : 1, is_behind ? 0 : 1000);
    }
    assert_in_range(calls, 10, 999);
    assert_int_equal(dones, nitems);
    assert_int_equal(nasked, 0);
    close_sched();
    all_settled = is_behind = false;
}

/* Of two that share a list each has what was selected of it, whichever comes first. */
static void of_a_list_only_some(void **state) {
    static const char *const some[] = {"6", "3", NULL};

    (void)state;
    for (uint32_t first = 0; first < 2; first++)
        for (int both = 0; both < 2; both++) {
            begin_plan(2);
            nitems = 8;
            slow_list = false;
            jobs[0].items = &items[0];
            jobs[1].items = &items[1];
            comes_after(first, !first, AFTER_SAME);
            items[first].only = some;
            items[!first].only = both ? some : NULL;
            modelled = false;
            open_sched();
            while (!sched_done(sched) && nasked > 0) {
                if (asked[0].def->items->only)
                    assert_true(place_of(asked[0].def) == 3 || place_of(asked[0].def) == 6);
                end_one(0, 0);
            }
            assert_int_equal(dones, both ? 4 : 10);
            close_sched();
        }
}

/* One item is wanted of a long list: the others go by in parts, too. */
static void one_of_a_long_list(void **state) {
    static const char *const last[] = {"99999", NULL};
    int64_t now = 1;
    int calls = 0;

    (void)state;
    begin_plan(1);
    nitems = 100000;
    slow_list = false;
    jobs[0].items = &items[0];
    items[0].only = last;
    open_sched();
    for (; nasked == 0 && calls < 1000; calls++) {
        assert_int_equal(sched_due(sched), now + NS_PER_MS);
        now += NS_PER_MS;
        sched_advance(sched, now);
    }
    assert_in_range(calls, 5, 50);
    assert_int_equal(place_of(asked[0].def), 99999);
    end_one(0, 0);
    assert_int_equal(dones, 1);
    close_sched();

    begin_plan(1);
    jobs[0].items = &items[0];
    items[0].only = last;
    resumes = false;
    open_sched();
    nitems = 0; /* it has no end any more */
    sched_interrupt(sched, now);
    for (calls = 0; !sched_done(sched) && calls < 1000; calls++)
        sched_advance(sched, now += NS_PER_MS);
    assert_in_range(calls, 0, 5);
    assert_int_equal(results[0].status, STATUS_CANCELLED);
    close_sched();
    resumes = true;
}

static void a_list_without_items(void **state) {
    (void)state;
    begin_plan(2);
    nitems = 0;
    slow_list = false;
    jobs[0].items = &items[0];
    comes_after(1, 0, NULL);
    open_sched();
    assert_true(sched_done(sched));
    assert_int_equal(results[0].status, STATUS_SKIPPED);
    assert_int_equal(results[0].reason, REASON_NONE);
    assert_int_equal(results[1].status, STATUS_SKIPPED);
    close_sched();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_rounds),
        cmocka_unit_test(a_long_list_flows_through),
        cmocka_unit_test(a_list_that_is_left_out_goes_by_in_parts),
        cmocka_unit_test(of_a_list_only_some),
        cmocka_unit_test(one_of_a_long_list),
        cmocka_unit_test(a_list_without_items),
    };

    return cmocka_run_group_tests_name("sched_items", tests, NULL, NULL);
}
