/* SPDX-License-Identifier: MIT */
/* history: the verb that lists past runs. */
#include "cli/cli.h"

#include <inttypes.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/lookup.h"
#include "exec/facts.h"
#include "report/print.h"
#include "report/report.h"
#include "store/past.h"
#include "store/record.h"

/* The runs that are listed. */
struct list {
    const char *manifest; /* only its runs, or NULL */
    char *key;            /* of it, where it is there; else its runs go by its name */
    struct arena arena;
    struct past_run *runs;
    size_t count, room;
    bool color;
};

static int collect(void *ctx, const struct past_run *run) {
    struct list *l = ctx;
    struct past_run *runs, *copy;

    if (l->manifest && !l->key && strcmp(run->manifest, l->manifest) != 0)
        return 0;
    runs = arena_grow(&l->arena, l->runs, l->count, &l->room, sizeof *runs);
    if (!runs)
        return UV_ENOMEM;
    l->runs = runs;
    copy = &runs[l->count++];
    *copy = *run;
    copy->id = arena_strndup(&l->arena, run->id, strlen(run->id));
    copy->title = arena_strndup(&l->arena, run->title, strlen(run->title));
    copy->manifest = arena_strndup(&l->arena, run->manifest, strlen(run->manifest));
    copy->sums = facts_new(run->sums ? run->sums->vars : NULL, run->sums ? run->sums->count : 0);
    return copy->id && copy->title && copy->manifest && copy->sums ? 0 : UV_ENOMEM;
}

static int write_json(const struct list *l, FILE *out) {
    int error = 0;

    fputs("{\"schema\":1,\"runs\":[", out);
    for (size_t i = 0; i < l->count && !error; i++) {
        fputs(i ? ",\n" : "\n", out);
        error = report_json_write_past(&l->runs[i], out);
    }
    fputs("\n]}\n", out);
    return error;
}

/* ---- the table ---- */

enum {
    COLUMN_RUN,
    COLUMN_STARTED,
    COLUMN_STATUS,
    COLUMN_JOBS,
    COLUMN_OK,
    COLUMN_FAILED,
    COLUMN_WALL,
    COLUMN_NAME,
    COLUMNS
};
#define CELL_MAX 512

static const struct {
    const char *head;
    int flags;
} columns[COLUMNS] = {
    [COLUMN_RUN] = {"RUN", 0},
    [COLUMN_STARTED] = {"STARTED", 0},
    [COLUMN_STATUS] = {"STATUS", 0},
    [COLUMN_JOBS] = {"JOBS", SCOLS_FL_RIGHT},
    [COLUMN_OK] = {"OK", SCOLS_FL_RIGHT},
    [COLUMN_FAILED] = {"FAILED", SCOLS_FL_RIGHT},
    [COLUMN_WALL] = {"WALL", SCOLS_FL_RIGHT},
    [COLUMN_NAME] = {"NAME", 0},
};

/* How a run ended, in a word. */
static const char *status_word(const struct past_run *run, char *buf, size_t n) {
    static const struct {
        int exit;
        const char *word;
    } words[] = {{CLI_OK, "ok"},
                 {CLI_FAILED, "failed"},
                 {CLI_BROKEN, "undelivered"},
                 {CLI_DEADLINE, "deadline"}};

    if (run->exit < 0)
        return run->alive ? "running" : "lost";
    if (run->exit > CLI_SIGNAL)
        return signal_name(run->exit - CLI_SIGNAL, buf, n);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].exit == run->exit)
            return words[i].word;
    snprintf(buf, n, "exit %d", run->exit);
    return buf;
}

static void write_cell(const struct past_run *run, int column, char *buf, size_t n) {
    const uint32_t *by = run->totals.by_status;
    char word[TEXT_FORMAT_MAX];
    struct tm tm;

    switch (column) {
    case COLUMN_RUN:
        snprintf(buf, n, "%s", run->id);
        break;
    case COLUMN_STARTED:
        if (!localtime_r(&run->started.tv_sec, &tm) || !strftime(buf, n, "%Y-%m-%d %H:%M:%S", &tm))
            snprintf(buf, n, "-");
        break;
    case COLUMN_STATUS:
        snprintf(buf, n, "%s", status_word(run, word, sizeof word));
        break;
    case COLUMN_JOBS:
        snprintf(buf, n, "%" PRIu32, run->totals.jobs);
        break;
    case COLUMN_OK:
        snprintf(buf, n, "%" PRIu32, by[STATUS_OK]);
        break;
    case COLUMN_FAILED:
        snprintf(buf, n, "%" PRIu32, by[STATUS_FAILED] + by[STATUS_TIMEOUT]);
        break;
    case COLUMN_WALL:
        snprintf(buf, n, "%s",
                 run->exit < 0 ? "-" : text_format_wall(run->wall_ns, word, sizeof word));
        break;
    default:
        snprintf(buf, n, "%s", run->title);
    }
}

static const char *status_color(const struct past_run *run) {
    return run->exit == CLI_OK ? "\033[32m" : run->alive ? "\033[36m" : "\033[1;31m";
}

static int add_row(struct libscols_table *table, const struct past_run *run, bool color) {
    struct libscols_line *line = scols_table_new_line(table, NULL);
    int error = line ? 0 : UV_ENOMEM;

    for (size_t i = 0; i < COLUMNS && !error; i++) {
        char cell[CELL_MAX];

        write_cell(run, (int)i, cell, sizeof cell);
        error = scols_line_set_data(line, i, cell);
    }
    if (!error && color)
        error = scols_cell_set_color(scols_line_get_cell(line, COLUMN_STATUS), status_color(run));
    return error;
}

static int write_table(const struct list *l, bool color, FILE *out) {
    struct libscols_table *table = l->count > 0 ? scols_new_table() : NULL;
    int error = 0;

    if (!table)
        return l->count > 0 ? UV_ENOMEM : 0;
    scols_table_enable_colors(table, color);
    for (size_t i = 0; i < COLUMNS && !error; i++)
        if (!scols_table_new_column(table, columns[i].head, 0, columns[i].flags))
            error = UV_ENOMEM;
    for (size_t i = 0; i < l->count && !error; i++)
        error = add_row(table, &l->runs[i], color);
    if (!error)
        error = print_table(table, out);
    scols_unref_table(table);
    return error;
}

/* ---- the verb ---- */

static int write_list(void *ctx, enum report_format format, bool to_file, FILE *out) {
    const struct list *l = ctx;

    return format == REPORT_JSON ? write_json(l, out) : write_table(l, l->color && !to_file, out);
}

/* Reads the runs that are wanted. 0, or the status to end with. */
static int read_list(struct list *l, const struct cli_options *o) {
    struct lookup lookup;
    int status = lookup_open(&lookup, o, ""), error = 0;

    if (!status && lookup.there) {
        if (l->manifest && access(l->manifest, F_OK) == 0)
            l->key = record_key(l->manifest, NULL);
        error = past_list(&lookup.past, l->key, collect, l);
    }
    if (error)
        cli_error("history: %s", error == UV_ENOMEM ? "out of memory" : lookup.past.db.why);
    lookup_close(&lookup);
    return error ? CLI_BROKEN : status;
}

int cli_history(const struct cli_options *o) {
    struct list l = {.manifest = o->manifests[0], .color = cli_wants_color(o, STDOUT_FILENO)};
    int status;

    arena_init(&l.arena, NULL);
    status = read_list(&l, o);
    if (!status && l.manifest && l.count == 0)
        cli_error("no run of '%s' is recorded", l.manifest);
    if (!status)
        status = cli_deliver_all(o, write_list, &l);
    for (size_t i = 0; i < l.count; i++)
        free(l.runs[i].sums);
    arena_release(&l.arena);
    free(l.key);
    return status;
}
