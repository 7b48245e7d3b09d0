/* SPDX-License-Identifier: MIT */
/* test_escape: foreign bytes in each report's grammar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/escape.h"

static char *escaped(enum escape how, const char *s, size_t n) {
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    escape_write(out, how, s, n);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(strlen(text), size); /* no NUL ever */
    return text;
}

static void test_grammars(void **state) {
    static const struct {
        enum escape how;
        const char *from, *to;
    } cases[] = {
        {ESCAPE_XML, "plain", "plain"},
        {ESCAPE_XML, "", ""},
        {ESCAPE_XML, "a ]]> <b> & \"q\" 'r'", "a ]]&gt; &lt;b&gt; &amp; &quot;q&quot; 'r'"},
        {ESCAPE_XML, "a\r\n\tb", "a&#13;\n\tb"},
        {ESCAPE_XML, "\001\377\xef\xbf\xbe", "\\x01\\xff&lt;U+FFFE&gt;"},
        {ESCAPE_XML, "\033[1;31mred\033[0m", "red"},
        {ESCAPE_XML, "\033]0;title\007x\033]8;;u\033\\y\033Mz", "xyz"},
        {ESCAPE_XML, "\033[31", "\\x1b[31"},
        {ESCAPE_XML, "\033", "\\x1b"},
        {ESCAPE_XML, "\033]0;no end\nx", "\\x1b]0;no end\nx"},
        {ESCAPE_XML, "gr\303\274n \342\202\254", "gr\303\274n \342\202\254"},
        {ESCAPE_XML, "::a\n ::b std::c\033[0m:: x: y:", ":&#58;a\n :&#58;b std:&#58;c:&#58; x: y:"},
        {ESCAPE_XML, "##[a]\n#\033[0m#[b] #### # #", "#&#35;[a]\n#&#35;[b] #&#35;&#35;&#35; # #"},
        {ESCAPE_XML, "\342\200\256::", "&lt;U+202E&gt;:&#58;"},
        {ESCAPE_ATTRIBUTE, "<\"a\">\033[31m\n\t\r",
         "&lt;&quot;a&quot;&gt;\\x1b[31m\\x0a\\x09\\x0d"},
        {ESCAPE_ATTRIBUTE, "::##[", ":&#58;#&#35;["},
        {ESCAPE_HTML, "::error::##[x]", ":&#58;error:&#58;#&#35;[x]"},
        {ESCAPE_HTML, "<script>'&\"", "&lt;script&gt;&#39;&amp;&quot;"},
        {ESCAPE_HTML, "\033[31m\r", "\\x1b[31m\\x0d"},
        {ESCAPE_HTML, "\342\200\256", "&lt;U+202E&gt;"},
        {ESCAPE_MARKDOWN, "a|b\nc`d*e_f", "a\\|b c\\`d\\*e\\_f"},
        {ESCAPE_MARKDOWN, "@me #12 [x](y) <b> &lt; \\",
         "&#64;me &#35;12 \\[x\\](y) &lt;b&gt; &amp;lt; \\\\"},
        {ESCAPE_TAP, "a # SKIP b\n\\", "a \\# SKIP b \\\\"},
        {ESCAPE_COMMENT, "a\tb\nc\033", "a\tb\\x0ac\\x1b"},
        {ESCAPE_YAML, "it's\n...", "it''s ..."},
        {ESCAPE_LABEL, "a\"b\\c\nd", "a\\\"b\\\\c\\nd"},
        {ESCAPE_TSV, "a\tb\nc\r", "a\\tb\\nc\\x0d"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = escaped(cases[i].how, cases[i].from, strlen(cases[i].from));

        assert_string_equal(text, cases[i].to);
        free(text);
    }
}

/* A NUL is a byte like others. */
static void test_nul(void **state) {
    char *text = escaped(ESCAPE_XML, "a\0b", 3);

    (void)state;
    assert_string_equal(text, "a\\x00b");
    free(text);
}

/* Whatever comes, it is all printable ASCII, valid UTF-8 or kept on purpose. */
static void test_every_byte(void **state) {
    (void)state;
    for (int how = 0; how < ESCAPES; how++)
        for (int byte = 1; byte < 256; byte++) {
            char in[] = {'a', (char)byte, 'b', 0}, *text;

            text = escaped((enum escape)how, in, 3);
            for (char *c = text; *c; c++)
                assert_true((*c >= ' ' && *c <= '~') || *c == '\n' || *c == '\t');
            assert_int_equal(text[0], 'a');
            assert_int_equal(text[strlen(text) - 1], 'b');
            free(text);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grammars),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_every_byte),
    };

    return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
