/* SPDX-License-Identifier: MIT */
/* test_result: sums, exit status, and reasons in words. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "exec/attempt.h"
#include "run/result.h"

#define JOBS 3

/* A run of three jobs, the first two with an attempt each. */
static struct plan plan;
static const struct job_settings settings = {.timeout_ns = 30 * NS_PER_S,
                                             .kill_after_ns = 5 * NS_PER_S};
static struct plan_job jobs[JOBS];
static struct job_result rows[JOBS];
static struct attempt_result attempts[2];
static struct run_result run;

static int set_up(void **state) {
    (void)state;
    plan = (struct plan){.jobs = jobs, .njobs = JOBS, .deadline_ns = 120 * NS_PER_S};
    run = (struct run_result){.plan = &plan, .jobs = rows};
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct plan_job){.set = &settings, .action = ACTION_COMMAND, .command = "true"};
        rows[i] = (struct job_result){.status = STATUS_OK, .cause = NO_JOB, .worker = -1};
    }
    jobs[0].name = "fetch";
    jobs[1].name = "build";
    jobs[2].name = "ship";
    memset(attempts, 0, sizeof attempts);
    for (int i = 0; i < 2; i++) {
        rows[i].attempts = &attempts[i];
        rows[i].nattempts = 1;
    }
    return 0;
}

static void fails_with(enum status status, enum reason reason) {
    rows[0].status = (uint8_t)status;
    rows[0].reason = (uint8_t)reason;
}

static struct job_info info(uint32_t job) {
    return (struct job_info){.id = job, .def = &jobs[job], .result = &rows[job]};
}

static void expect_text(uint32_t job, const char *text) {
    const struct job_info i = info(job);
    char buf[512];

    assert_string_equal(job_reason_text(&run, &i, buf, sizeof buf), text);
}

static void every_word_is_there(void **state) {
    (void)state;
    assert_null(status_words[STATUS_NONE]);
    assert_null(reason_words[REASON_NONE]);
    for (int i = STATUS_NONE + 1; i < STATUSES; i++)
        assert_non_null(status_words[i]);
    for (int i = REASON_NONE + 1; i < REASONS; i++)
        assert_non_null(reason_words[i]);
}

static void sums_run_from_first_start_to_last_end(void **state) {
    struct attempt_result two[2] = {
        {.start_ns = 100, .wall_ns = 10, .user_us = 1, .sys_us = 2, .max_rss = 9},
        {.start_ns = 150, .wall_ns = 5, .user_us = 3, .sys_us = 4, .max_rss = 7},
    };
    struct job_result j = {.attempts = two, .nattempts = 2};
    struct job_result never = {0};

    (void)state;
    assert_int_equal(job_wall_ns(&j), 55);
    assert_int_equal(job_cpu_us(&j), 10);
    assert_int_equal(job_max_rss(&j), 9);
    assert_int_equal(job_wall_ns(&never), 0);
    assert_int_equal(job_cpu_us(&never), 0);
    assert_int_equal(job_max_rss(&never), 0);
}

static void totals_add_up(void **state) {
    struct run_totals t;

    (void)state;
    rows[0].flaky = true;
    rows[0].nattempts = 2;
    rows[0].attempts = attempts;
    attempts[1].start_ns = 40;
    attempts[1].wall_ns = 2;
    rows[1].status = STATUS_TIMEOUT;
    rows[1].allowed = true;
    rows[2].status = STATUS_SKIPPED;
    t = run_totals(&run);
    assert_int_equal(t.jobs, 3);
    assert_int_equal(t.by_status[STATUS_OK], 1);
    assert_int_equal(t.by_status[STATUS_TIMEOUT], 1);
    assert_int_equal(t.by_status[STATUS_SKIPPED], 1);
    assert_int_equal(t.flaky, 1);
    assert_int_equal(t.allowed, 1);
    assert_int_equal(t.retries, 1);
    assert_int_equal(t.job_wall_ns, 42 + 2);
}

static void exit_status_by_precedence(void **state) {
    (void)state;
    assert_int_equal(run_exit_status(&run), 0);
    fails_with(STATUS_FAILED, REASON_EXIT);
    assert_int_equal(run_exit_status(&run), 1);
    run.deadline_passed = true;
    assert_int_equal(run_exit_status(&run), 124);
    run.undelivered = true;
    assert_int_equal(run_exit_status(&run), 3);
    run.interrupted_by = SIGTERM;
    assert_int_equal(run_exit_status(&run), 143);
}

static void exit_status_of_each_end(void **state) {
    static const struct {
        enum status status;
        enum reason reason;
        bool allowed;
        int exit;
    } ends[] = {
        {STATUS_OK, REASON_NONE, false, 0},
        {STATUS_CACHED, REASON_NONE, false, 0},
        {STATUS_RESUMED, REASON_NONE, false, 0},
        {STATUS_SKIPPED, REASON_NONE, false, 0},
        {STATUS_SKIPPED, REASON_DEPENDENCY, false, 1},
        {STATUS_FAILED, REASON_EXIT, true, 0},
        {STATUS_TIMEOUT, REASON_TIMEOUT, true, 0},
        {STATUS_TIMEOUT, REASON_TIMEOUT, false, 1},
        {STATUS_CANCELLED, REASON_CANCELLED, false, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        fails_with(ends[i].status, ends[i].reason);
        rows[0].allowed = ends[i].allowed;
        assert_int_equal(run_exit_status(&run), ends[i].exit);
    }
}

static void what_cannot_be_killed_fails_the_run(void **state) {
    (void)state;
    rows[0].unkillable = 1;
    assert_int_equal(run_exit_status(&run), 1);
    rows[0].unkillable = 0;
    run.unkillable = 1;
    assert_int_equal(run_exit_status(&run), 1);
}

static void exits_and_signals(void **state) {
    (void)state;
    expect_text(0, "");
    fails_with(STATUS_FAILED, REASON_EXIT);
    attempts[0].exit = 3;
    expect_text(0, "exit 3");
    attempts[0].exit = 126;
    expect_text(0, "exit 126 (cannot be executed)");
    attempts[0].exit = 127;
    expect_text(0, "exit 127 (command not found)");
    jobs[0].action = ACTION_EXEC; /* no shell: its own choice of a number */
    expect_text(0, "exit 127");
    fails_with(STATUS_FAILED, REASON_SIGNAL);
    attempts[0].signal = SIGSEGV;
    expect_text(0, "SIGSEGV");
    attempts[0].core = true;
    expect_text(0, "SIGSEGV (core dumped)");
    fails_with(STATUS_FAILED, REASON_OOM);
    expect_text(0, "out of memory");
}

static void limits_of_a_job(void **state) {
    static struct job_settings limited;

    (void)state;
    limited = settings;
    limited.limits = (struct job_limits){.cpu_ns = 10 * NS_PER_S, .file_bytes = 1 << 20};
    jobs[0].set = &limited;
    fails_with(STATUS_FAILED, REASON_OOM);
    expect_text(0, "out of memory");
    limited.limits.memory = 64 << 20;
    expect_text(0, "out of memory (max-memory 64.0M)");
    fails_with(STATUS_FAILED, REASON_SIGNAL);
    attempts[0].signal = SIGXCPU;
    attempts[0].core = true;
    expect_text(0, "SIGXCPU (max-cpu-time 10s) (core dumped)");
    attempts[0].core = false;
    attempts[0].signal = SIGXFSZ;
    expect_text(0, "SIGXFSZ (max-file-size 1.0M)");
    attempts[0].signal = SIGKILL;
    expect_text(0, "SIGKILL");
    attempts[0].user_us = 9000000;
    attempts[0].sys_us = 1000000;
    expect_text(0, "SIGKILL (max-cpu-time 10s)");
    attempts[0].killed = true; /* by muster */
    expect_text(0, "SIGKILL");
    fails_with(STATUS_FAILED, REASON_EXIT);
    attempts[0].exit = 128 + SIGXCPU;
    expect_text(0, "exit 152 (SIGXCPU: max-cpu-time 10s)");
    attempts[0].exit = 128 + SIGXFSZ;
    expect_text(0, "exit 153 (SIGXFSZ: max-file-size 1.0M)");
    attempts[0].exit = 128 + SIGTERM;
    expect_text(0, "exit 143");
    attempts[0].exit = 128 + SIGXCPU;
    jobs[0].action = ACTION_EXEC;
    expect_text(0, "exit 152");
    jobs[0].action = ACTION_COMMAND;
    jobs[0].set = &settings;
    expect_text(0, "exit 152");
}

static void timeouts(void **state) {
    static char refused[] = "Connection refused";

    (void)state;
    fails_with(STATUS_TIMEOUT, REASON_TIMEOUT);
    expect_text(0, "timed out after 30s");
    attempts[0].killed = true;
    expect_text(0, "timed out after 30s, killed after 5s more");
    attempts[0].killed = false;
    attempts[0].detail = refused;
    expect_text(0, "timed out after 30s"); /* detail is of something else then */
    jobs[0].action = ACTION_WAIT;
    expect_text(0, "timed out after 30s (Connection refused)");
}

static void causes(void **state) {
    (void)state;
    fails_with(STATUS_FAILED, REASON_EXIT);
    rows[2] = (struct job_result){
        .status = STATUS_SKIPPED, .reason = REASON_DEPENDENCY, .cause = 0, .worker = -1};
    expect_text(2, "because fetch failed");
    fails_with(STATUS_TIMEOUT, REASON_TIMEOUT);
    expect_text(2, "because fetch timed out");
    rows[2].status = STATUS_CANCELLED;
    rows[2].reason = REASON_CANCELLED;
    expect_text(2, "cancelled because fetch timed out");
    rows[2].cause = NO_JOB;
    expect_text(2, "cancelled");
    run.interrupted_by = SIGINT;
    expect_text(2, "interrupted by SIGINT");
    rows[2].reason = REASON_DEADLINE;
    expect_text(2, "run deadline of 2m passed");
}

static void cannot_start(enum spawn_stage stage, int error, char *detail) {
    fails_with(STATUS_FAILED, REASON_SPAWN);
    attempts[0].stage = (uint8_t)stage;
    attempts[0].error = error;
    attempts[0].detail = detail;
    attempts[0].exit = -1;
}

static void starts_that_failed(void **state) {
    char nope[] = "/nowhere/nope", folder[] = "/tmp", file[] = "/x/in";

    (void)state;
    cannot_start(SPAWN_EXEC, -ENOENT, nope);
    expect_text(0, "not found: /nowhere/nope");
    cannot_start(SPAWN_EXEC, -EACCES, folder);
    expect_text(0, "cannot be executed: /tmp: Permission denied");
    cannot_start(SPAWN_EXEC, -ENOEXEC, file);
    expect_text(0, "cannot be executed: /x/in: Exec format error");
    cannot_start(SPAWN_DIR, -ENOENT, nope);
    expect_text(0, "cannot enter folder: /nowhere/nope: No such file or directory");
    cannot_start(SPAWN_STDIN, -ENOENT, file);
    expect_text(0, "cannot open stdin: /x/in: No such file or directory");
    cannot_start(SPAWN_RESOURCES, -EAGAIN, NULL);
    expect_text(0, "cannot be started: Resource temporarily unavailable");
    rows[0].nattempts = 0; /* no memory even for its row */
    expect_text(0, "spawn");
}

/* Writes a file of the test's own folder and makes it executable; its path. */
static char *program(const char *text) {
    static char path[] = "/tmp/muster-test-result-XXXXXX";
    int fd;

    memcpy(path + sizeof path - 7, "XXXXXX", 6);
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, 0700), 0);
    close(fd);
    return path;
}

static void bad_interpreters(void **state) {
    char want[256], *path = program("#! /bin/nosh\r\ntrue\n");

    (void)state;
    cannot_start(SPAWN_EXEC, -ENOENT, path);
    snprintf(want, sizeof want, "bad interpreter '/bin/nosh\\r' of %s: No such file or directory",
             path);
    expect_text(0, want);
    unlink(path);

    path = program("\177ELF");
    cannot_start(SPAWN_EXEC, -ENOENT, path);
    snprintf(want, sizeof want, "cannot be executed: %s: its loader is missing", path);
    expect_text(0, want);
    unlink(path);
}

static void arguments_too_long(void **state) {
    char word[] = "/bin/echo", *big = malloc(140013);
    struct env_var env[] = {{"A", big}, {NULL, NULL}};

    (void)state;
    assert_non_null(big);
    memset(big, 'x', 140012);
    big[140012] = '\0';
    cannot_start(SPAWN_EXEC, -E2BIG, word);
    jobs[0].command = big;
    expect_text(0, "Argument list too long (140013 bytes, limit 131072)");
    jobs[0].command = "true";
    jobs[0].env = env;
    expect_text(0, "Argument list too long (140015 bytes, limit 131072)");
    jobs[0].env = NULL;
    expect_text(0, "Argument list too long (arguments and environment together)");
    free(big);
}

static void a_short_buffer_is_enough(void **state) {
    const struct job_info i = info(0);
    char buf[8];

    (void)state;
    fails_with(STATUS_TIMEOUT, REASON_TIMEOUT);
    assert_string_equal(job_reason_text(&run, &i, buf, sizeof buf), "timed o");
}

static void signals_have_names(void **state) {
    char buf[32], want[32];

    (void)state;
    assert_string_equal(signal_name(SIGTERM, buf, sizeof buf), "SIGTERM");
    assert_string_equal(signal_name(SIGRTMIN, buf, sizeof buf), "SIGRTMIN");
    assert_string_equal(signal_name(SIGRTMIN + 1, buf, sizeof buf), "SIGRTMIN+1");
    assert_string_equal(signal_name(77, buf, sizeof buf), "signal 77");
    for (int sig = 1; sig <= SIGRTMAX; sig++) {
        snprintf(want, sizeof want, "signal %d", sig);
        if (sig < 32)
            assert_string_not_equal(signal_name(sig, buf, sizeof buf), want);
    }
}

#define result_test(test) cmocka_unit_test_setup(test, set_up)

int main(void) {
    const struct CMUnitTest tests[] = {
        result_test(every_word_is_there),
        result_test(sums_run_from_first_start_to_last_end),
        result_test(totals_add_up),
        result_test(exit_status_by_precedence),
        result_test(exit_status_of_each_end),
        result_test(what_cannot_be_killed_fails_the_run),
        result_test(exits_and_signals),
        result_test(limits_of_a_job),
        result_test(timeouts),
        result_test(causes),
        result_test(starts_that_failed),
        result_test(bad_interpreters),
        result_test(arguments_too_long),
        result_test(a_short_buffer_is_enough),
        result_test(signals_have_names),
    };

    return cmocka_run_group_tests_name("result", tests, NULL, NULL);
}
