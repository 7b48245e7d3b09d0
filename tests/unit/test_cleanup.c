/* SPDX-License-Identifier: MIT */
/* test_cleanup: what is run behind the jobs: its order, its time, what it is told. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "../fakes/fake_run.h"
#include "../fakes/roll.h"
#include "base/clock.h"
#include "run/cleanup.h"
#include "run/followers.h"

#define RUNS     20000
#define JOBS_MAX 12

static struct fake_run f;
static struct run_result run;
static struct cleanups *c;
static struct followers *followers;
static struct attempt asked; /* the last one that was to be started; def NULL: none is under way */
static struct attempt_result attempt; /* of each job that was started */
static char heard[4096];
static int64_t now;

static void hear(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void hear(const char *fmt, ...) {
    size_t n = strlen(heard);
    va_list args;

    if (n)
        n += (size_t)snprintf(heard + n, sizeof heard - n, ", ");
    va_start(args, fmt);
    vsnprintf(heard + n, sizeof heard - n, fmt, args);
    va_end(args);
}

static void on_start(void *ctx, const struct attempt *a) {
    (void)ctx;
    assert_true(cleanups_own(c, a));
    asked = *a;
    hear("%s.%u@%u", a->def->command, (unsigned)a->number, (unsigned)a->job);
    for (const struct env_var *v = a->def->env; v->name; v++)
        if (strcmp(v->name, "MUSTER_WALL") != 0)
            hear("%s=%s", v->name, v->value);
}

static void on_stop(void *ctx, uint32_t job) {
    (void)ctx;
    assert_int_equal(job, asked.job);
    hear("stop");
}

static void ignore(void *ctx, uint32_t job) {
    (void)ctx;
    (void)job;
}

static unsigned calls;
static void count_call(void *ctx, uint32_t job) {
    (void)ctx;
    assert_int_equal(job, 0);
    calls++;
}

static const struct sched_executor executor = {.start = on_start, .stop = on_stop};

static void on_done(void *ctx, const struct plan_job *job, const struct job_info *chore,
                    struct attempt_end *end) {
    char words[256];

    (void)ctx;
    (void)end;
    asked.def = NULL;
    hear("%s %s [%s]", job ? job->name : "on-end", status_words[chore->result->status],
         job_reason_text(&run, chore, words, sizeof words));
}

static int begin(void **state) {
    (void)state;
    fake_init(&f);
    heard[0] = '\0';
    asked.def = NULL;
    now = 1000 * NS_PER_S;
    return 0;
}

static int finish(void **state) {
    (void)state;
    c = cleanups_free(c);
    followers = followers_free(followers);
    memset(f.results, 0, sizeof f.results); /* their attempts are no memory to be freed */
    fake_release(&f);
    return 0;
}

static void open_cleanups(void) {
    const struct cleanups_opts opts = {
        .plan = &f.plan, .result = &run, .executor = &executor, .done = on_done};

    run = (struct run_result){.plan = &f.plan, .jobs = f.results, .start_ns = clock_ns()};
    followers = followers_new(&f.plan);
    c = cleanups_new(&opts, followers);
    assert_non_null(c);
}

static void expect(const char *text) {
    assert_string_equal(heard, text);
    heard[0] = '\0';
}

static uint32_t turns;

/* What the jobs do. */
static void job_starts_in_turn(const char *name, uint32_t turn) {
    cleanups_job_started(c, fake_index(&f, name), turn);
    fake_row(&f, name)->nattempts = 1;
    fake_row(&f, name)->attempts = &attempt;
    cleanups_run(c, false, now);
}

static void job_starts(const char *name) {
    job_starts_in_turn(name, turns++);
}

static void job_ends(const char *name, enum status status) {
    fake_row(&f, name)->status = (uint8_t)status;
    followers_ended(followers, fake_index(&f, name), ignore, NULL);
    cleanups_job_ended(c, fake_index(&f, name));
    cleanups_run(c, false, now);
}

/* What the attempt under way does. */
static void exits(int status) {
    struct attempt_end end = {.exit = status};

    cleanups_ended(c, &end);
    cleanups_run(c, false, now);
}

static void pass(int64_t ns) {
    now += ns;
    cleanups_advance(c, now);
    cleanups_run(c, false, now);
}

/* --- the order --- */

static void the_last_started_is_the_first(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_IO);
    fake_job(&f, "b", LANE_CPU);
    fake_job(&f, "c", LANE_IO);
    fake_job(&f, "free", LANE_IO);
    fake_after(&f, "b", "a");
    fake_set(&f, "a")->cleanup = "A";
    fake_set(&f, "b")->cleanup = "B";
    fake_set(&f, "c")->cleanup = "C";
    open_cleanups();
    job_starts("a");
    job_starts("free");
    job_ends("a", STATUS_OK);
    job_starts("c");
    job_ends("c", STATUS_TIMEOUT);
    job_starts("b");
    expect("");
    job_ends("b", STATUS_FAILED);
    expect("B.1@1, MUSTER_STATUS=failed");
    assert_int_equal(asked.def->set->type, LANE_IO);
    assert_string_equal(asked.def->name, "b");
    cleanups_started(c, now);
    exits(0);
    expect("b ok [], C.1@2, MUSTER_STATUS=timeout");
    exits(4);
    expect("c failed [exit 4], A.1@0, MUSTER_STATUS=ok");
    exits(0);
    expect("a ok []");
    assert_true(cleanups_done(c));
    assert_int_equal(run.cleanups_failed, 1);
    assert_int_equal(run_exit_status(&run), 1);
}

static void starts_count_in_the_order_in_which_they_were_asked_for(void **state) {
    static const char *const names[] = {"a", "b", "c", "d"}, *const texts[] = {"A", "B", "C", "D"};

    (void)state;
    for (int i = 0; i < 4; i++) {
        fake_job(&f, names[i], LANE_IO);
        fake_set(&f, names[i])->cleanup = texts[i];
    }
    open_cleanups();
    job_starts_in_turn("b", 1);
    job_starts_in_turn("d", 3);
    job_starts_in_turn("a", 0);
    job_starts_in_turn("c", 2);
    for (int i = 0; i < 4; i++)
        job_ends(names[i], STATUS_OK);
    expect("D.1@3, MUSTER_STATUS=ok");
    exits(0);
    expect("d ok [], C.1@2, MUSTER_STATUS=ok");
    exits(0);
    expect("c ok [], B.1@1, MUSTER_STATUS=ok");
    exits(0);
    expect("b ok [], A.1@0, MUSTER_STATUS=ok");
    exits(0);
    expect("a ok []");
}

static void what_never_started_has_none_and_holds_up_nobody(void **state) {
    (void)state;
    fake_job(&f, "a", LANE_IO);
    fake_job(&f, "b", LANE_IO);
    fake_job(&f, "c", LANE_IO);
    fake_after(&f, "b", "a");
    fake_after(&f, "c", "b");
    fake_set(&f, "a")->cleanup = "A";
    fake_set(&f, "b")->cleanup = "B";
    open_cleanups();
    job_starts("a");
    job_ends("a", STATUS_FAILED);
    expect("");
    job_ends("b", STATUS_SKIPPED);
    expect(""); /* what comes after it is after a, too */
    job_ends("c", STATUS_SKIPPED);
    expect("A.1@0, MUSTER_STATUS=failed");
    exits(0);
    assert_int_equal(run.cleanups_failed, 0);
}

/* --- items --- */

static struct job_result item_row;

/* The job that an item of the section `each` is; its number may be used again. */
static struct job_info item_of(uint32_t number, const struct plan_item *item,
                               struct plan_job *def) {
    *def = f.jobs[0];
    def->item = item;
    return (struct job_info){.id = number, .section = 0, .def = def, .result = &item_row};
}

static void item_starts(uint32_t number, const char *value) {
    const struct plan_item item = {.text = value, .values = &value, .nvalues = 1};
    struct plan_job def;
    const struct job_info job = item_of(number, &item, &def);

    cleanups_item_started(c, &job, turns++);
    cleanups_run(c, false, now);
}

static void item_ends(uint32_t number, enum status status) {
    const struct plan_item item = {.text = ""};
    struct plan_job def;
    const struct job_info job = item_of(number, &item, &def);

    item_row.status = (uint8_t)status;
    item_row.nattempts = 2;
    cleanups_item_ended(c, &job);
    cleanups_run(c, false, now);
}

static void each_item_has_its_own(void **state) {
    static const struct plan_axis axis = {.name = "x"};
    static const struct plan_items items = {.section = "each", .axes = &axis, .naxes = 1};

    (void)state;
    fake_job(&f, "each", LANE_IO);
    fake_job(&f, "end", LANE_IO);
    fake_after(&f, "end", "each");
    f.jobs[0].items = &items;
    fake_set(&f, "each")->cleanup = "E";
    fake_set(&f, "end")->cleanup = "Z";
    open_cleanups();
    item_starts(2, "one");
    item_starts(3, "two");
    item_starts(3, "two"); /* another attempt */
    item_ends(3, STATUS_OK);
    item_ends(4, STATUS_SKIPPED); /* which never started */
    item_starts(3, "three");
    item_ends(2, STATUS_FAILED);
    item_ends(3, STATUS_OK);
    followers_ended(followers, 0, ignore, NULL);
    cleanups_job_ended(c, 0);
    job_starts("end");
    expect("");
    job_ends("end", STATUS_OK);
    expect("Z.1@1, MUSTER_STATUS=ok");
    exits(0);
    expect("end ok [], E.2@0, MUSTER_STATUS=ok");
    assert_string_equal(asked.def->name, "each[three]");
    assert_string_equal(asked.def->item->values[0], "three");
    exits(0);
    expect("each[three] ok [], E.2@0, MUSTER_STATUS=ok");
    exits(0);
    expect("each[two] ok [], E.2@0, MUSTER_STATUS=failed");
    exits(0);
    expect("each[one] ok []");
    assert_true(cleanups_done(c));
}

/* --- at random --- */

/* Of one random run. */
struct model {
    bool started[JOBS_MAX], ended[JOBS_MAX];
    uint32_t order[JOBS_MAX], nstarted; /* as they were started */
};

static bool may_move(const struct model *m, uint32_t job) {
    for (uint32_t k = 0; k < f.jobs[job].nafter; k++)
        if (!m->ended[f.jobs[job].after[k]])
            return false;
    return !m->ended[job];
}

/* Whether all that comes after a job, and it, has ended: by looking. */
static bool all_over(const struct model *m, uint32_t job) {
    if (!m->ended[job])
        return false;
    for (uint32_t i = 0; i < f.plan.njobs; i++)
        for (uint32_t k = 0; k < f.jobs[i].nafter; k++)
            if (f.jobs[i].after[k] == job && !all_over(m, i))
                return false;
    return true;
}

/* What runs must be what was started last of all that is not cleaned yet, and alone. */
static void check_asked(struct model *m) {
    uint32_t job = asked.job;

    while (m->nstarted > 0 && !f.sets[m->order[m->nstarted - 1]].cleanup)
        m->nstarted--;
    assert_true(m->nstarted > 0);
    assert_int_equal(m->order[--m->nstarted], job);
    assert_true(all_over(m, job));
    for (uint32_t i = 0; i < f.plan.njobs; i++)
        assert_true(m->started[i] || m->ended[i] || !f.sets[i].cleanup);
}

static void random_run(void) {
    struct model m = {0};
    uint32_t n = 1 + roll(JOBS_MAX), left = n;
    bool checked = false;
    char name[4];

    begin(NULL);
    for (uint32_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%u", (unsigned)i);
        fake_job(&f, name, LANE_IO);
        f.sets[i].cleanup = roll(3) ? "x" : NULL;
        for (uint32_t k = 0; k < i; k++)
            if (roll(4) == 0)
                fake_after(&f, f.names[i], f.names[k]);
    }
    open_cleanups();
    while (left > 0 || !cleanups_done(c)) {
        uint32_t i = roll(n + 1);

        if (i == n && asked.def) {
            exits(0);
            checked = false;
        } else if (i < n && may_move(&m, i)) {
            if (!m.started[i] && roll(2)) {
                m.started[i] = true;
                m.order[m.nstarted++] = i;
                job_starts(f.names[i]);
            } else {
                m.ended[i] = true;
                left--;
                job_ends(f.names[i], STATUS_OK);
            }
        }
        if (asked.def && !checked) {
            check_asked(&m);
            checked = true;
        }
        heard[0] = '\0';
    }
    while (m.nstarted > 0)
        assert_null(f.sets[m.order[--m.nstarted]].cleanup);
    finish(NULL);
}

static void random_runs(void **state) {
    (void)state;
    roll_state = 20261121;
    for (int i = 0; i < RUNS; i++)
        random_run();
}

/* Also along a chain that recursion could not follow. */
static void followers_of_a_long_chain(void **state) {
    enum { CHAIN = 300000 };
    struct plan plan = {.njobs = CHAIN};
    static uint32_t before[CHAIN];
    static struct plan_job jobs[CHAIN];

    (void)state;
    plan.jobs = jobs;
    for (uint32_t i = 1; i < CHAIN; i++) {
        before[i] = i - 1;
        jobs[i].after = &before[i];
        jobs[i].nafter = 1;
    }
    followers = followers_new(&plan);
    assert_non_null(followers);
    for (uint32_t i = 1; i + 1 < CHAIN; i++)
        followers_ended(followers, i, count_call, NULL);
    assert_int_equal(calls, 0);
    assert_true(followers_gone(followers, CHAIN - 1));
    assert_false(followers_over(followers, CHAIN - 1));
    followers_ended(followers, CHAIN - 1, count_call, NULL);
    assert_int_equal(calls, 1); /* the first is alone now */
    assert_true(followers_gone(followers, 0));
    assert_false(followers_over(followers, 0));
    followers_ended(followers, 0, count_call, NULL);
    assert_true(followers_over(followers, 0));
    assert_true(followers_any(followers, 0));
    assert_false(followers_any(followers, CHAIN - 1));
    followers = followers_free(followers);
}

/* --- its time --- */

static void one_job(const char *cleanup) {
    fake_job(&f, "a", LANE_IO);
    fake_set(&f, "a")->cleanup = cleanup;
    fake_set(&f, "a")->kill_after_ns = 5 * NS_PER_S;
}

static void its_timeout_is_the_jobs(void **state) {
    (void)state;
    one_job("A");
    fake_set(&f, "a")->timeout_ns = 2 * NS_PER_S;
    open_cleanups();
    assert_true(cleanups_wanted(c));
    job_starts("a");
    job_ends("a", STATUS_OK);
    cleanups_started(c, now);
    assert_int_equal(cleanups_due(c), now + 2 * NS_PER_S);
    heard[0] = '\0';
    pass(NS_PER_S);
    expect("");
    pass(NS_PER_S);
    expect("stop");
    assert_int_equal(cleanups_due(c), INT64_MAX);
    exits(0);
    expect("a timeout [timed out after 2s]");
    assert_int_equal(run.cleanups_failed, 1);
}

static void without_a_timeout_it_takes_its_time_until_there_is_hurry(void **state) {
    (void)state;
    one_job("A");
    open_cleanups();
    job_starts("a");
    job_ends("a", STATUS_OK);
    cleanups_started(c, now);
    heard[0] = '\0';
    pass(3600 * NS_PER_S);
    expect("");
    cleanups_hurry(c, now);
    pass(30 * NS_PER_S - 1);
    expect("");
    cleanups_hurry(c, now); /* a second time changes nothing */
    pass(1);
    expect("stop");
    assert_int_equal(asked.def->set->kill_after_ns, NS_PER_S);
    exits(0);
    expect("a timeout [timed out after 30s]");
}

static void what_begins_in_a_hurry_has_its_own_timeout_where_that_is_shorter(void **state) {
    (void)state;
    one_job("A");
    fake_set(&f, "a")->timeout_ns = 20 * NS_PER_S;
    open_cleanups();
    job_starts("a");
    cleanups_hurry(c, now);
    job_ends("a", STATUS_CANCELLED);
    expect("A.1@0, MUSTER_STATUS=cancelled");
    cleanups_started(c, now);
    assert_int_equal(cleanups_due(c), now + 20 * NS_PER_S);
    exits(0);
}

static void no_room_for_it(void **state) {
    int64_t first;

    (void)state;
    one_job("A");
    open_cleanups();
    job_starts("a");
    job_ends("a", STATUS_OK);
    heard[0] = '\0';
    cleanups_put_off(c, UV_EAGAIN, now);
    assert_int_equal(cleanups_due(c), now + 10 * NS_PER_MS);
    pass(10 * NS_PER_MS);
    expect("A.1@0, MUSTER_STATUS=ok");
    for (first = now; now - first < 29 * NS_PER_S;) {
        cleanups_put_off(c, UV_EAGAIN, now);
        pass(cleanups_due(c) - now);
    }
    heard[0] = '\0';
    pass(NS_PER_S);
    cleanups_put_off(c, UV_EAGAIN, now);
    assert_null(asked.def);
    assert_true(cleanups_done(c));
    assert_int_equal(run.cleanups_failed, 1);
}

static void when_all_is_killed_the_others_are_not_begun(void **state) {
    (void)state;
    one_job("A");
    fake_job(&f, "b", LANE_IO);
    fake_set(&f, "b")->cleanup = "B";
    f.plan.on_end = &f.jobs[0];
    open_cleanups();
    job_starts("a");
    job_starts("b");
    job_ends("a", STATUS_OK);
    job_ends("b", STATUS_OK);
    assert_int_equal(cleanups_abandon(c), 1);
    assert_false(cleanups_done(c));
    heard[0] = '\0';
    struct attempt_end end = {.exit = -1, .signal = SIGKILL};
    cleanups_ended(c, &end);
    cleanups_run(c, true, now);
    expect("b failed [SIGKILL]");
    assert_true(cleanups_done(c));
}

/* --- the end --- */

static void on_end_is_the_last_and_is_told_how_it_went(void **state) {
    static struct job_settings set;
    const struct plan_job last = {
        .name = "on-end", .set = &set, .command = "end", .action = ACTION_COMMAND};

    (void)state;
    one_job("A");
    fake_job(&f, "b", LANE_IO);
    set = *fake_set(&f, "b");
    f.plan.on_end = &last;
    open_cleanups();
    run.deadline_passed = true;
    job_starts("a");
    job_ends("a", STATUS_OK);
    job_ends("b", STATUS_TIMEOUT);
    cleanups_run(c, true, now);
    expect("A.1@0, MUSTER_STATUS=ok");
    exits(0);
    cleanups_run(c, true, now);
    expect("a ok [], end.1@2, MUSTER_STATUS=124, MUSTER_OK=1, MUSTER_FAILED=1");
    assert_false(cleanups_done(c));
    cleanups_started(c, now);
    assert_int_equal(cleanups_due(c), now + 30 * NS_PER_S);
    exits(1);
    cleanups_run(c, true, now);
    expect("on-end failed [exit 1]");
    assert_true(cleanups_done(c));
    assert_int_equal(run.cleanups_failed, 0); /* it changes nothing */
}

static void where_there_is_none_there_is_nothing_to_do(void **state) {
    (void)state;
    one_job(NULL);
    open_cleanups();
    assert_false(cleanups_wanted(c));
    job_starts("a");
    job_ends("a", STATUS_OK);
    cleanups_run(c, true, now);
    assert_true(cleanups_done(c));
    expect("");
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void) {
    const struct CMUnitTest tests[] = {
        test(the_last_started_is_the_first),
        test(starts_count_in_the_order_in_which_they_were_asked_for),
        test(what_never_started_has_none_and_holds_up_nobody),
        test(each_item_has_its_own),
        cmocka_unit_test(random_runs),
        cmocka_unit_test(followers_of_a_long_chain),
        test(its_timeout_is_the_jobs),
        test(without_a_timeout_it_takes_its_time_until_there_is_hurry),
        test(what_begins_in_a_hurry_has_its_own_timeout_where_that_is_shorter),
        test(no_room_for_it),
        test(when_all_is_killed_the_others_are_not_begun),
        test(on_end_is_the_last_and_is_told_how_it_went),
        test(where_there_is_none_there_is_nothing_to_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
