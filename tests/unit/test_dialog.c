/* SPDX-License-Identifier: MIT */
/* test_dialog: requests to persistent workers, and all that they may answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exec/dialog.h"

static void a_request_is_a_line(void **state) {
    char a[] = "A=1", b[] = "B=a=b", empty[] = "EMPTY=";
    char *const env[] = {a, b, empty, NULL};
    char *fault = NULL;
    size_t n = 0;
    char *line = dialog_request(7, "one\ntwo \"\\\x01 \xc3\xa9", env, &n, &fault);
    const char *const wanted = "{\"id\":7,\"task\":\"one\\ntwo \\\"\\\\\\u0001 \xc3\xa9\","
                               "\"env\":{\"A\":\"1\",\"B\":\"a=b\",\"EMPTY\":\"\"}}\n";

    (void)state;
    assert_non_null(line);
    assert_null(fault);
    assert_int_equal(n, strlen(wanted));
    assert_memory_equal(line, wanted, n);
    free(line);
}

static void a_request_is_utf8(void **state) {
    char ok[] = "OK=1", x[] = "X=\xff";
    char *const good[] = {NULL}, *const bad[] = {ok, x, NULL};
    char *fault = NULL;
    size_t n = 0;

    (void)state;
    assert_null(dialog_request(1, "t", bad, &n, &fault));
    assert_string_equal(fault, "X is not UTF-8, and a request is");
    free(fault);
    assert_null(dialog_request(1, "t\xc3", good, &n, &fault));
    assert_string_equal(fault, "the task is not UTF-8, and a request is");
    free(fault);
}

static struct dialog_line read_line(const char *text) {
    struct dialog_line line;

    dialog_read(text, strlen(text), &line);
    return line;
}

static void an_answer(void **state) {
    struct dialog_line line = read_line(" {\"output\":\"a\\u0000b\\n\",\"more\":[1],\"exit\":255,"
                                        "\"id\":9007199254740993} ");

    (void)state;
    assert_int_equal(line.kind, DIALOG_ANSWER);
    assert_true(line.id == UINT64_C(9007199254740993));
    assert_int_equal(line.exit, 255);
    assert_int_equal(line.output_len, 4);
    assert_memory_equal(line.output, "a\0b\n", 4);
    dialog_line_release(&line);
    line = read_line("{\"id\":0,\"exit\":0}");
    assert_int_equal(line.kind, DIALOG_ANSWER);
    assert_int_equal(line.output_len, 0);
    dialog_line_release(&line);
    line = read_line("{\"id\":0,\"exit\":0,\"output\":null,\"protocol\":3}");
    assert_int_equal(line.kind, DIALOG_ANSWER);
    dialog_line_release(&line);
}

static void a_greeting(void **state) {
    struct dialog_line line = read_line("{\"protocol\":1,\"name\":\"w\"}");

    (void)state;
    assert_int_equal(line.kind, DIALOG_GREETING);
    dialog_line_release(&line);
}

static void rubbish(void **state) {
    static const struct {
        const char *line, *fault;
    } rows[] = {
        {"", "no JSON object: "},
        {"hello\x1b", "no JSON object: hello\\x1b"},
        {"[1]", "no JSON object: [1]"},
        {"{\"id\":1,\"exit\":0} {}", "no JSON object: {\"id\":1,\"exit\":0} {}"},
        {"{\"id\":1,\"exit\":0,\"output\":\"\xff\"}",
         "no JSON object: {\"id\":1,\"exit\":0,\"output\":\"\\xff\"}"},
        {"01234567890123456789012345678901234567890123456789012345678901",
         "no JSON object: 012345678901234567890123456789012345678901234567890123456789..."},
        {"{}", "an answer without the 'id' of its request"},
        {"{\"id\":\"1\",\"exit\":0}", "an answer without the 'id' of its request"},
        {"{\"id\":-1,\"exit\":0}", "an answer without the 'id' of its request"},
        {"{\"id\":1}", "an answer without an 'exit' from 0 to 255"},
        {"{\"id\":1,\"exit\":256}", "an answer without an 'exit' from 0 to 255"},
        {"{\"id\":1,\"exit\":-1}", "an answer without an 'exit' from 0 to 255"},
        {"{\"id\":1,\"exit\":4294967296}", "an answer without an 'exit' from 0 to 255"},
        {"{\"id\":1,\"exit\":0.5}", "an answer without an 'exit' from 0 to 255"},
        {"{\"id\":1,\"exit\":0,\"output\":[]}", "an answer whose 'output' is no text"},
        {"{\"protocol\":\"1\"}", "a greeting whose 'protocol' is no number"},
        {"{\"protocol\":2}", "a greeting in protocol 2, where 1 is spoken"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dialog_line line = read_line(rows[i].line);

        assert_int_equal(line.kind, DIALOG_RUBBISH);
        assert_string_equal(line.fault, rows[i].fault);
        dialog_line_release(&line);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_a_line),
        cmocka_unit_test(a_request_is_utf8),
        cmocka_unit_test(an_answer),
        cmocka_unit_test(a_greeting),
        cmocka_unit_test(rubbish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
