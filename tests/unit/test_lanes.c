/* SPDX-License-Identifier: MIT */
/* test_lanes: real processes on both lanes: ends, accounts, output, what they leave. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/close_range.h>

#include <cmocka.h>

#include "base/clock.h"
#include "exec/capture.h"
#include "exec/lanes.h"

#define JOBS_MAX 512

static const char *const sh[] = {"/bin/sh", "-c", NULL};

/* A run of some jobs, all started at once, with what was told of each. */
struct trial {
    uv_loop_t loop;
    struct lanes *lanes;
    struct plan plan;
    struct plan_job jobs[JOBS_MAX];
    struct job_settings sets[JOBS_MAX]; /* one for each */
    struct attempt_end ends[JOBS_MAX];
    unsigned started[JOBS_MAX], put_off[JOBS_MAX];
    uint32_t left;
    uint32_t unkillable;
    uint32_t stop_when_started; /* all of so many: stop them */
    bool kill_when_started;
    char dir[64];
};

static enum lane lane; /* that the tests now run on */
static struct trial *trial;

static const char *child(const char *name) {
    static char path[8][512];
    static unsigned next;
    char *p = path[next++ % 8];
    const char *folder = getenv("CHILDREN");

    snprintf(p, sizeof path[0], "%s/%s", folder ? folder : "tests/children", name);
    return p;
}

static struct job_settings *add(struct trial *t, const char *command) {
    struct plan_job *j = &t->jobs[t->plan.njobs];
    struct job_settings *set = &t->sets[t->plan.njobs++];
    static char names[JOBS_MAX][16];

    snprintf(names[t->plan.njobs - 1], sizeof names[0], "job%u", t->plan.njobs - 1);
    *j = (struct plan_job){
        .name = names[t->plan.njobs - 1],
        .set = set,
        .action = ACTION_COMMAND,
        .command = command,
    };
    *set = (struct job_settings){
        .type = lane,
        .shell = sh,
        .dir = t->dir,
        .folder = t->dir,
        .in = {STREAM_NULL, NULL},
        .out = {STREAM_CAPTURE, NULL},
        .err = {STREAM_STDOUT, NULL},
        .kill_after_ns = 5 * NS_PER_S,
        .stop_signal = SIGTERM,
        .cpus = 1,
    };
    return set;
}

static struct job_settings *add_exec(struct trial *t, const char *const *argv) {
    struct job_settings *set = add(t, NULL);
    struct plan_job *j = &t->jobs[t->plan.njobs - 1];

    j->action = ACTION_EXEC;
    j->argv = argv;
    j->program = argv[0];
    return set;
}

static void act_when_all_started(struct trial *t) {
    uint32_t n = 0;

    for (uint32_t i = 0; i < t->plan.njobs; i++)
        n += t->started[i];
    if (t->stop_when_started && n == t->stop_when_started)
        for (uint32_t i = 0; i < t->plan.njobs; i++)
            lanes_stop(t->lanes, i);
    if (t->kill_when_started && n == t->plan.njobs)
        lanes_kill_all(t->lanes);
}

static void on_started(void *ctx, const struct attempt *a, pid_t pid, int64_t start_ns) {
    struct trial *t = ctx;

    assert_true(pid > 1);
    assert_true(start_ns <= clock_ns());
    t->started[a->job]++;
    act_when_all_started(t);
}

static void on_closed(void *ctx, uint32_t unkillable) {
    struct trial *t = ctx;

    t->unkillable = unkillable;
}

static void one_less(struct trial *t) {
    if (--t->left == 0)
        lanes_close(t->lanes, on_closed);
}

static void on_put_off(void *ctx, const struct attempt *a, int error) {
    struct trial *t = ctx;

    assert_true(error < 0);
    t->put_off[a->job]++;
    one_less(t);
}

static void on_ended(void *ctx, const struct attempt *a, struct attempt_end *end) {
    struct trial *t = ctx;

    t->ends[a->job] = *end;
    one_less(t);
}

static const struct lanes_events events = {on_started, on_put_off, on_ended};

static int setup(void **state) {
    trial = calloc(1, sizeof *trial);
    strcpy(trial->dir, "/tmp/muster-test-XXXXXX");
    assert_non_null(mkdtemp(trial->dir));
    trial->plan.jobs = trial->jobs;
    trial->plan.io_limit = JOBS_MAX;
    trial->plan.cpu_workers = 4;
    *state = trial;
    return 0;
}

static int teardown(void **state) {
    char command[128];

    (void)state;
    for (uint32_t i = 0; i < trial->plan.njobs; i++)
        attempt_end_release(&trial->ends[i]);
    snprintf(command, sizeof command, "rm -rf %s", trial->dir);
    assert_int_equal(WEXITSTATUS(system(command)), 0);
    free(trial);
    return 0;
}

/* Runs all jobs at once and sees to it that the loop is left clean. */
static void run(struct trial *t) {
    struct lanes_opts opts = {.loop = &t->loop,
                              .plan = &t->plan,
                              .run_id = "20260101T000000-abcdef",
                              .nofile_soft = 256,
                              .events = &events,
                              .ctx = t};

    t->left = t->plan.njobs;
    assert_int_equal(uv_loop_init(&t->loop), 0);
    assert_int_equal(lanes_open(&t->lanes, &opts), 0);
    for (uint32_t i = 0; i < t->plan.njobs; i++)
        lanes_start(t->lanes, &(struct attempt){.job = i,
                                                .number = 1,
                                                .slot = i,
                                                .lane = t->jobs[i].set->type,
                                                .def = &t->jobs[i]});
    uv_run(&t->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&t->loop), 0);
    assert_int_equal(t->unkillable, 0);
    /* Nothing is left, no zombie either. */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static const char *text_of(const struct capture *c) {
    static char buf[65536];
    long n = c ? capture_read(c, 0, buf, sizeof buf - 1) : 0;

    assert_true(n >= 0);
    buf[n] = '\0';
    return buf;
}

static pid_t pid_in(const char *file) {
    char path[128];
    int pid = 0;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", trial->dir, file);
    f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &pid), 1);
    fclose(f);
    return pid;
}

static void ends_and_output(void **state) {
    static const char *const missing[] = {"/nonexistent/program", NULL};

    (void)state;
    add(trial, "echo out; echo err >&2; exit 3");
    add(trial, "kill -SEGV $$");
    add_exec(trial, missing);
    add(trial, "echo \"$MUSTER_LANE $MUSTER_JOB $MUSTER_ATTEMPT/$MUSTER_ATTEMPTS "
               "$MUSTER_SLOT ${MUSTER_WORKER-none}\"");
    run(trial);
    assert_int_equal(trial->ends[0].exit, 3);
    assert_int_equal(trial->ends[0].signal, 0);
    assert_string_equal(text_of(trial->ends[0].out), "out\nerr\n");
    assert_int_equal(trial->ends[0].out_bytes, 8);
    assert_int_equal(trial->ends[0].err_bytes, 0);
    assert_true(trial->ends[0].max_rss > 100000);
    assert_true(trial->ends[0].wall_ns > 0);
    assert_int_equal(trial->ends[1].exit, -1);
    assert_int_equal(trial->ends[1].signal, SIGSEGV);
    assert_int_equal(trial->ends[2].error, UV_ENOENT);
    assert_int_equal(trial->ends[2].stage, SPAWN_EXEC);
    assert_string_equal(trial->ends[2].detail, missing[0]);
    assert_int_equal(trial->started[2], 0);
    assert_string_equal(text_of(trial->ends[3].out),
                        lane == LANE_CPU ? "cpu job3 1/1 3 3\n" : "io job3 1/1 3 none\n");
}

static void nothing_is_inherited(void **state) {
    static const char *argv[2];

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    argv[0] = child("show-self");
    add_exec(trial, argv);
    run(trial);
    signal(SIGHUP, SIG_DFL);
    assert_string_equal(text_of(trial->ends[0].out),
                        "fds 0 1 2\nsession own\nnot-default\nblocked\ntty ENXIO\n");
}

static void streams(void **state) {
    char path[128];
    struct job_settings *set;

    (void)state;
    set = add(trial, "echo out; echo err >&2");
    set->err.kind = STREAM_CAPTURE;
    set = add(trial, "cat");
    set->in = (struct stream){STREAM_TEXT, "some text"};
    set = add(trial, "echo to a file; echo this too >&2");
    snprintf(path, sizeof path, "%s/file", trial->dir);
    set->out = (struct stream){STREAM_FILE, path};
    set = add(trial, "true");
    set->out = (struct stream){STREAM_FILE, "/nonexistent/file"};
    run(trial);
    assert_string_equal(text_of(trial->ends[0].out), "out\n");
    assert_string_equal(text_of(trial->ends[0].err), "err\n");
    assert_int_equal(trial->ends[0].err_bytes, 4);
    assert_string_equal(text_of(trial->ends[1].out), "some text");
    assert_null(trial->ends[2].out);
    assert_int_equal(trial->ends[2].out_bytes, 0);
    assert_int_equal(trial->ends[3].error, UV_ENOENT);
    assert_int_equal(trial->ends[3].stage, SPAWN_STDOUT);
    {
        struct stat st;

        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, 19);
    }
}

static void much_output(void **state) {
    static const char *argv[] = {NULL, "5000000", "80", NULL};
    char *bytes = malloc(5000000);

    (void)state;
    argv[0] = child("flood");
    add_exec(trial, argv);
    add_exec(trial, argv);
    run(trial);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(trial->ends[i].out_bytes, 5000000);
        assert_int_equal(capture_size(trial->ends[i].out), 5000000);
        assert_int_equal(capture_read(trial->ends[i].out, 0, bytes, 5000000), 5000000);
        for (size_t at = 0; at < 5000000; at++)
            if (bytes[at] != (at % 80 == 79 ? '\n' : 'x'))
                fail_msg("byte %zu is %d", at, bytes[at]);
    }
    free(bytes);
}

static void last_byte_is_there(void **state) {
    (void)state;
    trial->plan.cpu_workers = 200;
    for (int i = 0; i < 200; i++)
        add(trial, "echo the only line");
    run(trial);
    for (int i = 0; i < 200; i++)
        assert_string_equal(text_of(trial->ends[i].out), "the only line\n");
}

static void stop_and_kill(void **state) {
    static const char *ignores[2];

    (void)state;
    ignores[0] = child("ignore-term");
    add(trial, "exec sleep 1000");
    add_exec(trial, ignores)->kill_after_ns = 300 * NS_PER_MS;
    trial->stop_when_started = 2;
    run(trial);
    assert_true(trial->ends[0].stopped);
    assert_false(trial->ends[0].killed);
    assert_int_equal(trial->ends[0].signal, SIGTERM);
    assert_true(trial->ends[1].stopped);
    /* TERM may come before it is ignored; then it dies of that. */
    assert_true(trial->ends[1].killed ? trial->ends[1].signal == SIGKILL
                                      : trial->ends[1].signal == SIGTERM);
}

static void kill_all(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++)
        add(trial, "trap '' TERM; sleep 1000");
    trial->kill_when_started = true;
    run(trial);
    for (int i = 0; i < 4; i++)
        assert_int_equal(trial->ends[i].signal, SIGKILL);
}

static void child_holds_output(void **state) {
    static const char *argv[] = {NULL, "pid", NULL};
    int64_t before = clock_ns();

    (void)state;
    argv[0] = child("fork-and-exit");
    add_exec(trial, argv);
    run(trial);
    assert_int_equal(trial->ends[0].exit, 0);
    assert_int_equal(trial->ends[0].leftover, 1);
    assert_string_equal(text_of(trial->ends[0].out), "before the exit\n");
    assert_true(clock_ns() - before < 4 * NS_PER_S); /* kill-after is 5 s */
    assert_int_equal(kill(pid_in("pid"), 0), -1);
}

static void daemons(void **state) {
    static const char *plain[] = {NULL, "pid0", NULL};
    static const char *clean[] = {NULL, "pid1", "clean", NULL};
    static const char *stay[] = {NULL, "pid2", "stay", NULL};

    (void)state;
    plain[0] = clean[0] = stay[0] = child("daemonise");
    add_exec(trial, plain)->kill_after_ns = 100 * NS_PER_MS;
    run(trial);
    assert_int_equal(trial->ends[0].exit, 0);
    assert_int_equal(trial->ends[0].leftover, 1);
    assert_int_equal(kill(pid_in("pid0"), 0), -1);
    attempt_end_release(&trial->ends[0]);

    /* Alone, it is known for the job's even without its environment. */
    trial->plan.njobs = 0;
    add_exec(trial, clean)->kill_after_ns = 100 * NS_PER_MS;
    run(trial);
    assert_int_equal(trial->ends[0].leftover, 1);
    assert_int_equal(kill(pid_in("pid1"), 0), -1);
    attempt_end_release(&trial->ends[0]);

    /* Among others, stopped while its first process lives. */
    trial->plan.njobs = 0;
    add_exec(trial, stay)->kill_after_ns = 100 * NS_PER_MS;
    add(trial, "sleep 1000");
    add_exec(trial, plain)->kill_after_ns = 100 * NS_PER_MS;
    trial->stop_when_started = 3;
    run(trial);
    /* TERM may have come before a daemon was there. */
    if (strcmp(text_of(trial->ends[2].out), "daemon is up\n") == 0)
        assert_int_equal(kill(pid_in("pid0"), 0), -1);
    if (strcmp(text_of(trial->ends[0].out), "daemon is up\n") == 0) {
        assert_int_equal(trial->ends[0].leftover, 1);
        assert_int_equal(kill(pid_in("pid2"), 0), -1);
    }
}

static void cannot_start(void **state) {
    (void)state;
    add(trial, "true")->dir = "/nonexistent";
    add(trial, "true")->shell = (const char *const[]){"/nonexistent/sh", "-c", NULL};
    run(trial);
    assert_int_equal(trial->ends[0].stage, SPAWN_DIR);
    assert_int_equal(trial->ends[0].error, UV_ENOENT);
    assert_string_equal(trial->ends[0].detail, "/nonexistent");
    assert_int_equal(trial->ends[1].stage, SPAWN_EXEC);
}

static int set_io(void **state) {
    lane = LANE_IO;
    return setup(state);
}

static int set_cpu(void **state) {
    lane = LANE_CPU;
    return setup(state);
}

#define BOTH(test)                                                                                 \
    {#test " io", test, set_io, teardown, NULL}, {                                                 \
#test " cpu", test, set_cpu, teardown, NULL                                                \
    }

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(ends_and_output), BOTH(nothing_is_inherited), BOTH(streams),
        BOTH(much_output),     BOTH(last_byte_is_there),   BOTH(stop_and_kill),
        BOTH(kill_all),        BOTH(child_holds_output),   BOTH(daemons),
        BOTH(cannot_start),
    };

    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC); /* as main() does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
