/* SPDX-License-Identifier: MIT */
/* test_starter: how processes get started, whatever becomes of the launchers. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/close_range.h>

#include <cmocka.h>

#include "base/clock.h"
#include "exec/environ.h"
#include "exec/memgroup.h"
#include "exec/starter.h"

#define JOBS 8

/* JOBS processes that end at once, one starter. */
struct trial {
    uv_loop_t loop;
    struct starter *starter;
    struct spawn_setup setup;
    struct plan plan;
    struct plan_job jobs[JOBS];
    struct job_settings set;
    struct process_env env;
    struct environ *environ;
    struct process processes[JOBS];
    unsigned launchers, added, done;
    unsigned last;        /* the starter is closed after so many */
    char order[JOBS + 1]; /* of what was done, a digit each */
    bool closed, kill_after_first;
};

static struct trial *trial;

static const struct env_var no_env[1];
static const char *const argv_true[] = {"/bin/true", NULL};
static const char *const argv_late[] = {"true", NULL};
static const char *const argv_none[] = {"no-such-program", NULL};

/* The launchers that run now, children of some thread of ours. */
static size_t find_launchers(pid_t pids[], size_t max) {
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *e;
    size_t n = 0;

    assert_non_null(tasks);
    while ((e = readdir(tasks))) {
        char path[300], name[64];
        int pid;
        FILE *f;

        snprintf(path, sizeof path, "/proc/self/task/%s/children", e->d_name);
        f = isdigit((unsigned char)e->d_name[0]) ? fopen(path, "re") : NULL;
        while (f && fscanf(f, "%d", &pid) == 1) {
            FILE *comm;

            snprintf(path, sizeof path, "/proc/%d/comm", pid);
            comm = fopen(path, "re");
            if (comm && fscanf(comm, "%63s", name) == 1 && !strcmp(name, "muster-launch") &&
                n < max)
                pids[n++] = pid;
            if (comm)
                fclose(comm);
        }
        if (f)
            fclose(f);
    }
    closedir(tasks);
    return n;
}

static void kill_launchers(void) {
    pid_t pids[8];
    size_t n = find_launchers(pids, 8);

    assert_true(n > 0);
    while (n > 0)
        kill(pids[--n], SIGKILL);
}

static void on_done(struct process *p) {
    struct trial *t = trial;
    int status;

    t->order[t->done++] = (char)('0' + (p - t->processes));
    if (!p->end.error) {
        reaper_remove(t->env.reaper, &p->group);
        assert_int_equal(waitpid(p->group.leader, &status, 0), p->group.leader);
        assert_int_equal(status, 0);
        close(p->pidfd);
    }
    if (t->kill_after_first && t->done == 1)
        kill_launchers();
    if (t->done == t->last)
        starter_close(t->starter);
}

static void on_closed(void *ctx) {
    ((struct trial *)ctx)->closed = true;
}

static int setup(void **state) {
    struct trial *t = trial = calloc(1, sizeof *trial);

    t->set = (struct job_settings){.type = LANE_IO, .cpus = 1, .dir = "/", .folder = "/"};
    t->launchers = 1;
    t->plan.vars = t->plan.env = no_env;
    t->plan.jobs = t->jobs;
    t->plan.njobs = JOBS;
    for (unsigned i = 0; i < JOBS; i++)
        t->jobs[i] = (struct plan_job){.name = "job",
                                       .set = &t->set,
                                       .action = ACTION_EXEC,
                                       .env = no_env,
                                       .argv = argv_true,
                                       .program = "/bin/true"};
    *state = t;
    return 0;
}

static int teardown(void **state) {
    free(*state);
    return 0;
}

static void begin(struct trial *t) {
    struct starter_opts opts = {
        .setup = &t->setup, .launchers = t->launchers, .closed = on_closed, .ctx = t};

    assert_int_equal(uv_loop_init(&t->loop), 0);
    assert_int_equal(spawn_setup_init(&t->setup, open("/dev/null", O_RDWR | O_CLOEXEC), 256, 0), 0);
    assert_int_equal(starter_open(&t->starter, &t->loop, &opts), 0);
    assert_int_equal(reaper_new(&t->env.reaper, "20260101T000000-abcdef"), 0);
    t->environ = environ_new(&t->plan, "20260101T000000-abcdef", NULL, environ);
    t->env.plan = &t->plan;
    t->env.environ = t->environ;
}

static void add(struct trial *t, unsigned n) {
    while (n-- > 0) {
        struct attempt a = {.job = t->added, .number = 1, .def = &t->jobs[t->added]};
        struct process *p = &t->processes[t->added++];

        assert_int_equal(process_init(p, &t->env, &a), 0);
        p->launched = on_done;
        starter_add(t->starter, p);
    }
}

static void until_done(struct trial *t, unsigned n) {
    while (t->done < n)
        uv_run(&t->loop, UV_RUN_ONCE);
}

/* To the end of all; the loop is left clean, and no process. */
static void finish(struct trial *t) {
    assert_true(t->done < t->added);
    t->last = t->added;
    uv_run(&t->loop, UV_RUN_DEFAULT);
    assert_true(t->closed);
    assert_int_equal(t->done, t->added);
    assert_int_equal(uv_loop_close(&t->loop), 0);
    for (unsigned i = 0; i < t->added; i++)
        process_release(&t->processes[i]);
    reaper_free(t->env.reaper);
    environ_free(t->environ);
    close(t->setup.devnull);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void in_order(void **state) {
    struct trial *t = *state;

    begin(t);
    add(t, JOBS);
    finish(t);
    assert_string_equal(t->order, "01234567");
}

static void two_launchers(void **state) {
    struct trial *t = *state;

    t->launchers = 2;
    begin(t);
    add(t, JOBS);
    finish(t);
    for (unsigned i = 0; i < JOBS; i++)
        assert_int_equal(t->processes[i].end.error, 0);
}

/* Another takes over; one at most was under its hands. */
static void launcher_is_killed(void **state) {
    struct trial *t = *state;
    unsigned lost = 0;

    t->kill_after_first = true;
    begin(t);
    add(t, JOBS);
    finish(t);
    assert_int_equal(t->processes[0].end.error, 0);
    for (unsigned i = 1; i < JOBS; i++)
        if (t->processes[i].end.error) {
            assert_int_equal(t->processes[i].end.stage, SPAWN_LOST);
            lost++;
        }
    assert_in_range(lost, 0, 1);
}

/* It dies over the first: that one is lost, for it may run. The others were not
 * begun. */
static void launcher_dies_over_one(void **state) {
    struct trial *t = *state;
    pid_t launcher;

    begin(t);
    while (!find_launchers(&launcher, 1))
        uv_sleep(1);
    assert_int_equal(kill(launcher, SIGSTOP), 0);
    add(t, 4);
    uv_run(&t->loop, UV_RUN_ONCE); /* it is attached, and asked */
    assert_int_equal(t->done, 0);
    assert_int_equal(kill(launcher, SIGKILL), 0);
    finish(t);
    assert_int_equal(t->processes[0].end.error, UV_EPIPE);
    assert_int_equal(t->processes[0].end.stage, SPAWN_LOST);
    for (unsigned i = 1; i < 4; i++)
        assert_int_equal(t->processes[i].end.error, 0);
}

/* What the processes themselves see of it; on_done() asks for status 0. */
static void limited(void **state) {
    static const char *const argv[] = {
        "sh", "-c", "test $(ulimit -v)/$(ulimit -Sn)/$(ulimit -Hf)/$(ulimit -St) = 65536/20/4/2",
        NULL};
    struct trial *t = *state;

    t->set.limits = (struct job_limits){
        .memory = 64 << 20, .cpu_ns = 1500 * NS_PER_MS, .file_bytes = 2048, .open_files = 20};
    for (unsigned i = 0; i < JOBS; i++) {
        t->jobs[i].argv = argv;
        t->jobs[i].program = "/bin/sh";
    }
    begin(t);
    add(t, JOBS);
    finish(t);
    for (unsigned i = 0; i < JOBS; i++)
        assert_int_equal(t->processes[i].end.error, 0);
}

/* A memory group that is gone: the job's start fails, and it says at what. */
static void group_is_gone(void **state) {
    struct memgroups *none = memgroups_new("/no/root");
    struct memgroup *g = calloc(1, sizeof *g + 16);
    struct trial *t = *state;

    assert_true(none && g);
    g->of = none;
    memcpy(g->path, "/no/group", 10);
    begin(t);
    add(t, 2);
    t->processes[1].memory = g;
    finish(t);
    assert_int_equal(t->processes[0].end.error, 0);
    assert_int_equal(t->processes[1].end.error, UV_ENOENT);
    assert_int_equal(t->processes[1].end.stage, SPAWN_LIMITS);
    memgroups_free(none);
}

static void not_wanted(void **state) {
    struct trial *t = *state;

    begin(t);
    add(t, 3);
    t->processes[0].unwanted = t->processes[2].unwanted = true;
    finish(t);
    assert_int_equal(t->processes[0].end.error, UV_ECANCELED);
    assert_int_equal(t->processes[1].end.error, 0);
    assert_int_equal(t->processes[2].end.error, UV_ECANCELED);
}

/* What was asked for is told before starter_pause() returns, what was not is
 * asked for after it has been resumed. */
static void paused(void **state) {
    struct trial *t = *state;
    unsigned told;

    begin(t);
    add(t, JOBS);
    until_done(t, 1);
    starter_pause(t->starter);
    told = t->done;
    assert_in_range(told, 1, 4);
    for (int i = 0; i < 20; i++) {
        uv_run(&t->loop, UV_RUN_NOWAIT);
        uv_sleep(1);
    }
    assert_int_equal(t->done, told);
    starter_resume(t->starter);
    finish(t);
    assert_string_equal(t->order, "01234567");
}

/* Launchers go when nothing is expected, but for one. */
static void rested(void **state) {
    struct trial *t = *state;
    pid_t pids[2];

    t->launchers = 2;
    begin(t);
    while (find_launchers(pids, 2) < 2)
        uv_sleep(1);
    add(t, 2);
    until_done(t, 2);
    starter_rest(t->starter);
    while (find_launchers(pids, 2) != 1)
        uv_run(&t->loop, UV_RUN_NOWAIT);
    add(t, 2);
    finish(t);
}

static void looked_up(void **state) {
    struct trial *t = *state;

    t->jobs[0].argv = argv_late;
    t->jobs[1].argv = argv_none;
    t->jobs[0].program = t->jobs[1].program = NULL;
    begin(t);
    add(t, 3);
    finish(t);
    assert_int_equal(t->processes[0].end.error, 0);
    assert_int_equal(t->processes[1].end.error, UV_ENOENT);
    assert_int_equal(t->processes[1].end.stage, SPAWN_EXEC);
    assert_int_equal(t->processes[2].end.error, 0);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(in_order), CASE(two_launchers), CASE(launcher_is_killed), CASE(launcher_dies_over_one),
        CASE(limited),  CASE(group_is_gone), CASE(not_wanted),         CASE(paused),
        CASE(rested),   CASE(looked_up),
    };

    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC); /* as main() does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
