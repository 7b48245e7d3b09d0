/* SPDX-License-Identifier: MIT */
/* walk: lets one call after the other of muster's fail, until a run in which none is left to. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults.h"
#include "scenarios.h"
#include "trial.h"

#define WARP        60    /* for calls that fail from then on: starts are put off for 30 s */
#define LIMIT_MS    60000 /* a run that takes longer hangs */
#define GRACE_MS    1000
#define POINTS      2 /* of the short form, for each scenario and kind of fault */
#define TOLD_MAX    5 /* offences of one kind of fault that are shown */
#define WORKERS_MAX 16

struct order {
    const char *name;
    enum faults_kind kind;
    enum faults_role role;
    int error;
    bool from_then;
    unsigned points; /* times POINTS in the short form; 0: once as many */
};

static const struct order orders[] = {
    {"alloc", FAULTS_ALLOC, FAULTS_MUSTER, ENOMEM, false, 4},
    {"alloc from then on", FAULTS_ALLOC, FAULTS_MUSTER, ENOMEM, true, 4},
    {"map", FAULTS_MAP, FAULTS_MUSTER, ENOMEM, false, 0},
    {"map, launcher", FAULTS_MAP, FAULTS_LAUNCHER, ENOMEM, false, 0},
    {"map, launcher, from then on", FAULTS_MAP, FAULTS_LAUNCHER, ENOMEM, true, 0},
    {"open EMFILE", FAULTS_OPEN, FAULTS_MUSTER, EMFILE, false, 2},
    {"open EMFILE from then on", FAULTS_OPEN, FAULTS_MUSTER, EMFILE, true, 2},
    {"open EIO", FAULTS_OPEN, FAULTS_MUSTER, EIO, false, 4},
    {"open EMFILE, launcher", FAULTS_OPEN, FAULTS_LAUNCHER, EMFILE, false, 0},
    {"read EIO", FAULTS_READ, FAULTS_MUSTER, EIO, false, 2},
    {"read EINTR", FAULTS_READ, FAULTS_MUSTER, EINTR, false, 0},
    {"read a half", FAULTS_READ, FAULTS_MUSTER, 0, true, 0},
    {"write ENOSPC", FAULTS_WRITE, FAULTS_MUSTER, ENOSPC, false, 2},
    {"write ENOSPC from then on", FAULTS_WRITE, FAULTS_MUSTER, ENOSPC, true, 2},
    {"write EIO", FAULTS_WRITE, FAULTS_MUSTER, EIO, false, 0},
    {"write EINTR", FAULTS_WRITE, FAULTS_MUSTER, EINTR, false, 0},
    {"write a half", FAULTS_WRITE, FAULTS_MUSTER, 0, true, 0},
    {"write ENOSPC, launcher", FAULTS_WRITE, FAULTS_LAUNCHER, ENOSPC, false, 0},
    {"write a half, launcher", FAULTS_WRITE, FAULTS_LAUNCHER, 0, true, 0},
    {"sync EIO", FAULTS_SYNC, FAULTS_MUSTER, EIO, false, 0},
    {"name EACCES", FAULTS_NAME, FAULTS_MUSTER, EACCES, false, 0},
    {"name EACCES from then on", FAULTS_NAME, FAULTS_MUSTER, EACCES, true, 0},
    {"descriptors", FAULTS_FD, FAULTS_MUSTER, EMFILE, false, 2},
    {"descriptors from then on", FAULTS_FD, FAULTS_MUSTER, EMFILE, true, 2},
    {"watch", FAULTS_WATCH, FAULTS_MUSTER, ENOSPC, false, 0},
    {"watch from then on", FAULTS_WATCH, FAULTS_MUSTER, ENOMEM, true, 0},
    {"fork", FAULTS_FORK, FAULTS_MUSTER, EAGAIN, false, 0},
    {"fork from then on", FAULTS_FORK, FAULTS_MUSTER, EAGAIN, true, 0},
    {"clone, launcher", FAULTS_FORK, FAULTS_LAUNCHER, EAGAIN, false, 2},
    {"clone, launcher, from then on", FAULTS_FORK, FAULTS_LAUNCHER, ENOMEM, true, 0},
    {"threads", FAULTS_THREAD, FAULTS_MUSTER, EAGAIN, false, 2},
    {"threads from then on", FAULTS_THREAD, FAULTS_MUSTER, EAGAIN, true, 2},
    {"send EINTR", FAULTS_SEND, FAULTS_MUSTER, EINTR, false, 0},
    {"send ENOMEM", FAULTS_SEND, FAULTS_MUSTER, ENOMEM, false, 0},
    {"send ENOMEM, launcher", FAULTS_SEND, FAULTS_LAUNCHER, ENOMEM, false, 0},
    {"receive EINTR", FAULTS_RECEIVE, FAULTS_MUSTER, EINTR, false, 0},
    {"receive EINTR, launcher", FAULTS_RECEIVE, FAULTS_LAUNCHER, EINTR, false, 0},
    {"receive ENOMEM, launcher", FAULTS_RECEIVE, FAULTS_LAUNCHER, ENOMEM, false, 2},
    {"receive ENOMEM, launcher, from then on", FAULTS_RECEIVE, FAULTS_LAUNCHER, ENOMEM, true, 0},
    {"receive no descriptors, launcher", FAULTS_RECEIVE, FAULTS_LAUNCHER, 0, false, 2},
    {"exec EAGAIN", FAULTS_EXEC, FAULTS_LAUNCHER, EAGAIN, false, 0},
    {"exec ENOMEM from then on", FAULTS_EXEC, FAULTS_LAUNCHER, ENOMEM, true, 0},
    {"exec E2BIG", FAULTS_EXEC, FAULTS_LAUNCHER, E2BIG, false, 0},
};
#define ORDERS (sizeof orders / sizeof *orders)

/* What all workers add up to, in shared memory. */
struct tally {
    atomic_uint next; /* the pair of scenario and order to be taken */
    atomic_uint runs[ORDERS], faults[ORDERS];
    atomic_uint crashes[ORDERS], hangs[ORDERS], orphans[ORDERS], lost[ORDERS];
};

static struct tally *tally;
static const char *preload;
static bool all;         /* the long form: one after the other */
static const char *only; /* the scenario that is walked, or NULL: all of them */
static const char *muster;

/* One scenario's outcome without a fault. */
struct normal {
    char *out, *err;
    unsigned calls[FAULTS_ROLES][FAULTS_KINDS];
};

static struct faults *map_faults(void) {
    int fd = open("faults", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct faults *f;

    if (fd < 0 || ftruncate(fd, sizeof *f))
        trial_die("faults");
    f = mmap(NULL, sizeof *f, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (f == MAP_FAILED)
        trial_die("faults");
    close(fd);
    return f;
}

/* One run in which the at-th call fails, none where order is NULL. The hooks'
 * file is to be unmapped. */
static struct faults *run_once(const char *folder, const struct scenario *s,
                               const struct order *order, unsigned at, struct trial_end *end) {
    struct trial t = {.muster = muster, .args = s->args, .preload = preload};
    struct faults *f;

    trial_folder(folder);
    scenario_prepare(s);
    f = map_faults();
    f->error = EINTR;
    if (order) {
        f->kind = order->kind;
        f->role = order->role;
        f->error = order->error;
        f->from_then = order->from_then;
        f->warp = order->from_then && order->error ? WARP : 0;
        f->at = at;
    }
    trial_start(&t);
    *end = trial_end(&t, LIMIT_MS, GRACE_MS);
    return f;
}

/* How many there are of the same by now. */
static unsigned count_fault(size_t order, const struct trial_end *end, const char *fault) {
    if (end->hung)
        return ++tally->hangs[order];
    if (end->orphans)
        return ++tally->orphans[order];
    if (strcmp(fault, "crashes") == 0)
        return ++tally->crashes[order];
    return ++tally->lost[order];
}

static void tell(const struct scenario *s, const struct order *order, unsigned at,
                 const struct trial_end *end, const struct faults *f, const char *fault) {
    char *err = trial_read("err", NULL);

    fprintf(stderr, "# %s, %s, call %u (%s by %s %#lx): %s (status %#x)\n# %.200s\n", s->name,
            order ? order->name : "no fault", at, f->what, f->object, f->offset, fault, end->status,
            err ? err : "");
    free(err);
}

static struct normal learn(const char *folder, const struct scenario *s) {
    struct scenario_case c = {0};
    struct normal normal;
    struct trial_end end;
    struct faults *f = run_once(folder, s, NULL, 0, &end);
    const char *fault;

    normal.out = trial_read("out", NULL);
    normal.err = trial_read("err", NULL);
    memcpy(normal.calls, f->calls, sizeof normal.calls);
    c.out = normal.out;
    c.err = normal.err;
    fault = scenario_fault(s, &end, &c);
    if (fault) {
        tell(s, NULL, 0, &end, f, fault);
        errno = 0;
        trial_die("a run without a fault goes wrong");
    }
    munmap(f, sizeof *f);
    return normal;
}

/* One run with a fault. Whether there was one. */
static bool try_at(const char *folder, const struct scenario *s, size_t order, unsigned at,
                   const struct normal *normal) {
    struct trial_end end;
    struct faults *f = run_once(folder, s, &orders[order], at, &end);
    struct scenario_case c = {
        .out = normal->out, .err = normal->err, .faulted = f->injected > 0, .deaf = f->deaf};
    const char *fault = scenario_fault(s, &end, &c);

    tally->runs[order]++;
    tally->faults[order] += c.faulted;
    if (fault) {
        if (count_fault(order, &end, fault) <= TOLD_MAX)
            tell(s, &orders[order], at, &end, f, fault);
    }
    munmap(f, sizeof *f);
    return c.faulted;
}

static void walk(const char *folder, const struct scenario *s, size_t order,
                 const struct normal *normal) {
    const struct order *o = &orders[order];
    unsigned calls = normal->calls[o->role][o->kind], clean = 0, step = 1;
    unsigned points = POINTS * (o->points ? o->points : 1) / (s->slow ? 2 : 1);

    if (calls == 0)
        return;
    if (!all && calls > points)
        step = calls / points;
    for (unsigned at = 1 + (unsigned)(order + (size_t)(s - scenarios)) % step; clean < 1U + all;
         at += step) {
        clean = try_at(folder, s, order, at, normal) ? 0 : clean + 1;
        if (!all && at + step > calls)
            return;
    }
}

static void work(unsigned worker) {
    char folder[PATH_MAX];
    struct normal normal[32] = {0};

    snprintf(folder, sizeof folder, "%s/walk.%u.%u", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp",
             (unsigned)getppid(), worker);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    trial_init();
    for (;;) {
        unsigned next = atomic_fetch_add(&tally->next, 1);
        unsigned at = next % scenario_count;
        size_t order = next / scenario_count;

        if (order >= ORDERS)
            break;
        if (only && strcmp(scenarios[at].name, only) != 0)
            continue;
        if (!normal[at].out)
            normal[at] = learn(folder, &scenarios[at]);
        walk(folder, &scenarios[at], order, &normal[at]);
    }
    for (unsigned i = 0; i < scenario_count; i++) {
        free(normal[i].out);
        free(normal[i].err);
    }
    trial_remove(folder);
    exit(0);
}

/* --- the report ---------------------------------------------------------------- */

static unsigned offences(size_t order) {
    return tally->crashes[order] + tally->hangs[order] + tally->orphans[order] + tally->lost[order];
}

static int report_tap(void) {
    unsigned faults = 0, wrong = 0;

    for (size_t i = 0; i < ORDERS; i++) {
        bool ok = tally->faults[i] > 0 && offences(i) == 0;

        printf("%sok %zu - %s: %u faults in %u runs, %u wrong\n", ok ? "" : "not ", i + 1,
               orders[i].name, tally->faults[i], tally->runs[i], offences(i));
        faults += tally->faults[i];
        wrong += !ok;
    }
    printf("1..%zu\n# %u faults\n", ORDERS, faults);
    return wrong ? 1 : 0;
}

static int report_table(void) {
    unsigned sum[6] = {0};

    printf("| what fails | runs | faults | crashes | hangs | orphans | silent losses |\n"
           "|---|--:|--:|--:|--:|--:|--:|\n");
    for (size_t i = 0; i < ORDERS; i++) {
        const unsigned row[6] = {tally->runs[i],  tally->faults[i],  tally->crashes[i],
                                 tally->hangs[i], tally->orphans[i], tally->lost[i]};

        printf("| %s |", orders[i].name);
        for (int k = 0; k < 6; k++) {
            printf(" %u |", row[k]);
            sum[k] += row[k];
        }
        printf("\n");
    }
    printf("| **all** | %u | %u | %u | %u | %u | %u |\n", sum[0], sum[1], sum[2], sum[3], sum[4],
           sum[5]);
    return sum[1] > 0 && sum[2] + sum[3] + sum[4] + sum[5] == 0 ? 0 : 1;
}

/* One run again, in a folder that stays. */
static int replay(const char *folder, const char *scenario, const char *order, unsigned at) {
    struct normal normal;

    for (unsigned i = 0; i < scenario_count; i++)
        for (size_t k = 0; k < ORDERS; k++)
            if (strcmp(scenarios[i].name, scenario) == 0 && strcmp(orders[k].name, order) == 0) {
                trial_init();
                normal = learn(folder, &scenarios[i]);
                try_at(folder, &scenarios[i], k, at, &normal);
                printf("%s: %u calls, %u faults, %u wrong\n", folder,
                       normal.calls[orders[k].role][orders[k].kind], tally->faults[k], offences(k));
                free(normal.out);
                free(normal.err);
                return offences(k) ? 1 : 0;
            }
    fprintf(stderr, "walk: no such scenario or kind of fault\n");
    return 2;
}

static void usage(void) {
    fprintf(stderr, "usage: walk [--all] [--jobs N] [--scenario NAME]\n"
                    "       walk --scenario NAME --order NAME --at N FOLDER\n");
    exit(2);
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"all", no_argument, NULL, 'a'},
                                            {"jobs", required_argument, NULL, 'j'},
                                            {"scenario", required_argument, NULL, 's'},
                                            {"order", required_argument, NULL, 'o'},
                                            {"at", required_argument, NULL, 'n'},
                                            {NULL, 0, NULL, 0}};
    const char *scenario = NULL, *order = NULL;
    unsigned long workers = 6, at = 1;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        switch (option) {
        case 'a':
            all = true;
            break;
        case 'j':
            workers = strtoul(optarg, NULL, 10);
            break;
        case 's':
            scenario = optarg;
            break;
        case 'o':
            order = optarg;
            break;
        case 'n':
            at = strtoul(optarg, NULL, 10);
            break;
        default:
            usage();
        }
    muster = trial_need("MUSTER");
    preload = trial_need("FAULTS_PRELOAD");
    trial_need("CHILDREN");
    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tally == MAP_FAILED)
        trial_die("memory");
    if (scenario && order && argc == optind + 1)
        return replay(argv[optind], scenario, order, (unsigned)at);
    if (order || argc != optind || workers < 1 || workers > WORKERS_MAX)
        usage();
    only = scenario;
    for (unsigned i = 0; i < workers; i++) {
        pid_t pid = fork();

        if (pid == 0)
            work(i);
        if (pid < 0)
            trial_die("fork");
    }
    for (int status, broken = 0;;) {
        if (wait(&status) < 0)
            return broken ? 99 : all ? report_table() : report_tap();
        broken |= status;
    }
}
