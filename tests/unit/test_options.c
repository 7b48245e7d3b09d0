/* SPDX-License-Identifier: MIT */
/* test_options: the command line, the table behind it, and the help. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cli/cli.h"

#define WORDS_MAX 16

/* A command line, split at blanks, with its memory. */
struct line {
    char text[256];
    char *argv[WORDS_MAX + 2];
    int argc;
    struct cli_options o;
};

/* Parses "muster " and the text; what it says is in *said (to be freed). */
static int parse(struct line *l, const char *text, char **said) {
    FILE *capture = tmpfile();
    int saved = dup(STDERR_FILENO), status;
    long n;

    assert_non_null(capture);
    snprintf(l->text, sizeof l->text, "muster %s", text);
    l->argc = 0;
    for (char *p = l->text; *p && l->argc < WORDS_MAX;) {
        l->argv[l->argc++] = p;
        p += strcspn(p, " ");
        if (*p)
            *p++ = '\0';
    }
    l->argv[l->argc] = NULL;
    dup2(fileno(capture), STDERR_FILENO);
    status = cli_parse(&l->o, l->argc, l->argv);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    n = lseek(fileno(capture), 0, SEEK_END);
    *said = calloc(1, (size_t)n + 1);
    assert_int_equal(pread(fileno(capture), *said, (size_t)n, 0), n);
    fclose(capture);
    return status;
}

static void good(struct line *l, const char *text) {
    char *said;

    assert_int_equal(parse(l, text, &said), 0);
    assert_string_equal(said, "");
    free(said);
}

/* The line is refused with exactly this after "muster: ". */
static void bad(const char *text, const char *want) {
    struct line l;
    char *said, line[512];

    snprintf(line, sizeof line, "muster: %s\n", want);
    assert_int_equal(parse(&l, text, &said), CLI_USAGE);
    assert_string_equal(said, line);
    free(said);
    cli_options_release(&l.o);
}

static void test_verbs(void **state) {
    static const struct {
        const char *text;
        enum cli_verb verb;
    } cases[] = {
        {"a.ini", VERB_RUN},        {"run a.ini", VERB_RUN},        {"check a.ini", VERB_CHECK},
        {"plan a.ini", VERB_PLAN},  {"list a.ini", VERB_LIST},      {"run -n a.ini", VERB_PLAN},
        {"-n a.ini", VERB_PLAN},    {"-v run a.ini", VERB_RUN},     {"a.ini -q", VERB_RUN},
        {"run -- a.ini", VERB_RUN}, {"check a.ini -v", VERB_CHECK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct line l;

        good(&l, cases[i].text);
        assert_int_equal(l.o.verb, cases[i].verb);
        assert_string_equal(l.o.manifests[0], "a.ini");
        assert_null(l.o.manifests[1]);
        cli_options_release(&l.o);
    }
}

static void test_operands(void **state) {
    struct line l;

    (void)state;
    good(&l, "run a.ini x -v y");
    assert_string_equal(l.o.manifests[0], "a.ini");
    assert_string_equal(l.o.jobs[0], "x");
    assert_string_equal(l.o.jobs[1], "y");
    assert_null(l.o.jobs[2]);
    assert_true(l.o.verbose);
    cli_options_release(&l.o);
    good(&l, "-");
    assert_string_equal(l.o.manifests[0], "-");
    cli_options_release(&l.o);
}

static void test_values(void **state) {
    struct line l;

    (void)state;
    good(&l, "-i 7 -j2 --deadline=1h30m -o group -D A=1 --define B= --on-failure drain a.ini");
    assert_int_equal(l.o.io_limit, 7);
    assert_int_equal(l.o.cpu_workers, 2);
    assert_int_equal(l.o.deadline_ns, 5400 * NS_PER_S);
    assert_int_equal(l.o.output, OUTPUT_GROUP);
    assert_int_equal(l.o.on_failure, ON_FAILURE_DRAIN);
    assert_string_equal(l.o.defines[0], "A=1");
    assert_string_equal(l.o.defines[1], "B=");
    assert_null(l.o.defines[2]);
    cli_options_release(&l.o);

    good(&l, "-x --color never --no-history -r json:a:b -r table a.ini");
    assert_int_equal(l.o.on_failure, ON_FAILURE_CANCEL);
    assert_int_equal(l.o.color, COLOR_NEVER);
    assert_int_equal(l.o.nreports, 2);
    assert_int_equal(l.o.reports[0].format, REPORT_JSON);
    assert_string_equal(l.o.reports[0].file, "a:b");
    assert_int_equal(l.o.reports[1].format, REPORT_TABLE);
    assert_null(l.o.reports[1].file);
    cli_options_release(&l.o);

    good(&l, "--lock --state-dir d a.ini");
    assert_int_equal(l.o.lock, LOCK_WAIT);
    assert_string_equal(l.o.state_dir, "d");
    cli_options_release(&l.o);
    good(&l, "--lock=fail a.ini");
    assert_int_equal(l.o.lock, LOCK_FAIL);
    cli_options_release(&l.o);

    good(&l, "--keep 7 --no-history a.ini");
    assert_int_equal(l.o.keep, 7);
    assert_true(l.o.no_history);
    cli_options_release(&l.o);
    good(&l, "history");
    assert_int_equal(l.o.verb, VERB_HISTORY);
    assert_null(l.o.manifests[0]);
    cli_options_release(&l.o);
    good(&l, "show --raw 2026:x");
    assert_int_equal(l.o.verb, VERB_SHOW);
    assert_true(l.o.raw);
    assert_string_equal(l.o.past_run, "2026:x");
    cli_options_release(&l.o);

    good(&l, "a.ini");
    assert_int_equal(l.o.keep, 0);
    assert_false(l.o.no_history);
    assert_int_equal(l.o.lock, -1);
    assert_null(l.o.state_dir);
    assert_int_equal(l.o.io_limit, 0);
    assert_int_equal(l.o.deadline_ns, -1);
    assert_int_equal(l.o.output, -1);
    assert_int_equal(l.o.on_failure, -1);
    assert_false(l.o.quiet || l.o.verbose);
    cli_options_release(&l.o);

    good(&l, "-v -q a.ini"); /* the last counts */
    assert_true(l.o.quiet && !l.o.verbose);
    cli_options_release(&l.o);

    good(&l, "--quie a.ini"); /* GNU: as long as it is clear */
    assert_true(l.o.quiet);
    cli_options_release(&l.o);
}

static void test_refused(void **state) {
    static const char *const cases[][2] = {
        {"", "no manifest was named (see muster --help)"},
        {"run", "no manifest was named (see muster --help)"},
        {"list a b", "list takes one manifest: 'b' is one too many"},
        {"-i 0x a", "--io-limit: '0x' is not a number (1 or more)"},
        {"-i 0 a", "--io-limit: '0' is not a number (1 or more)"},
        {"-j -1 a", "--cpu-workers: '-1' is not a number (1 or more)"},
        {"-j 99999999999 a", "--cpu-workers: '99999999999' is not a number (1 or more)"},
        {"--deadline 5x a", "--deadline: '5x' is not a duration (such as 250ms, 30s, 5m, 1h30m)"},
        {"--on-failure=stop a", "--on-failure: 'stop' is not one of continue, drain, cancel"},
        {"-o gruop a",
         "--output: 'gruop' is not one of failed, group, none, live; did you mean 'group'?"},
        {"plan -r junit a", "--report: 'junit' is no format of 'plan'"},
        {"show -r jsonl", "--report: 'jsonl' is no format of 'show'"},
        {"-n -r html:x a", "--report: 'html' is no format of 'plan'"},
        {"-r jsno a", "--report: 'jsno' is not one of table, json, jsonl, junit, tap, joblog, "
                      "markdown, html, trace, prometheus; did you mean 'json'?"},
        {"-r json: a", "--report: 'json:' names no file"},
        {"-r : a", "--report: ':' names no file"},
        {"-r json -r table a", "only one report can be printed on standard output; "
                               "name files for the others (--report FORMAT:FILE)"},
        {"--color=yes a", "--color: 'yes' is not one of auto, always, never"},
        {"--lock=hold a", "--lock: 'hold' is not one of no, wait, skip, fail"},
        {"--progress=often a", "--progress: 'often' is not one of auto, always, never"},
        {"--executor=slurm a", "--executor is not supported yet"},
        {"--state-dir= a", "--state-dir: '' names no folder"},
        {"check --lock a", "--lock is no option of 'check'"},
        {"history a b", "history takes one manifest: 'b' is one too many"},
        {"show a b", "show takes one run: 'b' is one too many"},
        {"show -q", "--quiet is no option of 'show'"},
        {"history --raw", "--raw is no option of 'history'"},
        {"--keep 0 a", "--keep: '0' is not a number (1 or more)"},
        {"histry", "'histry' is neither a verb nor a file; did you mean 'history'?"},
        {"--verbos=1 a", "--verbose takes no value"},
        {"a --report", "--report needs a value"},
        {"a -r", "--report needs a value"},
        {"--quite a", "unknown option '--quite'; did you mean '--quiet'?"},
        {"--frobnicate a", "unknown option '--frobnicate' (see muster --help)"},
        {"--re a", "'--re' may be more than one option (see muster --help)"},
        {"-z a", "unknown option '-z' (see muster --help)"},
        {"-vz a", "unknown option '-z' (see muster --help)"},
        {"list -q a", "--quiet is no option of 'list'"},
        {"check -x a", "--fail-fast is no option of 'check'"},
        {"chekc a", "'chekc' is neither a verb nor a file; did you mean 'check'?"},
        {"help", "'help' is neither a verb nor a file; did you mean '--help'?"},
        {"version a", "'version' is neither a verb nor a file; did you mean '--version'?"},
        {"--\x1b a", "unknown option '--\\x1b' (see muster --help)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        bad(cases[i][0], cases[i][1]);
}

static void test_help(void **state) {
    struct line l;
    char *text;
    size_t n;
    FILE *out;

    (void)state;
    good(&l, "--help");
    assert_true(l.o.help);
    assert_int_equal(l.o.verb, VERBS);
    cli_options_release(&l.o);
    good(&l, "check --help");
    assert_int_equal(l.o.verb, VERB_CHECK);
    cli_options_release(&l.o);
    good(&l, "--version");
    assert_true(l.o.version);
    cli_options_release(&l.o);

    out = open_memstream(&text, &n);
    cli_write_help(out, VERBS);
    fclose(out);
    for (size_t i = 0; i < cli_option_count; i++) {
        char option[64];

        snprintf(option, sizeof option, "--%s", cli_option_rows[i].name);
        if (cli_option_rows[i].help)
            assert_non_null(strstr(text, option));
        else
            assert_null(strstr(text, option));
    }
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 80);
    free(text);

    out = open_memstream(&text, &n);
    cli_write_help(out, VERB_LIST);
    fclose(out);
    assert_non_null(strstr(text, "--define"));
    assert_null(strstr(text, "--quiet"));
    free(text);
}

/* Names and letters are unique, and every row is either understood or refused. */
static void test_table(void **state) {
    (void)state;
    for (size_t i = 0; i < cli_option_count; i++) {
        const struct cli_option_row *row = &cli_option_rows[i];

        assert_true(!row->help == !row->set);
        assert_true(row->verbs != 0);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(row->name, cli_option_rows[k].name);
            assert_true(!row->letter || row->letter != cli_option_rows[k].letter);
        }
    }
}

static void test_color(void **state) {
    struct cli_options o = {.color = COLOR_AUTO};
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_false(cli_wants_color(&o, ends[1])); /* no terminal */
    o.color = COLOR_ALWAYS;
    setenv("NO_COLOR", "1", 1);
    assert_true(cli_wants_color(&o, ends[1])); /* an option is stronger */
    o.color = COLOR_NEVER;
    assert_false(cli_wants_color(&o, ends[1]));
    close(ends[0]);
    close(ends[1]);
    unsetenv("NO_COLOR");

    int tty = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(tty >= 0);
    o.color = COLOR_AUTO;
    setenv("TERM", "xterm", 1);
    assert_true(cli_wants_color(&o, tty));
    setenv("NO_COLOR", "", 1);
    assert_true(cli_wants_color(&o, tty));
    setenv("NO_COLOR", "1", 1);
    assert_false(cli_wants_color(&o, tty));
    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
    assert_false(cli_wants_color(&o, tty));
    close(tty);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verbs),  cmocka_unit_test(test_operands),
        cmocka_unit_test(test_values), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_help),   cmocka_unit_test(test_table),
        cmocka_unit_test(test_color),
    };

    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
