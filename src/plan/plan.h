/* SPDX-License-Identifier: MIT */
/* plan: the jobs of a run, typed and checked. Const once loaded; any thread reads it. */
#ifndef MUSTER_PLAN_PLAN_H
#define MUSTER_PLAN_PLAN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/source.h"
#include "base/text.h"
#include "plan/target.h"

struct mask_set;

#define COUNT_UNLIMITED UINT32_MAX
/* Bytes of one argument or NAME=VALUE that the kernel takes: MAX_ARG_STRLEN less the NUL. */
#define PLAN_STRING_MAX 131071U

enum lane { LANE_IO, LANE_CPU, LANES };
#define TYPE_AUTO LANES /* the word behind those of lanes, until a job is put together */
enum action {
    ACTION_NONE,
    ACTION_COMMAND,
    ACTION_EXEC,
    ACTION_HTTP,
    ACTION_WAIT,
    ACTION_TASK,
    ACTIONS
};
enum when { WHEN_SUCCESS, WHEN_FAILURE, WHEN_ALWAYS };
enum on_failure { ON_FAILURE_CONTINUE, ON_FAILURE_DRAIN, ON_FAILURE_CANCEL };
enum output_mode { OUTPUT_FAILED, OUTPUT_GROUP, OUTPUT_NONE, OUTPUT_LIVE };
/* What a run does where another run of the manifest goes on. */
enum lock_mode { LOCK_NO, LOCK_WAIT, LOCK_SKIP, LOCK_FAIL };

/* What a standard stream of a job is. */
enum stream_kind {
    STREAM_NULL,    /* /dev/null */
    STREAM_CAPTURE, /* kept by muster; not for stdin */
    STREAM_STDOUT,  /* stderr only: the same pipe or file as stdout */
    STREAM_FILE,    /* stdin: read; stdout, stderr: truncated at each attempt's start */
    STREAM_APPEND,  /* opened for appending */
    STREAM_TEXT,    /* stdin only: exactly these bytes */
    STREAM_PIPE,    /* its other end is read, or written, by who started the process */
};
struct stream {
    enum stream_kind kind;
    const char *text; /* absolute path, or the bytes of STREAM_TEXT (no NUL in them) */
};

/* Whether it is a pipe with an end that muster keeps. */
static inline bool stream_is_pipe(const struct stream *s) {
    return s->kind == STREAM_CAPTURE || s->kind == STREAM_PIPE;
}

/* A set of exit statuses, a bit each. */
struct exit_set {
    uint32_t bits[8];
};
static inline bool exit_set_has(const struct exit_set *s, int status) {
    return status >= 0 && status < 256 && (s->bits[status / 32] >> (status % 32) & 1);
}

/* A set of HTTP statuses, a bit each. */
struct http_set {
    uint32_t bits[16];
};
static inline bool http_set_has(const struct http_set *s, int status) {
    unsigned bit = (unsigned)status - TEXT_HTTP_MIN;

    return status >= TEXT_HTTP_MIN && status <= TEXT_HTTP_MAX &&
           (s->bits[bit / 32] >> bit % 32 & 1);
}

/* Why another attempt is made: the classes of `retry-on`. */
struct retry_on {
    bool any, timeout, signal, spawn;
    bool http, lost, gap[2];  /* http: there was no whole answer; lost: a task had none */
    struct exit_set exits;    /* of exit:LIST */
    struct http_set statuses; /* of http:LIST */
};

/* One environment variable of the manifest. */
struct env_var {
    const char *name;
    const char *value;
};

/* An env-file. */
struct env_file {
    const char *path;           /* absolute */
    const struct env_var *vars; /* as env; NULL: not there yet, to be read at each start */
};

/* Hard limits of a job's processes, set by the kernel; 0: none. */
struct job_limits {
    uint64_t memory;     /* bytes, of all of them where that can be had, else of each */
    int64_t cpu_ns;      /* of each */
    uint64_t file_bytes; /* of each file that they write */
    uint32_t open_files; /* of each */
};

/* How what a job runs is told of the CPU workers that it may share. */
enum jobserver_form { JOBSERVER_NO, JOBSERVER_PIPE, JOBSERVER_FIFO, JOBSERVER_FORMS };

/* How it shows that a service can be used. */
enum ready_kind {
    READY_TARGET, /* it answers */
    READY_LINE,   /* it prints a line that matches */
    READY_DELAY,  /* time has passed since its start */
};
struct ready_sign {
    enum ready_kind kind;
    const char *text; /* as the manifest has it */
    struct target target;
    const char *regex; /* READY_LINE: POSIX extended */
    int64_t delay_ns;  /* READY_DELAY */
};

/* What jobs do that wait for an open circuit. */
enum breaker_action { BREAKER_WAIT, BREAKER_FAIL };

/* A limit that jobs share; 0 in a count: it has none of that. */
struct plan_limit {
    const char *name;
    uint32_t concurrency;  /* attempts at once */
    struct text_rate rate; /* of starts */
    uint32_t burst;        /* tokens that its bucket holds; at least 1 where there is a rate */
    uint32_t breaker;      /* failures in a row that open the circuit */
    int64_t cooldown_ns;   /* before a probe */
    enum breaker_action action;
    bool of_worker; /* it is no [limit], but bounds the processes of the [worker] of its name */
};

struct plan_job;

/* Persistent workers that are alike. */
struct plan_worker {
    const char *name;
    const char *command;        /* text for the shell */
    uint32_t count;             /* processes at once */
    uint32_t tasks;             /* after which one is replaced; 0: after no number of them */
    uint64_t memory;            /* bytes, the same; 0: it may grow */
    uint32_t limit;             /* index of the limit that keeps its tasks to `count` at once */
    const struct plan_job *job; /* one of its processes, as a job of its own */
};

/* Some of the plan's limits. Jobs that name the same ones have the same set. */
struct limit_set {
    uint32_t count;
    uint32_t list[]; /* indexes, rising */
};

/* What more a request says than its URL. */
struct job_http {
    const char *method;            /* NULL: GET, or POST where there is a body */
    const struct env_var *headers; /* names unique, whatever their case; a NULL name ends it */
    const char *body;              /* NULL: none */
    const char *body_file;         /* absolute path, or NULL */
    const char *user;              /* the variable that holds "name:password", or NULL */
    const char *ca_file;           /* absolute path, or NULL: the system's certificates */
    struct http_set expect;        /* statuses that count as success */
    uint32_t follow;               /* redirects, at most */
};

/* How a job is run. Shared by all jobs whose layers say the same, which are most. */
struct job_settings {
    enum lane type;                  /* the lane it is marked for */
    bool automatic;                  /* type = auto: that is where it starts, as far as is known */
    const char *folder;              /* absolute; of the file that its section stands in */
    const char *dir;                 /* absolute */
    const char *const *shell;        /* words before the command, NULL at the end */
    const struct env_file *env_file; /* NULL: none */
    bool clear_env;
    bool pty; /* its captured streams are terminals */
    struct stream in, out, err;
    int64_t timeout_ns; /* of one attempt; 0: none */
    int64_t slow_ns;    /* after which a running one is pointed out; 0: never */
    int64_t kill_after_ns;
    int stop_signal;
    uint32_t retries;
    int64_t retry_delay_ns, retry_max_delay_ns;
    double retry_backoff, retry_jitter;
    struct retry_on retry_on;
    struct exit_set ok_exit, skip_exit;
    bool allow_failure;
    enum when when;
    struct job_limits limits;
    const struct limit_set *shared; /* limits that it shares with others; NULL: none */
    struct job_http http;
    const char *worker;             /* the name of a task's worker, or NULL */
    const struct plan_worker *by;   /* a task's worker */
    bool service;                   /* it is expected to stay up until nothing needs it */
    const struct ready_sign *ready; /* when it can be used; NULL: once it is started */
    const char *cleanup;            /* text for the shell, run after it; NULL: none */
    uint32_t cpus;                  /* workers' worth; 1 in the I/O lane */
    uint64_t memory;                /* bytes reserved of plan.memory; 0: none */
    enum jobserver_form jobserver;  /* of jobs of type cpu alone */
    int nice;                       /* added to muster's */
    int32_t priority;               /* higher starts first among the ready */
};

/* Where the values of an axis come from. */
enum axis_kind { AXIS_LIST, AXIS_RANGE, AXIS_GLOB, AXIS_LINES };
struct plan_axis {
    const char *name;
    enum axis_kind kind;
    const char *const *values; /* AXIS_LIST */
    uint32_t nvalues;
    struct text_range range; /* AXIS_RANGE */
    const char *source;      /* AXIS_LINES: absolute path or "-"; AXIS_GLOB: as it is written */
    const char *folder;      /* AXIS_GLOB: what it is relative to */
    struct span at;          /* of its value */
};

/* The axes of a job, and what its items are made of. */
struct plan_items {
    const char *section;
    const struct plan_axis *axes; /* the last varies fastest */
    uint32_t naxes;
    const char *const *excluded; /* combinations of naxes values each; NULL: whatever it is */
    uint32_t nexcluded;
    uint32_t batch; /* items of an attempt; 0: one, without the form of a batch */
    const struct plan_template *const *templates; /* values that axes stand in; NULL at the end */
    const char *const *only; /* of its items only those of these names, NULL at the end; or NULL */
};

/* One item, or batch of items: what tells one job of a section from the next. */
struct plan_item {
    uint64_t index;            /* from 0 */
    const char *text;          /* what stands in the brackets of its name */
    const char *shown;         /* the same with secrets masked; NULL: there are none in it */
    const char *const *values; /* of the axes; of a batch, those of its one axis */
    uint32_t nvalues;
};

/* What people see of it. */
static inline const char *item_shown(const struct plan_item *item) {
    return item->shown ? item->shown : item->text;
}

/* The variables of its env-file; NULL: it has none, or the file was not there yet. */
static inline const struct env_var *job_file_vars(const struct job_settings *set) {
    return set->env_file ? set->env_file->vars : NULL;
}

/* One job with everything that its layers (defaults, templates, own) say. There may be millions. */
struct plan_job {
    const char *name;
    const struct job_settings *set;
    const struct env_var *env; /* env.NAME, names unique; a NULL name ends it */
    const char
        *command; /* ACTION_COMMAND: text for the shell; HTTP: the URL; WAIT, TASK: its text */
    const char *const *argv;     /* ACTION_EXEC: words, NULL at the end */
    const struct target *target; /* ACTION_WAIT */
    const char *program;         /* absolute path of argv[0] or shell[0]; NULL: not there then */
    const uint32_t *after;       /* indexes of the jobs it comes after, no doubles but by items */
    uint32_t nafter;
    enum action action;
    /* For each of these NULL: all of it, AFTER_SAME: the item with the same values, or the text
     * of the one item; or NULL: all of all. */
    const char *const *after_items;
    const struct plan_items *items; /* it is a section with axes, or one of its items; or NULL */
    const struct plan_item *item;   /* it is this of the section's, or NULL */
};
extern const char AFTER_SAME[]; /* compared by address */

/* Which item of the k-th of those that it comes after, as after_items has it. */
static inline const char *job_after_item(const struct plan_job *job, uint32_t k) {
    return job->after_items ? job->after_items[k] : NULL;
}

/* Whether it is a section with axes: none that runs, but all of its items. */
static inline bool job_has_items(const struct plan_job *job) {
    return job->items && !job->item;
}

/* Whether it is a batch of items, not one. */
static inline bool job_is_batch(const struct plan_job *job) {
    return job->item && job->items->batch;
}

/* Whether its attempts start processes of their own. */
static inline bool job_has_process(const struct plan_job *job) {
    return job->action == ACTION_COMMAND || job->action == ACTION_EXEC;
}

enum report_format {
    REPORT_TABLE,
    REPORT_JSON,
    REPORT_JSONL,
    REPORT_JUNIT,
    REPORT_TAP,
    REPORT_JOBLOG,
    REPORT_MARKDOWN,
    REPORT_HTML,
    REPORT_TRACE,
    REPORT_PROMETHEUS,
    REPORTS,
};
/* As in options and keys, in the order of their enums; NULL at the end. */
extern const char *const report_format_words[REPORTS + 1];
extern const char *const on_failure_words[], *const output_words[], *const lock_words[];
struct report_spec {
    enum report_format format;
    const char *file;  /* NULL: standard output */
    const char *shown; /* the same for people, where that has a secret in it; else NULL */
};

struct plan {
    struct arena arena;
    struct sources sources;
    const char *path;     /* as given; "-" for standard input */
    const char *name;     /* `name`, else the file's base name without .ini */
    uint32_t io_limit;    /* effective: option, else manifest, else 64 */
    uint32_t cpu_workers; /* effective: option, else manifest, else the machine's */
    uint64_t memory;      /* bytes that jobs may reserve; known where one does */
    int64_t deadline_ns;  /* 0: none */
    enum on_failure on_failure;
    uint32_t max_failures;
    uint32_t max_retries; /* COUNT_UNLIMITED: no budget */
    enum output_mode output;
    const char *log_dir; /* folder of a file per attempt; NULL: none */
    enum lock_mode lock;
    const struct report_spec *reports;
    size_t nreports;
    const struct env_var *vars;    /* [vars] and --define; a NULL name ends it */
    const struct vars *names;      /* the same, by name; NULL: no job has axes */
    const struct env_var *env;     /* [env]; the same */
    const char *search_path;       /* PATH of [env], or NULL */
    const char *on_end_command;    /* text for the shell, or NULL */
    const struct plan_job *on_end; /* the same as a job of its own, run last; NULL: none */
    struct plan_job *jobs;         /* in manifest order */
    uint32_t njobs;
    const struct plan_limit *limits; /* in manifest order */
    uint32_t nlimits;
    const struct plan_worker *workers; /* in manifest order */
    uint32_t nworkers;
    const uint32_t *order;      /* all jobs, each behind what it comes after */
    const char *const *secrets; /* variables whose values are masked; NULL at the end, or NULL */
    struct mask_set *mask;      /* their values, as far as they are known by now; NULL: none */
};

/* What the command line says over the manifest's head. Zero or NULL: nothing. */
struct plan_opts {
    const char *path; /* file, or "-" */
    uint32_t io_limit, cpu_workers;
    uint32_t cpus;              /* CPUs that this process may use */
    uint64_t memory;            /* bytes that it may use; 0: as base/host says */
    const char *const *defines; /* NAME=VALUE, NULL at the end */
    const char *const *jobs;    /* only these and what they come after; NULL at the end */
    const char *const *tags;    /* and those with these: lists; NULL at the end */
};

/*
 * Reads, checks and seals a plan; starts nothing. All that is wrong with the
 * manifest, the defines or the wanted jobs is in `diag`, which the caller has
 * neither to prepare nor to free: it lives in the plan. 0: usable, though
 * there may be warnings. UV_EINVAL: errors were gathered; *out is set all the
 * same, for rendering. UV_ENOMEM: *out is NULL. Main thread; blocks.
 */
int plan_load(const struct plan_opts *opts, struct plan **out, struct diag **diag);
/*
 * The same from bytes, for tests and fuzzing; opts->path is their name. Looks at
 * no file: `include` is refused, and what else a manifest names is not looked for.
 */
int plan_load_bytes(const struct plan_opts *opts, const char *bytes, size_t n, struct plan **out,
                    struct diag **diag);
/* How many jobs a section stands for at most: 1 without axes; UINT32_MAX: that, or not known. */
uint32_t plan_job_most(const struct plan_job *job);
/* Whether some of its sections have axes. */
bool plan_has_items(const struct plan *plan);
/* The section of a job: that of an item, or the job itself. */
const char *plan_job_section(const struct plan_job *job);
/* Accepts NULL; returns NULL. */
struct plan *plan_free(struct plan *plan);

/*
 * What the variables of a job's outputs begin with: MUSTER_OUT_ and its name, with _
 * for what no variable may have, and a _ behind. Returns buf.
 */
#define PLAN_OUT_MAX 512 /* bytes that hold it; a longer name is cut */
char *plan_out_name(const char *job, char buf[PLAN_OUT_MAX]);
/* Whether a job's `secret` names a variable. */
bool plan_is_secret(const struct plan *plan, const char *name);
/* The same of the variable in which jobs get another one's output. */
bool plan_is_secret_output(const struct plan *plan, const char *job, const char *output);
/* The PATH that a job will have, or NULL: by it the programs of `exec` are found. */
const char *plan_job_path(const struct plan *plan, const struct plan_job *job);
/* Finds a program by a PATH (NULL: the system's default), names with a slash
 * relative to dir. A copy in the arena, or NULL with *error set to UV_E…. */
const char *plan_find_program(struct arena *arena, const char *name, const char *path,
                              const char *dir, int *error);
#endif
