/* SPDX-License-Identifier: MIT */
/* plan: the jobs of a run, typed and checked. Const once loaded; any thread reads it. */
#include "plan/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/mask.h"
#include "base/text.h"

const char AFTER_SAME[] = "*";

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin" /* where the environment has none */

const char *const on_failure_words[] = {"continue", "drain", "cancel", NULL};
const char *const output_words[] = {"failed", "group", "none", "live", NULL};
const char *const lock_words[] = {"no", "wait", "skip", "fail", NULL};

const char *const report_format_words[REPORTS + 1] = {
    [REPORT_TABLE] = "table",           [REPORT_JSON] = "json", [REPORT_JSONL] = "jsonl",
    [REPORT_JUNIT] = "junit",           [REPORT_TAP] = "tap",   [REPORT_JOBLOG] = "joblog",
    [REPORT_MARKDOWN] = "markdown",     [REPORT_HTML] = "html", [REPORT_TRACE] = "trace",
    [REPORT_PROMETHEUS] = "prometheus",
};

struct plan *plan_free(struct plan *plan) {
    if (plan) {
        mask_set_free(plan->mask);
        sources_release(&plan->sources);
        arena_release(&plan->arena);
        free(plan);
    }
    return NULL;
}

char *plan_out_name(const char *job, char buf[PLAN_OUT_MAX]) {
    char *to = stpcpy(buf, "MUSTER_OUT_");

    for (; *job && to < buf + PLAN_OUT_MAX - 2; job++)
        *to++ = *job;
    *to++ = '_';
    *to = '\0';
    for (char *c = buf; *c; c++)
        if (!text_var_valid(c, 1) && !(*c >= '0' && *c <= '9'))
            *c = '_';
    return buf;
}

bool plan_is_secret(const struct plan *plan, const char *name) {
    for (const char *const *secret = plan->secrets; secret && *secret; secret++)
        if (!strcmp(*secret, name))
            return true;
    return false;
}

bool plan_is_secret_output(const struct plan *plan, const char *job, const char *output) {
    char start[PLAN_OUT_MAX];
    size_t n = strlen(plan_out_name(job, start));

    for (const char *const *secret = plan->secrets; secret && *secret; secret++)
        if (!strncmp(*secret, start, n) && !strcmp(*secret + n, output))
            return true;
    return false;
}

uint32_t plan_job_most(const struct plan_job *job) {
    const struct plan_items *items = job->items;
    uint64_t most = 1;

    for (uint32_t i = 0; job_has_items(job) && i < items->naxes; i++) {
        const struct plan_axis *axis = &items->axes[i];
        uint64_t n = axis->kind == AXIS_LIST    ? axis->nvalues
                     : axis->kind == AXIS_RANGE ? axis->range.last
                                                : UINT32_MAX;

        n += axis->kind == AXIS_RANGE && n < UINT32_MAX;
        most *= n < UINT32_MAX ? n : UINT32_MAX;
        if (most > UINT32_MAX)
            most = UINT32_MAX;
    }
    return (uint32_t)(items && items->batch ? (most + items->batch - 1) / items->batch : most);
}

bool plan_has_items(const struct plan *plan) {
    for (uint32_t i = 0; i < plan->njobs; i++)
        if (job_has_items(&plan->jobs[i]))
            return true;
    return false;
}

const char *plan_job_section(const struct plan_job *job) {
    return job->items ? job->items->section : job->name;
}

static const char *find_path(const struct env_var *env) {
    for (; env && env->name; env++)
        if (!strcmp(env->name, "PATH"))
            return env->value;
    return NULL;
}

const char *plan_job_path(const struct plan *plan, const struct plan_job *job) {
    /* Strongest first. There is none in [vars], and clear-env keeps what was inherited. */
    const char *path = find_path(job->env);

    if (!path)
        path = find_path(job_file_vars(job->set));
    if (!path)
        path = plan->search_path;
    return path ? path : getenv("PATH");
}

/* Whether a file can be executed, 0, or UV_E…. */
static int check_program(const char *path) {
    struct stat st;

    if (stat(path, &st))
        return -errno;
    if (S_ISDIR(st.st_mode))
        return UV_EISDIR;
    if (!S_ISREG(st.st_mode))
        return UV_EACCES;
    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) ? -errno : 0;
}

/* dir/name, or dir/element/name; NULL when out of memory. */
static char *join(struct arena *arena, const char *dir, const char *element, size_t n,
                  const char *name) {
    if (!n)
        return arena_printf(arena, "%s/%s", dir, name);
    if (*element == '/')
        return arena_printf(arena, "%.*s/%s", (int)n, element, name);
    return arena_printf(arena, "%s/%.*s/%s", dir, (int)n, element, name);
}

const char *plan_find_program(struct arena *arena, const char *name, const char *path,
                              const char *dir, int *error) {
    if (strchr(name, '/')) {
        const char *found = source_resolve(arena, dir, name);
        *error = found ? check_program(found) : UV_ENOMEM;
        return *error ? NULL : found;
    }
    *error = UV_ENOENT;
    for (const char *element = path ? path : DEFAULT_PATH;;) {
        size_t n = strcspn(element, ":");
        const char *found = join(arena, dir, element, n, name);
        int err = found ? check_program(found) : UV_ENOMEM;
        if (!err || err == UV_ENOMEM) {
            *error = err;
            return err ? NULL : found;
        }
        /* As execvp has it: what may not be executed is the better news. */
        if (err == UV_EACCES)
            *error = err;
        if (!element[n])
            return NULL;
        element += n + 1;
    }
}
