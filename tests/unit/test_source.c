/* SPDX-License-Identifier: MIT */
/* test_source: bytes of files, and places in them. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "base/source.h"

struct fixture {
    struct arena arena;
    struct sources sources;
    char dir[64];
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    arena_init(&f->arena, NULL);
    sources_init(&f->sources, &f->arena);
    strcpy(f->dir, "/tmp/muster-source-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    assert_int_equal(chdir(f->dir), 0);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;

    sources_release(&f->sources);
    arena_release(&f->arena);
    assert_int_equal(chdir("/"), 0);
    char *command = NULL;
    assert_true(asprintf(&command, "%s/m.ini", f->dir) > 0);
    unlink(command);
    free(command);
    rmdir(f->dir);
    free(f);
    return 0;
}

static void write_file(const char *name, const char *bytes, size_t n) {
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    close(fd);
}

static struct location at(struct fixture *f, const struct source *s, uint32_t offset) {
    return sources_locate(&f->sources, s->base + offset);
}

static void test_lines_and_columns(void **state) {
    struct fixture *f = *state;
    static const char text[] = "one\n\ttw\xc3\xb6 x\r\n\nlast";
    struct source *s;

    assert_int_equal(sources_add(&f->sources, "a", text, sizeof text - 1, &s), 0);
    struct location l = at(f, s, 0);
    assert_int_equal(l.line, 1);
    assert_int_equal(l.column, 1);
    assert_int_equal(l.text_len, 3);
    /* The line's end still is that line. */
    assert_int_equal(at(f, s, 3).line, 1);
    assert_int_equal(at(f, s, 3).column, 4);
    /* A tab and an umlaut are a column each, CR LF are none. */
    l = at(f, s, 10);
    assert_int_equal(l.line, 2);
    assert_memory_equal(l.text + l.text_column, "x", 1);
    assert_int_equal(l.column, 6);
    assert_int_equal(l.text_len, 7);
    assert_int_equal(at(f, s, 13).line, 3);
    assert_int_equal(at(f, s, 13).text_len, 0);
    assert_int_equal(at(f, s, 14).line, 4);
    assert_int_equal(at(f, s, s->len).line, 4);
    assert_int_equal(at(f, s, s->len).column, 5);
}

static void test_several(void **state) {
    struct fixture *f = *state;
    struct source *s[20];

    for (size_t i = 0; i < 20; i++) {
        char name[8], text[8];
        snprintf(name, sizeof name, "f%zu", i);
        snprintf(text, sizeof text, "\n%zu", i);
        /* Some are empty: their one place is theirs all the same. */
        assert_int_equal(sources_add(&f->sources, name, text, i % 3 ? strlen(text) : 0, &s[i]), 0);
        assert_int_not_equal(s[i]->base, 0);
    }
    for (size_t i = 0; i < 20; i++) {
        assert_ptr_equal(at(f, s[i], 0).source, s[i]);
        assert_ptr_equal(at(f, s[i], s[i]->len).source, s[i]);
        assert_int_equal(at(f, s[i], s[i]->len).line, i % 3 ? 2 : 1);
    }
}

static void test_read(void **state) {
    struct fixture *f = *state;
    struct source *s;
    char path[128];

    write_file("m.ini", "\xef\xbb\xbf[a]\n", 7);
    assert_int_equal(sources_read(&f->sources, "m.ini", "shown", &s), 0);
    assert_string_equal(s->name, "shown");
    assert_string_equal(s->bytes, "[a]\n");
    assert_int_equal(s->len, 4);
    assert_string_equal(s->folder, f->dir);
    assert_int_equal(s->mode, S_IFREG | 0640);
    snprintf(path, sizeof path, "../%s/./m.ini", strrchr(f->dir, '/') + 1);
    assert_int_equal(sources_read(&f->sources, path, path, &s), 0);
    assert_string_equal(s->folder, f->dir);
    assert_int_equal(sources_read(&f->sources, "nope", "nope", &s), UV_ENOENT);
    assert_int_equal(sources_read(&f->sources, ".", ".", &s), UV_EISDIR);
    assert_int_equal(sources_read(&f->sources, "m.ini/x", "x", &s), UV_ENOTDIR);
}

static void test_read_endless(void **state) {
    struct fixture *f = *state;
    struct source *s;

    assert_int_equal(sources_read(&f->sources, "/dev/zero", "zero", &s), UV_EFBIG);
    assert_int_equal(f->sources.count, 0);
}

static void test_read_stdin(void **state) {
    struct fixture *f = *state;
    struct source *s;
    int ends[2], saved = dup(STDIN_FILENO);

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "[job a]", 7), 7);
    close(ends[1]);
    assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
    close(ends[0]);
    int err = sources_read(&f->sources, "-", "<stdin>", &s);
    if (saved >= 0)
        dup2(saved, STDIN_FILENO);
    close(saved);
    assert_int_equal(err, 0);
    assert_string_equal(s->bytes, "[job a]");
    assert_string_equal(s->folder, f->dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines_and_columns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_several, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_endless, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_stdin, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
