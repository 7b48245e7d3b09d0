/* SPDX-License-Identifier: MIT */
/* test_session: a run from its plan to its results, with lanes that start nothing. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>
#include <uv.h>

#include "../fakes/fake_lanes.h"
#include "../fakes/fake_run.h"
#include "base/clock.h"
#include "run/session.h"
#include "run/suspend.h"

static struct fake_run f; /* the plan */
static struct run_result result;
static char said[1024];

/* In place of the true one, which would stop the test. */
void suspend_self(void) {
    fake_lanes_note("suspend");
}

static void on_started(void *ctx, const struct job_info *job, const struct attempt *a, pid_t pid) {
    (void)ctx;
    (void)a;
    (void)pid;
    fake_lanes_note("up %s", job->def->name);
}

static void on_done(void *ctx, const struct job_info *job, struct attempt_end *end) {
    (void)ctx;
    (void)end;
    fake_lanes_note("done %s %s", job->def->name, status_words[job->result->status]);
}

static void on_say(void *ctx, const char *text) {
    size_t n = strlen(said);

    (void)ctx;
    snprintf(said + n, sizeof said - n, "%s\n", text);
}

static void on_show(void *ctx, const struct job_info *job, uint32_t attempt, int64_t elapsed_ns,
                    const char *last_line) {
    (void)ctx;
    assert_true(elapsed_ns >= 0);
    fake_lanes_note("show %s.%u: %s", job->def->name, (unsigned)attempt, last_line);
}

static void on_chore_done(void *ctx, const struct plan_job *job, const struct job_info *chore,
                          struct attempt_end *end) {
    (void)ctx;
    (void)end;
    fake_lanes_note("%s %s", job ? job->name : "on-end", status_words[chore->result->status]);
}

static const struct session_events events = {.jobs = {.started = on_started, .done = on_done},
                                             .say = on_say,
                                             .chore_done = on_chore_done,
                                             .show_running = on_show};

static int begin_run(void **state) {
    static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGUSR1};
    sigset_t none;

    (void)state;
    /* A run leaves some blocked, an interrupted one all ignored. */
    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++)
        signal(watched[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    fake_init(&f);
    fake_job(&f, "a", LANE_IO);
    said[0] = '\0';
    return 0;
}

static int end_run(void **state) {
    (void)state;
    run_result_release(&result);
    fake_release(&f);
    return 0;
}

/* Runs the plan by the script set; what the lanes heard, and what people. */
static void runs(const char *log, const char *words) {
    const struct session_opts opts = {.plan = &f.plan, .events = &events};

    assert_int_equal(session_run(&opts, &result), 0);
    assert_string_equal(fake_lanes.log, log);
    assert_string_equal(said, words);
}

static void assert_action(int sig, void (*handler)(int)) {
    struct sigaction now;

    assert_int_equal(sigaction(sig, NULL, &now), 0);
    assert_true(now.sa_handler == handler);
}

static void a_run(void **state) {
    static const struct fake_line script[] = {
        {"start a.1", ACT_UP, 0, 0}, {"up a", ACT_EXIT, 0, 0}, {0}};
    sigset_t blocked;

    (void)state;
    fake_lanes_play(script);
    runs("open, start a.1, up a, rest, done a ok, close", "");
    assert_int_equal(result.interrupted_by, 0);
    assert_false(result.deadline_passed);
    assert_int_equal(run_exit_status(&result), 0);
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    assert_action(SIGTERM, SIG_DFL);
    assert_true(sigismember(&blocked, SIGTERM)); /* it waits for the caller */
    assert_action(SIGUSR1, SIG_IGN);             /* it only asks */
    assert_false(sigismember(&blocked, SIGQUIT));
}

static void what_may_be_tried_again_keeps_the_lanes_awake(void **state) {
    static const struct fake_line script[] = {
        {"start a.1", ACT_UP, 0, 0}, {"up a", ACT_EXIT, 0, 0}, {0}};

    (void)state;
    fake_set(&f, "a")->retries = 1;
    fake_lanes_play(script);
    runs("open, start a.1, up a, done a ok, close", "");
}

static void no_lanes(void **state) {
    static const struct fake_line script[] = {{0}};
    const struct session_opts opts = {.plan = &f.plan, .events = &events};

    (void)state;
    fake_lanes_play(script);
    fake_lanes.open_error = UV_EMFILE;
    assert_int_equal(session_run(&opts, &result), UV_EMFILE);
    assert_string_equal(fake_lanes.log, "open");
    assert_null(result.jobs);
    assert_action(SIGTERM, SIG_DFL);
}

static void what_cannot_be_killed_at_the_end_is_told(void **state) {
    static const struct fake_line script[] = {
        {"start a.1", ACT_UP, 0, 0}, {"up a", ACT_EXIT, 0, 0}, {0}};

    (void)state;
    fake_lanes_play(script);
    fake_lanes.unkillable = 2;
    runs("open, start a.1, up a, rest, done a ok, close",
         "2 adopted processes could not be killed\n");
    assert_int_equal(result.unkillable, 2);
}

/* --- signals --- */

static void a_signal_before_the_run(void **state) {
    static const struct fake_line script[] = {{"open", ACT_SIGNAL, 0, SIGTERM}, {0}};

    (void)state;
    fake_lanes_play(script);
    runs("open, done a cancelled, close", "");
    assert_int_equal(result.interrupted_by, SIGTERM);
    assert_int_equal(run_exit_status(&result), 128 + SIGTERM);
    assert_action(SIGTERM, SIG_IGN);
}

static void a_signal_stops_what_runs_a_second_kills_it(void **state) {
    static const struct fake_line script[] = {
        {"start a.1", ACT_UP, 0, 0},
        {"up a", ACT_RAISE, 0, SIGINT},
        {"stop a", ACT_RAISE, 0, SIGHUP},
        {"kill all", ACT_RAISE, 0, SIGTERM},
        {"kill all", ACT_DIE, 0, SIGKILL}, /* the third was one too many */
        {0},
    };

    (void)state;
    f.plan.io_limit = 1;
    fake_job(&f, "b", LANE_IO);
    fake_lanes_play(script);
    runs("open, start a.1, up a, stop a, done b cancelled, kill all, done a cancelled, close",
         "SIGINT: stopping what runs (1); a second signal kills it\n");
    assert_int_equal(result.interrupted_by, SIGINT);
    assert_int_equal(result.jobs[0].attempts[0].signal, SIGKILL);
}

static void quit_kills_at_once(void **state) {
    static const struct fake_line script[] = {
        {"start a.1", ACT_UP, 0, 0},
        {"up a", ACT_RAISE, 0, SIGQUIT},
        {"kill all", ACT_RAISE, 0, SIGINT},
        {"kill all", ACT_DIE, 0, SIGKILL},
        {0},
    };

    (void)state;
    fake_lanes_play(script);
    runs("open, start a.1, up a, rest, stop a, kill all, done a cancelled, close",
         "SIGQUIT: stopping what runs (1); a second signal kills it\n");
    assert_int_equal(result.interrupted_by, SIGQUIT);
}

static void a_signal_behind_the_last_job_is_obeyed_and_changes_no_result(void **state) {
    static const struct fake_line script[] = {{"start a.1", ACT_UP, 0, 0},
                                              {"up a", ACT_EXIT, 0, 0},
                                              {"close", ACT_RAISE, 0, SIGTERM},
                                              {0}};

    (void)state;
    fake_lanes_play(script);
    runs("open, start a.1, up a, rest, done a ok, close", "");
    assert_int_equal(result.interrupted_by, SIGTERM);
    assert_int_equal(result.jobs[0].status, STATUS_OK);
}

static void what_was_ignored_stays_so(void **state) {
    static const struct fake_line script[] = {
        {"start a.1", ACT_UP, 0, 0}, {"up a", ACT_RAISE, 0, SIGHUP}, {"up a", ACT_EXIT, 0, 0}, {0}};

    (void)state;
    signal(SIGHUP, SIG_IGN);
    fake_lanes_play(script);
    runs("open, start a.1, up a, rest, done a ok, close", "");
    assert_int_equal(result.interrupted_by, 0);
    assert_action(SIGHUP, SIG_IGN);
}

static void a_pause_and_a_question(void **state) {
    static const struct fake_line script[] = {
        {"start a.1", ACT_UP, 0, 0},
        {"up a", ACT_RAISE, 0, SIGTSTP},
        {"resume", ACT_RAISE, 0, SIGUSR1},
        {"show a.1: last words of a", ACT_EXIT, 0, 0},
        {0},
    };

    (void)state;
    fake_lanes_play(script);
    runs("open, start a.1, up a, rest, pause, suspend, resume, show a.1: last words of a, "
         "done a ok, close",
         "");
    assert_int_equal(result.interrupted_by, 0);
}

/* --- cleanups --- */

static struct plan_job last = {.name = "on-end", .command = "end", .action = ACTION_COMMAND};

static void add_chores(void) {
    fake_set(&f, "a")->cleanup = "A";
    last.set = fake_set(&f, "a");
    f.plan.on_end = &last;
}

static void cleanups_and_on_end_are_behind_the_jobs(void **state) {
    static const struct fake_line script[] = {
        {"start a.1", ACT_UP, 0, 0},
        {"up a", ACT_EXIT, 0, 3},
        {"start a.1 A", ACT_EXIT, 0, 0},
        {"start on-end.1 end", ACT_PUT_OFF, 1, UV_EAGAIN},
        {"start on-end.1 end", ACT_EXIT, 1, 1},
        {0},
    };

    (void)state;
    add_chores();
    fake_lanes_play(script);
    runs("open, start a.1, up a, done a failed, start a.1 A, a ok, start on-end.1 end, "
         "start on-end.1 end, on-end failed, close",
         "");
    assert_int_equal(result.cleanups_failed, 0);
}

static void a_cleanup_is_killed_by_the_second_signal(void **state) {
    static const struct fake_line script[] = {
        {"start a.1", ACT_UP, 0, 0},       {"up a", ACT_RAISE, 0, SIGINT},
        {"stop a", ACT_DIE, 0, SIGTERM},   {"start a.1 A", ACT_RAISE, 0, SIGTERM},
        {"kill all", ACT_DIE, 0, SIGKILL}, {0},
    };

    (void)state;
    add_chores();
    fake_lanes_play(script);
    runs("open, start a.1, up a, stop a, done a cancelled, start a.1 A, kill all, a failed, close",
         "SIGINT: stopping what runs (1); a second signal kills it\n");
    assert_int_equal(result.cleanups_failed, 1);
    assert_int_equal(result.interrupted_by, SIGINT);
}

static void what_is_killed_at_once_is_not_cleaned_up(void **state) {
    static const struct fake_line script[] = {
        {"start a.1", ACT_UP, 0, 0},
        {"up a", ACT_RAISE, 0, SIGQUIT},
        {"kill all", ACT_DIE, 0, SIGKILL},
        {0},
    };

    (void)state;
    add_chores();
    fake_lanes_play(script);
    runs("open, start a.1, up a, stop a, kill all, done a cancelled, close",
         "SIGQUIT: stopping what runs (1); a second signal kills it\n1 cleanup is not run\n");
}

static void a_signal_between_the_jobs_and_the_end(void **state) {
    static const struct fake_line script[] = {
        {"start a.1", ACT_UP, 0, 0},
        {"up a", ACT_EXIT, 0, 0},
        {"start a.1 A", ACT_RAISE, 0, SIGTERM},
        {"start a.1 A", ACT_EXIT, 0, 0},
        {"start on-end.1 end", ACT_EXIT, 1, 0},
        {0},
    };

    (void)state;
    add_chores();
    fake_lanes_play(script);
    runs("open, start a.1, up a, done a ok, start a.1 A, a ok, start on-end.1 end, on-end ok, "
         "close",
         "SIGTERM: cleaning up; a second signal kills that\n");
    assert_int_equal(result.interrupted_by, SIGTERM);
    assert_int_equal(result.jobs[0].status, STATUS_OK);
}

/* --- time --- */

static void the_deadline_wakes_the_loop(void **state) {
    static const struct fake_line script[] = {{"stop a", ACT_CANNOT, 0, UV_ECANCELED}, {0}};

    (void)state;
    f.plan.deadline_ns = NS_PER_MS;
    fake_lanes_play(script);
    runs("open, start a.1, stop a, done a cancelled, close", "");
    assert_true(result.deadline_passed);
    assert_int_equal(result.jobs[0].reason, REASON_DEADLINE);
    assert_int_equal(run_exit_status(&result), 124);
}

/* --- no room for processes --- */

static void each_shortage_is_told_once(void **state) {
    static const struct fake_line script[] = {
        {"start a.1", ACT_UP, 0, 0},
        {"start b.1", ACT_PUT_OFF, 1, UV_EMFILE},
        {"start b.1", ACT_PUT_OFF, 1, UV_ENOMEM},
        {"start b.1", ACT_PUT_OFF, 1, UV_EMFILE},
        {"start b.1", ACT_PUT_OFF, 1, UV_ENOMEM},
        {"start b.1", ACT_UP, 1, 0},
        {"up b", ACT_EXIT, 1, 0},
        {"done b ok", ACT_EXIT, 0, 0},
        {0},
    };

    (void)state;
    fake_job(&f, "b", LANE_IO);
    fake_lanes_play(script);
    runs("open, start a.1, start b.1, up a, start b.1, start b.1, start b.1, start b.1, up b, "
         "rest, done b ok, done a ok, close",
         "open files: limit 256, I/O jobs at once narrowed from 64 to 1\n"
         "memory: I/O jobs at once narrowed from 2 to 1\n");
}

static void what_was_told_beforehand_is_not_told_again(void **state) {
    static const struct fake_line script[] = {
        {"start a.1", ACT_PUT_OFF, 0, UV_EMFILE},
        {"start a.1", ACT_UP, 0, 0},
        {"up a", ACT_EXIT, 0, 0},
        {"start b.1", ACT_UP, 1, 0},
        {"up b", ACT_EXIT, 1, 0},
        {0},
    };

    (void)state;
    fake_job(&f, "b", LANE_IO);
    fake_lanes_play(script);
    fake_lanes.io_width = 1;
    runs("open, start a.1, start a.1, up a, done a ok, start b.1, up b, rest, done b ok, close",
         "open files: limit 256, I/O jobs at once narrowed from 64 to 1\n");
}

/* --- the recorder --- */

static struct {
    bool ready;
    void (*wake)(void *arg);
    void *arg;
} recorder;

static void on_begin(void *ctx, const struct run_result *run, bool roomy, void (*wake)(void *arg),
                     void *arg) {
    (void)ctx;
    assert_int_equal(strlen(run->id), strlen("20261121T030405678-abcdef"));
    recorder.wake = wake;
    recorder.arg = arg;
    fake_lanes_note("record%s", roomy ? "" : " later");
}

static bool on_ready(void *ctx) {
    (void)ctx;
    fake_lanes_note("ready? %s", recorder.ready ? "yes" : "no");
    return recorder.ready;
}

static void on_rest(void *ctx) {
    (void)ctx;
    fake_lanes_note("record no more");
}

static const struct session_recorder fake_recorder = {
    .begin = on_begin, .ready = on_ready, .rest = on_rest, .fds = 4};

/* Ready when the first job has ended; in vain it wakes the session before. */
static void on_done_recorded(void *ctx, const struct job_info *job, struct attempt_end *end) {
    on_done(ctx, job, end);
    recorder.ready = job->id == 0;
    if (job->id == 0)
        recorder.wake(recorder.arg);
}

static void what_comes_after_waits_for_the_record(void **state) {
    static const struct fake_line script[] = {{"start a.1", ACT_UP, 0, 0},
                                              {"up a", ACT_EXIT, 0, 0},
                                              {"start b.1", ACT_UP, 1, 0},
                                              {"up b", ACT_EXIT, 1, 0},
                                              {0}};
    const struct session_events recorded = {
        .jobs = {.started = on_started, .done = on_done_recorded}, .say = on_say};
    const struct session_opts opts = {
        .plan = &f.plan, .events = &recorded, .recorder = &fake_recorder};

    (void)state;
    recorder.ready = false;
    fake_job(&f, "b", LANE_IO);
    fake_after(&f, "b", "a");
    fake_lanes_play(script);
    assert_int_equal(session_run(&opts, &result), 0);
    assert_string_equal(fake_lanes.log,
                        "open, record, start a.1, up a, done a ok, ready? yes, start b.1, up b, "
                        "rest, done b ok, close, record no more");
}

static void without_descriptors_to_spare_the_recorder_hears_of_it(void **state) {
    static const struct fake_line script[] = {
        {"start a.1", ACT_UP, 0, 0}, {"up a", ACT_EXIT, 0, 0}, {0}};
    const struct session_opts opts = {
        .plan = &f.plan, .events = &events, .recorder = &fake_recorder};

    (void)state;
    fake_lanes_play(script);
    fake_lanes.narrow = true;
    assert_int_equal(session_run(&opts, &result), 0);
    assert_string_equal(fake_lanes.log, "open, record later, start a.1, up a, rest, done a ok, "
                                        "close, record no more");
}

static void without_a_folder_for_outputs_the_run_goes_on(void **state) {
    static const struct fake_line script[] = {
        {"start a.1", ACT_UP, 0, 0}, {"up a", ACT_EXIT, 0, 0}, {0}};

    (void)state;
    said[0] = '\0';
    fake_lanes_play(script);
    fake_lanes.facts_error = UV_EROFS;
    assert_int_equal(
        session_run(&(struct session_opts){.plan = &f.plan, .events = &events}, &result), 0);
    assert_string_equal(said,
                        "jobs have no MUSTER_OUTPUT: no folder for it: Read-only file system\n");
    assert_int_equal(result.jobs[0].status, STATUS_OK);
}

#define run_of(test) cmocka_unit_test_setup_teardown(test, begin_run, end_run)

int main(void) {
    const struct CMUnitTest tests[] = {
        run_of(a_run),
        run_of(what_may_be_tried_again_keeps_the_lanes_awake),
        run_of(no_lanes),
        run_of(without_a_folder_for_outputs_the_run_goes_on),
        run_of(what_cannot_be_killed_at_the_end_is_told),
        run_of(a_signal_before_the_run),
        run_of(a_signal_stops_what_runs_a_second_kills_it),
        run_of(quit_kills_at_once),
        run_of(a_signal_behind_the_last_job_is_obeyed_and_changes_no_result),
        run_of(what_was_ignored_stays_so),
        run_of(a_pause_and_a_question),
        run_of(cleanups_and_on_end_are_behind_the_jobs),
        run_of(a_cleanup_is_killed_by_the_second_signal),
        run_of(what_is_killed_at_once_is_not_cleaned_up),
        run_of(a_signal_between_the_jobs_and_the_end),
        run_of(the_deadline_wakes_the_loop),
        run_of(each_shortage_is_told_once),
        run_of(what_was_told_beforehand_is_not_told_again),
        run_of(what_comes_after_waits_for_the_record),
        run_of(without_descriptors_to_spare_the_recorder_hears_of_it),
    };

    setrlimit(RLIMIT_NOFILE, &(struct rlimit){256, 256});
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
