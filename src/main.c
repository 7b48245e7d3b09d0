/* SPDX-License-Identifier: MIT */
/* main: set up, hand over to a verb, end: the only exit(). */
/*
 * The map of the house. Rooms include themselves and those above, never back:
 *
 *   base/    what any program could use: memory, text, places in files, diagnostics
 *   plan/    from a manifest's bytes to a sealed struct plan (plan.h)
 *   exec/    how an attempt runs: process, capture, the two lanes (lanes.h)
 *   run/     what starts when: job states, scheduler, one run (session.h), results
 *   store/   the history: written by a thread of its own, read as results
 *   report/  results and job output for people and programs
 *   cli/     options and one function per verb
 *
 * Where is …                          it is in
 *   a key of the manifest             schema_keys in plan/schema.c, a row each
 *   what a key means for a job        struct plan_job in plan/plan.h
 *   a message about a manifest        plan/, rendered by base/diag.c
 *   a lane                            exec/lanes.c; one process: exec/process.c
 *   a job's terminal                  exec/terminal.h; how it is shown: report/painted.h
 *   how a process is started          exec/starter.c; by whom: exec/launcher.h
 *   attempts without a process        exec/errands.c, a row each: waiting.c, request.c, tasking.c
 *   persistent workers                exec/crew.h, a process each: hand.h; what is said: dialog.h
 *   who asks a port, a file, a URL    exec/probe.h; requests: exec/fetch.h
 *   whether a service is ready        exec/watcher.h; its end: run/service.h
 *   libcurl                           base/libcurl.h, loaded when it is needed
 *   what libuv must not run out of    exec/reserve.c
 *   what is done when muster dies     exec/sweep.c, exec/killgroup.h
 *   limits of a job's processes       exec/spawn.c, of memory: exec/memgroup.h
 *   the states of a job               the table in run/job.c
 *   retries, limits in time, deadline run/sched.c
 *   what comes after what             run/order.c; what follows from an end: run/tend.c
 *   what is run behind the jobs       run/cleanup.h: their cleanups, on-end
 *   items: their axes                 plan/axes.c; the job of one: plan/item.h
 *   values that differ among items    plan/templates.c
 *   items: where they come from       run/items.h; while they live: run/instances.h
 *   items that wait for one another   run/relations.c, run/kin.h
 *   items: what is kept of their ends run/ledger.h, cli/keeping.h
 *   which ready job is next           run/ready.h; shared limits: run/limit.h
 *   what jobs waited for              run/waits.h; in words: cli/explain.c
 *   signals, the loop                 run/signals.c, run/session.c
 *   what goes between sched and lanes run/dispatch.c
 *   what runs, and for how long       run/showing.c, run/slow.c
 *   make's jobserver                  exec/jobserver.h
 *   the lock of a manifest            run/lock.c; the folder it is in: base/state.h
 *   what a run may not begin beside   run/presence.c
 *   what jobs tell one another        exec/facts.h; who sees it: run/telling.h
 *   what must not be seen             plan/secrets.c; in output: base/mask.h
 *   the words for a failure           run/reason.c
 *   what is recorded, and when        store/store.c; its tables: store/db.c
 *   what a resumed run leaves out     store/settled.c, by the definitions of store/definition.c
 *   a report format                   report_writers in report/report.c, a row each
 *   what running jobs write           report/follow.c, for people and log files
 *   standard error during a run       report/output.c, by a thread; how: report/emit.c
 *   how a run stands while it goes on report/board.h, drawn by report/display.h
 *   what a CI log is told             report/ci.c, of the results: report/ci_report.c
 *   what all reports read             report/rows.h; events as they happen: report/jsonl.c
 *   an option, a verb                 cli_option_rows, cli_verb_rows in cli/options.c
 *   what shells complete              cli/completion.c, from those
 *   an exit status                    run_exit_status in run/result.c, enum cli_status
 *
 * A run: main() → cli_run() → plan_load() → session_run() → reports.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/makeflags.h"
#include "base/trace.h"
#include "cli/cli.h"

static int (*const verbs[VERBS])(const struct cli_options *) = {
    [VERB_RUN] = cli_run,
    [VERB_CHECK] = cli_check,
    [VERB_PLAN] = cli_plan,
    [VERB_LIST] = cli_list,
    [VERB_HISTORY] = cli_history,
    [VERB_SHOW] = cli_show,
    [VERB_COMPLETION] = cli_completion,
};

/*
 * Descriptors 0 to 2 that are closed: opened the wrong way round, so that no
 * file ever becomes one of them and using them still fails (EBADF).
 */
static void fill_standard_fds(void) {
    static const int modes[] = {O_WRONLY, O_RDONLY, O_RDONLY};

    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) < 0 &&
            open("/", O_RDONLY | O_DIRECTORY) < 0)
            exit(CLI_BROKEN); /* the lowest free one is fd; and there is no one to tell */
}

/* No job gets what muster inherited. */
static void close_inherited_fds(void) {
    DIR *dir;
    struct dirent *entry;

    if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
        return;
    dir = opendir("/proc/self/fd"); /* Linux before 5.11 */
    while (dir && (entry = readdir(dir))) {
        int fd = (int)strtol(entry->d_name, NULL, 10);

        if (fd > STDERR_FILENO)
            fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    if (dir)
        closedir(dir);
}

/* SIGUSR1 asks what is running: before a run and after it nothing is. */
static void on_list_signal(int sig) {
    (void)sig;
}

/* Signals as a run needs them, whatever the caller left. */
static void set_signals(void) {
    sigset_t none;
    struct sigaction list = {.sa_handler = on_list_signal}, before;

    signal(SIGPIPE, SIG_IGN); /* a reader that has gone is an error like others */
    signal(SIGXFSZ, SIG_IGN); /* so is a file that grew too long */
    signal(SIGCHLD, SIG_DFL); /* ignored, no child could be waited for */
    if (sigaction(SIGUSR1, NULL, &before) == 0 && before.sa_handler == SIG_DFL)
        sigaction(SIGUSR1, &list, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Ends as the signal would have ended it: shells tell the two apart. */
static void die_by(int sig) {
    const struct rlimit no_core = {0, 0}; /* SIGQUIT was an order, not a fault */
    sigset_t set;

    setrlimit(RLIMIT_CORE, &no_core);
    signal(sig, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, sig);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    kill(getpid(), sig);
}

int main(int argc, char **argv) {
    struct cli_options options;
    int status;

    fill_standard_fds();
    makeflags_take();
    if (getauxval(AT_SECURE)) {
        cli_error("set-user-ID or set-group-ID use is refused");
        exit(CLI_BROKEN);
    }
    close_inherited_fds();
    set_signals();
    /* Of the locale only the characters: decimal points and messages stay. */
    if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
        setlocale(LC_CTYPE, "C.UTF-8");
    trace_init(getenv("MUSTER_DEBUG"));

    status = cli_parse(&options, argc, argv);
    if (!status)
        status =
            options.help || options.version ? cli_about(&options) : verbs[options.verb](&options);
    cli_options_release(&options);
    if (status > CLI_SIGNAL)
        die_by(status - CLI_SIGNAL);
    exit(status);
}
