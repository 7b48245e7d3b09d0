/* SPDX-License-Identifier: MIT */
/* plan: the verb that shows what would run. */
#include "cli/cli.h"

#include <inttypes.h>
#include <jansson.h>
#include <libsmartcols.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/resume.h"
#include "report/print.h"
#include "report/report.h"

/* Text that fits into no more than was asked for; not open_memstream(), which
 * drops words in silence when memory is short. */
struct cell {
    char *text, *end;
};

static bool cell_init(struct cell *c, size_t n) {
    c->text = c->end = malloc(n + 1);
    if (c->text)
        *c->text = '\0';
    return c->text;
}

static void cell_put(struct cell *c, const char *between, const char *text) {
    c->end = stpcpy(c->end == c->text ? c->end : stpcpy(c->end, between), text);
}

#define LIMITS    9
#define LIMIT_MAX (sizeof "max-open-files" + TEXT_FORMAT_MAX + 2)

/* One of a job's limits, behind a comma but for the first. */
static void put_limit(struct cell *c, const char *name, const char *value) {
    cell_put(c, ", ", name);
    cell_put(c, " ", value);
}

static void put_number(struct cell *c, const char *name, uint32_t value) {
    char text[TEXT_FORMAT_MAX];

    snprintf(text, sizeof text, "%" PRIu32, value);
    put_limit(c, name, text);
}

/* "timeout 30s, cpus 2, retries 3, limit net", or "-"; malloc'd or NULL. */
static char *limits_text(const struct plan *plan, const struct plan_job *job) {
    const struct job_settings *set = job->set;
    const struct job_limits *l = &set->limits;
    const struct limit_set *shared = set->shared;
    size_t room = LIMITS * LIMIT_MAX;
    char text[TEXT_FORMAT_MAX];
    struct cell c;

    for (uint32_t i = 0; shared && i < shared->count; i++)
        room += strlen(plan->limits[shared->list[i]].name) + sizeof ", worker ";
    for (uint32_t i = 0; job->items && i < job->items->naxes; i++)
        room += strlen(job->items->axes[i].name) + sizeof ", each ";
    if (!cell_init(&c, room))
        return NULL;
    for (uint32_t i = 0; job->items && i < job->items->naxes; i++)
        put_limit(&c, "each", job->items->axes[i].name);
    if (job->items && job->items->batch)
        put_number(&c, "batch", job->items->batch);
    if (set->timeout_ns)
        put_limit(&c, "timeout", text_format_duration(set->timeout_ns, text, sizeof text));
    if (set->cpus != 1)
        put_number(&c, "cpus", set->cpus);
    if (set->retries)
        put_number(&c, "retries", set->retries);
    if (set->memory)
        put_limit(&c, "memory", text_format_size(set->memory, text, sizeof text));
    if (l->memory)
        put_limit(&c, "max-memory", text_format_size(l->memory, text, sizeof text));
    if (l->cpu_ns)
        put_limit(&c, "max-cpu-time", text_format_duration(l->cpu_ns, text, sizeof text));
    if (l->open_files)
        put_number(&c, "max-open-files", l->open_files);
    if (l->file_bytes)
        put_limit(&c, "max-file-size", text_format_size(l->file_bytes, text, sizeof text));
    for (uint32_t i = 0; shared && i < shared->count; i++)
        put_limit(&c, plan->limits[shared->list[i]].of_worker ? "worker" : "limit",
                  plan->limits[shared->list[i]].name);
    if (c.end == c.text)
        cell_put(&c, "", "-");
    return c.text;
}

/* "a", "a[*]", "a[1]": what the k-th name of a job's `after` stands for; malloc'd or NULL. */
static char *after_name(const struct plan *plan, const struct plan_job *job, uint32_t k) {
    const char *item = job->after_items ? job->after_items[k] : NULL, *before;
    char *name, *clean;
    size_t n;

    before = plan->jobs[job->after[k]].name;
    if (asprintf(&name, item ? "%s[%s]" : "%s", before, item) < 0)
        return NULL;
    clean = text_sanitise(name, strlen(name), &n);
    free(name);
    return clean;
}

static char *after_text(const struct plan *plan, const struct plan_job *job) {
    struct cell c = {NULL, NULL};
    size_t n = 1;

    for (int pass = 0; pass < 2; pass++) {
        if (pass > 0 && !cell_init(&c, n))
            return NULL;
        for (uint32_t i = 0; i < job->nafter; i++) {
            char *name = after_name(plan, job, i);

            if (!name) {
                free(c.text);
                return NULL;
            }
            n += strlen(name) + 1;
            if (pass > 0)
                cell_put(&c, " ", name);
            free(name);
        }
    }
    if (!job->nafter)
        cell_put(&c, "", "-");
    return c.text;
}

enum { COLUMN_JOB, COLUMN_TYPE, COLUMN_LANE, COLUMN_LIMITS, COLUMN_AFTER, COLUMNS };
static const char *const heads[COLUMNS] = {"JOB", "TYPE", "LANE", "LIMITS", "AFTER"};

/* Sets a cell to a malloc'd text, or NULL, which it takes over. */
static int set_cell(struct libscols_line *line, size_t column, char *text) {
    int error = text ? scols_line_refer_data(line, column, text) : UV_ENOMEM;

    if (error)
        free(text);
    return error;
}

static int add_row(struct libscols_table *table, const struct plan *plan,
                   const struct plan_job *job) {
    struct libscols_line *line = scols_table_new_line(table, NULL);
    int error = line ? 0 : UV_ENOMEM;

    if (!error)
        error = scols_line_set_data(line, COLUMN_JOB, job->name);
    if (!error)
        error = scols_line_set_data(line, COLUMN_TYPE, type_word(job));
    if (!error)
        error = scols_line_set_data(line, COLUMN_LANE, lane_words[job->set->type]);
    if (!error)
        error = set_cell(line, COLUMN_LIMITS, limits_text(plan, job));
    if (!error)
        error = set_cell(line, COLUMN_AFTER, after_text(plan, job));
    return error;
}

/* What is shown: a plan, but for the jobs that would be left out. */
struct view {
    const struct plan *plan;
    struct resume resume;
};

static bool is_left_out(const struct view *v, uint32_t job) {
    return v->resume.settled && v->resume.settled[job];
}

static int write_table(const struct view *v, FILE *out) {
    const struct plan *plan = v->plan;
    struct libscols_table *table = scols_new_table();
    int error = table ? 0 : UV_ENOMEM;

    for (size_t i = 0; !error && i < COLUMNS; i++)
        if (!scols_table_new_column(table, heads[i], 0, 0))
            error = UV_ENOMEM;
    for (uint32_t i = 0; !error && i < plan->njobs; i++)
        if (!is_left_out(v, plan->order[i]))
            error = add_row(table, plan, &plan->jobs[plan->order[i]]);
    if (!error)
        error = print_table(table, out);
    scols_unref_table(table);
    return error;
}

/* A job's wave: 0 when it can start at once, else one more than the last it waits for. */
static uint32_t *make_waves(const struct view *v) {
    const struct plan *plan = v->plan;
    uint32_t *waves = calloc((size_t)plan->njobs + 1, sizeof *waves);

    for (uint32_t i = 0; waves && i < plan->njobs; i++) {
        const struct plan_job *job = &plan->jobs[plan->order[i]];

        for (uint32_t k = 0; k < job->nafter; k++)
            if (!is_left_out(v, job->after[k]) && waves[plan->order[i]] <= waves[job->after[k]])
                waves[plan->order[i]] = waves[job->after[k]] + 1;
    }
    return waves;
}

/* The names of the shared limits that a job keeps to; NULL when memory is short. */
static json_t *shared_limits(const struct plan *plan, const struct plan_job *job) {
    const struct limit_set *shared = job->set->shared;
    json_t *list = json_array();

    for (uint32_t i = 0; list && shared && i < shared->count; i++)
        if (!plan->limits[shared->list[i]].of_worker &&
            json_array_append_new(list, json_string(plan->limits[shared->list[i]].name)) < 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static int write_job(const struct plan *plan, const struct plan_job *job, uint32_t wave,
                     FILE *out) {
    json_t *after = json_array(), *limits, *object;
    int error = UV_ENOMEM;

    for (uint32_t i = 0; after && i < job->nafter; i++) {
        char *name = after_name(plan, job, i);
        int failed = !name || json_array_append_new(after, json_string(name)) < 0;

        free(name);
        if (failed) {
            json_decref(after);
            return UV_ENOMEM;
        }
    }
    /* Names are ASCII by the manifest's grammar: json_pack() takes them as they are. */
    limits = shared_limits(plan, job);
    object = json_pack("{s:s, s:s, s:I, s:o, s:o, s:I, s:f, s:I}", "name", job->name, "type",
                       type_word(job), "wave", (json_int_t)wave, "after", after, "limits", limits,
                       "cpus", (json_int_t)job->set->cpus, "timeout_s",
                       (double)(job->set->timeout_ns / 1000) / 1e6, "retries",
                       (json_int_t)job->set->retries);
    if (object && json_dumpf(object, out, JSON_COMPACT | JSON_REAL_PRECISION(15)) == 0)
        error = 0;
    json_decref(object);
    return error;
}

static int write_json(const struct view *v, FILE *out) {
    const struct plan *plan = v->plan;
    uint32_t *waves = make_waves(v);
    int error = waves ? 0 : UV_ENOMEM;
    bool first = true;

    fprintf(out, "{\"muster\":\"%s\",\"schema\":1,\"jobs\":[", muster_version);
    for (uint32_t i = 0; !error && i < plan->njobs; i++) {
        uint32_t index = plan->order[i];

        if (is_left_out(v, index))
            continue;
        fprintf(out, first ? "\n" : ",\n");
        first = false;
        error = write_job(plan, &plan->jobs[index], waves[index], out);
    }
    fprintf(out, "\n]}\n");
    free(waves);
    return error;
}

static int write_plan(void *ctx, enum report_format format, bool to_file, FILE *out) {
    (void)to_file;
    return format == REPORT_JSON ? write_json(ctx, out) : write_table(ctx, out);
}

int cli_plan(const struct cli_options *o) {
    struct view view;
    struct plan *plan;
    int status = cli_load(o, o->manifests[0], &plan, NULL, NULL);

    if (status)
        return status;
    status = resume_look(&view.resume, o, plan);
    if (!status) {
        view.plan = plan;
        status = cli_deliver_all(o, write_plan, &view);
        resume_close(&view.resume);
    }
    plan_free(plan);
    return status;
}
