/* SPDX-License-Identifier: MIT */
/* test_manifest: sections, entries and values from bytes, and their places. */
#include "plan_case.h"

#include "plan/lines.h"
#include "plan/manifest.h"

struct fixture {
    struct arena arena;
    struct sources sources;
    struct diag diag;
    struct manifest m;
};

static void begin(struct fixture *f, const char *bytes, size_t n) {
    struct source *source;

    arena_init(&f->arena, NULL);
    sources_init(&f->sources, &f->arena);
    diag_init(&f->diag, &f->arena, &f->sources);
    assert_int_equal(sources_add(&f->sources, "m.ini", bytes, n, &source), 0);
    assert_int_equal(manifest_parse(&f->m, source, &f->arena, &f->diag), 0);
}

static void end(struct fixture *f, const char *expected) {
    char *said = plan_case_render(&f->diag, "m.ini");

    assert_string_equal(said, expected);
    free(said);
    sources_release(&f->sources);
    arena_release(&f->arena);
}

static const char *span_text(struct fixture *f, struct span s) {
    return arena_strndup(&f->arena, source_text(f->m.source, s), s.len);
}

static void assert_value(struct fixture *f, uint32_t entry, const char *key, const char *value) {
    assert_true(entry < f->m.nentries);
    struct entry *e = &f->m.entries[entry];
    struct text t = manifest_unfold(f->m.source, e, &f->arena);

    assert_string_equal(span_text(f, e->key), key);
    assert_string_equal(arena_strndup(&f->arena, t.bytes, t.len), value);
}

static void begin_text(struct fixture *f, const char *text) {
    begin(f, text, strlen(text));
}

static void test_sections_and_entries(void **state) {
    struct fixture f;

    (void)state;
    begin_text(&f, "out = 1\n[muster]\n; comment\n# comment\n  ; indented comment\n[job a.b-c]  \n"
                   "key=value\n\tb  =  c ; d # e = f\t \n[job empty]\n[defaults]\nx= \ny=\"q\" ");
    assert_int_equal(f.m.nsections, 5);
    assert_true(f.m.sections[0].outside);
    assert_int_equal(f.m.sections[0].nentries, 1);
    assert_string_equal(span_text(&f, f.m.sections[1].kind), "muster");
    assert_int_equal(f.m.sections[1].name.at, 0);
    assert_int_equal(f.m.sections[1].nentries, 0);
    assert_string_equal(span_text(&f, f.m.sections[2].name), "a.b-c");
    assert_string_equal(span_text(&f, f.m.sections[2].header), "[job a.b-c]");
    assert_int_equal(f.m.sections[2].nentries, 1);
    assert_int_equal(f.m.sections[3].nentries, 0);
    assert_value(&f, 1, "key", "value\nb  =  c ; d # e = f\t ");
    assert_value(&f, 2, "x", "");
    assert_value(&f, 3, "y", "\"q\"");
    end(&f, "");
}

/* What inih's defaults would cut, merge, drop or take for something else. */
static void test_beyond_inih(void **state) {
    struct fixture f;
    char line[2000], name[180];

    (void)state;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(line, sizeof line, "[job %s1]\n[job %s2]\n%s = %0400d;%0400d\n; %0190d = 7", name,
             name, name, 1, 2, 3);
    begin_text(&f, line);
    assert_int_equal(f.m.nsections, 3);
    assert_int_equal(f.m.sections[1].name.len, 180);
    assert_int_equal(f.m.nentries, 1);
    assert_int_equal(f.m.entries[0].key.len, 179);
    assert_int_equal(f.m.entries[0].value.len, 801);
    end(&f, "");
    begin_text(&f, "[a]\nx = 1 ; 2\nx = a:b\n=\n= 1\nk : v\nk\n[b\n]\n");
    assert_value(&f, 0, "x", "1 ; 2");
    assert_value(&f, 1, "x", "a:b");
    assert_int_equal(f.m.nentries, 2);
    assert_true(f.m.broken);
    assert_int_equal(f.diag.errors, 6);
    end(&f, "m.ini:4:1: error: a line is 'key = value', '[section]' or a comment\n"
            "    4 | =\n      | ^\n"
            "m.ini:5:1: error: a line is 'key = value', '[section]' or a comment\n"
            "    5 | = 1\n      | ^~~\n"
            "m.ini:6:1: error: a line is 'key = value', '[section]' or a comment\n"
            "    6 | k : v\n      | ^~~~~\n"
            "m.ini:7:1: error: a line is 'key = value', '[section]' or a comment\n"
            "    7 | k\n      | ^\n"
            "m.ini:8:1: error: a section header ends with ']'\n"
            "    8 | [b\n      | ^~\n"
            "m.ini:9:1: error: a line is 'key = value', '[section]' or a comment\n"
            "    9 | ]\n      | ^\n"
            "muster: m.ini: 6 errors, nothing was run\n");
}

/* A line end that is not there, CR LF, only blanks: all the same manifest. */
static void test_line_ends(void **state) {
    static const char *const texts[] = {"[a]\nk = v\n  w\n", "[a]\r\nk = v\r\n  w\r\n",
                                        "[a]\nk = v\n  w", "\n \n[a]\n\n\t\nk = v\n  w\n \n\n"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct fixture f;
        begin_text(&f, texts[i]);
        assert_value(&f, 0, "k", "v\nw");
        assert_int_equal(f.m.nsections, 2);
        end(&f, "");
    }
}

static void test_unfolding(void **state) {
    static const struct {
        const char *text, *value;
    } cases[] = {
        /* the first line counts where it is not empty */
        {"k = a\n  b", "a\nb"},
        {"k =\n  a\n  b", "a\nb"},
        {"k = \t \n  a", "a"},
        /* the common blanks go, byte for byte, what is more stays */
        {"k =\n    a\n  b\n      c", "  a\nb\n    c"},
        {"k =\n\ta\n\t b", "a\n b"},
        {"k =\n\ta\n  b", "\ta\n  b"},
        {"k =\n  \ta\n  b", "\ta\nb"},
        /* blanks behind a line stay, they may mean something to a shell */
        {"k =\n  a  \n  b ", "a  \nb "},
        /* blank lines in between belong to it, those at the end do not */
        {"k = a\n\n  b\n\n\n", "a\n\nb"},
        {"k =\n  a\n    \n  b", "a\n  \nb"},
        {"k =\n    a\n \n    b", "a\n\nb"},
        {"k =\n\n  a", "\na"},
        {"k = a\n   \n", "a"},
        /* what looks like a comment belongs to it, but never in column 1 */
        {"k =\n  # a\n  ; b\n  c", "# a\n; b\nc"},
        {"k = a\n; not this\n  b\n# nor this\n  c", "a\nb\nc"},
        {"k = a\n; not this\n\n  b", "a\n\nb"},
        /* what looks like a section or a pair is text here */
        {"k =\n  [x]\n  y = z", "[x]\ny = z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        struct fixture f;
        snprintf(text, sizeof text, "[s]\n%s", cases[i].text);
        begin_text(&f, text);
        assert_int_equal(f.m.nentries, 1);
        assert_value(&f, 0, "k", cases[i].value);
        end(&f, "");
        /* The same with CR LF. */
        char crlf[400], *to = crlf;
        for (const char *s = text; *s; s++) {
            if (*s == '\n')
                *to++ = '\r';
            *to++ = *s;
        }
        *to++ = '\r';
        *to++ = '\n';
        begin(&f, crlf, (size_t)(to - crlf));
        assert_value(&f, 0, "k", cases[i].value);
        end(&f, "");
    }
}

/* Each byte of a value of several lines knows where it stands. */
static void test_places(void **state) {
    static const char text[] = "[s]\nk = ab\n    cd\n; x\n\n  \tef\n";
    struct fixture f;

    (void)state;
    begin_text(&f, text);
    struct text t = manifest_unfold(f.m.source, &f.m.entries[0], &f.arena);
    assert_string_equal(arena_strndup(&f.arena, t.bytes, t.len), "ab\n  cd\n\n\tef");
    for (uint32_t i = 0; i < t.len; i++) {
        struct span s = text_span(&t, i, 1);
        if (t.bytes[i] != '\n')
            assert_int_equal(*source_text(f.m.source, s), t.bytes[i]);
    }
    /* A span ends with its line. */
    assert_int_equal(text_span(&t, 0, 10).len, 2);
    assert_int_equal(text_span(&t, 5, 1).len, 1);
    assert_int_equal(text_span(&t, t.len, 0).at - f.m.source->base, sizeof text - 2);
    end(&f, "");
}

static void test_second_line(void **state) {
    static const struct {
        const char *text;
        uint32_t line; /* 0: none */
    } cases[] = {
        {"k = 1", 0},   {"k = 1\n\n", 0},           {"k = 1\n  2", 3},
        {"k =\n 2", 3}, {"k = 1\n  # c\n\t; c", 0}, {"k = 1\n # c\n\n 2", 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[100];
        struct fixture f;
        snprintf(text, sizeof text, "[s]\n%s", cases[i].text);
        begin_text(&f, text);
        struct span s = manifest_second_line(f.m.source, &f.m.entries[0]);
        assert_int_equal(s.at ? sources_locate(&f.sources, s.at).line : 0, cases[i].line);
        end(&f, "");
    }
}

static void test_bad_headers(void **state) {
    static const struct {
        const char *header, *column, *message;
    } cases[] = {
        {"[a", "1", "a section header ends with ']'"},
        {"[job a ", "1", "a section header ends with ']'"},
        {"[]", "1", "a section header is [KIND] or [KIND NAME]"},
        {"[ job a]", "1", "a section header is [KIND] or [KIND NAME]"},
        {"[job  a]", "5", "a section header is [KIND] or [KIND NAME], with one blank between them"},
        {"[job\ta]", "5", "a section header is [KIND] or [KIND NAME], with one blank between them"},
        {"[job ]", "5", "a section header is [KIND] or [KIND NAME], with one blank between them"},
        {"[job a] ; b", "9", "nothing may stand behind ']', comments neither"},
        {"[job a]]", "8", "nothing may stand behind ']', comments neither"},
        {"[job a]x = 1", "8", "nothing may stand behind ']', comments neither"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[100], expected[200];
        struct fixture f;
        snprintf(text, sizeof text, "%s\nk = v\n", cases[i].header);
        snprintf(expected, sizeof expected, "m.ini:1:%s: error: %s\n", cases[i].column,
                 cases[i].message);
        begin_text(&f, text);
        assert_int_equal(f.diag.errors, 1);
        assert_true(f.m.sections[1].broken);
        assert_int_equal(f.m.sections[1].nentries, 1);
        char *said = plan_case_render(&f.diag, "m.ini");
        said[strlen(expected)] = '\0';
        assert_string_equal(said, expected);
        free(said);
        sources_release(&f.sources);
        arena_release(&f.arena);
    }
}

static void test_stray_indented_lines(void **state) {
    struct fixture f;

    (void)state;
    begin_text(&f, "  # fine\n[s]\n  ; fine\n  k = v\n  again\n");
    end(&f,
        "m.ini:4:3: error: indented line has no value above that it could continue; keys start in "
        "column 1\n"
        "    4 |   k = v\n      |   ^~~~~\n"
        "muster: m.ini: 1 error, nothing was run\n");
    /* What follows a line that was reported is not heard of. */
    begin_text(&f, "[s]\nk : v\n  w\n");
    assert_int_equal(f.diag.errors, 1);
    sources_release(&f.sources);
    arena_release(&f.arena);
}

static void test_bad_bytes(void **state) {
    static const struct {
        const char *bytes;
        size_t n;
        const char *first; /* what is said first */
    } cases[] = {
        {"k = a\0b\n", 8, "m.ini:1:6: error: a NUL byte\n"},
        {"k = a\rb\n", 8, "m.ini:1:6: error: a carriage return without a line feed\n"},
        {"k = a\r", 6, "m.ini:1:6: error: a carriage return without a line feed\n"},
        {"k\v= a\n", 6, "m.ini:1:2: error: '\\x0b' is a control character\n"},
        {"\fk = a\n", 7, "m.ini:1:1: error: '\\x0c' is a control character\n"},
        {"; \x7f\n", 4, "m.ini:1:3: error: '\\x7f' is a control character\n"},
        {"\xc3\xb6 \xc2\x85\n", 6, "m.ini:1:3: error: '<U+0085>' is a control character\n"},
        {"k = \xff\n", 6, "m.ini:1:5: error: '\\xff' is not UTF-8\n"},
        {"k = \xed\xa0\x80\n", 8, "m.ini:1:5: error: '\\xed' is not UTF-8\n"},
        {"k = \xc0\xaf\n", 7, "m.ini:1:5: error: '\\xc0' is not UTF-8\n"},
        {"k = \xe2\x82", 6, "m.ini:1:5: error: '\\xe2\\x82' is not UTF-8\n"},
        {"\xff\xfe[\0", 4, "m.ini:1:1: error: this is UTF-16; a manifest is UTF-8\n"},
        {"\xfe\xff\0[", 4, "m.ini:1:1: error: this is UTF-16; a manifest is UTF-8\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        begin(&f, cases[i].bytes, cases[i].n);
        assert_true(f.m.broken);
        char *said = plan_case_render(&f.diag, "m.ini");
        said[strlen(cases[i].first)] = '\0';
        assert_string_equal(said, cases[i].first);
        free(said);
        sources_release(&f.sources);
        arena_release(&f.arena);
    }
    assert_true(lines_clean("a\tb\r\n\xc3\xb6", 7));
    assert_false(lines_clean("a\r", 2));
}

/* A file of rubbish is not reported byte by byte; entries with such bytes are marked. */
static void test_many_bad_bytes(void **state) {
    struct fixture f;
    char text[] = "[s]\na = 1\nb = \1\nc = 2\n  \2\n\3\3\3\3\3\3\3\3\3\3\3\3\3\3\n";

    (void)state;
    begin_text(&f, text);
    assert_int_equal(f.diag.errors, 10);
    assert_int_equal(f.m.nentries, 3);
    assert_false(f.m.entries[0].spoilt);
    assert_true(f.m.entries[1].spoilt);
    assert_true(f.m.entries[2].spoilt);
    char *said = plan_case_render(&f.diag, "m.ini");
    assert_non_null(strstr(said, "m.ini:6:9: note: there are more from here on\n"));
    free(said);
    sources_release(&f.sources);
    arena_release(&f.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sections_and_entries),
        cmocka_unit_test(test_beyond_inih),
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_unfolding),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_second_line),
        cmocka_unit_test(test_bad_headers),
        cmocka_unit_test(test_stray_indented_lines),
        cmocka_unit_test(test_bad_bytes),
        cmocka_unit_test(test_many_bad_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
