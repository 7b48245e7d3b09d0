/* SPDX-License-Identifier: MIT */
/* test_capture: bytes kept in memory, in the file, across both, and lost. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "../fakes/naive_mask.h"
#include "exec/capture.h"

static void little_stays_in_memory(void **state) {
    struct capture *c = capture_new();
    char buf[16];

    (void)state;
    assert_int_equal(capture_size(c), 0);
    assert_int_equal(capture_read(c, 0, buf, sizeof buf), 0);
    assert_int_equal(capture_add(c, "hello", 5), 0);
    assert_false(capture_full(c));
    assert_int_equal(capture_size(c), 5);
    assert_int_equal(capture_read(c, 1, buf, sizeof buf), 4);
    assert_memory_equal(buf, "ello", 4);
    assert_int_equal(capture_read(c, 5, buf, sizeof buf), 0);
    assert_null(capture_free(c));
    assert_null(capture_free(NULL));
}

static void room_grows_to_its_bound(void **state) {
    struct capture *c = capture_new();
    size_t sum = 0, n;
    char *to;

    (void)state;
    while ((to = capture_room(c, &n))) {
        memset(to, 'a', n);
        capture_added(c, n);
        sum += n;
    }
    assert_true(capture_full(c));
    assert_int_equal(n, 0);
    assert_int_equal(sum, CAPTURE_MEMORY_MAX);
    assert_int_equal(capture_spill(c), 0);
    assert_false(capture_full(c));
    assert_int_equal(capture_size(c), CAPTURE_MEMORY_MAX);
    capture_free(c);
}

static void much_goes_to_the_file_and_comes_back(void **state) {
    enum { TOTAL = 300001 };
    struct capture *c = capture_new();
    unsigned char *all = malloc(TOTAL), *back = malloc(TOTAL);
    uint32_t seed = 1;

    (void)state;
    for (size_t i = 0; i < TOTAL; i++)
        all[i] = (unsigned char)((seed = seed * 1103515245 + 12345) >> 16);
    for (size_t at = 0, n = 1; at < TOTAL; at += n, n = n * 3 % 7919 + 1) {
        n = n < TOTAL - at ? n : TOTAL - at;
        assert_int_equal(capture_add(c, (char *)all + at, n), 0);
    }
    assert_int_equal(capture_size(c), TOTAL);
    assert_int_equal(capture_total(c), TOTAL);
    for (size_t at = 0; at < TOTAL; at += 9973) {
        long n = capture_read(c, at, (char *)back, TOTAL);

        assert_int_equal(n, TOTAL - at);
        assert_memory_equal(back, all + at, TOTAL - at);
    }
    free(all);
    free(back);
    capture_free(c);
}

static void last_line(void **state) {
    struct capture *c = capture_new();
    char buf[8];

    (void)state;
    capture_last_line(c, buf, sizeof buf);
    assert_string_equal(buf, "");
    capture_add(c, "one\ntwo\n \n", 10);
    capture_last_line(c, buf, sizeof buf);
    assert_string_equal(buf, "two");
    capture_add(c, "a long line", 11);
    capture_last_line(c, buf, sizeof buf);
    assert_string_equal(buf, "a long ");
    capture_free(c);
}

/* When memory has gone to the file its end still tells the last line. */
static void last_line_of_what_is_filed(void **state) {
    struct capture *c = capture_new();
    char bytes[CAPTURE_MEMORY_MAX], buf[300];

    (void)state;
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes + sizeof bytes - 10, "\nthe last\n", 10);
    assert_int_equal(capture_add(c, bytes, sizeof bytes), 0);
    assert_int_equal(capture_spill(c), 0);
    capture_last_line(c, buf, sizeof buf);
    assert_string_equal(buf, "the last");
    assert_int_equal(capture_file(c, "shor", 4), 0);
    assert_int_equal(capture_file(c, "t\n", 2), 0);
    capture_last_line(c, buf, sizeof buf);
    assert_string_equal(buf, "short");
    assert_int_equal(capture_add(c, "  \n", 3), 0);
    capture_last_line(c, buf, sizeof buf);
    assert_string_equal(buf, "short");
    assert_int_equal(capture_add(c, "new", 3), 0);
    capture_last_line(c, buf, sizeof buf);
    assert_string_equal(buf, "new");
    assert_int_equal(capture_spill(c), 0);
    memset(bytes, 'y', sizeof bytes);
    assert_int_equal(capture_file(c, bytes, sizeof bytes), 0);
    capture_last_line(c, buf, sizeof buf);
    assert_int_equal(strspn(buf, "y"), 256);
    assert_int_equal(buf[256], '\0');
    capture_free(c);
}

/* What is filed past memory stands behind it, and before what comes next. */
static void straight_to_the_file(void **state) {
    struct capture *c = capture_new();
    char buf[16];

    (void)state;
    assert_int_equal(capture_add(c, "one ", 4), 0);
    assert_int_equal(capture_spill(c), 0);
    assert_int_equal(capture_file(c, "two ", 4), 0);
    assert_int_equal(capture_file(c, "three ", 6), 0);
    assert_int_equal(capture_add(c, "4", 1), 0);
    assert_int_equal(capture_size(c), 15);
    assert_int_equal(capture_total(c), 15);
    assert_int_equal(capture_read(c, 0, buf, sizeof buf), 15);
    assert_memory_equal(buf, "one two three 4", 15);
    capture_free(c);
}

/* The blocks of the only unlinked file that is open. */
static long long blocks(void) {
    for (int fd = 3; fd < 100; fd++) {
        struct stat st;

        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0)
            return st.st_blocks;
    }
    fail_msg("there is no such file");
    return 0;
}

/* What was read gives its place back, what was not stays. */
static void discarded(void **state) {
    enum { PART = 1 << 20, PARTS = 4 };
    struct capture *c = capture_new();
    char *bytes = malloc(PART), *back = malloc(PART);
    long long before;

    (void)state;
    assert_int_equal(capture_add(c, "little", 6), 0);
    capture_discard(c, 6); /* it is in memory */
    for (int i = 0; i < PARTS; i++) {
        memset(bytes, 'a' + i, PART);
        assert_int_equal(capture_add(c, bytes, PART), 0);
    }
    before = blocks();
    capture_discard(c, PART);
    capture_discard(c, 3 * PART + 6);
    capture_discard(c, PART); /* again */
    assert_true(blocks() <= before - 3 * (PART - 8192) / 512);
    assert_int_equal(capture_size(c), PARTS * PART + 6);
    assert_int_equal(capture_read(c, 3 * PART + 6, back, PART), PART);
    assert_memory_equal(back, bytes, PART);
    capture_discard(c, capture_size(c)); /* some is in memory */
    assert_int_equal(capture_read(c, capture_size(c) - 6, back, PART), 6);
    assert_memory_equal(back, bytes, 6);
    free(bytes);
    free(back);
    capture_free(c);
}

/* The file may not grow past a limit: what came before stays whole, what came
 * after is counted as lost. */
static void a_full_disk_loses_the_rest(void **state) {
    struct rlimit before, small;
    struct capture *c = capture_new();
    char bytes[4096], back[4096];
    int error = 0;

    (void)state;
    memset(bytes, 'b', sizeof bytes);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 2 * CAPTURE_MEMORY_MAX;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 0; i < 64; i++)
        error = capture_add(c, bytes, sizeof bytes);
    assert_int_equal(capture_spill(c), UV_EFBIG);
    assert_int_equal(capture_file(c, bytes, sizeof bytes), UV_EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(error, UV_EFBIG);
    assert_int_equal(capture_error(c), UV_EFBIG);
    assert_int_equal(capture_total(c), 65 * sizeof bytes);
    assert_int_equal(capture_size(c), 2 * CAPTURE_MEMORY_MAX);
    assert_int_equal(capture_read(c, 2 * CAPTURE_MEMORY_MAX - 1, back, sizeof back), 1);
    assert_int_equal(back[0], 'b');
    capture_free(c);
}

static void no_folder_for_the_file(void **state) {
    struct capture *c;
    char bytes[CAPTURE_MEMORY_MAX] = {'c'};

    (void)state;
    /* TMPDIR is only the first choice. */
    setenv("TMPDIR", "/nonexistent", 1);
    c = capture_new();
    assert_int_equal(capture_add(c, bytes, sizeof bytes), 0);
    assert_int_equal(capture_add(c, bytes, sizeof bytes), 0);
    assert_int_equal(capture_size(c), 2 * sizeof bytes);
    capture_free(c);
    unsetenv("TMPDIR");
}

static void what_came_before_a_failure_stands(void **state) {
    struct capture *c = capture_new();
    char back[8];

    (void)state;
    assert_int_equal(capture_add(c, "hello", 5), 0);
    capture_fail(c, UV_EIO);
    capture_fail(c, UV_ENOSPC); /* the first counts */
    assert_int_equal(capture_error(c), UV_EIO);
    assert_int_equal(capture_size(c), 5);
    assert_int_equal(capture_total(c), 5);
    assert_int_equal(capture_read(c, 0, back, sizeof back), 5);
    assert_memory_equal(back, "hello", 5);
    capture_free(c);
}

/* Saved under a name, from memory, from its file and both, and more than once. */
static void a_stream_is_saved(void **state) {
    enum { TOTAL = 200001 };
    static const size_t sizes[] = {0, 5, CAPTURE_MEMORY_MAX, TOTAL};
    char folder[] = "/tmp/test-capture-XXXXXX", *bytes = malloc(TOTAL), *back = malloc(TOTAL + 1);
    int dir;

    (void)state;
    assert_non_null(mkdtemp(folder));
    dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < TOTAL; i++)
        bytes[i] = (char)(i * 7);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        static const char *const names[] = {"one", "two"};
        struct capture *c = capture_new();

        assert_int_equal(capture_add(c, bytes, sizes[i]), 0);
        for (int k = 0; k < 2; k++) {
            struct stat st;
            int fd;

            assert_int_equal(capture_save(c, dir, names[k]), 0);
            fd = openat(dir, names[k], O_RDONLY | O_CLOEXEC);
            assert_int_equal(read(fd, back, TOTAL + 1), sizes[i]);
            assert_memory_equal(back, bytes, sizes[i]);
            assert_int_equal(fstat(fd, &st), 0);
            assert_int_equal(st.st_mode & 07777, 0600);
            close(fd);
        }
        assert_int_equal(capture_read(c, 0, back, TOTAL), sizes[i]); /* as before */
        assert_int_equal(capture_save(c, dir, "one"), UV_EEXIST);
        for (int k = 0; k < 2; k++)
            unlinkat(dir, names[k], 0);
        capture_free(c);
    }
    close(dir);
    rmdir(folder);
    free(bytes);
    free(back);
}

static void what_came_before_a_failure_is_saved(void **state) {
    enum { TOTAL = 100000 };
    char folder[] = "/tmp/test-capture-XXXXXX", *bytes = malloc(TOTAL), *back = malloc(TOTAL + 1);
    struct capture *c = capture_new();
    int dir, fd;

    (void)state;
    memset(bytes, 'x', TOTAL);
    assert_non_null(mkdtemp(folder));
    dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(capture_add(c, bytes, TOTAL), 0);
    capture_fail(c, UV_EIO);
    assert_int_equal(capture_save(c, dir, "one"), 0);
    fd = openat(dir, "one", O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, back, TOTAL + 1), TOTAL);
    assert_memory_equal(back, bytes, TOTAL);
    close(fd);
    unlinkat(dir, "one", 0);
    close(dir);
    rmdir(folder);
    capture_free(c);
    free(bytes);
    free(back);
}

static void the_last_owner_frees(void **state) {
    struct capture *c = capture_new();
    char buf[2];

    (void)state;
    assert_int_equal(capture_add(c, "x", 1), 0);
    assert_ptr_equal(capture_share(c), c);
    assert_null(capture_share(NULL));
    assert_null(capture_free(c));
    assert_int_equal(capture_read(c, 0, buf, sizeof buf), 1);
    capture_free(c);
}

/* A text of letters and secrets, some of which lie over 64 KiB borders. */
static char *secret_text(size_t n, const struct mask_value *values, size_t count) {
    char *text = malloc(n);
    uint32_t seed = 1;

    for (size_t i = 0; i < n; i++)
        text[i] = (char)('a' + ((seed = seed * 1103515245 + 12345) >> 16) % 3);
    for (size_t i = 0, at = 1000; at + values[i % count].n < n; at += 5923, i++)
        memcpy(text + at, values[i % count].bytes, values[i % count].n);
    for (size_t at = CAPTURE_MEMORY_MAX; at < n; at += CAPTURE_MEMORY_MAX)
        memcpy(text + at - 2, values[0].bytes, values[0].n);
    return text;
}

static void masked_before_it_is_kept(void **state) {
    enum { TOTAL = 500000, BY_FILE = 100000 };
    static const struct mask_value values[] = {
        {"secret-of-some-length", 21}, {"ab", 2}, {"abcab", 5}, {"line\nline", 9}, {"b", 1}};
    char *text = secret_text(TOTAL, values, 5), *back = malloc(3 * TOTAL), line[64];
    struct mask_set *set;
    size_t want_len, done = 0;
    char *want = naive_mask(values, 5, text, TOTAL, &want_len);

    (void)state;
    assert_int_equal(mask_set_new(&set, NULL, values, 5), 0);
    for (uint32_t piece = 1; piece < 2 * CAPTURE_MEMORY_MAX; piece = piece * 7 + 3) {
        struct capture *c = capture_new();

        assert_int_equal(capture_mask(c, set), 0);
        assert_int_equal(capture_mask(c, set), 0); /* may be said again */
        for (done = 0; done < TOTAL;) { /* as a stream is read, and its turns of the pool */
            size_t room, n;
            char *to = capture_room(c, &room);

            if (!to) {
                assert_int_equal(capture_spill(c), 0);
                n = BY_FILE < TOTAL - done ? BY_FILE : TOTAL - done;
                assert_int_equal(capture_file(c, text + done, n), 0);
                done += n;
                continue;
            }
            n = piece < room ? piece : room;
            n = n < TOTAL - done ? n : TOTAL - done;
            memcpy(to, text + done, n);
            capture_added(c, n);
            done += n;
            capture_last_line(c, line, sizeof line);
            assert_null(strstr(line, "secret-of"));
        }
        while (!capture_end(c))
            assert_int_equal(capture_spill(c), 0);
        assert_true(capture_end(c));
        assert_int_equal(capture_total(c), TOTAL);
        assert_int_equal(capture_size(c), want_len);
        assert_int_equal(capture_read(c, 0, back, want_len), want_len);
        assert_memory_equal(back, want, want_len);
        capture_free(c);
    }
    mask_set_free(set);
    free(want);
    free(back);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(little_stays_in_memory),
        cmocka_unit_test(room_grows_to_its_bound),
        cmocka_unit_test(much_goes_to_the_file_and_comes_back),
        cmocka_unit_test(last_line),
        cmocka_unit_test(last_line_of_what_is_filed),
        cmocka_unit_test(straight_to_the_file),
        cmocka_unit_test(discarded),
        cmocka_unit_test(a_full_disk_loses_the_rest),
        cmocka_unit_test(no_folder_for_the_file),
        cmocka_unit_test(what_came_before_a_failure_stands),
        cmocka_unit_test(a_stream_is_saved),
        cmocka_unit_test(what_came_before_a_failure_is_saved),
        cmocka_unit_test(the_last_owner_frees),
        cmocka_unit_test(masked_before_it_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
