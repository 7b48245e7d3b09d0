/* SPDX-License-Identifier: MIT */
/* scenarios: runs of muster whose outcome is known, and what is wrong with one that went otherwise.
 */
#include "scenarios.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "results.h"

#define REPORTED   "run", "--report", "json:results.json"
#define UNRECORDED REPORTED, "--no-history"
#define STATE      "--state-dir", "state"

static const char *const args_run[] = {UNRECORDED, "m.ini", NULL};
static const char *const args_group[] = {UNRECORDED,  "--output", "group",
                                         "--verbose", "m.ini",    NULL};
static const char *const args_stdout[] = {"run", "--no-history", "--report", "json", "m.ini", NULL};
static const char *const args_locked[] = {UNRECORDED, STATE, "m.ini", NULL};
static const char *const args_recorded[] = {REPORTED, STATE, "m.ini", NULL};
static const char *const args_shown[] = {"show", "--report", "json", STATE, NULL};
static const char *const args_history[] = {"history", "--report", "json", STATE, NULL};
static const char *const args_check[] = {"check", "m.ini", NULL};
static const char *const args_plan[] = {"plan", "--report", "json", "m.ini", NULL};
static const char *const args_table[] = {"plan", "m.ini", NULL};

static void no_files(void) {
}

static void files_of_streams(void) {
    if (mkdir("sub", 0700))
        trial_die("sub");
    trial_write("in", "from a file\n");
    trial_write("sub/tool", "#!/bin/sh\necho tool >> ../ran\necho \"tool $LATE\"\n");
    if (chmod("sub/tool", 0700))
        trial_die("sub/tool");
}

/* A run that is recorded, without hooks. */
static void files_of_history(void) {
    const char *args[] = {"run", STATE, "m.ini", NULL};

    if (trial_run(args, "before") != 0)
        trial_die("before");
}

const struct scenario scenarios[] = {
    {
        .name = "lanes",
        .args = args_run,
        .prepare = no_files,
        .manifest = "[muster]\nio-limit = 2\ncpu-workers = 2\n"
                    "[job a]\ntype = io\ncommand = echo a >> ran; echo one\n"
                    "[job b]\ntype = cpu\ncommand = echo b >> ran; echo two\n"
                    "[job c]\ntype = io\nafter = a b\nexec = sh -c \"echo c >> ran; echo three\"\n"
                    "[job d]\ntype = cpu\nafter = a\ncommand = echo d >> ran; echo four; echo e "
                    ">&2\nstderr = capture\n",
        .jobs = (const struct expected_job[]){{"a", "ok", "one\n", 1, NULL},
                                              {"b", "ok", "two\n", 1, NULL},
                                              {"c", "ok", "three\n", 1, NULL},
                                              {"d", "ok", "four\n", 1, NULL},
                                              {.name = NULL}},
        .tells = "4 jobs: 4 ok\nwall ",
    },
    {
        .name = "failures",
        .args = args_group,
        .prepare = no_files,
        .manifest =
            "[defaults]\nretry-delay = 10ms\nretry-jitter = 0\n"
            "[job bad]\ntype = io\ncommand = echo bad >> ran; echo out; exit 3\nretries = 1\n"
            "[job behind]\ntype = cpu\nafter = bad\ncommand = echo behind >> ran\n"
            "[job tidy]\ntype = cpu\nafter = bad\nwhen = failure\ncommand = echo tidy >> ran\n"
            "[job may]\ntype = cpu\ncommand = echo may >> ran; kill -SEGV $$\nallow-failure = yes\n"
            "[job none]\ntype = io\nexec = ./no-such-program\nafter = tidy\n",
        .jobs = (const struct expected_job[]){{"bad", "failed", "out\n", 2, "out\n"},
                                              {"behind", "skipped", "", 0, NULL},
                                              {"tidy", "ok", "", 1, NULL},
                                              {"may", "failed", NULL, 1, NULL},
                                              {"none", "failed", "", 0, NULL},
                                              {.name = NULL}},
        .status = 1,
    },
    {
        .name = "spills",
        .args = args_group,
        .prepare = no_files,
        .manifest =
            "[job io]\ntype = io\ncommand = echo io >> ran; \"$CHILDREN/flood\" 3000000 100; echo "
            "end\n"
            "[job cpu]\ntype = cpu\ncommand = echo cpu >> ran; \"$CHILDREN/flood\" 200000 100 >&2; "
            "echo end\nstderr = capture\n",
        .jobs = (const struct expected_job[]){{"io", "ok", NULL, 1, "x\nend\n"},
                                              {"cpu", "ok", "end\n", 1, "end\n"},
                                              {.name = NULL}},
        .tells = "2 jobs: 2 ok\nwall ",
    },
    {
        .name = "stdout",
        .args = args_stdout,
        .to_stdout = true,
        .prepare = no_files,
        .manifest = "[job a]\ntype = io\ncommand = echo a >> ran; echo one\n"
                    "[job b]\ntype = cpu\ncommand = echo b >> ran; echo two\n",
        .jobs = (const struct expected_job[]){{"a", "ok", "one\n", 1, NULL},
                                              {"b", "ok", "two\n", 1, NULL},
                                              {.name = NULL}},
    },
    {
        .name = "streams",
        .args = args_run,
        .prepare = files_of_streams,
        .manifest =
            "[muster]\nreport = table:table\n"
            "[job text]\ntype = io\nstdin = text:some text\nexec = cat\nstdout = file:text\n"
            "[job file]\ntype = cpu\nstdin = file:in\nexec = cat\nstdout = append:file\n"
            "[job make]\ntype = io\nafter = text file\ncommand = echo LATE=word > late; echo make "
            ">> ran\n"
            "[job tool]\ntype = io\nafter = make\ndir = sub\nenv-file = late\nexec = ./tool\nnice "
            "= 1\n",
        .jobs = (const struct expected_job[]){{"text", "ok", "", 0, NULL},
                                              {"file", "ok", "", 0, NULL},
                                              {"make", "ok", "", 1, NULL},
                                              {"tool", "ok", "tool word\n", 1, NULL},
                                              {.name = NULL}},
        .tells = "4 jobs: 4 ok\nwall ",
    },
    {
        .name = "many",
        .args = args_run,
        .prepare = no_files,
        .manifest = "[muster]\nio-limit = 6\ncpu-workers = 3\n"
                    "[defaults]\ncommand = echo \"$MUSTER_JOB\" >> ran; echo \"$MUSTER_JOB\"\n"
                    "[job a]\ntype = io\n[job b]\ntype = io\n[job c]\ntype = io\n"
                    "[job d]\ntype = io\n[job e]\ntype = io\n[job f]\ntype = io\n"
                    "[job g]\ntype = io\n[job h]\ntype = io\n[job i]\ntype = cpu\n"
                    "[job j]\ntype = cpu\n[job k]\ntype = cpu\n[job l]\ntype = cpu\n",
        .jobs = (const struct expected_job[]){{"a", "ok", "a\n", 1, NULL},
                                              {"b", "ok", "b\n", 1, NULL},
                                              {"c", "ok", "c\n", 1, NULL},
                                              {"d", "ok", "d\n", 1, NULL},
                                              {"e", "ok", "e\n", 1, NULL},
                                              {"f", "ok", "f\n", 1, NULL},
                                              {"g", "ok", "g\n", 1, NULL},
                                              {"h", "ok", "h\n", 1, NULL},
                                              {"i", "ok", "i\n", 1, NULL},
                                              {"j", "ok", "j\n", 1, NULL},
                                              {"k", "ok", "k\n", 1, NULL},
                                              {"l", "ok", "l\n", 1, NULL},
                                              {.name = NULL}},
        .tells = "12 jobs: 12 ok\nwall ",
    },
    {
        .name = "stops",
        .args = args_run,
        .prepare = no_files,
        .manifest =
            "[defaults]\nkill-after = 100ms\n"
            "[job stubborn]\ntype = io\ntimeout = 100ms\ncommand = echo stubborn >> ran; "
            "\"$CHILDREN/ignore-term\" & \"$CHILDREN/ignore-term\"\n"
            "[job daemon]\ntype = cpu\ncommand = echo daemon >> ran; \"$CHILDREN/daemonise\" pid "
            "clean\n"
            "[job leaves]\ntype = io\ncommand = echo leaves >> ran; \"$CHILDREN/fork-and-exit\"\n",
        .jobs = (const struct expected_job[]){{"stubborn", "timeout", NULL, 1, NULL},
                                              {"daemon", "ok", "daemon is up\n", 1, NULL},
                                              {"leaves", "ok", "before the exit\n", 1, NULL},
                                              {.name = NULL}},
        .status = 1,
        .slow = true,
    },
    {
        .name = "interrupted",
        .args = args_run,
        .prepare = no_files,
        .manifest = "[defaults]\nkill-after = 200ms\n"
                    "[job first]\ntype = cpu\ncommand = echo first >> ran\n"
                    "[job long]\ntype = io\nafter = first\nexec = sleep 1\n"
                    "[job kills]\ntype = cpu\nafter = first\ncommand = kill -TERM $PPID; exec "
                    "sleep 1\n"
                    "[job never]\ntype = io\nafter = long\ncommand = echo never >> ran\n",
        .jobs = (const struct expected_job[]){{"first", "ok", "", 1, NULL},
                                              {"long", "cancelled", "", 0, NULL},
                                              {"kills", "cancelled", "", 0, NULL},
                                              {"never", "cancelled", "", 1, NULL},
                                              {.name = NULL}},
        .signal = 15,
    },
    {
        .name = "bounds",
        .args = args_locked,
        .prepare = no_files,
        .manifest =
            "[muster]\nlock = fail\n"
            "[defaults]\nmax-open-files = 50\n"
            "[job files]\ntype = io\ncommand = echo files >> ran; ulimit -n\nmax-memory = 256M\n"
            "[job time]\ntype = cpu\ncommand = echo time >> ran; ulimit -t\nmax-cpu-time = 9s\n",
        .jobs = (const struct expected_job[]){{"files", "ok", "50\n", 1, NULL},
                                              {"time", "ok", "9\n", 1, NULL},
                                              {.name = NULL}},
        .tells = "2 jobs: 2 ok\nwall ",
    },
    {
        .name = "told",
        .args = args_recorded,
        .prepare = no_files,
        .manifest =
            "[job a]\ntype = io\ncommand = echo a >> ran; echo n=7 > \"$MUSTER_OUTPUT\"\n"
            "cleanup = echo \"a $MUSTER_STATUS\" >> cleaned\n"
            "[job b]\ntype = cpu\nafter = a\ncommand = echo b >> ran; echo \"$MUSTER_OUT_a_n\"\n",
        .jobs = (const struct expected_job[]){{"a", "ok", "", 1, NULL},
                                              {"b", "ok", "7\n", 1, NULL},
                                              {.name = NULL}},
        .tells = "2 jobs: 2 ok\nwall ",
        .outputs = "{\"n\":\"7\"}",
        .cleaned = "a ok\n",
        .recorded = true,
    },
    {
        .name = "recorded",
        .args = args_recorded,
        .prepare = no_files,
        .manifest =
            "[job a]\ntype = io\ncommand = echo a >> ran; echo one; echo err >&2\nstderr = "
            "capture\n"
            "[job b]\ntype = cpu\nafter = a\ncommand = echo b >> ran; \"$CHILDREN/flood\" 200000 "
            "100; echo end\n"
            "[job c]\ntype = io\nafter = a\ncommand = echo c >> ran; exit 3\nallow-failure = yes\n",
        .jobs = (const struct expected_job[]){{"a", "ok", "one\n", 1, NULL},
                                              {"b", "ok", NULL, 1, NULL},
                                              {"c", "failed", "", 1, NULL},
                                              {.name = NULL}},
        .tells = "3 jobs: 2 ok, 1 failed (1 allowed)\nwall ",
        .recorded = true,
    },
    {
        .name = "shown",
        .args = args_shown,
        .to_stdout = true,
        .prepare = files_of_history,
        .manifest = "[job a]\ntype = io\ncommand = echo a >> ran; echo one\n"
                    "[job b]\ntype = cpu\nafter = a\ncommand = echo b >> ran; echo two\n",
        .jobs = (const struct expected_job[]){{"a", "ok", "one\n", 1, NULL},
                                              {"b", "ok", "two\n", 1, NULL},
                                              {.name = NULL}},
    },
    {
        .name = "listed",
        .args = args_history,
        .prepare = files_of_history,
        .manifest = "[job a]\ntype = io\ncommand = true\n",
        .tells = "\"totals\":{\"jobs\":1,\"ok\":1,",
    },
    {
        .name = "check",
        .args = args_check,
        .prepare = no_files,
        .manifest = "[job a]\ntype = oi\ncommand = true\n[job a]\ntimeout = 30x\n[jib b]\n"
                    "[job c]\ntype = io\nexec = true\nafter = d\nstdin = file:none\nretrys = 3\n",
        .status = 2,
        .fixed = true,
    },
    {
        .name = "plan",
        .args = args_plan,
        .prepare = no_files,
        .manifest = "[defaults]\ntype = io\n[template t]\ncommand = true\n[job a]\nuse = t\n"
                    "[job b]\nexec = sh -c \"a b\"\nafter = a\n",
        .fixed = true,
    },
    {
        .name = "plan table",
        .args = args_table,
        .prepare = no_files,
        .manifest = "[defaults]\ntype = cpu\ncommand = true\n[job a]\n[job b]\nafter = a\n[job "
                    "c]\nafter = a b\n",
        .fixed = true,
    },
};
const unsigned scenario_count = sizeof scenarios / sizeof *scenarios;

void scenario_prepare(const struct scenario *s) {
    trial_write("m.ini", s->manifest);
    s->prepare();
}

/* --- judging ----------------------------------------------------------------- */

static char said[512]; /* what is wrong */

static const char *wrong(const char *what, const char *which) {
    snprintf(said, sizeof said, "%s%s%s", what, which ? ": " : "", which ? which : "");
    return said;
}

static bool file_says(const char *path, const char *what) {
    char *text = trial_read(path, NULL);
    bool says = text && strstr(text, what);

    free(text);
    return says;
}

/* Whether a job failed although it did well: what it told could not be read; or it had nowhere
 * to tell it. */
static bool unheard(const json_t *job) {
    const json_t *exit = json_object_get(job, "exit");

    return strcmp(results_text(job, "status"), "failed") == 0 &&
           strcmp(results_text(job, "reason"), "exit") == 0 &&
           ((json_is_integer(exit) && json_integer_value(exit) == 0) ||
            file_says("err", "jobs have no MUSTER_OUTPUT"));
}

/* Whether a fault may have made this of a job: it could not start or be heard, or what it comes
 * after. */
static bool suffered(const json_t *job) {
    const char *reason = results_text(job, "reason"), *status = results_text(job, "status");

    return results_spawn(job) || unheard(job) ||
           (strcmp(status, "skipped") == 0 && strcmp(reason, "dependency") == 0) ||
           (strcmp(status, "cancelled") == 0 && strcmp(reason, "cancelled") == 0);
}

/* Whether one that was to be cancelled went on, since who would have done it could not start. */
static bool went_on(const struct expected_job *e, const char *status) {
    return strcmp(e->status, "cancelled") == 0 && strcmp(status, "ok") == 0;
}

/* How a report is judged. */
struct judge {
    bool strict; /* all has to be as without a fault */
    bool lossy;  /* output may be missing: it was told */
    bool deaf;   /* so may what is on standard error */
    bool harmed; /* found: one job could not start, or not be heard */
};

/* One job of a report. */
static const char *job_fault(const struct expected_job *e, const json_t *job, struct judge *j) {
    const char *status = results_text(job, "status");
    unsigned runs = results_runs(e->name);
    bool same = strcmp(status, e->status) == 0;

    if (strcmp(results_text(job, "name"), e->name) != 0)
        return wrong("another job is in the report's place of", e->name);
    j->harmed = j->harmed || results_spawn(job) || unheard(job);
    /* One that was lost while it started may have run: it is said to have failed. */
    if (runs > e->runs || (runs > results_attempts(job) && !suffered(job)))
        return wrong("ran too often", e->name);
    if (same && strcmp(e->status, "ok") == 0 && runs != e->runs)
        return wrong("said to be ok, and has not run", e->name);
    if (same && strcmp(e->status, "ok") == 0 && e->text && !j->lossy &&
        strcmp(results_text(job, "stdout"), e->text) != 0)
        return wrong("its output is lost", e->name);
    if (same && e->shown && !j->lossy && !j->deaf &&
        strcmp(results_text(job, "reason"), "spawn") != 0 && !file_says("err", e->shown))
        return wrong("its output was not shown", e->name);
    if (same || j->lossy || (!j->strict && (suffered(job) || went_on(e, status))))
        return NULL;
    return wrong("another status", e->name);
}

/* What the first job told, as the report has it where that job is ok. */
static bool outputs_are(const json_t *jobs, const char *wanted) {
    const json_t *job = json_array_get(jobs, 0);
    char *text = json_dumps(json_object_get(job, "outputs"), JSON_COMPACT);
    bool are = strcmp(results_text(job, "status"), "ok") != 0 || (text && !strcmp(text, wanted));

    free(text);
    return are;
}

/* The report, which must be there and whole. */
static const char *report_fault(const struct scenario *s, const char *path, int status,
                                struct judge *j) {
    json_t *report = json_load_file(path, 0, NULL);
    const char *fault = NULL;
    size_t n = 0;

    /* A signal's end is stronger than that of what could not be delivered. */
    if (!report && access(path, F_OK) && s->signal && status > 128 && file_says("err", path))
        return NULL;
    if (!report)
        return wrong(access(path, F_OK) ? "no report" : "half a report", NULL);
    /* What failed behind it, such as standard output, it cannot know. */
    if (status != 3 &&
        json_integer_value(json_object_get(json_object_get(report, "run"), "exit")) != status)
        fault = wrong("another exit status in the report", NULL);
    for (; s->jobs[n].name && !fault; n++)
        fault = job_fault(&s->jobs[n], json_array_get(json_object_get(report, "jobs"), n), j);
    if (!fault && json_array_size(json_object_get(report, "jobs")) != n)
        fault = wrong("another number of jobs", NULL);
    if (!fault && s->outputs && !outputs_are(json_object_get(report, "jobs"), s->outputs))
        fault = wrong("what it told is lost", s->jobs[0].name);
    json_decref(report);
    return fault;
}

static bool file_is(const char *path, const char *what) {
    char *text = trial_read(path, NULL);
    bool is = text && strcmp(text, what) == 0;

    free(text);
    return is;
}

static bool file_begins(const char *path, const char *what) {
    char *text = trial_read(path, NULL);
    bool begins = text && strncmp(text, what, strlen(what)) == 0;

    free(text);
    return begins;
}

static bool file_ends(const char *path, const char *what) {
    size_t n = 0, len = strlen(what);
    char *text = trial_read(path, &n);
    bool ends = text && n >= len && strcmp(text + n - len, what) == 0;

    free(text);
    return ends;
}

/* Whether a line of standard error may be another with a fault: it says why a file cannot be
 * used, or how much has been said. */
static bool may_differ(const char *line) {
    return strstr(line, strerror(ENOENT)) || strncmp(line, "muster: ", 8) == 0;
}

/* Standard error is this; with a fault there may be more, and in another order, as it came. */
static bool says_all(const char *wanted, bool faulted) {
    char *lines = strdup(wanted), *at = lines, *line;
    bool all = lines && (faulted || file_is("err", wanted));

    while (all && faulted && (line = strsep(&at, "\n")))
        all = may_differ(line) || file_says("err", line);
    free(lines);
    return all;
}

/* What the history knows of the run: nothing that is not so, and all of it if `whole`. */
static const char *history_fault(const struct scenario *s, int status, bool whole) {
    const char *list[] = {"history", STATE, NULL};
    struct judge j = {.lossy = true};

    if (trial_run(list, "listed") != 0)
        return wrong("the history cannot be read", NULL);
    if (trial_run(args_shown, "shown") != 0)
        return whole ? wrong("no run in the history", NULL) : NULL;
    return whole ? report_fault(s, "shown", status, &j) : NULL;
}

static bool cleanup_failed(void) {
    return file_says("err", ": cleanup failed: ");
}

/* The first job's cleanup ran once behind it, or that it did not is told. */
static const char *cleanup_fault(const struct scenario *s, bool as_expected) {
    if (file_is("cleaned", s->cleaned))
        return NULL;
    if (as_expected)
        return wrong("exit 0, and no cleanup", NULL);
    if (results_runs(s->jobs[0].name) == 0 || cleanup_failed())
        return NULL;
    return file_ends("cleaned", "\n") ? NULL : wrong("no cleanup, and not a word", NULL);
}

/* It ended as if it had delivered. */
static const char *delivered_fault(const struct scenario *s, int status, bool as_expected,
                                   const struct scenario_case *c) {
    struct judge j = {.strict = !c->faulted || (as_expected && status == 0), .deaf = c->deaf};

    /* A signal's end is stronger than exit 3. */
    j.lossy = status > 128 && file_says("err", "muster: output of job ");
    const char *fault = NULL;

    if (s->fixed && status == 2 && c->faulted && file_begins("err", "muster: m.ini: "))
        return NULL; /* it could not even be read */
    if (s->fixed && !(file_is("out", c->out) && (c->deaf || says_all(c->err, c->faulted))))
        return wrong("not all was said", NULL);
    if (s->jobs)
        fault = report_fault(s, s->to_stdout ? "out" : "results.json", status, &j);
    if (!fault && s->cleaned)
        fault = cleanup_fault(s, as_expected);
    if (!fault && !as_expected && !j.harmed && !(s->cleaned && cleanup_failed()))
        fault = wrong("exit 1, and no job could not start", NULL);
    if (!fault && s->recorded)
        fault = history_fault(s, status, !c->deaf && !file_says("err", "muster: history: "));
    if (!fault && s->tells && as_expected &&
        !(file_says("out", s->tells) && file_ends("out", "\n")))
        fault = wrong("the table is not whole", NULL);
    return fault;
}

const char *scenario_fault(const struct scenario *s, const struct trial_end *end,
                           const struct scenario_case *c) {
    bool signalled = WIFSIGNALED(end->status);
    int status = signalled ? 128 + WTERMSIG(end->status) : WEXITSTATUS(end->status);
    int wanted = s->signal ? 128 + s->signal : s->status;
    struct judge told = {.lossy = true};
    const char *fault = NULL;

    if (end->hung)
        return wrong("hangs", NULL);
    if (end->orphans > 0)
        return wrong("leaves processes", NULL);
    if (signalled ? WTERMSIG(end->status) != s->signal : s->signal && status == wanted)
        return wrong("crashes", NULL);
    if (status == wanted)
        return delivered_fault(s, status, true, c);
    if (!c->faulted)
        return wrong("another exit status", NULL);
    if (status == 1 && s->jobs)
        return delivered_fault(s, status, false, c);
    if (status != 2 && status != 3)
        return wrong("another exit status", NULL);
    if (!c->deaf && !file_says("err", "muster: "))
        return wrong("not a word", NULL);
    if (status == 2 && access("ran", F_OK) == 0)
        return wrong("exit 2, and something was run", NULL);
    if (s->jobs && !s->to_stdout && access("results.json", F_OK) == 0)
        fault = report_fault(s, "results.json", 3, &told);
    if (!fault && s->recorded)
        fault = history_fault(s, status, false);
    return fault;
}
