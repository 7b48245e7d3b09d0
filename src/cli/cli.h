/* SPDX-License-Identifier: MIT */
/* cli: the command line: options, help, and one function per verb. */
#ifndef MUSTER_CLI_CLI_H
#define MUSTER_CLI_CLI_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "plan/plan.h"

/* Exit statuses. Above 128: to die by signal N - 128. */
enum cli_status {
    CLI_OK = 0,
    CLI_FAILED = 1,  /* a job did */
    CLI_USAGE = 2,   /* command line or manifest wrong, nothing ran */
    CLI_BROKEN = 3,  /* muster itself could not go on or deliver */
    CLI_LOCKED = 75, /* another run has the lock */
    CLI_DEADLINE = 124,
    CLI_SIGNAL = 128,
};

enum cli_verb {
    VERB_RUN,
    VERB_CHECK,
    VERB_PLAN,
    VERB_LIST,
    VERB_HISTORY,
    VERB_SHOW,
    VERB_COMPLETION,
    VERBS
};

struct cli_verb_row {
    const char *name;
    const char *usage; /* what comes behind "muster " */
    const char *help;
    unsigned operands_min, operands_max; /* max 0: any number */
};
extern const struct cli_verb_row cli_verb_rows[VERBS];

struct cli_options;

/* One option. Parsing, --help, suggestions and completion read this table. */
struct cli_option_row {
    const char *name;  /* long, without dashes */
    char letter;       /* short, or 0 */
    const char *arg;   /* what its value is called in help, NULL: it has none */
    bool arg_optional; /* the value may be left out */
    unsigned verbs;    /* a bit per verb that takes it */
    const char *help;  /* NULL: not supported yet, refused by name */
    /* Takes the value over into the options; says what is wrong with it. */
    int (*set)(struct cli_options *o, const char *name, const char *value);
    const char *const *words; /* that its value is one of, NULL at the end; NULL: any */
};
extern const struct cli_option_row cli_option_rows[];
extern const size_t cli_option_count;

enum cli_color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };
enum cli_progress { PROGRESS_AUTO, PROGRESS_ALWAYS, PROGRESS_NEVER };

/* What the command line says. Strings are argv's. */
struct cli_options {
    enum cli_verb verb;
    bool help, version;
    const char *const *manifests; /* NULL at the end; one, but for check and history */
    const char *past_run;         /* of show: RUN, RUN:JOB, or NULL */
    const char *const *jobs;      /* wanted ones, NULL at the end */
    const char **defines;         /* NAME=VALUE, NULL at the end; owned */
    size_t ndefines;
    const char **tags; /* of --select, a list each; NULL at the end; owned */
    size_t ntags;
    struct report_spec *reports; /* owned */
    size_t nreports;
    uint32_t io_limit, cpu_workers; /* 0: not given */
    int64_t deadline_ns;            /* -1: not given */
    int on_failure;                 /* enum on_failure, -1: not given */
    int output;                     /* enum output_mode, -1: not given */
    int lock;                       /* enum lock_mode, -1: not given */
    const char *log_dir;            /* NULL: not given */
    const char *state_dir;          /* NULL: not given */
    uint32_t keep;                  /* runs of a manifest in the history; 0: not given */
    bool no_history, raw, resume;
    const char *resume_run; /* of resume: which; NULL: the last */
    enum cli_color color;
    enum cli_progress progress;
    int ci; /* enum ci_kind, -1: by the environment */
    bool quiet, verbose, dry_run, explain;
};

/*
 * Reads the command line; argv is permuted. 0, or the status to end with: then
 * what is wrong has been said on standard error. Release in either case.
 */
int cli_parse(struct cli_options *o, int argc, char **argv);
void cli_options_release(struct cli_options *o);
/* --help, of a verb or (VERBS) of all, and --version. */
void cli_write_help(FILE *out, enum cli_verb verb);

/* The verbs. They return the status to end with. Main thread. */
int cli_run(const struct cli_options *o);
int cli_check(const struct cli_options *o);
int cli_plan(const struct cli_options *o);
int cli_list(const struct cli_options *o);
int cli_history(const struct cli_options *o);
int cli_show(const struct cli_options *o);
int cli_completion(const struct cli_options *o);
/* --help and --version. */
int cli_about(const struct cli_options *o);

/* One line behind "muster: " on standard error, foreign bytes made visible. */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Why state_path() has no folder, in words. */
const char *cli_state_trouble(int error);
/* Says that nothing was run as this file of the state folder, or with NULL the folder itself,
 * cannot be used; `what` is it for. */
void cli_tell_state_file(const char *what, const char *folder, const char *name, int error);
/* Whether a stream (its descriptor) is to be coloured. */
bool cli_wants_color(const struct cli_options *o, int fd);
/* A manifest's path as people see it: "<stdin>" for "-". */
const char *cli_manifest_name(const char *path);
/*
 * Loads a manifest under the options and says on standard error what is wrong
 * with it. 0 with *out to be freed, or the status to end with. *errors and
 * *warnings (may be NULL) are how many there were.
 */
int cli_load(const struct cli_options *o, const char *path, struct plan **out, unsigned *errors,
             unsigned *warnings);

/* Writes a report; to_file: not standard output. 0 or UV_E…. */
typedef int (*cli_write_cb)(void *ctx, enum report_format format, bool to_file, FILE *out);
/*
 * CLI_USAGE, and said so, if more than one report of both lists is for
 * standard output; else 0.
 */
int cli_check_reports(const struct report_spec *a, size_t na, const struct report_spec *b,
                      size_t nb);
/* The writer of a run's reports; ctx is a struct report_input. */
int cli_write_report(void *ctx, enum report_format format, bool to_file, FILE *out);
/* Whether one of the reports shows the jobs' output. */
bool cli_wants_tails(const struct report_spec *reports, size_t n);
/* Whether one of them has a row for each job, however many there are. */
bool cli_wants_rows(const struct report_spec *reports, size_t n);
/* Writes the reports that were asked for, and the table where none of them went to standard
 * output. 0 or CLI_BROKEN. */
int cli_deliver_all(const struct cli_options *o, cli_write_cb write, void *ctx);
/* Where a report goes, as people see it. */
const char *cli_report_name(const struct report_spec *report);
/* Writes a report where it belongs. 0, or CLI_BROKEN: what went wrong has been said. */
int cli_deliver(const struct report_spec *report, cli_write_cb write, void *ctx);
#endif
