/* SPDX-License-Identifier: MIT */
/* jsonl: the events of a run as JSON, a line each. */
#include "report/jsonl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "report/json.h"
#include "report/quote.h"

/* A line under way. */
struct line {
    FILE *out; /* to memory, or NULL */
    char *text;
    size_t n;
    int error;
};

static void note(struct line *line, int error) {
    if (!line->error)
        line->error = error;
}

static void begin_part(struct line *line) {
    *line = (struct line){0};
    line->out = open_memstream(&line->text, &line->n);
    if (!line->out)
        line->error = UV_ENOMEM;
}

/* Its text, or NULL. */
static char *end_part(struct line *line) {
    if (line->out && fclose(line->out) != 0)
        note(line, UV_ENOMEM);
    if (line->error) {
        free(line->text);
        return NULL;
    }
    return line->text;
}

/* {"event":"job-start","t_s":1.5 */
static bool begin(struct line *line, const struct run_result *run, const char *event) {
    begin_part(line);
    if (!line->out)
        return false;
    fprintf(line->out, "{\"event\":\"%s\",\"t_s\":", event);
    note(line, json_write_seconds(clock_ns() - run->start_ns, line->out));
    return true;
}

static char *end(struct line *line) {
    if (line->out)
        fputs("}\n", line->out);
    return end_part(line);
}

static void put_text(struct line *line, const char *name, const char *value) {
    fprintf(line->out, ",\"%s\":", name);
    if (value)
        note(line, quote_write(value, strlen(value), line->out));
    else
        fputs("null", line->out);
}

static void put_number(struct line *line, const char *name, int64_t value, bool there) {
    if (there)
        fprintf(line->out, ",\"%s\":%" PRId64, name, value);
    else
        fprintf(line->out, ",\"%s\":null", name);
}

static void put_run(struct line *line, const struct run_result *run) {
    fprintf(line->out, ",\"run\":");
    note(line, json_write_run(run, line->out));
}

char *jsonl_run_start(const struct run_result *run) {
    struct line line;

    if (begin(&line, run, "run-start"))
        put_run(&line, run);
    return end(&line);
}

char *jsonl_job_start(const struct run_result *run, const struct job_info *job,
                      const struct attempt *a, pid_t pid) {
    struct report_row row;
    struct line line;

    row_init(&row, run, job);
    if (begin(&line, run, "job-start")) {
        put_text(&line, "job", row.name);
        put_number(&line, "attempt", a->number, true);
        put_text(&line, "lane", lane_words[row.lane]);
        put_number(&line, "worker", a->slot, row.lane == LANE_CPU);
        put_number(&line, "pid", pid, pid > 0);
    }
    return end(&line);
}

char *jsonl_job_retry(const struct run_result *run, const struct job_info *job, int64_t delay_ns) {
    static const struct attempt_result none = {.exit = -1};
    const struct attempt_result *last;
    struct report_row row;
    struct line line;

    row_init(&row, run, job);
    last = row.last ? row.last : &none;
    if (begin(&line, run, "job-retry")) {
        put_text(&line, "job", row.name);
        put_number(&line, "attempt", row.result->nattempts, true);
        put_text(&line, "reason", reason_words[last->reason]);
        put_number(&line, "exit", last->exit, last->exit >= 0);
        put_number(&line, "signal", last->signal, last->signal != 0);
        fprintf(line.out, ",\"delay_s\":");
        note(&line, json_write_seconds(delay_ns, line.out));
    }
    return end(&line);
}

int jsonl_job_end(const struct run_result *run, const struct job_info *job, char **head,
                  char **rest) {
    struct report_row row;
    struct line line;

    row_init(&row, run, job);
    if (begin(&line, run, "job-end")) {
        put_text(&line, "job", row.name);
        fprintf(line.out, ",\"result\":");
        note(&line, json_write_job_head(run, &row, line.out));
    }
    *head = end_part(&line);
    begin_part(&line);
    if (line.out) {
        fputc(',', line.out);
        note(&line, json_write_job_rest(run, &row, line.out));
    }
    *rest = end(&line);
    if (*head && *rest)
        return 0;
    free(*head);
    free(*rest);
    *head = *rest = NULL;
    return UV_ENOMEM;
}

char *jsonl_run_end(const struct run_result *run) {
    struct line line;

    if (begin(&line, run, "run-end")) {
        put_run(&line, run);
        fprintf(line.out, ",\"totals\":");
        note(&line, json_write_totals(run, line.out));
    }
    return end(&line);
}
