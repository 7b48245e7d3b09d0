/* SPDX-License-Identifier: MIT */
/* test_stream: a captured pipe of slow, fast and dead writers, and of strangers. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "exec/capture.h"
#include "exec/stream.h"
#include "exec/terminal.h"

#define MUCH (20U << 20) /* more than memory, pipe and blocks take */

static struct {
    uv_loop_t loop;
    struct pollset set;
    struct stream_reader stream;
    struct capture *capture;
    int ends[2];
    unsigned changes;
    pthread_t writer;
    size_t to_write;
} trial;

static char byte_at(size_t at) {
    return (char)(at * 2654435761U >> 24);
}

static void on_changed(void *owner) {
    unsigned *changes = owner;

    ++*changes;
}

/* Watches `fd`; what stream_watch() says. */
static int watch(int fd) {
    trial.changes = 0;
    trial.capture = capture_new();
    assert_non_null(trial.capture);
    stream_init(&trial.stream, fd);
    return stream_watch(&trial.stream, &trial.set, trial.capture, on_changed, &trial.changes);
}

static int begin(void **state) {
    (void)state;
    memset(&trial, 0, sizeof trial);
    if (uv_loop_init(&trial.loop) || pollset_open(&trial.set, &trial.loop) ||
        pipe2(trial.ends, O_CLOEXEC))
        return -1;
    return 0;
}

static int end(void **state) {
    (void)state;
    capture_free(trial.capture);
    pollset_close(&trial.set, NULL, NULL);
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&trial.loop);
}

/* NULL, or what it was given when it failed. */
static void *write_all(void *given) {
    static char block[50000];

    for (size_t at = 0, n; at < trial.to_write; at += n) {
        n = trial.to_write - at < sizeof block ? trial.to_write - at : sizeof block;
        for (size_t i = 0; i < n; i++)
            block[i] = byte_at(at + i);
        for (size_t done = 0; done < n;) {
            ssize_t some = write(trial.ends[1], block + done, n - done);

            if (some < 0)
                return given;
            done += (size_t)some;
        }
    }
    return NULL;
}

static void start_writer(size_t n) {
    trial.to_write = n;
    assert_int_equal(pthread_create(&trial.writer, NULL, write_all, &trial), 0);
}

static void join_writer(void) {
    void *failed;

    assert_int_equal(pthread_join(trial.writer, &failed), 0);
    assert_null(failed);
}

/* Turns the loop until n bytes have come; during a turn of the pool it may not look. */
static void run_until_came(size_t n) {
    while (trial.stream.spilling || capture_total(trial.capture) < n)
        uv_run(&trial.loop, UV_RUN_ONCE);
}

/* Turns the loop until nothing of the stream is left on it. */
static void run_to_end(void) {
    while (!stream_ended(&trial.stream))
        uv_run(&trial.loop, UV_RUN_ONCE);
    assert_true(trial.changes >= 1);
}

/* The capture has just the first n bytes that the writer writes. */
static void expect_bytes(size_t n) {
    char *bytes = malloc(n);

    assert_int_equal(capture_error(trial.capture), 0);
    assert_int_equal(capture_total(trial.capture), n);
    assert_int_equal(capture_size(trial.capture), n);
    assert_int_equal(capture_read(trial.capture, 0, bytes, n), n);
    for (size_t at = 0; at < n; at++)
        if (bytes[at] != byte_at(at))
            fail_msg("byte %zu is %d", at, bytes[at]);
    free(bytes);
}

static void no_stream(void **state) {
    (void)state;
    close(trial.ends[0]);
    close(trial.ends[1]);
    assert_int_equal(watch(-1), 0);
    stream_end(&trial.stream);
    assert_true(stream_ended(&trial.stream));
    assert_int_equal(trial.changes, 0);
}

static void little_until_its_end(void **state) {
    int size = fcntl(trial.ends[1], F_GETPIPE_SZ), fd = dup(trial.ends[1]);

    (void)state;
    assert_int_equal(watch(trial.ends[0]), 0);
    start_writer(5);
    join_writer();
    run_until_came(5);
    assert_int_equal(fcntl(fd, F_GETPIPE_SZ), size);
    close(trial.ends[1]);
    close(fd);
    run_to_end();
    expect_bytes(5);
}

/* Its pipe is made larger, its bytes are all there, in order. */
static void much_until_its_end(void **state) {
    (void)state;
    assert_int_equal(watch(trial.ends[0]), 0);
    start_writer(MUCH);
    run_until_came(MUCH);
    join_writer();
    assert_int_equal(fcntl(trial.ends[1], F_GETPIPE_SZ), 262144);
    close(trial.ends[1]);
    run_to_end();
    expect_bytes(MUCH);
}

/* The pipe's other end stays open: what is in it is read, nothing waited for. */
static void end_without_end_of_file(void **state) {
    (void)state;
    assert_int_equal(watch(trial.ends[0]), 0);
    start_writer(60000);
    join_writer();
    stream_end(&trial.stream);
    run_to_end();
    expect_bytes(60000);
    close(trial.ends[1]);
}

/* The same while the thread pool has its turn, and with more than memory takes
 * in the pipe. */
static void end_within_a_turn(void **state) {
    enum { PIPE = 262144, IN_PIPE = 200000 };

    (void)state;
    assert_int_equal(fcntl(trial.ends[1], F_SETPIPE_SZ, PIPE), PIPE);
    assert_int_equal(watch(trial.ends[0]), 0);
    start_writer(CAPTURE_MEMORY_MAX + IN_PIPE);
    while (!trial.stream.spilling)
        uv_run(&trial.loop, UV_RUN_ONCE);
    join_writer(); /* by now all is read or in the pipe */
    stream_end(&trial.stream);
    assert_false(stream_ended(&trial.stream));
    run_to_end();
    expect_bytes(CAPTURE_MEMORY_MAX + IN_PIPE);
    close(trial.ends[1]);
}

/* More than memory takes is read empty at the end by nothing but the last read. */
static void end_of_a_full_pipe(void **state) {
    enum { PIPE = 262144, IN_PIPE = 200000 };

    (void)state;
    assert_int_equal(fcntl(trial.ends[1], F_SETPIPE_SZ, PIPE), PIPE);
    start_writer(IN_PIPE);
    join_writer();
    assert_int_equal(watch(trial.ends[0]), 0);
    stream_end(&trial.stream);
    run_to_end();
    expect_bytes(IN_PIPE);
    close(trial.ends[1]);
}

/* A terminal in the pipe's place. */
static void take_a_terminal(void) {
    close(trial.ends[0]);
    close(trial.ends[1]);
    assert_int_equal(terminal_open(&trial.ends[0], &trial.ends[1]), 0);
    assert_true(isatty(trial.ends[1]));
    assert_int_equal(watch(trial.ends[0]), 0);
    trial.stream.terminal = true;
}

static void a_terminal_until_its_end(void **state) {
    (void)state;
    take_a_terminal();
    start_writer(500000);
    run_until_came(500000);
    join_writer();
    close(trial.ends[1]);
    run_to_end();
    expect_bytes(500000);
}

/* More than is counted by then, and the other end stays open. */
static void a_terminal_without_end_of_file(void **state) {
    (void)state;
    take_a_terminal();
    start_writer(6000);
    join_writer();
    stream_end(&trial.stream);
    run_to_end();
    expect_bytes(6000);
    close(trial.ends[1]);
}

/* A loop that cannot watch it says so; what is there is read at the end. */
static void cannot_be_watched(void **state) {
    char path[] = "/tmp/test_stream.XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    unlink(path);
    close(trial.ends[0]);
    close(trial.ends[1]);
    trial.ends[1] = fd; /* epoll takes no regular file */
    start_writer(200000);
    join_writer();
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(watch(fd), UV_EPERM);
    stream_end(&trial.stream);
    run_to_end();
    expect_bytes(200000);
}

/* The writer is never held up; what does not fit is counted. */
static void a_full_disk(void **state) {
    struct rlimit before, small;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 1000000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(watch(trial.ends[0]), 0);
    start_writer(MUCH);
    run_until_came(MUCH);
    join_writer();
    close(trial.ends[1]);
    run_to_end();
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(capture_error(trial.capture), UV_EFBIG);
    assert_int_equal(capture_total(trial.capture), MUCH);
    assert_int_equal(capture_size(trial.capture), 1000000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_stream, begin, end),
        cmocka_unit_test_setup_teardown(little_until_its_end, begin, end),
        cmocka_unit_test_setup_teardown(much_until_its_end, begin, end),
        cmocka_unit_test_setup_teardown(end_without_end_of_file, begin, end),
        cmocka_unit_test_setup_teardown(end_within_a_turn, begin, end),
        cmocka_unit_test_setup_teardown(end_of_a_full_pipe, begin, end),
        cmocka_unit_test_setup_teardown(a_terminal_until_its_end, begin, end),
        cmocka_unit_test_setup_teardown(a_terminal_without_end_of_file, begin, end),
        cmocka_unit_test_setup_teardown(cannot_be_watched, begin, end),
        cmocka_unit_test_setup_teardown(a_full_disk, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
