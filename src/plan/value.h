/* SPDX-License-Identifier: MIT */
/* value: the text behind a key as a typed value. */
#ifndef MUSTER_PLAN_VALUE_H
#define MUSTER_PLAN_VALUE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/manifest.h"
#include "plan/plan.h"
#include "plan/schema.h"
#include "plan/vars.h"

/* What values are read with. */
struct values {
    struct arena *arena;   /* of what the plan keeps */
    struct arena *scratch; /* of what is gone once it is sealed */
    struct diag *diag;
    struct vars *vars;
};

/* Words of a list with their places: VALUE_NAMES, VALUE_VARS, VALUE_WORDS. */
struct name {
    const char *text;
    uint32_t len;
    struct span at;
};
struct names {
    struct name *list;
    uint32_t count;
    uint32_t *jobs; /* of `after`: their indexes, no doubles; set by validate */
    uint32_t njobs;
};

/* VALUE_COMMAND and VALUE_EXEC: what fills a job's action. */
struct action_value {
    enum action action;
    const char *command;
    const char *const *argv;
};

/* VALUE_REPORTS. `at` belongs to each. */
struct reports {
    struct report_spec *list;
    struct span *at;
    size_t count;
};

/*
 * Reads the value of an entry that has a row, and puts it into e->typed, NULL
 * after an error, which is reported. A key that is not supported yet is read
 * for its form, then refused.
 */
void value_parse(struct values *v, const struct section *s, struct entry *e);
/* The same for a built-in default, which is right. Returns the typed value. */
const void *value_parse_default(struct values *v, const struct schema_key *row);
/*
 * The value of a key that is a name of the user's own ([vars]): its text with
 * no variables put in. False when it is spoilt.
 */
bool value_text(struct values *v, const struct section *s, struct entry *e, struct text *text);
/* The value of [env] or env.NAME, a string; NULL after an error. */
const char *value_env(struct values *v, const struct section *s, struct entry *e, const char *name);
/* Bytes of a typed value that are copied to where its row says. */
size_t value_size(enum value_type type);
/* Foreign text for a message: a copy in the arena, cut where it is long. */
const char *value_shown(struct arena *arena, const char *s, size_t n);
/* Path made absolute by a folder; in the arena. */
const char *value_path(struct arena *arena, const char *folder, const char *path);
#endif
