/* SPDX-License-Identifier: MIT */
/* run: the verb that runs the jobs. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/state.h"
#include "base/utf8.h"
#include "cli/events.h"
#include "cli/progress.h"
#include "cli/recording.h"
#include "cli/resume.h"
#include "cli/watching.h"
#include "report/ci_report.h"
#include "report/report.h"
#include "report/sink.h"
#include "run/lock.h"
#include "store/habits.h"
#include "store/settled.h"

/* ---- signals while reports are written ---- */

/*
 * The session handles signals until every job has ended. From then on the
 * first one waits until all reports are there, so that none is half; a second
 * one ends muster at once.
 */
static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};
#define STOP_SIGNALS (sizeof stop_signals / sizeof *stop_signals)

static volatile sig_atomic_t held_signal;

static void on_stop_signal(int sig) {
    if (held_signal) {
        signal(sig, SIG_DFL);
        raise(sig); /* taken when this handler returns */
    }
    held_signal = sig;
    sink_hurry();
}

static void hold_signals(void) {
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < STOP_SIGNALS; i++) {
        struct sigaction old, act = {.sa_handler = on_stop_signal, .sa_flags = SA_RESTART};

        sigemptyset(&act.sa_mask);
        if (sigaction(stop_signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(stop_signals[i], &act, NULL);
        sigaddset(&set, stop_signals[i]);
    }
    sigprocmask(SIG_UNBLOCK, &set, NULL); /* those that the session left waiting */
}

/* ---- reports ---- */

/* One run with all that belongs to it. */
struct run {
    const struct cli_options *options;
    const struct plan *plan;
    int lock; /* descriptor, 0: none */
    struct resume resume;
    struct run_result result;
    struct output *output;
    struct report_input input;
    struct events events;
    struct ci ci;
    struct watching watching;
};

/* Brings one report where it belongs. Whether that went well; else it has been said. */
static bool deliver_one(struct run *run, const struct report_spec *report) {
    if (report->format == REPORT_JSONL)
        return events_finish(&run->events, report, &run->result);
    return cli_deliver(report, cli_write_report, &run->input) == 0;
}

/* Writes one list's reports that are, or are not, for standard output. How many. */
static size_t deliver(struct run *run, const struct report_spec *reports, size_t n, bool to_file) {
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        if ((reports[i].file != NULL) != to_file)
            continue;
        count++;
        if (!deliver_one(run, &reports[i])) {
            run->result.undelivered = true;
            run->result.exit = run_exit_status(&run->result); /* what later reports say */
        }
    }
    return count;
}

static void deliver_all(struct run *run) {
    const struct cli_options *o = run->options;
    const struct plan *plan = run->plan;
    const struct report_spec table = {.format = REPORT_TABLE};

    /* The files first: a failure there is in what standard output says. */
    deliver(run, plan->reports, plan->nreports, true);
    deliver(run, o->reports, o->nreports, true);
    if (deliver(run, plan->reports, plan->nreports, false) +
            deliver(run, o->reports, o->nreports, false) ==
        0) {
        run->input.failed_only = o->quiet;
        if (!o->quiet || run->result.exit != CLI_OK)
            deliver(run, &table, 1, false);
    }
}

/* A report on standard output, which is in the same log, may have lines of jobs, too. */
static void stop_commands(struct run *run) {
    char text[CI_TEXT_MAX];
    bool printed = false;

    for (size_t i = 0; i < run->plan->nreports; i++)
        printed = printed || !run->plan->reports[i].file;
    for (size_t i = 0; i < run->options->nreports; i++)
        printed = printed || !run->options->reports[i].file;
    if (printed)
        fwrite(text, 1, ci_stop(&run->ci, text), stderr);
    fflush(stderr);
}

/* What a CI service is told besides. Before the reports: it may be what fails. */
static void summarise(struct run *run) {
    int error = ci_summarise(&run->ci, &run->input);

    if (!error)
        return;
    cli_error("%s: %s", getenv("GITHUB_STEP_SUMMARY"), strerror(-error));
    run->result.undelivered = true;
    run->result.exit = run_exit_status(&run->result);
}

/* Nothing that jobs said is written any more. */
static void annotate(struct run *run) {
    char text[CI_TEXT_MAX];

    fwrite(text, 1, ci_resume(&run->ci, text), stderr);
    ci_annotate(&run->ci, &run->input, stderr);
    fflush(stderr);
}

/* ---- the lock ---- */

/* Another run has it. What becomes of this one, in words. */
static void tell_locked(const struct lock *lock, const char *manifest, const char *words) {
    pid_t holder = lock_holder(lock);
    char pid[32] = "";

    if (holder)
        snprintf(pid, sizeof pid, " (pid %d)", (int)holder);
    cli_error("%s: another run holds the lock%s; %s", cli_manifest_name(manifest), pid, words);
}

/* Takes an open lock as the plan says. 0, UV_EBUSY: it was not to be had, or UV_E…. */
static int take_as_wished(struct lock *lock, const struct plan *plan, bool quiet) {
    int error = lock_take(lock, false);

    if (error != UV_EBUSY)
        return error;
    if (plan->lock == LOCK_FAIL)
        tell_locked(lock, plan->path, "nothing was run");
    else if (!quiet)
        tell_locked(lock, plan->path, plan->lock == LOCK_SKIP ? "skipped" : "waiting");
    /* Signals end muster as they would any program: nothing has begun. */
    return plan->lock == LOCK_WAIT ? lock_take(lock, true) : UV_EBUSY;
}

/* Takes the lock. False: there is to be no run, and *status is what to end with. */
static bool take_lock(struct lock *lock, const struct plan *plan, const struct cli_options *o,
                      int *status) {
    const struct lock_subject subject = {.manifest = plan->path, .name = plan->name};
    char *folder;
    int error = state_path(o->state_dir, &folder);

    *status = CLI_BROKEN;
    if (error) {
        cli_error("lock: %s; nothing was run", cli_state_trouble(error));
        return false;
    }
    error = lock_open(lock, folder, &subject);
    if (!error)
        error = take_as_wished(lock, plan, o->quiet);
    if (error == UV_EBUSY)
        *status = plan->lock == LOCK_SKIP ? CLI_OK : CLI_LOCKED;
    else if (error)
        cli_tell_state_file("lock", folder, lock->name, error);
    free(folder);
    return error == 0;
}

/* ---- the verb ---- */

/* What the command line says is stronger than the manifest. */
static void apply_options(struct plan *plan, const struct cli_options *o) {
    if (o->deadline_ns >= 0)
        plan->deadline_ns = o->deadline_ns;
    if (o->on_failure >= 0)
        plan->on_failure = (enum on_failure)o->on_failure;
    if (o->output >= 0)
        plan->output = (enum output_mode)o->output;
    if (o->lock >= 0)
        plan->lock = (enum lock_mode)o->lock;
    if (o->log_dir)
        plan->log_dir = o->log_dir;
    if (o->quiet && plan->output == OUTPUT_LIVE)
        plan->output = OUTPUT_FAILED; /* what goes well is not to be seen */
}

/* The folder of the log files, made if it is not there; or UV_E…. */
static int open_log_dir(const char *path) {
    int fd;

    if (mkdir(path, 0777) < 0 && errno != EEXIST)
        return -errno;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Has the output of running jobs followed, as it is wanted. False, and said why: it cannot be. */
static bool follow_jobs(const struct run *run) {
    const struct plan *plan = run->plan;
    int dir = plan->log_dir ? open_log_dir(plan->log_dir) : -1, error = 0;
    size_t width = 0;

    for (uint32_t i = 0; plan->output == OUTPUT_LIVE && i < plan->njobs; i++) {
        size_t count = utf8_count(plan->jobs[i].name, strlen(plan->jobs[i].name));

        width = count > width ? count : width;
    }
    if (plan->log_dir && dir < 0)
        error = dir;
    if (!error)
        error = output_follow(run->output, dir, plan->output == OUTPUT_LIVE, (unsigned)width);
    if (error)
        cli_error("%s: %s; nothing was run", plan->log_dir ? plan->log_dir : "output",
                  strerror(-error));
    return !error;
}

/* Where jobs of type auto start by their history; NULL: there is none. */
static uint8_t *read_habits(const struct cli_options *o, const struct plan *plan) {
    uint8_t *lanes = NULL;
    bool any = false;
    char *folder;

    for (uint32_t i = 0; i < plan->njobs && !any; i++)
        any = plan->jobs[i].set->automatic;
    if (!any || o->no_history || state_path(o->state_dir, &folder) < 0)
        return NULL;
    lanes = habits_read(folder, plan);
    free(folder);
    return lanes;
}

static enum lane lane_by_habit(void *ctx, uint32_t job) {
    return (enum lane)((const uint8_t *)ctx)[job];
}

static enum settled settled_of_item(void *ctx, const struct job_info *job, struct facts **told) {
    return settled_item(ctx, job->def, told);
}

/* From the first job to the last report. The status to end with. */
static int run_plan(struct run *run) {
    const struct cli_options *o = run->options;
    struct progress progress = {
        .result = &run->result,
        .output = run->output,
        .mode = run->plan->output,
        .quiet = o->quiet,
        .verbose = o->verbose,
        .display = run->watching.tick_ms ? &run->watching.display : NULL,
        .board = run->watching.tick_ms ? &run->watching.board : NULL,
        .keep = cli_wants_tails(o->reports, o->nreports) ||
                cli_wants_tails(run->plan->reports, run->plan->nreports) || ci_summarises(&run->ci),
        .keeping.all = cli_wants_rows(o->reports, o->nreports) ||
                       cli_wants_rows(run->plan->reports, run->plan->nreports),
    };
    struct recording recording;
    struct session_opts session = {
        .tick_ms = run->watching.tick_ms,
        .plan = run->plan,
        .lock = run->lock,
        .presence = run->resume.presence.fd,
        .settled = run->resume.settled,
        .settled_facts = run->resume.facts,
        .settled_item = run->resume.set ? settled_of_item : NULL,
        .settled_ctx = run->resume.set,
        .events = &progress_events,
        .ctx = &progress,
    };
    uint8_t *lanes = read_habits(o, run->plan);
    int error, status;

    progress.explain = o->explain ? explain_new(&run->result) : NULL;
    session.explain = progress.explain != NULL;
    session.lane_of = lanes ? lane_by_habit : NULL;
    session.lane_ctx = lanes;
    recording_open(&recording, o, &run->resume, &progress);
    session.recorder = recording.store ? &recording_recorder : NULL;
    session.recorder_ctx = &recording;
    error = events_open(&run->events, run->plan->reports, run->plan->nreports);

    if (!error)
        error = events_open(&run->events, o->reports, o->nreports);
    events_attach(&run->events, run->output);
    if (access("/proc/self", F_OK) != 0)
        cli_error("/proc is not there: processes that leave the session of their job are not "
                  "found");
    if (!error)
        error = session_run(&session, &run->result);
    free(lanes);
    hold_signals();
    if (run->result.interrupted_by)
        sink_hurry();
    recording_catch_up(&recording);
    output_drain(run->output);
    if (error) {
        recording_close(&recording, CLI_BROKEN);
        explain_free(progress.explain);
        cli_error("%s; nothing was run", strerror(-error));
        return CLI_BROKEN;
    }
    run->result.items.ledger = output_ledger(run->output);
    if (output_error(run->output))
        cli_error("the jobs' output: %s", strerror(-output_error(run->output)));
    if (output_log_error(run->output))
        cli_error("%s: %s", run->plan->log_dir, strerror(-output_log_error(run->output)));
    run->result.undelivered = run->result.undelivered || progress.lost || run->events.failed ||
                              output_error(run->output) != 0 || output_log_error(run->output) != 0;
    recording_finish(&recording, &run->result);
    run->input = (struct report_input){
        .run = &run->result,
        .output = run->output,
        .color = cli_wants_color(o, STDOUT_FILENO),
    };
    if (progress.explain)
        explain_write(progress.explain, stderr);
    explain_free(progress.explain);
    summarise(run);
    deliver_all(run);
    annotate(run);
    status =
        held_signal && run->result.exit <= CLI_SIGNAL ? CLI_SIGNAL + held_signal : run->result.exit;
    recording_close(&recording, status);
    return status;
}

/* With the lock in hand, or without one. */
static int run_locked(const struct cli_options *o, const struct plan *plan, int lock) {
    struct run run = {.options = o, .plan = plan, .lock = lock};
    int error, status = resume_open(&run.resume, o, plan);

    if (status)
        return status;
    status = CLI_BROKEN;
    run.ci.kind = o->ci >= 0 ? (enum ci_kind)o->ci : ci_detect();
    /* GitLab's sections are escape sequences, which a job could write as well. */
    error = output_open(&run.output, isatty(STDERR_FILENO) || run.ci.kind == CI_GITLAB);
    if (!error)
        output_set_ci(run.output, &run.ci);
    if (!error && cli_wants_color(o, STDERR_FILENO))
        output_allow_colors(run.output);
    if (!error)
        watching_open(&run.watching, o, plan, run.ci.kind != CI_NONE, run.output);
    stop_commands(&run);
    if (error)
        cli_error("%s; nothing was run", strerror(-error));
    else if (follow_jobs(&run))
        status = run_plan(&run);
    run_result_release(&run.result);
    output_free(run.output);
    watching_close(&run.watching);
    events_release(&run.events);
    resume_close(&run.resume);
    return status;
}

int cli_run(const struct cli_options *o) {
    struct plan *plan;
    struct lock lock = {.fd = -1, .folder = -1};
    int status = cli_load(o, o->manifests[0], &plan, NULL, NULL);

    if (status)
        return status;
    status = cli_check_reports(plan->reports, plan->nreports, o->reports, o->nreports);
    if (!status) {
        apply_options(plan, o);
        if (plan->lock == LOCK_NO)
            status = run_locked(o, plan, 0);
        else if (take_lock(&lock, plan, o, &status))
            status = run_locked(o, plan, lock.fd);
        lock_release(&lock);
    }
    plan_free(plan);
    return status;
}
