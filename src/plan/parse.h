/* SPDX-License-Identifier: MIT */
/* parse: one value while it is being read: its text, its variables, its faults. */
#ifndef MUSTER_PLAN_PARSE_H
#define MUSTER_PLAN_PARSE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/manifest.h"
#include "plan/plan.h"
#include "plan/schema.h"
#include "plan/vars.h"

#define ITEM_MARK        '\1' /* a batch's values in a word; no manifest can have it */
#define PARSE_FAULTS_MAX 10   /* reported in one value: nobody reads more of one line */

/* What values are read with. */
struct values {
    struct arena *arena;   /* of what the plan keeps */
    struct arena *scratch; /* of what is gone once it is sealed */
    struct diag *diag;
    struct vars *vars;
    const struct map *axes; /* the names of all axes that some section has */
    const char **words;     /* room in scratch for those of a command, used again for the next */
    size_t words_cap;
};

/* Words of a list with their places: VALUE_NAMES, VALUE_TAGS, VALUE_WORDS. */
struct name {
    const char *text;
    uint32_t len;
    struct span at;
};
struct names {
    struct name *list;
    uint32_t count;
    uint32_t *jobs;     /* of `after`: their indexes, no doubles; set by validate */
    const char **items; /* and which of their items, as plan_job.after_items; NULL: none */
    uint32_t njobs;
    const struct limit_set *limits; /* of `limits`; NULL: none; set by shared */
};

/* VALUE_COMMAND, VALUE_EXEC, VALUE_URL, VALUE_TASK, VALUE_PROBE: what fills a job's action. */
struct action_value {
    enum action action;
    const char *command;
    const char *const *argv;
    const struct target *target;
};

/* VALUE_REPORTS. `at` belongs to each. */
struct reports {
    struct report_spec *list;
    struct span *at;
    size_t count;
};

/* The text of an entry that names axes, for reading it again when their values are known. */
struct plan_template {
    const struct schema_key *row;
    const char *key; /* as it stands there */
    const char *text;
    uint32_t len;
    const char *folder; /* of the file that it stands in */
    const char *name;   /* of env.NAME, http.header.NAME: the NAME; else NULL */
};

/* A value while it is read. */
struct parse {
    struct values *v;
    const struct schema_key *row;
    const struct section *section; /* NULL: none */
    const char *folder;            /* of the file that it stands in */
    const char *key;               /* for messages; no NUL behind */
    int key_len;
    struct text raw; /* as it stands there */
    const char *s;   /* with variables put in, where that is done before reading */
    size_t n;
    bool changed; /* s is not raw: faults point at the whole value */
    struct span key_at;
    bool silent; /* a built-in default: has no place */
    bool later;  /* turned out to ask for what is not supported yet */
};

/* Reports n bytes of p->s from `at` on; the message goes behind "KEY: ". Returns false. */
bool parse_fault(struct parse *p, size_t at, size_t n, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The same for a place. */
bool parse_fault_at(struct parse *p, struct span at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The place of n bytes of p->s from `at` on. */
struct span parse_span(const struct parse *p, size_t at, size_t n);
/* Warns of a {NAME} of a declared variable in a text that gets no values. */
void parse_warn_of_references(struct parse *p);
/* Foreign text for a message: a copy in the arena, cut where it is long. */
const char *parse_clip(struct arena *arena, const char *s, size_t n);
/* A piece of a value for a message: cut where it is long, in scratch memory. */
const char *parse_shown(struct parse *p, const char *s, size_t n);
/* Puts variables into a part of the value that begins at raw offset `at`; NULL after a fault. */
const char *parse_put_in(struct parse *p, const char *s, size_t n, struct span at, size_t *len);
/* Puts variables into all of p->s. False after a fault. */
bool parse_put_in_all(struct parse *p);
/* A path by the folder of the value's file. */
const char *parse_path(struct parse *p, const char *s, size_t n);

/*
 * One for each form of a value: reads p->s into *out, whose type schema.h
 * names. False after a fault.
 */
bool parse_text(struct parse *p, void *out);
bool parse_script(struct parse *p, void *out);
bool parse_command(struct parse *p, void *out);
bool parse_path_value(struct parse *p, void *out);
bool parse_lines(struct parse *p, void *out);
bool parse_env_file(struct parse *p, void *out);
bool parse_stdin(struct parse *p, void *out);
bool parse_stdout(struct parse *p, void *out);
bool parse_stderr(struct parse *p, void *out);
bool parse_duration(struct parse *p, void *out);
bool parse_count(struct parse *p, void *out);
bool parse_signed(struct parse *p, void *out);
bool parse_factor(struct parse *p, void *out);
bool parse_size(struct parse *p, void *out);
bool parse_rate(struct parse *p, void *out);
bool parse_bool(struct parse *p, void *out);
bool parse_enum(struct parse *p, void *out);
bool parse_signal(struct parse *p, void *out);
bool parse_name(struct parse *p, void *out);
bool parse_range(struct parse *p, void *out);
bool parse_http(struct parse *p, void *out);
bool parse_method(struct parse *p, void *out);
bool parse_header(struct parse *p, void *out);
bool parse_var(struct parse *p, void *out);
bool parse_task(struct parse *p, void *out);
bool parse_probe(struct parse *p, void *out);
bool parse_ready(struct parse *p, void *out);
bool parse_exec(struct parse *p, void *out);
bool parse_shell(struct parse *p, void *out);
bool parse_names(struct parse *p, void *out);
bool parse_tags(struct parse *p, void *out);
bool parse_after(struct parse *p, void *out);
bool parse_vars(struct parse *p, void *out);
bool parse_words(struct parse *p, void *out);
bool parse_pairs(struct parse *p, void *out);
bool parse_exits(struct parse *p, void *out);
bool parse_retry_on(struct parse *p, void *out);
bool parse_statuses(struct parse *p, void *out);
bool parse_reports(struct parse *p, void *out);
#endif
