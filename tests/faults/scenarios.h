/* SPDX-License-Identifier: MIT */
/* scenarios: runs of muster whose outcome is known, and what is wrong with one that went otherwise.
 */
#ifndef MUSTER_FAULTS_SCENARIOS_H
#define MUSTER_FAULTS_SCENARIOS_H
#include <stdbool.h>

#include "trial.h"

struct expected_job {
    const char *name;
    const char *status; /* of the report */
    const char *text;   /* of its standard output; NULL: not looked at */
    unsigned runs;      /* lines of its in the file "ran" */
    const char *shown;  /* of standard error once it has run; NULL: not looked at */
};

struct scenario {
    const char *name;
    const char *const *args;         /* behind "muster" */
    void (*prepare)(void);           /* files beside the manifest, or NULL */
    const char *manifest;            /* of the file m.ini */
    const struct expected_job *jobs; /* up to one without a name; NULL: no report is written */
    int status;                      /* of the exit */
    int signal;                      /* that ends muster, or 0 */
    const char *tells;               /* of standard output; NULL: not looked at */
    const char *outputs;             /* what the first job told, in JSON; NULL: nothing */
    const char *cleaned;             /* the file that its cleanup makes; NULL: it has none */
    bool to_stdout;                  /* the report is there, not in the file results.json */
    bool recorded;                   /* in the folder "state" */
    bool fixed;                      /* both streams are the same each time, and short */
    bool slow;                       /* waits: tried at fewer places */
};

extern const struct scenario scenarios[];
extern const unsigned scenario_count;

/* Files for a trial, in the current folder. */
void scenario_prepare(const struct scenario *s);

/* What is known of a fault-free trial, and of the fault of this one. */
struct scenario_case {
    const char *out, *err; /* of the fault-free one, where `fixed` */
    bool faulted;          /* something failed */
    bool deaf;             /* writing to standard error did */
};

/*
 * What is wrong with a trial in the current folder, in words, or NULL:
 *
 *   - ended by the status that it has without a fault: everything is there, and as it would be
 *     then, but that jobs may have failed by `spawn` where the run failed anyhow;
 *   - exit 1: the same, and a job did fail by `spawn`, or since what it told could not be had, or
 *     a cleanup failed, which is told;
 *   - exit 2: nothing was run, and there is a sentence;
 *   - exit 3: there is a sentence, and what is there of reports is whole.
 */
const char *scenario_fault(const struct scenario *s, const struct trial_end *end,
                           const struct scenario_case *c);
#endif
