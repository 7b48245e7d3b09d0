/* SPDX-License-Identifier: MIT */
/* options: the table of all options, and what reads the command line by it. */
#include "cli/cli.h"

#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/text.h"
#include "report/report.h"

#define BIT(verb) (1U << (verb))
#define RUN       (BIT(VERB_RUN) | BIT(VERB_PLAN)) /* what runs can be planned as it stands */
#define ALL       (BIT(VERBS) - 1)
#define PAST      (BIT(VERB_HISTORY) | BIT(VERB_SHOW))
#define LOADING   (BIT(VERB_RUN) | BIT(VERB_CHECK) | BIT(VERB_PLAN))

const struct cli_verb_row cli_verb_rows[VERBS] = {
    [VERB_RUN] = {"run", "[run] [options] MANIFEST [JOB...]",
                  "run all jobs, or some and what they come after", 1, 0},
    [VERB_CHECK] = {"check", "check [options] MANIFEST...", "only check the manifests", 1, 0},
    [VERB_PLAN] = {"plan", "plan [options] MANIFEST [JOB...]",
                   "show what would run, where, in what order", 1, 0},
    [VERB_LIST] = {"list", "list [options] MANIFEST", "print the jobs' names, one a line", 1, 1},
    [VERB_HISTORY] = {"history", "history [options] [MANIFEST]", "list past runs, the newest first",
                      0, 1},
    [VERB_SHOW] = {"show", "show [options] [RUN[:JOB]]",
                   "show a past run (the last), or a job's output", 0, 1},
    [VERB_COMPLETION] = {"completion", "completion bash|zsh|fish",
                         "print what has a shell complete muster's words", 1, 1},
};

/* In the order of their enums. */
static const char *const ci_words[] = {"auto", "none", "github", "gitlab", NULL};
static const char *const when_words[] = {"auto", "always", "never", NULL};

/* ---- values ---- */

/* "--output: 'x' is not one of a, b, c; did you mean 'c'?" */
static int wrong_word(const char *name, const char *value, size_t n, const char *const *words) {
    const char *near = diag_nearest(value, n, words);
    char list[128] = "";

    for (size_t i = 0; words[i]; i++) {
        size_t len = strlen(list);

        snprintf(list + len, sizeof list - len, "%s%s", i ? ", " : "", words[i]);
    }
    cli_error("--%s: '%.*s' is not one of %s" DIAG_NEAR, name, (int)n, value, list,
              DIAG_NEAR_ARGS(near));
    return CLI_USAGE;
}

static int set_number(uint32_t *field, const char *name, const char *value) {
    uint64_t number;

    if (text_uint64(value, strlen(value), 1, INT32_MAX, &number) != 0) {
        cli_error("--%s: '%s' is not a number (1 or more)", name, value);
        return CLI_USAGE;
    }
    *field = (uint32_t)number;
    return 0;
}

static int set_io_limit(struct cli_options *o, const char *name, const char *value) {
    return set_number(&o->io_limit, name, value);
}

static int set_cpu_workers(struct cli_options *o, const char *name, const char *value) {
    return set_number(&o->cpu_workers, name, value);
}

static int set_word(int *field, const char *name, const char *value, const char *const *words) {
    int choice = text_choose(value, strlen(value), words);

    if (choice < 0)
        return wrong_word(name, value, strlen(value), words);
    *field = choice;
    return 0;
}

static int set_on_failure(struct cli_options *o, const char *name, const char *value) {
    return set_word(&o->on_failure, name, value, on_failure_words);
}

static int set_fail_fast(struct cli_options *o, const char *name, const char *value) {
    (void)name;
    (void)value;
    o->on_failure = ON_FAILURE_CANCEL;
    return 0;
}

static int set_output(struct cli_options *o, const char *name, const char *value) {
    return set_word(&o->output, name, value, output_words);
}

static int set_lock(struct cli_options *o, const char *name, const char *value) {
    return set_word(&o->lock, name, value ? value : "wait", lock_words);
}

static int set_folder(const char **field, const char *name, const char *value) {
    if (!*value) {
        cli_error("--%s: '' names no folder", name);
        return CLI_USAGE;
    }
    *field = value;
    return 0;
}

static int set_log_dir(struct cli_options *o, const char *name, const char *value) {
    return set_folder(&o->log_dir, name, value);
}

static int set_state_dir(struct cli_options *o, const char *name, const char *value) {
    return set_folder(&o->state_dir, name, value);
}

static int set_color(struct cli_options *o, const char *name, const char *value) {
    int choice = 0;
    int status = set_word(&choice, name, value, when_words);

    o->color = (enum cli_color)choice;
    return status;
}

static int set_progress(struct cli_options *o, const char *name, const char *value) {
    int choice = 0;
    int status = set_word(&choice, name, value, when_words);

    o->progress = (enum cli_progress)choice;
    return status;
}

static int set_ci(struct cli_options *o, const char *name, const char *value) {
    int choice = 0;
    int status = set_word(&choice, name, value, ci_words);

    o->ci = choice - 1;
    return status;
}

static int set_deadline(struct cli_options *o, const char *name, const char *value) {
    if (text_duration(value, strlen(value), &o->deadline_ns) == 0)
        return 0;
    cli_error("--%s: '%s' is not a duration (such as 250ms, 30s, 5m, 1h30m)", name, value);
    return CLI_USAGE;
}

static int set_define(struct cli_options *o, const char *name, const char *value) {
    (void)name; /* the plan's reader checks it */
    o->defines[o->ndefines++] = value;
    return 0;
}

static int set_select(struct cli_options *o, const char *name, const char *value) {
    (void)name; /* the plan's reader takes it apart */
    o->tags[o->ntags++] = value;
    return 0;
}

static int set_report(struct cli_options *o, const char *name, const char *value) {
    size_t n = strcspn(value, ":");
    const char *file = value[n] ? value + n + 1 : NULL;
    int format = text_choose(value, n, report_format_words);

    if (file && !*file) {
        cli_error("--%s: '%s' names no file", name, value);
        return CLI_USAGE;
    }
    if (format < 0)
        return wrong_word(name, value, n, report_format_words);
    o->reports[o->nreports++] =
        (struct report_spec){.format = (enum report_format)format, .file = file};
    return 0;
}

static int set_quiet(struct cli_options *o, const char *name, const char *value) {
    (void)name;
    (void)value;
    o->quiet = true;
    o->verbose = false; /* of both the last counts */
    return 0;
}

static int set_verbose(struct cli_options *o, const char *name, const char *value) {
    (void)name;
    (void)value;
    o->verbose = true;
    o->quiet = false;
    return 0;
}

static int set_explain(struct cli_options *o, const char *name, const char *value) {
    (void)name;
    (void)value;
    o->explain = true;
    return 0;
}

static int set_dry_run(struct cli_options *o, const char *name, const char *value) {
    (void)name;
    (void)value;
    o->dry_run = true;
    return 0;
}

static int set_no_history(struct cli_options *o, const char *name, const char *value) {
    (void)name;
    (void)value;
    o->no_history = true;
    return 0;
}

static int set_resume(struct cli_options *o, const char *name, const char *value) {
    if (value && !*value) {
        cli_error("--%s: '' names no run (see muster history)", name);
        return CLI_USAGE;
    }
    o->resume = true;
    o->resume_run = value;
    return 0;
}

static int set_keep(struct cli_options *o, const char *name, const char *value) {
    return set_number(&o->keep, name, value);
}

static int set_raw(struct cli_options *o, const char *name, const char *value) {
    (void)name;
    (void)value;
    o->raw = true;
    return 0;
}

static int set_help(struct cli_options *o, const char *name, const char *value) {
    (void)name;
    (void)value;
    o->help = true;
    return 0;
}

static int set_version(struct cli_options *o, const char *name, const char *value) {
    (void)name;
    (void)value;
    o->version = true;
    return 0;
}

/* ---- the table ---- */

const struct cli_option_row cli_option_rows[] = {
    {"io-limit", 'i', "N", false, LOADING, "I/O jobs at once (default 64)", set_io_limit, NULL},
    {"cpu-workers", 'j', "N", false, LOADING, "CPU workers (default: the CPUs to be used)",
     set_cpu_workers, NULL},
    {"fail-fast", 'x', NULL, false, RUN, "the same as --on-failure=cancel", set_fail_fast, NULL},
    {"on-failure", 0, "WHAT", false, RUN, "continue, drain or cancel", set_on_failure,
     on_failure_words},
    {"dry-run", 'n', NULL, false, RUN, "the same as plan", set_dry_run, NULL},
    {"define", 'D', "NAME=VALUE", false, LOADING | BIT(VERB_LIST), "declare a variable", set_define,
     NULL},
    {"select", 's', "TAGS", false, RUN, "only jobs with these tags, and those before them",
     set_select, NULL},
    {"output", 'o', "MODE", false, RUN, "job output to show: failed, group, live or none",
     set_output, output_words},
    {"log-dir", 'l', "DIR", false, RUN, "keep each attempt's output in a file of DIR", set_log_dir,
     NULL},
    {"quiet", 'q', NULL, false, RUN | BIT(VERB_CHECK), "print nothing when all went well",
     set_quiet, NULL},
    {"verbose", 'v', NULL, false, RUN | BIT(VERB_CHECK),
     "a line for each start, retry, end (or manifest)", set_verbose, NULL},
    {"explain", 0, NULL, false, RUN, "why each job waited, was retried or did not run", set_explain,
     NULL},
    {"report", 'r', "FORMAT[:FILE]", false, RUN | PAST, "table, json, junit, ...; may be repeated",
     set_report, report_format_words},
    {"deadline", 0, "DURATION", false, RUN, "bound of the whole run", set_deadline, NULL},
    {"color", 0, "WHEN", false, LOADING | PAST, "auto, always or never", set_color, when_words},
    {"progress", 0, "WHEN", false, RUN, "show how the run stands: auto, always or never",
     set_progress, when_words},
    {"ci", 0, "SERVICE", false, RUN, "write for the log of: auto, none, github, gitlab", set_ci,
     ci_words},
    {"lock", 0, "WHAT", true, RUN, "never two runs at once: wait (default), skip, fail", set_lock,
     lock_words},
    {"state-dir", 0, "DIR", false, RUN | PAST, "where locks and history are (see FILES)",
     set_state_dir, NULL},
    {"resume", 0, "RUN", true, RUN, "leave out what succeeded in that run, or the last", set_resume,
     NULL},
    {"no-history", 0, NULL, false, RUN, "do not record this run", set_no_history, NULL},
    {"keep", 0, "N", false, RUN, "past runs of a manifest to keep (default 100)", set_keep, NULL},
    {"raw", 0, NULL, false, BIT(VERB_SHOW), "a job's output as it is, on a terminal too", set_raw,
     NULL},
    {"help", 0, NULL, false, ALL, "print this", set_help, NULL},
    {"version", 0, NULL, false, ALL, "print the version", set_version, NULL},
    {"executor", 0, "WHERE", false, ALL, NULL, NULL, NULL},
};
#define OPTIONS (sizeof cli_option_rows / sizeof *cli_option_rows)
const size_t cli_option_count = OPTIONS;

/* ---- reading ---- */

#define FIRST_VALUE 1000 /* of getopt_long for row 0; above all letters */

/* What getopt_long wants, made of the table. */
struct getopt_form {
    struct option longs[OPTIONS + 1];
    char shorts[2 * OPTIONS + 2];
};

static void make_form(struct getopt_form *f) {
    char *p = f->shorts;

    memset(f, 0, sizeof *f);
    *p++ = ':'; /* a missing value is told apart */
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct cli_option_row *row = &cli_option_rows[i];

        f->longs[i].name = row->name;
        f->longs[i].has_arg = !row->arg           ? no_argument
                              : row->arg_optional ? optional_argument
                                                  : required_argument;
        f->longs[i].val = FIRST_VALUE + (int)i;
        if (row->letter) {
            *p++ = row->letter;
            if (row->arg)
                *p++ = ':';
        }
    }
}

/* The row of what getopt_long returned, or NULL. */
static const struct cli_option_row *find_row(int value) {
    if (value >= FIRST_VALUE)
        return &cli_option_rows[value - FIRST_VALUE];
    for (size_t i = 0; i < OPTIONS; i++)
        if (value && cli_option_rows[i].letter == value)
            return &cli_option_rows[i];
    return NULL;
}

/* An option that is none, or may be two. `word` is the argument that it stands in. */
static int unknown_option(const char *word, int letter) {
    const char *words[OPTIONS + 1];
    const char *name = word + strspn(word, "-"), *near;
    size_t n = strcspn(name, "="), starting = 0;

    if (letter) {
        cli_error("unknown option '-%c' (see muster --help)", letter);
        return CLI_USAGE;
    }
    for (size_t i = 0; i < OPTIONS; i++) {
        words[i] = cli_option_rows[i].name;
        starting += strncmp(words[i], name, n) == 0;
    }
    words[OPTIONS] = NULL;
    near = diag_nearest(name, n, words);
    if (starting > 1)
        cli_error("'--%.*s' may be more than one option (see muster --help)", (int)n, name);
    else if (near)
        cli_error("unknown option '--%.*s'; did you mean '--%s'?", (int)n, name, near);
    else
        cli_error("unknown option '--%.*s' (see muster --help)", (int)n, name);
    return CLI_USAGE;
}

/* Reads all options; which rows were used is a bit each in *used. */
static int read_options(struct cli_options *o, int argc, char **argv, uint64_t *used) {
    struct getopt_form form;
    int value;

    _Static_assert(OPTIONS <= 64, "a bit for each");
    make_form(&form);
    opterr = 0;
    optind = 0; /* glibc: start anew */
    while ((value = getopt_long(argc, argv, form.shorts, form.longs, NULL)) != -1) {
        const struct cli_option_row *row = find_row(value == ':' || value == '?' ? optopt : value);
        int status;

        if (!row)
            return unknown_option(argv[optind - 1], optopt);
        if (!row->help) {
            cli_error("--%s is not supported yet", row->name);
            return CLI_USAGE;
        }
        if (value == ':' || value == '?') {
            cli_error(value == ':' ? "--%s needs a value" : "--%s takes no value", row->name);
            return CLI_USAGE;
        }
        status = row->set(o, row->name, optarg);
        if (status)
            return status;
        *used |= UINT64_C(1) << (row - cli_option_rows);
    }
    return 0;
}

/* What the first operand is a slip for, if it is no manifest's name; or NULL. */
static const char *meant_verb(const char *word) {
    static const char *const options[] = {"--help", "--version", NULL};
    const char *words[VERBS + 1];

    if (strpbrk(word, "./") || access(word, F_OK) == 0)
        return NULL;
    for (size_t i = 0; options[i]; i++)
        if (!strcmp(word, options[i] + 2))
            return options[i];
    for (size_t i = 0; i < VERBS; i++)
        words[i] = cli_verb_rows[i].name;
    words[VERBS] = NULL;
    return diag_nearest(word, strlen(word), words);
}

/* Reads the verb, the manifests and the jobs from the operands. */
static int read_operands(struct cli_options *o, const char *const *operands) {
    const char *first = operands[0];
    bool named = false;

    for (int verb = 0; first && verb < VERBS; verb++)
        if (strcmp(first, cli_verb_rows[verb].name) == 0) {
            o->verb = (enum cli_verb)verb;
            named = true;
        }
    if (named) {
        operands++;
    } else if (first && meant_verb(first)) {
        cli_error("'%s' is neither a verb nor a file; did you mean '%s'?", first,
                  meant_verb(first));
        return CLI_USAGE;
    } else if (!first && o->help) {
        o->verb = VERBS; /* help of all */
    }
    o->manifests = operands;
    o->jobs = operands[0] ? operands + 1 : operands;
    if (o->help || o->version)
        return 0;
    if (!operands[0] && cli_verb_rows[o->verb].operands_min > 0) {
        cli_error("no %s was named (see muster --help)",
                  o->verb == VERB_COMPLETION ? "shell" : "manifest");
        return CLI_USAGE;
    }
    if (cli_verb_rows[o->verb].operands_max == 1 && operands[0] && operands[1]) {
        cli_error("%s takes one %s: '%s' is one too many", cli_verb_rows[o->verb].name,
                  o->verb == VERB_SHOW         ? "run"
                  : o->verb == VERB_COMPLETION ? "shell"
                                               : "manifest",
                  operands[1]);
        return CLI_USAGE;
    }
    if (o->verb == VERB_SHOW)
        o->past_run = operands[0];
    return 0;
}

/* All are of a run; a past one has no events, and what is no run has no more than these two. */
static int check_formats(const struct cli_options *o) {
    for (size_t i = 0; o->verb != VERB_RUN && i < o->nreports; i++) {
        enum report_format format = o->reports[i].format;

        if (format == REPORT_TABLE || format == REPORT_JSON ||
            (o->verb == VERB_SHOW && format != REPORT_JSONL))
            continue;
        cli_error("--report: '%s' is no format of '%s'", report_format_words[format],
                  cli_verb_rows[o->verb].name);
        return CLI_USAGE;
    }
    return 0;
}

int cli_parse(struct cli_options *o, int argc, char **argv) {
    size_t words = (size_t)argc + 1; /* at most an option each */
    uint64_t used = 0;
    int status;

    *o = (struct cli_options){
        .deadline_ns = -1, .ci = -1, .on_failure = -1, .output = -1, .lock = -1};
    o->defines = calloc(words, sizeof *o->defines);
    o->reports = calloc(words, sizeof *o->reports);
    o->tags = calloc(words, sizeof *o->tags);
    if (!o->defines || !o->reports || !o->tags) {
        cli_error("out of memory");
        return CLI_BROKEN;
    }
    status = read_options(o, argc, argv, &used);
    if (!status)
        status = read_operands(o, (const char *const *)argv + optind);
    if (status || o->help || o->version)
        return status;
    for (size_t i = 0; i < OPTIONS; i++)
        if (used >> i & 1 && !(cli_option_rows[i].verbs & BIT(o->verb))) {
            cli_error("--%s is no option of '%s'", cli_option_rows[i].name,
                      cli_verb_rows[o->verb].name);
            return CLI_USAGE;
        }
    if (o->dry_run)
        o->verb = VERB_PLAN;
    status = check_formats(o);
    if (status)
        return status;
    return cli_check_reports(o->reports, o->nreports, NULL, 0);
}

void cli_options_release(struct cli_options *o) {
    free(o->defines);
    free(o->reports);
    free(o->tags);
    *o = (struct cli_options){0};
}
