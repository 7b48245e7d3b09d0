/* SPDX-License-Identifier: MIT */
/* storm: signals at random moments: those that muster heeds, and SIGKILL to it or its launchers. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../fakes/roll.h"
#include "results.h"
#include "trial.h"

#define LIMIT_MS    30000 /* a run that takes longer hangs */
#define GRACE_MS    1000  /* the promise, behind SIGKILL */
#define SHORT_RUNS  20    /* of each kind */
#define TOLD_MAX    5
#define JOBS_MAX    24
#define WORKERS_MAX 16

enum kind { SIGNALS, KILL_MUSTER, KILL_LAUNCHER, KINDS };
static const char *const kind_names[KINDS] = {"INT, TERM, HUP, QUIT, TSTP, CONT, USR1 in storms",
                                              "SIGKILL to muster", "SIGKILL to a launcher"};

/* What all workers add up to, in shared memory. */
struct tally {
    atomic_uint next;
    atomic_uint runs[KINDS], sent[KINDS], struck[KINDS]; /* struck: ended by it */
    atomic_uint hangs[KINDS], orphans[KINDS], lost[KINDS];
    atomic_llong gone_ms[KINDS]; /* the longest */
};

static struct tally *tally;
static unsigned long runs = SHORT_RUNS, seed = 1;
static const char *muster;

/* --- one run -------------------------------------------------------------------- */

/* What jobs do; each notes that it ran. */
static const char *const behaviours[] = {
    "echo text",
    "exec sleep 0.02",
    "exec sleep 0.1",
    "\"$CHILDREN/flood\" 200000 80",
    "\"$CHILDREN/fork-and-exit\"",
    "\"$CHILDREN/daemonise\" \"pid.$MUSTER_JOB\" clean",
    "\"$CHILDREN/daemonise\" \"pid.$MUSTER_JOB\" stay",
    "\"$CHILDREN/ignore-term\" & exec \"$CHILDREN/ignore-term\"",
    "exit 3",
};
#define BEHAVIOURS (sizeof behaviours / sizeof *behaviours)

static unsigned write_manifest(void) {
    unsigned n = 4 + roll(JOBS_MAX - 4);
    FILE *f = fopen("m.ini", "we");

    if (!f)
        trial_die("m.ini");
    fprintf(f, "[muster]\nio-limit = %u\ncpu-workers = %u\non-failure = %s\n", 1 + roll(8),
            1 + roll(4),
            roll(4)   ? "continue"
            : roll(2) ? "drain"
                      : "cancel");
    fprintf(f, "[defaults]\ntimeout = 300ms\nkill-after = 100ms\nretry-delay = 20ms\n");
    for (unsigned i = 0; i < n; i++) {
        fprintf(f, "[job j%u]\ntype = %s\n", i, roll(2) ? "io" : "cpu");
        fprintf(f, "command = echo j%u >> ran; %s\n", i, behaviours[roll(BEHAVIOURS)]);
        if (roll(3) == 0)
            fprintf(f, "retries = %u\n", roll(3));
        if (i && roll(3) == 0)
            fprintf(f, "after = j%u\nwhen = always\n", roll(i));
    }
    if (fclose(f))
        trial_die("m.ini");
    return n;
}

/* What was sent. */
struct sent {
    unsigned stops; /* of those that stop a run; SIGQUIT does it as a second one */
    sigset_t set;
};

static void send_signal(const struct trial *t, int sig, enum kind kind, struct sent *sent) {
    kill(t->pid, sig);
    sigaddset(&sent->set, sig);
    sent->stops += sig == SIGQUIT ? 2 : sig == SIGINT || sig == SIGTERM || sig == SIGHUP;
    tally->sent[kind]++;
}

/* Some of those that are asked for, and in half of the runs those that stop. */
static void send_storm(struct trial *t, struct sent *sent) {
    static const int asks[] = {SIGUSR1, SIGTSTP, SIGUSR1, SIGTSTP};
    static const int stops[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    unsigned n = 1 + roll(12), share = roll(3); /* of those that stop */

    for (unsigned i = 0; i < n && !trial_wait(t, roll(2) ? roll(40) : roll(4)); i++) {
        if (roll(4) < share) {
            send_signal(t, stops[roll(4)], SIGNALS, sent);
            continue;
        }
        send_signal(t, asks[roll(4)], SIGNALS, sent);
        if (sigismember(&sent->set, SIGTSTP)) {
            poll(NULL, 0, (int)roll(20));
            kill(t->pid, SIGCONT);
        }
    }
    /* muster may only be about to stop itself. */
    for (int i = 0; i < LIMIT_MS / 50 && !trial_wait(t, 50); i++)
        kill(t->pid, SIGCONT);
}

/* A launcher of muster's, or 0. */
static pid_t find_launcher(pid_t pid) {
    char path[PATH_MAX], comm[32];
    struct dirent *e;
    pid_t found = 0;
    int child;
    DIR *tasks;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    tasks = opendir(path);
    while (tasks && !found && (e = readdir(tasks))) {
        snprintf(path, sizeof path, "/proc/%d/task/%s/children", (int)pid, e->d_name);
        FILE *f = e->d_name[0] == '.' ? NULL : fopen(path, "re");

        while (f && fscanf(f, "%d", &child) == 1) {
            char *name;

            snprintf(comm, sizeof comm, "/proc/%d/comm", child);
            name = trial_read(comm, NULL);
            if (name && strcmp(name, "muster-launch\n") == 0 && (!found || roll(2)))
                found = child;
            free(name);
        }
        if (f)
            fclose(f);
    }
    if (tasks)
        closedir(tasks);
    return found;
}

static void strike(struct trial *t, enum kind kind) {
    pid_t victim;

    if (trial_wait(t, roll(2) ? roll(30) : roll(250)))
        return;
    victim = kind == KILL_MUSTER ? t->pid : find_launcher(t->pid);
    if (!victim)
        return;
    kill(victim, SIGKILL);
    tally->sent[kind]++;
}

/* --- judging ------------------------------------------------------------------------ */

/* What ThreadSanitizer has in TMPDIR for a moment, before muster itself begins. */
static const char sanitizers_own[] = "tsan.rodata.";

/* A file in a folder whose name begins like this: what is wrong then, or NULL. */
static const char *litter_fault(const char *folder, const char *begin) {
    static char found[2 * NAME_MAX];
    struct dirent *e;
    DIR *dir = opendir(folder);

    *found = '\0';
    while (dir && (e = readdir(dir)))
        if (strncmp(e->d_name, begin, strlen(begin)) == 0 && strcmp(e->d_name, ".") != 0 &&
            strcmp(e->d_name, "..") != 0 &&
            strncmp(e->d_name, sanitizers_own, strlen(sanitizers_own)) != 0)
            snprintf(found, sizeof found, "a temporary file is left: %s/%s", folder, e->d_name);
    if (dir)
        closedir(dir);
    else
        trial_die(folder);
    return *found ? found : NULL;
}

/* One job of a report that is whole. */
static const char *job_fault(const json_t *job) {
    static const char *const words[] = {"ok", "failed", "timeout", "cancelled", "skipped", NULL};
    const char *status = results_text(job, "status");
    unsigned ran = results_runs(results_text(job, "name")), i = 0;
    size_t attempts = results_attempts(job);

    while (words[i] && strcmp(words[i], status) != 0)
        i++;
    if (!words[i])
        return "a job without an end";
    if (ran > attempts)
        return "a job ran more often than the report says";
    /* One that was stopped as it started may not have come so far. */
    if (strcmp(status, "ok") == 0 && ran != attempts && attempts == 1)
        return "a job is said to be ok and has not run";
    return NULL;
}

static const char *report_fault(const json_t *report, unsigned njobs, int status,
                                const struct sent *sent) {
    const json_t *jobs = json_object_get(report, "jobs"), *run = json_object_get(report, "run");
    const char *fault = NULL;
    bool all_ok = true;

    if (json_array_size(jobs) != njobs)
        return "not all jobs are in the report";
    for (size_t i = 0; i < njobs && !fault; i++) {
        fault = job_fault(json_array_get(jobs, i));
        all_ok = all_ok && strcmp(results_text(json_array_get(jobs, i), "status"), "ok") == 0;
    }
    if (!fault && status == 0 && !all_ok)
        fault = "exit 0, and not all is ok";
    /* A signal that came while reports were written is not in them. */
    if (!fault && json_integer_value(json_object_get(run, "exit")) != status && !sent->stops)
        fault = "another exit status in the report";
    return fault;
}

/* The history can be read, and says of no job that it is ok that has not run. */
static const char *history_fault(void) {
    static const char *const list[] = {"history", NULL};
    static const char *const show[] = {"show", "--report", "json", NULL};
    json_t *shown = NULL;
    const json_t *jobs, *job;
    const char *fault = NULL;
    size_t i;

    if (trial_run(list, "listed") != 0)
        return "the history cannot be read";
    if (trial_run(show, "shown") != 0)
        return NULL; /* it came to an end before it was there */
    shown = json_load_file("shown", 0, NULL);
    if (!shown)
        return "the history shows no report";
    jobs = json_object_get(shown, "jobs");
    json_array_foreach(jobs, i, job) {
        if (strcmp(results_text(job, "status"), "ok") == 0 &&
            results_runs(results_text(job, "name")) == 0)
            fault = "a job is recorded as ok and has not run";
    }
    json_decref(shown);
    return fault;
}

/* A run that muster ended itself. */
static const char *end_fault(const struct trial_end *end, unsigned njobs, const struct sent *sent) {
    bool signalled = WIFSIGNALED(end->status);
    int status = signalled ? 128 + WTERMSIG(end->status) : WEXITSTATUS(end->status);
    json_t *report = json_load_file("results.json", 0, NULL);
    const char *fault = NULL;

    if (signalled ? !sigismember(&sent->set, WTERMSIG(end->status)) : status > 1)
        fault = "another end";
    else if (!report && access("results.json", F_OK) == 0)
        fault = "half a report";
    else if (!report && access("ran", F_OK) == 0 && sent->stops < 2)
        fault = "no report";
    else if (report)
        fault = report_fault(report, njobs, status, sent);
    if (!fault)
        fault = litter_fault(".", ".results");
    if (!fault)
        fault = litter_fault("tmp", "");
    json_decref(report);
    return fault;
}

/* Killed before the guard is there to remove it, muster leaves one folder, with nothing in it. */
static void remove_empty_folder(void) {
    struct dirent *e;
    DIR *dir = opendir("tmp");

    while (dir && (e = readdir(dir)))
        if (strncmp(e->d_name, "muster-", 7) == 0 &&
            unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR) == 0)
            break;
    if (dir)
        closedir(dir);
}

/* A run that SIGKILL has ended: a report is there whole, or not at all. */
static const char *killed_fault(void) {
    json_t *report = json_load_file("results.json", 0, NULL);
    const char *fault = !report && access("results.json", F_OK) == 0 ? "half a report" : NULL;

    json_decref(report);
    remove_empty_folder();
    return fault ? fault : litter_fault("tmp", "");
}

static void tell(enum kind kind, unsigned run, const struct trial_end *end, const char *fault) {
    char *err = trial_read("err", NULL);

    fprintf(stderr, "# %s, run %u: %s (status %#x, %u processes left)\n%.2000s\n", kind_names[kind],
            run, fault, end->status, end->orphans, err ? err : "");
    free(err);
}

static void one_run(const char *folder, enum kind kind, unsigned run) {
    static const char *const args[] = {"run", "--report", "json:results.json", "m.ini", NULL};
    struct trial t = {.muster = muster, .args = args, .continued = kind == SIGNALS};
    struct sent sent = {0};
    struct trial_end end;
    const char *fault = NULL;
    unsigned njobs;

    roll_state = ((uint64_t)seed * KINDS + kind) * UINT64_C(1000003) + run + 1;
    roll_state *= UINT64_C(0x9e3779b97f4a7c15);
    sigemptyset(&sent.set);
    trial_folder(folder);
    if (mkdir("tmp", 0700))
        trial_die("tmp");
    setenv("TMPDIR", "tmp", 1);
    njobs = write_manifest();
    trial_start(&t);
    if (kind == SIGNALS)
        send_storm(&t, &sent);
    else
        strike(&t, kind);
    end = trial_end(&t, LIMIT_MS, GRACE_MS);
    tally->runs[kind]++;
    tally->struck[kind] += WIFSIGNALED(end.status);
    if (end.gone_ms > tally->gone_ms[kind])
        tally->gone_ms[kind] = end.gone_ms;
    if (end.hung) {
        tally->hangs[kind]++;
        fault = "hangs";
    } else if (end.orphans) {
        tally->orphans[kind]++;
        fault = "leaves processes";
    } else {
        fault = kind == KILL_MUSTER && WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGKILL
                    ? killed_fault()
                    : end_fault(&end, njobs, &sent);
        if (!fault)
            fault = history_fault();
        tally->lost[kind] += fault != NULL;
    }
    if (fault && tally->hangs[kind] + tally->orphans[kind] + tally->lost[kind] <= TOLD_MAX)
        tell(kind, run, &end, fault);
}

static void work(unsigned worker, const char *folder_of) {
    char folder[PATH_MAX];

    snprintf(folder, sizeof folder, "%s/storm.%u.%u", folder_of, (unsigned)getppid(), worker);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    trial_init();
    for (;;) {
        unsigned next = atomic_fetch_add(&tally->next, 1);

        if (next >= runs * KINDS)
            break;
        one_run(folder, (enum kind)(next % KINDS), next / KINDS);
    }
    trial_remove(folder);
    exit(0);
}

/* --- the report ------------------------------------------------------------------------ */

static unsigned offences(enum kind kind) {
    return tally->hangs[kind] + tally->orphans[kind] + tally->lost[kind];
}

static int report_tap(void) {
    bool wrong = false;

    for (enum kind k = 0; k < KINDS; k++) {
        bool ok = offences(k) == 0 && tally->sent[k] > 0;

        printf("%sok %d - %s: %u sent in %u runs, all gone within %lld ms, %u wrong\n",
               ok ? "" : "not ", (int)k + 1, kind_names[k], tally->sent[k], tally->runs[k],
               (long long)tally->gone_ms[k], offences(k));
        wrong = wrong || !ok;
    }
    printf("1..%d\n", KINDS);
    return wrong;
}

static int report_table(void) {
    bool wrong = false;

    printf("| signals | runs | sent | runs ended by it | hangs | orphans | lost or half | gone "
           "within |\n|---|--:|--:|--:|--:|--:|--:|--:|\n");
    for (enum kind k = 0; k < KINDS; k++) {
        printf("| %s | %u | %u | %u | %u | %u | %u | %lld ms |\n", kind_names[k], tally->runs[k],
               tally->sent[k], tally->struck[k], tally->hangs[k], tally->orphans[k], tally->lost[k],
               (long long)tally->gone_ms[k]);
        wrong = wrong || offences(k) || !tally->sent[k];
    }
    return wrong;
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"runs", required_argument, NULL, 'r'},
                                            {"jobs", required_argument, NULL, 'j'},
                                            {"seed", required_argument, NULL, 's'},
                                            {NULL, 0, NULL, 0}};
    const char *folder = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    unsigned long workers = 6;
    bool table = false;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        unsigned long n = optarg ? strtoul(optarg, NULL, 10) : 0;

        table = table || option == 'r';
        if (option == 'r')
            runs = n;
        else if (option == 'j' && n >= 1 && n <= WORKERS_MAX)
            workers = n;
        else if (option == 's')
            seed = n;
        else
            option = '?';
        if (option == '?') {
            fprintf(stderr, "usage: storm [--runs N] [--jobs N] [--seed N]\n");
            return 2;
        }
    }
    muster = trial_need("MUSTER");
    trial_need("CHILDREN");
    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tally == MAP_FAILED)
        trial_die("memory");
    for (unsigned i = 0; i < workers; i++) {
        pid_t pid = fork();

        if (pid == 0)
            work(i, folder);
        if (pid < 0)
            trial_die("fork");
    }
    for (int status, broken = 0;;) {
        if (wait(&status) < 0)
            return broken ? 99 : table ? report_table() : report_tap();
        broken |= status;
    }
}
