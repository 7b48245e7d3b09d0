/* SPDX-License-Identifier: MIT */
/* test_settled: what a run has settled, as one that resumes it sees it. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/mask.h"
#include "exec/facts.h"
#include "store/settled.h"
#include "store_case.h"

/* What the scheduler makes of the fake run's jobs. */
static const uint8_t want[FAKE_JOBS] = {
    [FAKE_OK] = SETTLED_OK, [FAKE_FLAKY] = SETTLED_OK, [FAKE_CHOICE] = SETTLED_SKIPPED};

static struct job_result rows[FAKE_JOBS];
static struct facts *told;             /* by the job that is flaky, or NULL */
static struct mask_value secret;       /* of the run, if it has bytes */
static struct facts *facts[FAKE_JOBS]; /* of what was loaded last */

/* A process of its own begins a run, has all jobs end from `first` on, and ends it, or is
 * killed at once. */
static void record(const char *id, const uint8_t *settled, uint32_t first, bool killed) {
    static const char *const secrets[] = {"SECRET", NULL};
    pid_t pid = fork();
    struct plan plan;
    int status;

    if (pid == 0) {
        struct run_result run = named(id);
        struct store *s =
            store_new(&(struct store_opts){.folder = folder, .keep = 100, .settled = settled});

        run.jobs = rows;
        plan = *run.plan;
        if (secret.n) {
            plan.secrets = secrets;
            mask_set_new(&plan.mask, NULL, &secret, 1);
        }
        run.plan = &plan;
        for (uint32_t i = 0; i < FAKE_JOBS; i++) {
            rows[i] = fake_rows[i];
            rows[i].settled = want[i];
        }
        rows[FAKE_FLAKY].facts = told;
        store_begin(s, &run, true, on_wake, &wakes);
        store_wait(s);
        for (uint32_t i = first; i < FAKE_JOBS; i++) {
            const struct job_info info = info_of(&run, i);

            store_add(s, &info, NULL, NULL, NULL);
        }
        if (killed)
            raise(SIGKILL);
        store_finish(s, &run);
        store_close(s, run.exit);
        _exit(store_lost(s));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, killed ? SIGKILL : 0);
}

/* What the newest run has settled of a plan; how many jobs. */
static uint32_t load(const struct plan *plan, uint8_t *settled) {
    struct past past;
    struct settled_set *set;
    uint32_t count = 99;
    int64_t row;
    char id[32];

    for (uint32_t i = 0; i < FAKE_JOBS; i++) {
        free(facts[i]);
        facts[i] = NULL;
    }
    assert_int_equal(past_open(&past, folder), 0);
    assert_int_equal(past_find(&past, NULL, "", &row, id), 0);
    assert_int_equal(settled_load(&past, row, id, plan, settled, facts, &count, &set), 0);
    settled_free(set);
    past_close(&past);
    return count;
}

static void what_was_done_is_settled(void **state) {
    uint8_t settled[FAKE_JOBS];

    (void)state;
    record("ended", NULL, 0, false);
    assert_int_equal(load(&fake_plan, settled), 3);
    assert_memory_equal(settled, want, sizeof want);
}

static void also_when_it_was_killed_at_once(void **state) {
    uint8_t settled[FAKE_JOBS];

    (void)state;
    record("killed", NULL, 1, true);
    assert_int_equal(load(&fake_plan, settled), 2);
    assert_int_equal(settled[FAKE_OK], SETTLED_NO); /* it had not ended */
    assert_memory_equal(settled + 1, want + 1, sizeof want - 1);
}

/* A run that was itself resumed knows what it left out, from the moment that it is there. */
static void what_was_left_out_stays_settled(void **state) {
    static const uint8_t left_out[FAKE_JOBS] = {
        [FAKE_FAILED] = SETTLED_OK, [FAKE_CANCELLED] = SETTLED_SKIPPED};
    uint8_t settled[FAKE_JOBS];

    (void)state;
    record("resumed", left_out, FAKE_JOBS, true);
    assert_int_equal(load(&fake_plan, settled), 2);
    assert_memory_equal(settled, left_out, sizeof left_out);
}

static void expect_told(const char *name, const char *value) {
    assert_non_null(facts[FAKE_FLAKY]);
    assert_int_equal(facts[FAKE_FLAKY]->count, 1);
    assert_string_equal(facts[FAKE_FLAKY]->vars[0].name, name);
    assert_string_equal(facts[FAKE_FLAKY]->vars[0].value, value);
    for (uint32_t i = 0; i < FAKE_JOBS; i++)
        assert_true(i == FAKE_FLAKY || !facts[i]);
}

/* What was told comes with what is settled, by way of any number of runs that left it out. */
static void what_was_told_is_kept(void **state) {
    static const struct env_var var = {"n", "a = b"};
    uint8_t settled[FAKE_JOBS];

    (void)state;
    told = facts_new(&var, 1);
    record("a-told", NULL, 0, false);
    assert_int_equal(load(&fake_plan, settled), 3);
    expect_told("n", "a = b");
    free(told);
    told = NULL;
    record("b-resumed", settled, FAKE_JOBS, true);
    assert_int_equal(load(&fake_plan, settled), 3);
    expect_told("n", "a = b");
    record("c-resumed", settled, FAKE_JOBS, true);
    assert_int_equal(load(&fake_plan, settled), 3);
    expect_told("n", "a = b");
}

/* What is only masked cannot be told again: who told it has to. */
static void secrets_are_not_kept(void **state) {
    static const struct env_var var = {"n", "1234"};
    uint8_t settled[FAKE_JOBS];
    struct past past;
    struct past_details *d;
    int64_t row;
    char id[32];

    (void)state;
    told = facts_new(&var, 1);
    secret = (struct mask_value){"23", 2};
    record("secret", NULL, 0, false);
    secret.n = 0;
    free(told);
    told = NULL;
    assert_int_equal(load(&fake_plan, settled), 2);
    assert_int_equal(settled[FAKE_FLAKY], SETTLED_NO);
    assert_int_equal(past_open(&past, folder), 0);
    assert_int_equal(past_find(&past, NULL, "", &row, id), 0);
    assert_int_equal(past_load(&past, row, &d), 0);
    assert_string_equal(d->run.jobs[FAKE_FLAKY].facts->vars[0].value, "1***4");
    past_details_free(d);
    past_close(&past);
}

/* Jobs are known by their definitions, not by their places. */
static void a_changed_list_does_right(void **state) {
    struct plan_job jobs[FAKE_JOBS];
    struct job_settings changed = *fake_jobs[FAKE_FLAKY].set;
    struct plan plan = fake_plan;
    uint8_t settled[FAKE_JOBS];

    (void)state;
    record("ended", NULL, 0, false);
    for (uint32_t i = 0; i < FAKE_JOBS; i++)
        jobs[i] = fake_jobs[FAKE_JOBS - 1 - i];
    plan.jobs = jobs;
    assert_int_equal(load(&plan, settled), 3);
    for (uint32_t i = 0; i < FAKE_JOBS; i++)
        assert_int_equal(settled[i], want[FAKE_JOBS - 1 - i]);

    plan.njobs = 2; /* only the last two, one of them as it never was */
    jobs[0] = fake_jobs[FAKE_FLAKY];
    jobs[1] = fake_jobs[FAKE_OK];
    changed.retries++;
    jobs[0].set = &changed;
    assert_int_equal(load(&plan, settled), 1);
    assert_int_equal(settled[0], SETTLED_NO);
    assert_int_equal(settled[1], SETTLED_OK);
}

/* The file of ends of a killed run, cut anywhere: whole ends count. */
static void a_torn_record_is_ignored(void **state) {
    char path[128];
    uint32_t last = FAKE_JOBS;

    (void)state;
    record("torn", NULL, 0, true);
    snprintf(path, sizeof path, "%s/run-torn.ends", folder);
    for (off_t size = FAKE_JOBS * 24; size >= 0; size--) {
        uint8_t settled[FAKE_JOBS];
        uint32_t count;

        assert_int_equal(truncate(path, size), 0);
        count = load(&fake_plan, settled);
        assert_true(count <= last);
        for (uint32_t i = 0; i < FAKE_JOBS; i++)
            assert_true(settled[i] == want[i] || settled[i] == SETTLED_NO);
        last = count;
    }
    assert_int_equal(last, 0);
}

static void rows_that_muster_never_wrote_settle_nothing(void **state) {
    static const char *const changes[] = {
        "UPDATE job SET settled = 7",
        "UPDATE job SET settled = 'yes'",
        "UPDATE job SET definition = x'00'",
        "UPDATE job SET definition = 12",
        "UPDATE job SET definition = zeroblob(16)",
    };

    (void)state;
    record("ended", NULL, 0, false);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        uint8_t settled[FAKE_JOBS];

        run_sql(changes[i]);
        assert_int_equal(load(&fake_plan, settled), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        in_a_folder(what_was_done_is_settled),
        in_a_folder(also_when_it_was_killed_at_once),
        in_a_folder(what_was_left_out_stays_settled),
        in_a_folder(what_was_told_is_kept),
        in_a_folder(secrets_are_not_kept),
        in_a_folder(a_changed_list_does_right),
        in_a_folder(a_torn_record_is_ignored),
        in_a_folder(rows_that_muster_never_wrote_settle_nothing),
    };

    return cmocka_run_group_tests_name("settled", tests, NULL, NULL);
}
