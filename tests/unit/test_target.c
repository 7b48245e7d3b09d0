/* SPDX-License-Identifier: MIT */
/* test_target: what can be waited for, in all its forms, and what is none of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plan/target.h"

static struct arena arena;

static bool parse(const char *s, struct target *t) {
    return target_parse(t, &arena, "/folder", s, strlen(s));
}

static void addresses(void **state) {
    static const struct {
        const char *text, *host, *port;
    } rows[] = {
        {"tcp:localhost:80", "localhost", "80"},
        {"tcp:10.0.0.1:65535", "10.0.0.1", "65535"},
        {"tcp:[::1]:8080", "::1", "8080"},
        {"tcp:::1:8080", "::1", "8080"},
        {"tcp:db.example.org:5432", "db.example.org", "5432"},
    };
    struct target t;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(parse(rows[i].text, &t));
        assert_int_equal(t.kind, TARGET_TCP);
        assert_string_equal(t.host, rows[i].host);
        assert_string_equal(t.port, rows[i].port);
    }
}

static void paths_and_urls(void **state) {
    static const struct {
        const char *text;
        enum target_kind kind;
        const char *path;
    } rows[] = {
        {"file:a b", TARGET_FILE, "/folder/a b"},
        {"file:/x", TARGET_FILE, "/x"},
        {"unix:run/s.sock", TARGET_UNIX, "/folder/run/s.sock"},
        {"http://x", TARGET_HTTP, "http://x"},
        {"https://x:1/a?b#c", TARGET_HTTP, "https://x:1/a?b#c"},
        {"http:http://x/", TARGET_HTTP, "http://x/"},
        {"http:https://x/", TARGET_HTTP, "https://x/"},
    };
    struct target t;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(parse(rows[i].text, &t));
        assert_int_equal(t.kind, rows[i].kind);
        assert_string_equal(t.path, rows[i].path);
    }
}

static void wrong(void **state) {
    static const char *const rows[] = {
        "",
        "tcp:",
        "tcp:x",
        "tcp:x:",
        "tcp::80",
        "tcp:x:0",
        "tcp:x:65536",
        "tcp:x:http",
        "tcp:x:-1",
        "tcp:a b:80",
        "tcp:[]:80",
        "tcp:[::1:80",
        "tcp:a/b:80",
        "file:",
        "unix:",
        "http:",
        "http://",
        "http:///path",
        "https://?query",
        "ftp://x/",
        "http://a b",
        "http://a\x01",
        "http:x",
        "HTTP://x",
        "localhost:80",
        "TCP:x:80",
        "http:http://",
        "x",
        "http:file:x",
        "http://x/\n",
        "unix:/1234567890123456789012345678901234567890123456789012345678901234567890123456789"
        "01234567890123456789012345678",
    };
    struct target t;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (parse(rows[i], &t))
            fail_msg("'%s' was taken", rows[i]);
}

static int begin(void **state) {
    (void)state;
    arena_init(&arena, NULL);
    return 0;
}

static int end(void **state) {
    (void)state;
    arena_release(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(paths_and_urls),
        cmocka_unit_test(wrong),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
