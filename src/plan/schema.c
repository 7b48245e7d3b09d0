/* SPDX-License-Identifier: MIT */
/* schema: every key and section of a manifest, a row each; all that knows keys reads this. */
#include "plan/schema.h"

#include <string.h>

#include "base/diag.h"
#include "base/text.h"
#include "plan/plan.h"

#define IO_LIMIT_MAX    1000000
#define CPU_WORKERS_MAX 4096
#define COUNT_MAX       (UINT32_MAX - 1) /* UINT32_MAX is COUNT_UNLIMITED */
#define RETRIES_MAX     1000000000
#define HTTP_FOLLOW_MAX 50

/* A row; what follows the help are the fields that not every key has. */
#define KEY(in, key, form, preset, text, ...)                                                      \
    {                                                                                              \
        .scope = SCOPE_##in, .name = key, .type = VALUE_##form, .value = preset, .help = text,     \
        ##__VA_ARGS__                                                                              \
    }
#define JOB(field)    .placed = true, .offset = offsetof(struct job_settings, field)
#define RUN(field)    .placed = true, .offset = offsetof(struct plan, field)
#define LIMIT(field)  .placed = true, .offset = offsetof(struct plan_limit, field)
#define WORKER(field) .placed = true, .offset = offsetof(struct plan_worker, field)

const struct schema_section schema_sections[SECTIONS] = {
    [SECTION_MUSTER] = {"muster", false, false, "settings of the run"},
    [SECTION_DEFAULTS] = {"defaults", false, false, "keys for every job"},
    [SECTION_VARS] = {"vars", false, false, "variables"},
    [SECTION_ENV] = {"env", false, false, "environment of every job"},
    [SECTION_TEMPLATE] = {"template", true, false, "keys for the jobs that use it"},
    [SECTION_LIMIT] = {"limit", true, false, "a limit that jobs share"},
    [SECTION_WORKER] = {"worker", true, false, "persistent workers"},
    [SECTION_JOB] = {"job", true, false, "a job"},
};

/* In the order of the enums of plan.h; what is not supported yet stands behind. */
static const char *const words_type[] = {"io", "cpu", "auto", NULL};
static const char *const words_when[] = {"success", "failure", "always", NULL};
static const char *const words_jobserver[] = {"no", "pipe", "fifo", NULL};
static const char *const words_breaker[] = {"wait", "fail", NULL};

/* clang-format off */
const struct schema_key schema_keys[] = {

    /* [muster] */
    KEY(MUSTER, "name", LINE, NULL, "name of the run in reports; the file's by default", RUN(name)),
    KEY(MUSTER, "io-limit", COUNT, "64", "jobs of the I/O lane at once",
        .min = 1, .max = IO_LIMIT_MAX, RUN(io_limit)),
    KEY(MUSTER, "cpu-workers", COUNT, NULL, "workers of the CPU lane; by default the CPUs",
        .min = 1, .max = CPU_WORKERS_MAX, RUN(cpu_workers)),
    KEY(MUSTER, "deadline", DURATION, "0", "for the whole run", RUN(deadline_ns)),
    KEY(MUSTER, "on-failure", ENUM, "continue", "what a failed job does to the others",
        .words = on_failure_words, RUN(on_failure)),
    KEY(MUSTER, "max-failures", COUNT, "1", "failed jobs before on-failure acts",
        .min = 1, .max = COUNT_MAX, RUN(max_failures)),
    KEY(MUSTER, "max-retries", COUNT, NULL, "retries that the whole run may make",
        .min = 0, .max = COUNT_MAX, RUN(max_retries)),
    KEY(MUSTER, "output", ENUM, "failed", "what of the jobs' output is shown",
        .words = output_words, RUN(output)),
    KEY(MUSTER, "report", REPORTS, NULL, "reports to write: FORMAT or FORMAT:FILE"),
    KEY(MUSTER, "shell", SHELL, "/bin/sh -c", "the shell of commands where a job names none"),
    KEY(MUSTER, "include", INCLUDE, NULL, "another manifest, whose sections are read in here"),
    KEY(MUSTER, "on-end", SCRIPT, NULL, "command that is run last", RUN(on_end_command)),
    KEY(MUSTER, "log-dir", PATH, NULL, "folder for a file per attempt with its output",
        RUN(log_dir)),
    KEY(MUSTER, "lock", ENUM, "no", "never two runs of this manifest at once",
        .words = lock_words, RUN(lock)),

    /* [defaults], [template], [job]: lane and action */
    KEY(JOB, "type", ENUM, NULL, "the lane; required",
        .words = words_type, JOB(type), .effect = EFFECT_TYPE, .whole = true),
    KEY(JOB, "command", COMMAND, NULL, "run by the shell", .action = true, .effect = EFFECT_ACTION),
    KEY(JOB, "exec", EXEC, NULL, "run without a shell", .action = true, .effect = EFFECT_ACTION),
    KEY(JOB, "http", URL, NULL, "an HTTP request, without a process",
        .action = true, .effect = EFFECT_ACTION),
    KEY(JOB, "http.method", METHOD, NULL, "its method", JOB(http.method)),
    KEY(JOB, "http.header.", HEADER, NULL, "one of its headers", .effect = EFFECT_HEADER),
    KEY(JOB, "http.body", FREE, NULL, "its body",
        JOB(http.body), .effect = EFFECT_BODY),
    KEY(JOB, "http.body-file", PATH, NULL, "the file that is its body",
        JOB(http.body_file), .effect = EFFECT_BODY_FILE),
    KEY(JOB, "http.expect", STATUSES, "200-299", "statuses that count as success",
        JOB(http.expect)),
    KEY(JOB, "http.follow", COUNT, "10", "redirects that are followed",
        .min = 0, .max = HTTP_FOLLOW_MAX, JOB(http.follow)),
    KEY(JOB, "http.user", VAR, NULL, "the variable that holds NAME:PASSWORD", JOB(http.user)),
    KEY(JOB, "http.ca-file", PATH, NULL, "certificates to trust in place of the system's",
        JOB(http.ca_file), .effect = EFFECT_CA_FILE),
    KEY(JOB, "wait-for", PROBE, NULL, "succeeds when that answers",
        .action = true, .effect = EFFECT_ACTION),
    KEY(JOB, "task", TASK, NULL, "a request to a persistent worker",
        .action = true, .effect = EFFECT_ACTION),
    KEY(JOB, "worker", NAME, NULL, "the worker of a task",
        JOB(worker), .effect = EFFECT_WORKER, .whole = true),
    KEY(JOB, "use", NAMES, NULL, "templates, in the order of their strength", .effect = EFFECT_USE),

    /* its process */
    KEY(JOB, "dir", PATH, NULL, "working folder; the manifest's by default",
        JOB(dir), .effect = EFFECT_DIR),
    KEY(JOB, "env.", FREE, NULL, "one environment variable", .effect = EFFECT_ENV),
    KEY(JOB, "env-file", ENV_FILE, NULL, "file of NAME=value lines",
        JOB(env_file), .effect = EFFECT_ENV_FILE),
    KEY(JOB, "clear-env", BOOL, "no", "start from an empty environment", JOB(clear_env)),
    KEY(JOB, "secret", VARS, NULL, "environment variables whose values are masked",
        .effect = EFFECT_SECRET),
    KEY(JOB, "stdin", STDIN, "null", "standard input", JOB(in), .effect = EFFECT_STDIN),
    KEY(JOB, "stdout", STDOUT, "capture", "standard output", JOB(out), .effect = EFFECT_STDOUT),
    KEY(JOB, "stderr", STDERR, "stdout", "standard error", JOB(err), .effect = EFFECT_STDERR),
    KEY(JOB, "pty", BOOL, "no", "give the job a terminal", JOB(pty), .effect = EFFECT_PTY),
    KEY(JOB, "shell", SHELL, "/bin/sh -c", "what runs a command",
        JOB(shell), .effect = EFFECT_SHELL),
    KEY(JOB, "nice", INTEGER, "0", "added to muster's own", .min = -40, .max = 40, JOB(nice)),

    /* limits in time, and retries */
    KEY(JOB, "timeout", DURATION, "0", "of one attempt", JOB(timeout_ns)),
    KEY(JOB, "slow", DURATION, "0", "past this a running job is pointed out", JOB(slow_ns)),
    KEY(JOB, "kill-after", DURATION, "5s", "from the first signal to SIGKILL", JOB(kill_after_ns)),
    KEY(JOB, "stop-signal", SIGNAL, "TERM", "the first signal", JOB(stop_signal)),
    KEY(JOB, "retries", COUNT, "0", "attempts after the first",
        .min = 0, .max = RETRIES_MAX, JOB(retries)),
    KEY(JOB, "retry-delay", DURATION, "1s", "before the first retry", JOB(retry_delay_ns)),
    KEY(JOB, "retry-backoff", FACTOR, "2", "each delay is the last one times this",
        .min = 0, .max = 1e6, JOB(retry_backoff)),
    KEY(JOB, "retry-max-delay", DURATION, "1m", "no delay is longer", JOB(retry_max_delay_ns)),
    KEY(JOB, "retry-jitter", FACTOR, "0.5", "part of each delay that is left to chance",
        .min = 0, .max = 1, JOB(retry_jitter)),
    KEY(JOB, "retry-on", RETRY_ON, "any", "what is worth a retry", JOB(retry_on)),
    KEY(JOB, "ok-exit", EXITS, "0", "exit statuses that count as success", JOB(ok_exit)),
    KEY(JOB, "skip-exit", NO_EXITS, "", "exit statuses that count as skipped", JOB(skip_exit)),
    KEY(JOB, "allow-failure", BOOL, "no", "its failure does not fail the run", JOB(allow_failure)),

    /* order */
    KEY(JOB, "after", AFTER, NULL, "jobs that must have ended before", .effect = EFFECT_AFTER),
    KEY(JOB, "when", ENUM, "success", "how those must have ended", .words = words_when, JOB(when),
        .whole = true),
    KEY(JOB, "priority", INTEGER, "0", "higher starts first among the ready",
        .min = INT32_MIN, .max = INT32_MAX, JOB(priority), .whole = true),
    KEY(JOB, "cleanup", SCRIPT, NULL, "run once after the job and all that come after it",
        JOB(cleanup)),
    KEY(JOB, "service", BOOL, "no", "the job is expected to stay up",
        JOB(service), .effect = EFFECT_SERVICE),
    KEY(JOB, "ready", READY, NULL, "when a service is ready", JOB(ready), .effect = EFFECT_READY),

    /* items */
    KEY(JOB, "each.exclude", PAIRS, NULL, "combinations that are left out",
        .effect = EFFECT_EXCLUDE),
    KEY(JOB, "each.", WORDS, NULL, "an axis: one job for each value", .effect = EFFECT_AXIS),
    KEY(JOB, "batch", COUNT, NULL, "items per attempt", .min = 1, .max = COUNT_MAX,
        .effect = EFFECT_BATCH),

    /* shared and hard limits */
    KEY(JOB, "cpus", COUNT, "1", "weight in the CPU lane",
        .min = 1, .max = CPU_WORKERS_MAX, JOB(cpus), .effect = EFFECT_CPUS, .whole = true),
    KEY(JOB, "limits", WORDS, NULL, "shared limits that it keeps to", .effect = EFFECT_LIMITS),
    KEY(JOB, "jobserver", ENUM, "no", "share the CPU workers with a make inside",
        .words = words_jobserver, JOB(jobserver), .effect = EFFECT_JOBSERVER),
    KEY(JOB, "memory", SIZE, NULL, "reserved out of the machine's",
        .min = 1, JOB(memory), .effect = EFFECT_MEMORY),
    KEY(JOB, "max-memory", SIZE, NULL, "of all processes of the job",
        .min = 1, JOB(limits.memory)),
    KEY(JOB, "max-cpu-time", DURATION, NULL, "of each process of the job",
        .min = 1, JOB(limits.cpu_ns)),
    KEY(JOB, "max-open-files", COUNT, NULL, "of each process of the job",
        .min = 1, .max = COUNT_MAX, JOB(limits.open_files)),
    KEY(JOB, "max-file-size", SIZE, NULL, "of each file that the job writes",
        .min = 1, JOB(limits.file_bytes)),

    /* selection and caching */
    KEY(JOB, "tags", TAGS, NULL, "names for --select", .effect = EFFECT_TAGS),
    KEY(JOB, "inputs", WORDS, NULL, "files that it reads", .later = true),
    KEY(JOB, "outputs", WORDS, NULL, "files that it writes", .later = true),

    /* [limit] */
    KEY(LIMIT, "concurrency", COUNT, NULL, "jobs at once",
        .min = 1, .max = COUNT_MAX, LIMIT(concurrency)),
    KEY(LIMIT, "rate", RATE, NULL, "starts per time", LIMIT(rate)),
    KEY(LIMIT, "burst", COUNT, NULL, "starts at once; by default the rate's count",
        .min = 1, .max = COUNT_MAX, LIMIT(burst)),
    KEY(LIMIT, "breaker", COUNT, NULL, "failures in a row that open the circuit",
        .min = 1, .max = COUNT_MAX, LIMIT(breaker)),
    KEY(LIMIT, "cooldown", DURATION, "30s", "before a probe", LIMIT(cooldown_ns)),
    KEY(LIMIT, "breaker-action", ENUM, "wait", "what an open circuit does to jobs",
        .words = words_breaker, LIMIT(action)),

    /* [worker] */
    KEY(WORKER, "command", SCRIPT, NULL, "reads requests, writes answers", WORKER(command)),
    KEY(WORKER, "count", COUNT, NULL, "processes; the CPU workers by default",
        .min = 1, .max = CPU_WORKERS_MAX, WORKER(count)),
    KEY(WORKER, "tasks", COUNT, NULL, "tasks after which one is replaced",
        .min = 1, .max = COUNT_MAX, WORKER(tasks)),
    KEY(WORKER, "max-memory", SIZE, NULL, "memory above which one is replaced",
        .min = 1, WORKER(memory)),
};
/* clang-format on */
const size_t schema_key_count = sizeof schema_keys / sizeof *schema_keys;

enum schema_scope schema_scope(enum section_type type) {
    static const enum schema_scope scopes[SECTIONS] = {
        [SECTION_MUSTER] = SCOPE_MUSTER, [SECTION_DEFAULTS] = SCOPE_JOB,
        [SECTION_VARS] = SCOPE_NAMES,    [SECTION_ENV] = SCOPE_NAMES,
        [SECTION_TEMPLATE] = SCOPE_JOB,  [SECTION_LIMIT] = SCOPE_LIMIT,
        [SECTION_WORKER] = SCOPE_WORKER, [SECTION_JOB] = SCOPE_JOB,
    };

    return scopes[type];
}

void schema_index_init(struct schema_index *index, struct arena *arena) {
    for (size_t i = 0; i < SCOPES; i++)
        map_init(&index->scopes[i], arena);
    for (size_t i = 0; i < schema_key_count; i++)
        map_add(&index->scopes[schema_keys[i].scope], schema_keys[i].name,
                strlen(schema_keys[i].name), (uint32_t)i);
}

const struct schema_key *schema_find(const struct schema_index *index, enum schema_scope scope,
                                     const char *key, size_t n, size_t *tail) {
    const struct map *map = &index->scopes[scope];
    uint32_t row = map_get(map, key, n);

    *tail = n;
    if (row != MAP_NONE && key[n - 1] != '.')
        return &schema_keys[row];
    /* The longest part that ends in a dot: http.header.NAME, env.NAME. */
    for (size_t dot = n; dot-- > 0;)
        if (key[dot] == '.' && (row = map_get(map, key, dot + 1)) != MAP_NONE) {
            *tail = dot + 1;
            return &schema_keys[row];
        }
    return NULL;
}

/* What muster sets in every job, whatever the manifest says. */
static const char *const muster_own[] = {
    "MUSTER_LANE",    "MUSTER_WORKER", "MUSTER_SLOT",     "MUSTER_JOB",
    "MUSTER_ATTEMPT", "MUSTER_INDEX",  "MUSTER_ATTEMPTS", "MUSTER_RUN",
    "MUSTER_ITEM",    "MUSTER_OUTPUT", "MUSTER_ITEMS",    "MUSTER_STATUS",
    "MUSTER_OK",      "MUSTER_FAILED", "MUSTER_WALL",     NULL};

bool schema_env_own(const char *name, size_t n) {
    return text_choose(name, n, muster_own) >= 0;
}

const char *schema_nearest(enum schema_scope scope, const char *key, size_t n) {
    const char *names[sizeof schema_keys / sizeof *schema_keys + 1];
    size_t count = 0;

    for (size_t i = 0; i < schema_key_count; i++)
        if (schema_keys[i].scope == scope)
            names[count++] = schema_keys[i].name;
    names[count] = NULL;
    return diag_nearest(key, n, names);
}
