/* SPDX-License-Identifier: MIT */
/* reason: why a job did not succeed, in words (declared in result.h). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mask.h"
#include "base/text.h"
#include "exec/attempt.h"
#include "run/result.h"

#define ARG_BYTES_MAX 131072 /* MAX_ARG_STRLEN of Linux: one argument, its NUL included */

const char *signal_name(int sig, char *buf, size_t n) {
    const char *abbreviation = sigabbrev_np(sig);

    if (abbreviation)
        snprintf(buf, n, "SIG%s", abbreviation);
    else if (sig == SIGRTMIN)
        snprintf(buf, n, "SIGRTMIN");
    else if (sig > SIGRTMIN && sig <= SIGRTMAX)
        snprintf(buf, n, "SIGRTMIN+%d", sig - SIGRTMIN);
    else
        snprintf(buf, n, "signal %d", sig);
    return buf;
}

/* strerror() without a locale: the words that manuals and searches know. */
static const char *error_words(int error) {
    const char *words = strerrordesc_np(-error);

    return words ? words : "unknown error";
}

/*
 * The limit of the job's that a signal, sent to one of its processes, was for:
 * "max-cpu-time 10s"; "" when it was for none.
 */
static const char *limit_text(const struct plan_job *p, int sig, bool cpu_used_up, char *buf,
                              size_t n) {
    const struct job_limits *l = &p->set->limits;
    char value[TEXT_FORMAT_MAX];

    buf[0] = '\0';
    if (l->cpu_ns && (sig == SIGXCPU || (sig == SIGKILL && cpu_used_up)))
        snprintf(buf, n, "max-cpu-time %s", text_format_duration(l->cpu_ns, value, sizeof value));
    else if (l->file_bytes && sig == SIGXFSZ)
        snprintf(buf, n, "max-file-size %s", text_format_size(l->file_bytes, value, sizeof value));
    return buf;
}

/* Of a command a shell makes 128 + N when a signal ends what it has run. */
static void exit_text(const struct plan_job *p, const struct attempt_result *a, char *buf,
                      size_t n) {
    bool by_shell = p->action == ACTION_COMMAND;
    char limit[64] = "", more[256] = "", name[32];

    if (by_shell && a->exit > 128)
        limit_text(p, a->exit - 128, false, limit, sizeof limit);
    if (a->stage == SPAWN_FACTS)
        snprintf(more, sizeof more, ", but its MUSTER_OUTPUT is of no use: %s",
                 a->detail ? a->detail : "out of memory");
    else if (*limit)
        snprintf(more, sizeof more, " (%s: %s)", signal_name(a->exit - 128, name, sizeof name),
                 limit);
    else if (by_shell && a->exit == 126)
        snprintf(more, sizeof more, " (cannot be executed)");
    else if (by_shell && a->exit == 127)
        snprintf(more, sizeof more, " (command not found)");
    else if (p->set->service && a->reason == REASON_EXIT && exit_set_has(&p->set->ok_exit, a->exit))
        snprintf(more, sizeof more, " (a service has to stay up)");
    snprintf(buf, n, "exit %d%s", a->exit, more);
}

static void signal_text(const struct plan_job *p, const struct attempt_result *a, char *buf,
                        size_t n) {
    /* Who ignores SIGXCPU is killed a second later; what rusage accounts for may be
     * less than what that limit counts. */
    int64_t due_us = (p->set->limits.cpu_ns + NS_PER_S) / 1000 / 4 * 3;
    bool cpu_used_up = a->user_us + a->sys_us >= due_us;
    char name[32], limit[64];

    limit_text(p, a->signal, cpu_used_up && !a->killed, limit, sizeof limit);
    snprintf(buf, n, "%s%s%s%s%s", signal_name(a->signal, name, sizeof name), *limit ? " (" : "",
             limit, *limit ? ")" : "", a->core ? " (core dumped)" : "");
}

static void oom_text(const struct plan_job *p, char *buf, size_t n) {
    char value[TEXT_FORMAT_MAX];
    uint64_t most = p->set->limits.memory;

    if (most)
        snprintf(buf, n, "out of memory (max-memory %s)",
                 text_format_size(most, value, sizeof value));
    else
        snprintf(buf, n, "out of memory");
}

/* The limit is named where there is but one that could have done it. */
static void breaker_text(const struct plan *plan, const struct plan_job *p, char *buf, size_t n) {
    const struct limit_set *shared = p->set->shared;
    const struct plan_limit *one = NULL;
    unsigned count = 0;

    for (uint32_t i = 0; shared && i < shared->count; i++) {
        const struct plan_limit *limit = &plan->limits[shared->list[i]];

        if (limit->breaker && limit->action == BREAKER_FAIL) {
            one = limit;
            count++;
        }
    }
    if (count == 1)
        snprintf(buf, n, "circuit of limit %s open", one->name);
    else
        snprintf(buf, n, "circuit of a limit open");
}

static void timeout_text(const struct plan_job *p, const struct attempt_result *a, char *buf,
                         size_t n) {
    char limit[TEXT_FORMAT_MAX], more[TEXT_FORMAT_MAX];

    text_format_duration(p->set->timeout_ns, limit, sizeof limit);
    text_format_duration(p->set->kill_after_ns, more, sizeof more);
    if (a->killed)
        snprintf(buf, n, "timed out after %s, killed after %s more", limit, more);
    else if (a->detail && !job_has_process(p)) /* what it was that never answered */
        snprintf(buf, n, "timed out after %s (%s)", limit, a->detail);
    else
        snprintf(buf, n, "timed out after %s", limit);
}

static void not_ready_text(const struct plan_job *p, const struct job_result *j,
                           const struct attempt_result *a, char *buf, size_t n) {
    char limit[TEXT_FORMAT_MAX], more[TEXT_FORMAT_MAX];
    const char *why = a->detail && !j->unkillable ? a->detail : NULL;
    int len = snprintf(buf, n, "not ready after %s%s%s%s",
                       text_format_duration(p->set->timeout_ns, limit, sizeof limit),
                       why ? " (" : "", why ? why : "", why ? ")" : "");

    if (a->killed && len > 0 && (size_t)len < n)
        snprintf(buf + len, n - (size_t)len, ", killed after %s more",
                 text_format_duration(p->set->kill_after_ns, more, sizeof more));
}

/*
 * The interpreter that a script's first line names, into buf. False when the
 * file has none: then it is a binary whose loader is missing, or it is gone.
 */
static bool interpreter_of(const char *path, char *buf, size_t n) {
    char line[256];
    ssize_t got;
    size_t start, len;
    bool dos;
    /* Nonblocking: the path may name a FIFO by now. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return false;
    got = read(fd, line, sizeof line - 1);
    close(fd);
    if (got < 2 || memcmp(line, "#!", 2) != 0)
        return false;
    line[got] = '\0';
    start = 2 + strspn(line + 2, " \t");
    len = strcspn(line + start, " \t\n");
    dos = len > 0 && line[start + len - 1] == '\r'; /* belongs to it, and often is the fault */
    text_visible(buf, n - 2, line + start, len - dos, NULL);
    start = strlen(buf);
    snprintf(buf + start, n - start, "%s", dos ? "\\r" : "");
    return true;
}

/* The longest of a job's arguments and variables with its NUL, in bytes. */
static size_t longest_string(const struct plan *plan, const struct plan_job *p) {
    const struct env_var *const layers[] = {plan->vars, plan->env, job_file_vars(p->set), p->env};
    size_t most = p->command ? strlen(p->command) + 1 : 0;

    for (const char *const *word = p->argv; word && *word; word++)
        if (strlen(*word) + 1 > most)
            most = strlen(*word) + 1;
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        for (const struct env_var *v = layers[i]; v && v->name; v++)
            if (strlen(v->name) + strlen(v->value) + 2 > most)
                most = strlen(v->name) + strlen(v->value) + 2;
    return most;
}

/* `path` is a->detail for people. */
static void exec_text(const struct plan *plan, const struct plan_job *p,
                      const struct attempt_result *a, const char *path, char *buf, size_t n) {
    char interpreter[280];
    size_t bytes;

    switch (-a->error) {
    case ENOENT:
        if (interpreter_of(a->detail, interpreter, sizeof interpreter))
            snprintf(buf, n, "bad interpreter '%s' of %s: %s", interpreter, path,
                     error_words(a->error));
        else if (access(a->detail, F_OK) == 0)
            snprintf(buf, n, "cannot be executed: %s: its loader is missing", path);
        else
            snprintf(buf, n, "not found: %s", path);
        break;
    case E2BIG:
        bytes = longest_string(plan, p);
        if (bytes > ARG_BYTES_MAX)
            snprintf(buf, n, "%s (%zu bytes, limit %d)", error_words(a->error), bytes,
                     ARG_BYTES_MAX);
        else
            snprintf(buf, n, "%s (arguments and environment together)", error_words(a->error));
        break;
    default:
        snprintf(buf, n, "cannot be executed: %s: %s", path, error_words(a->error));
    }
}

/* What could not be used, by the stage of the start that failed. */
static const char *const stage_words[] = {
    [SPAWN_OK] = "cannot be started",         [SPAWN_RESOURCES] = "cannot be started",
    [SPAWN_STDIN] = "cannot open stdin",      [SPAWN_STDOUT] = "cannot open stdout",
    [SPAWN_STDERR] = "cannot open stderr",    [SPAWN_DIR] = "cannot enter folder",
    [SPAWN_LIMITS] = "cannot set limits",     [SPAWN_EXEC] = "cannot be executed",
    [SPAWN_ENV_FILE] = "cannot use env-file", [SPAWN_ENV_LINE] = "cannot use env-file",
    [SPAWN_LOST] = "its launcher died",       [SPAWN_REQUEST] = "cannot be started",
    [SPAWN_TOLD] = "cannot be started",       [SPAWN_ITEMS] = "cannot write its items",
};

static void spawn_text(const struct plan *plan, const struct plan_job *p,
                       const struct attempt_result *a, char *buf, size_t n) {
    size_t len;
    char *masked = a->detail ? mask_text(plan->mask, a->detail, strlen(a->detail), &len) : NULL;
    const char *detail = masked ? masked : "***"; /* out of memory */

    if (a->stage == SPAWN_EXEC && a->detail)
        exec_text(plan, p, a, detail, buf, n);
    else if ((a->stage == SPAWN_ENV_LINE || a->stage == SPAWN_REQUEST || a->stage == SPAWN_TOLD) &&
             a->detail)
        snprintf(buf, n, "%s: %s", stage_words[a->stage], detail);
    else if (a->detail)
        snprintf(buf, n, "%s: %s: %s", stage_words[a->stage], detail, error_words(a->error));
    else
        snprintf(buf, n, "%s: %s", stage_words[a->stage], error_words(a->error));
    free(masked);
}

static void because_text(const struct run_result *r, const struct job_result *j, char *buf,
                         size_t n) {
    struct run_cause cause = run_cause(r, j->cause);

    snprintf(buf, n, "%sbecause %s %s", j->reason == REASON_CANCELLED ? "cancelled " : "",
             cause.name, cause.late ? "timed out" : "failed");
}

const char *job_reason_text(const struct run_result *r, const struct job_info *job, char *buf,
                            size_t n) {
    const struct job_result *j = job->result;
    const struct plan_job *p = job->def;
    /* An attempt's reason needs its row; without memory for one, the job's word must do. */
    const struct attempt_result *a = j->nattempts > 0 ? &j->attempts[j->nattempts - 1] : NULL;
    char word[TEXT_FORMAT_MAX];

    buf[0] = '\0';
    if (j->reason == REASON_NONE)
        return buf;
    if (j->words)
        snprintf(buf, n, "%s", j->words);
    else if (j->cause != NO_JOB)
        because_text(r, j, buf, n);
    else if (j->reason == REASON_CANCELLED && r->interrupted_by)
        snprintf(buf, n, "interrupted by %s", signal_name(r->interrupted_by, word, sizeof word));
    else if (j->reason == REASON_DEADLINE)
        snprintf(buf, n, "run deadline of %s passed",
                 text_format_duration(r->plan->deadline_ns, word, sizeof word));
    else if (j->reason == REASON_EXIT && a)
        exit_text(p, a, buf, n);
    else if (j->reason == REASON_SIGNAL && a)
        signal_text(p, a, buf, n);
    else if (j->reason == REASON_TIMEOUT && a)
        timeout_text(p, a, buf, n);
    else if (j->reason == REASON_NOT_READY && a)
        not_ready_text(p, j, a, buf, n);
    else if (j->reason == REASON_SPAWN && a)
        spawn_text(r->plan, p, a, buf, n);
    else if ((j->reason == REASON_HTTP || j->reason == REASON_LOST) && a && a->detail)
        snprintf(buf, n, "%s", a->detail);
    else if (j->reason == REASON_OOM)
        oom_text(p, buf, n);
    else if (j->reason == REASON_BREAKER)
        breaker_text(r->plan, p, buf, n);
    else
        snprintf(buf, n, "%s", reason_words[j->reason]);
    return buf;
}
