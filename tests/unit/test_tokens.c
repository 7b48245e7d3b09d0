/* SPDX-License-Identifier: MIT */
/* test_tokens: tokens out of a pipe and into it again; jobservers of both kinds. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "exec/jobserver.h"
#include "exec/tokens.h"

static uv_loop_t loop;
static unsigned called;
static int pipe_fds[2];

static void on_more(void *ctx) {
    (void)ctx;
    called++;
    uv_stop(&loop);
}

static int begin(void **state) {
    (void)state;
    called = 0;
    return uv_loop_init(&loop) || pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK);
}

static int end(void **state) {
    (void)state;
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop);
}

static void put(const char *tokens) {
    assert_int_equal(write(pipe_fds[1], tokens, strlen(tokens)), strlen(tokens));
}

static int by_byte(const void *a, const void *b) {
    return *(const char *)a - *(const char *)b;
}

/* What is in the pipe, sorted. */
static void expect(const char *tokens) {
    char there[64] = "";
    ssize_t n = read(pipe_fds[0], there, sizeof there - 1);

    n = n < 0 ? 0 : n;
    qsort(there, (size_t)n, 1, by_byte);
    there[n] = '\0';
    assert_string_equal(there, tokens);
    put(there);
}

static struct tokens *open_tokens(bool shared) {
    struct tokens_opts opts = {.loop = &loop,
                               .read_fd = fcntl(pipe_fds[0], F_DUPFD_CLOEXEC, 0),
                               .write_fd = fcntl(pipe_fds[1], F_DUPFD_CLOEXEC, 0),
                               .most = 4,
                               .shared = shared,
                               .more = on_more};
    struct tokens *t;

    assert_int_equal(tokens_open(&t, &opts), 0);
    return t;
}

static void what_is_taken_goes_back(void **state) {
    struct tokens *t = open_tokens(false);

    (void)state;
    put("abc");
    assert_int_equal(tokens_want(t, 0, 2), 2);
    expect("c");
    assert_int_equal(tokens_want(t, 2, 9), 3);
    expect("");
    assert_int_equal(tokens_want(t, 1, 1), 1);
    expect("bc");
    assert_int_equal(tokens_want(t, 0, 9), 3);
    assert_int_equal(tokens_want(t, 0, 0), 0);
    expect("abc");
    assert_int_equal(tokens_want(t, 0, 1), 1);
    assert_null(tokens_close(t));
    expect("abc");
}

static void it_is_told_when_there_is_more(void **state) {
    struct tokens *t = open_tokens(false);

    (void)state;
    assert_int_equal(tokens_want(t, 0, 1), 0);
    put("x");
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(called, 1);
    assert_int_equal(tokens_want(t, 0, 1), 1);
    put("y");
    uv_run(&loop, UV_RUN_NOWAIT); /* nothing is wanted */
    assert_int_equal(called, 1);
    assert_null(tokens_close(t));
    expect("xy");
}

/* Two that want two each of three do not wait for each other for ever. */
static void what_is_not_enough_is_not_kept(void **state) {
    struct tokens *t = open_tokens(true);

    (void)state;
    put("ab");
    assert_int_equal(tokens_want(t, 1, 3), 2); /* one in use, one of two more */
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(called, 1);
    assert_int_equal(tokens_want(t, 1, 3), 1); /* for a while it only keeps what is in use */
    expect("b");
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(called, 2);
    assert_int_equal(tokens_want(t, 1, 3), 2);
    put("c");
    assert_int_equal(tokens_want(t, 1, 3), 3);
    assert_int_equal(tokens_want(t, 3, 3), 3);
    assert_null(tokens_close(t));
    expect("abc");
}

/* --- jobservers --- */

static struct job_settings settings = {.type = LANE_CPU};
static struct plan_job job = {.name = "x", .set = &settings};
static struct plan plan = {.cpu_workers = 3, .jobs = &job, .njobs = 1};

static void without_need_there_is_none(void **state) {
    struct jobserver *j;

    (void)state;
    settings.jobserver = JOBSERVER_NO;
    assert_int_equal(jobserver_open(&j, &loop, &plan, NULL, on_more, NULL), 0);
    assert_null(j);
    assert_null(jobserver_close(NULL));
}

static int waiting(const struct jobserver *j) {
    int n = -1;

    assert_int_equal(ioctl(jobserver_fds(j)[0], FIONREAD, &n), 0);
    return n;
}

static void an_own_one_has_a_token_for_each_worker(void **state) {
    struct jobserver *j;
    const char *path;
    struct stat st;
    char token;

    (void)state;
    settings.jobserver = JOBSERVER_FIFO;
    assert_int_equal(jobserver_open(&j, &loop, &plan, NULL, on_more, NULL), 0);
    assert_int_equal(jobserver_most(j), 3);
    assert_string_equal(jobserver_flags(j, JOBSERVER_PIPE), "-j3 --jobserver-auth=3,4");
    path = strstr(jobserver_flags(j, JOBSERVER_FIFO), "-j3 --jobserver-auth=fifo:/");
    assert_non_null(path);
    path = strchr(path, '/');
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    assert_int_equal(st.st_mode & 077, 0);
    assert_int_equal(jobserver_want(j, 0, 2), 2);
    assert_int_equal(waiting(j), 1);
    assert_int_equal(jobserver_want(j, 2, 5), 3);
    assert_int_equal(jobserver_want(j, 1, 1), 1);
    /* One that is killed with a token: made good once nobody has it. */
    jobserver_begin(j, &job);
    jobserver_begin(j, &job);
    assert_int_equal(read(jobserver_fds(j)[0], &token, 1), 1);
    jobserver_end(j, &job);
    assert_int_equal(waiting(j), 1);
    jobserver_end(j, &job);
    assert_int_equal(waiting(j), 2);
    /* One that writes more than it read. */
    jobserver_begin(j, &job);
    assert_int_equal(write(jobserver_fds(j)[1], "++++", 4), 4);
    jobserver_end(j, &job);
    assert_int_equal(waiting(j), 2);
    path = strdup(path);
    assert_null(jobserver_close(j));
    assert_int_equal(stat(path, &st), -1);
    free((char *)(uintptr_t)path);
}

/* Of make's one is muster's from the start. */
static void below_a_make_one_is_free(void **state) {
    struct makeflags above = {
        .there = true, .read_fd = pipe_fds[0], .write_fd = pipe_fds[1], .jobs = 2};
    char fifo[64];
    struct jobserver *j;

    (void)state;
    put("a");
    assert_int_equal(jobserver_open(&j, &loop, &plan, &above, on_more, NULL), 0);
    assert_int_equal(jobserver_most(j), 2);
    assert_int_equal(jobserver_want(j, 0, 1), 1);
    expect("a");
    assert_int_equal(jobserver_want(j, 1, 2), 2);
    expect("");
    assert_int_equal(jobserver_want(j, 1, 1), 1);
    expect("a");
    snprintf(fifo, sizeof fifo, "-j2 --jobserver-auth=fifo:/proc/%d/fd/%d", (int)getpid(),
             pipe_fds[0]);
    assert_string_equal(jobserver_flags(j, JOBSERVER_FIFO), fifo);
    assert_int_equal(jobserver_want(j, 1, 2), 2);
    assert_null(jobserver_close(j));
    expect("a");
}

static void a_named_one_of_makes(void **state) {
    struct makeflags above = {.there = true, .read_fd = -1, .write_fd = -1};
    char folder[] = "/tmp/muster-tokens-XXXXXX", path[64];
    struct jobserver *j;
    int fd;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/fifo", folder);
    above.fifo = path;
    assert_true(jobserver_open(&j, &loop, &plan, &above, on_more, NULL) < 0); /* not there */
    assert_null(j);
    assert_int_equal(mkfifo(path, 0600), 0);
    fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    assert_int_equal(write(fd, "xyz", 3), 3);
    assert_int_equal(jobserver_open(&j, &loop, &plan, &above, on_more, NULL), 0);
    assert_int_equal(jobserver_most(j), 3);
    assert_int_equal(jobserver_want(j, 0, 3), 3);
    assert_int_equal(waiting(j), 1);
    assert_null(jobserver_close(j));
    assert_int_equal(read(fd, path, 9), 3);
    close(fd);
    snprintf(path, sizeof path, "%s/fifo", folder);
    unlink(path);
    rmdir(folder);
}

#define with_pipe(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        with_pipe(what_is_taken_goes_back),
        with_pipe(it_is_told_when_there_is_more),
        with_pipe(what_is_not_enough_is_not_kept),
        with_pipe(without_need_there_is_none),
        with_pipe(an_own_one_has_a_token_for_each_worker),
        with_pipe(below_a_make_one_is_free),
        with_pipe(a_named_one_of_makes),
    };

    return cmocka_run_group_tests_name("tokens", tests, NULL, NULL);
}
