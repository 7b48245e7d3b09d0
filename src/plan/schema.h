/* SPDX-License-Identifier: MIT */
/* schema: every key and section of a manifest, a row each; all that knows keys reads this. */
#ifndef MUSTER_PLAN_SCHEMA_H
#define MUSTER_PLAN_SCHEMA_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"

/* The sections, in the order of schema_sections[]. */
enum section_type {
    SECTION_MUSTER,
    SECTION_DEFAULTS,
    SECTION_VARS,
    SECTION_ENV,
    SECTION_TEMPLATE,
    SECTION_LIMIT,
    SECTION_WORKER,
    SECTION_JOB,
    SECTIONS,
};

struct schema_section {
    const char *kind;
    bool named; /* [kind NAME] */
    bool later; /* not supported yet */
    const char *help;
};
extern const struct schema_section schema_sections[SECTIONS];

/* Where a key may stand. */
enum schema_scope {
    SCOPE_MUSTER, /* [muster] */
    SCOPE_JOB,    /* [defaults], [template], [job] */
    SCOPE_LIMIT,  /* [limit] */
    SCOPE_WORKER, /* [worker] */
    SCOPES,
    SCOPE_NAMES, /* [vars], [env]: the keys are names of the user's own */
};
enum schema_scope schema_scope(enum section_type type);

/* The form of a value; value.c has a parser for each. */
enum value_type {
    VALUE_TEXT,     /* any text, several lines too; not empty */
    VALUE_FREE,     /* the same, may be empty */
    VALUE_COMMAND,  /* text for the shell: variables are not put in */
    VALUE_SCRIPT,   /* the same, beside an action */
    VALUE_EXEC,     /* words of a command */
    VALUE_SHELL,    /* the same, variables are not put in */
    VALUE_LINE,     /* text of one line */
    VALUE_PATH,     /* made absolute */
    VALUE_ENV_FILE, /* the same, of a file that is read later: struct env_file * */
    VALUE_STDIN,    /* null, file:PATH, text:… */
    VALUE_STDOUT,   /* capture, file:PATH, append:PATH, null */
    VALUE_STDERR,   /* these and stdout */
    VALUE_DURATION, /* int64_t, ns */
    VALUE_COUNT,    /* uint32_t within min and max */
    VALUE_INTEGER,  /* int32_t within min and max */
    VALUE_FACTOR,   /* double within min and max */
    VALUE_SIZE,     /* uint64_t, bytes */
    VALUE_RATE,     /* struct text_rate */
    VALUE_BOOL,     /* bool */
    VALUE_ENUM,     /* int32_t: index into words */
    VALUE_SIGNAL,   /* int32_t */
    VALUE_EXITS,    /* struct exit_set */
    VALUE_NO_EXITS, /* the same, may be empty */
    VALUE_RETRY_ON, /* struct retry_on */
    VALUE_STATUSES, /* struct http_set */
    VALUE_NAMES,    /* struct names: templates */
    VALUE_AFTER,    /* struct names: jobs, with items in brackets */
    VALUE_VARS,     /* names of environment variables: char **, NULL at the end */
    VALUE_TAGS,     /* struct names: any */
    VALUE_WORDS,    /* struct names: a list of anything */
    VALUE_PAIRS,    /* list of NAME=VALUE,NAME=VALUE */
    VALUE_NAME,     /* a single one */
    VALUE_RANGE,    /* struct text_range */
    VALUE_LINES,    /* made absolute, or "-" */
    VALUE_URL,      /* http://, https://: a job's action */
    VALUE_METHOD,   /* GET */
    VALUE_HEADER,   /* what stands behind the colon of one; may be empty */
    VALUE_VAR,      /* the name of an environment variable */
    VALUE_TASK,     /* text that is a job's action */
    VALUE_PROBE,    /* wait-for: tcp:, file:, http: */
    VALUE_READY,    /* these and line:, delay: struct ready_sign * */
    VALUE_REPORTS,  /* struct reports */
    VALUE_INCLUDE,  /* a path; read before all others, so no variables */
    VALUE_TYPES,
};

/*
 * What more is done with a job's key than copying its value, and which keys'
 * places are remembered for messages that only the whole job allows.
 */
enum schema_effect {
    EFFECT_NONE,
    EFFECT_TYPE,
    EFFECT_ACTION,
    EFFECT_AFTER,
    EFFECT_CPUS,
    EFFECT_LIMITS,
    EFFECT_MEMORY,
    EFFECT_JOBSERVER,
    EFFECT_DIR,
    EFFECT_ENV_FILE,
    EFFECT_STDIN,
    EFFECT_STDOUT,
    EFFECT_STDERR,
    EFFECT_PTY,
    EFFECT_SHELL,
    EFFECT_USE,
    EFFECT_TAGS,
    EFFECT_SERVICE,
    EFFECT_READY,
    EFFECT_CA_FILE,
    EFFECT_BODY,
    EFFECT_BODY_FILE,
    EFFECT_WORKER,
    EFFECT_SECRET, /* counts wherever it stands */
    EFFECT_BATCH,
    EFFECT_EXCLUDE,
    EFFECT_AXIS,   /* each.NAME; has no one place, nor has */
    EFFECT_ENV,    /* env.NAME */
    EFFECT_HEADER, /* http.header.NAME; the same */
    EFFECTS,
};

struct schema_key {
    const char *name; /* one that ends in "." is followed by a name */
    enum schema_scope scope;
    enum value_type type;
    const char *value;        /* the built-in default as the manual has it, or NULL */
    const char *help;         /* one line */
    double min, max;          /* of numbers */
    const char *const *words; /* of VALUE_ENUM */
    uint8_t words_now;        /* how many of these are supported, 0: all */
    bool later;               /* not supported yet, unless set to its default */
    bool action;              /* one of the five that exclude one another */
    bool whole;               /* the same for all items of a job: no axis stands in it */
    bool placed;              /* offset holds: the value is copied there as it is */
    uint16_t offset;          /* into struct job_settings, of SCOPE_MUSTER into struct
                                 plan, of SCOPE_LIMIT into struct plan_limit, of
                                 SCOPE_WORKER into struct plan_worker */
    uint8_t effect;           /* enum schema_effect */
};

extern const struct schema_key schema_keys[];
extern const size_t schema_key_count;

/* Finds rows by name; made once per load. */
struct schema_index {
    struct map scopes[SCOPES];
};
void schema_index_init(struct schema_index *index, struct arena *arena);
/*
 * The row of a key in a scope, or NULL. A key like env.NAME finds the row
 * "env."; *tail is then the offset of NAME in it, else n.
 */
const struct schema_key *schema_find(const struct schema_index *index, enum schema_scope scope,
                                     const char *key, size_t n, size_t *tail);
/* Whether muster sets this variable of a job itself, or for some jobs leaves it out. */
bool schema_env_own(const char *name, size_t n);
/* The name nearest to a key in a scope, or NULL. */
const char *schema_nearest(enum schema_scope scope, const char *key, size_t n);
#endif
