/* SPDX-License-Identifier: MIT */
/* json: the results as one JSON document, schema 1. */
#include "report/json.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/text.h"
#include "exec/attempt.h"
#include "exec/facts.h"
#include "report/output.h"
#include "report/quote.h"
#include "run/sums.h"
#include "store/past.h"

/* 15 digits hold microseconds for 30 years and print 1.1 as "1.1". */
#define DUMP_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(15))

/* An object under way. What could not be made or added is noted once. */
struct object {
    json_t *json;
    bool failed;
};

static void object_init(struct object *o) {
    o->json = json_object();
    o->failed = !o->json;
}

/* Takes the value over. */
static void put(struct object *o, const char *key, json_t *value) {
    if (json_object_set_new(o->json, key, value) < 0)
        o->failed = true;
}

/* The object, or NULL when something was noted. */
static json_t *object_end(struct object *o) {
    if (!o->failed)
        return o->json;
    json_decref(o->json);
    return NULL;
}

/* Writes the object and frees it. */
static int object_dump(struct object *o, size_t flags, FILE *out) {
    int error = o->failed ? UV_ENOMEM : 0;

    if (!error && json_dumpf(o->json, out, DUMP_FLAGS | flags) < 0)
        error = UV_ENOMEM; /* the stream takes everything */
    json_decref(o->json);
    return error;
}

static json_t *bytes_text(const char *s, size_t n) {
    size_t len;
    char *clean = text_sanitise(s, n, &len);
    json_t *json = clean ? json_stringn(clean, len) : NULL;

    free(clean);
    return json;
}

static json_t *text(const char *s) {
    return bytes_text(s, strlen(s));
}

static json_t *text_or_null(const char *s) {
    return s ? text(s) : json_null();
}

static json_t *number_or_null(int value, bool there) {
    return there ? json_integer(value) : json_null();
}

/* Seconds, rounded to microseconds. */
static json_t *seconds_us(int64_t us) {
    return json_real((double)us / 1e6);
}

static json_t *seconds(int64_t ns) {
    return seconds_us((ns + (ns < 0 ? -500 : 500)) / 1000);
}

/* RFC 3339 in UTC, with milliseconds. */
static json_t *timestamp(const struct timespec *t) {
    struct tm tm;
    char date[32], buf[48];

    if (!gmtime_r(&t->tv_sec, &tm) || !strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm))
        return json_null();
    snprintf(buf, sizeof buf, "%s.%03ldZ", date, t->tv_nsec / 1000000);
    return json_string(buf);
}

int json_write_run(const struct run_result *run, FILE *out) {
    struct object o;
    char signal[TEXT_FORMAT_MAX];

    object_init(&o);
    put(&o, "id", text(run->id));
    put(&o, "name", text(run->plan->name));
    put(&o, "manifest", text(run->plan->path));
    put(&o, "started", timestamp(&run->started));
    put(&o, "ended", run->exit >= 0 ? timestamp(&run->ended) : json_null());
    put(&o, "wall_s", run->exit >= 0 ? seconds(run->wall_ns) : json_null());
    put(&o, "exit", number_or_null(run->exit, run->exit >= 0));
    put(&o, "interrupted_by",
        run->interrupted_by ? text(signal_name(run->interrupted_by, signal, sizeof signal))
                            : json_null());
    put(&o, "host", text(run->host));
    put(&o, "io_limit", json_integer(run->plan->io_limit));
    put(&o, "cpu_workers", json_integer(run->plan->cpu_workers));
    put(&o, "loop_lag_max_ms", json_real((double)((run->loop_lag_ns + 500) / 1000) / 1e3));
    return object_dump(&o, 0, out);
}

static void put_totals(struct object *o, const struct run_totals *t) {
    put(o, "jobs", json_integer(t->jobs));
    for (int status = STATUS_OK; status < STATUSES; status++)
        put(o, status_words[status], json_integer(t->by_status[status]));
    put(o, "flaky", json_integer(t->flaky));
    put(o, "allowed", json_integer(t->allowed));
    put(o, "retries", json_integer(t->retries));
    put(o, "job_wall_s", seconds(t->job_wall_ns));
    put(o, "cpu_s", seconds_us(t->cpu_us));
}

/* The numbers among the outputs of all jobs, added up. */
static json_t *sums_of(const struct run_result *run, int *error) {
    struct run_sums sums;
    struct object o;

    object_init(&o);
    *error = run_sums_init(&sums, run);
    for (size_t i = 0; i < sums.count; i++) {
        const struct run_sum *sum = &sums.list[i];

        put(&o, sum->name,
            sum->whole             ? json_integer(sum->number)
            : isfinite(sum->value) ? json_real(sum->value)
                                   : json_null());
    }
    run_sums_release(&sums);
    return object_end(&o);
}

int json_write_totals(const struct run_result *run, FILE *out) {
    struct run_totals t = run_totals(run);
    struct object o;
    int lost, error;

    object_init(&o);
    put_totals(&o, &t);
    put(&o, "outputs", sums_of(run, &lost));
    error = object_dump(&o, 0, out);
    return lost ? lost : error;
}

/* The same as it was recorded. */
static json_t *past_sums(const struct facts *sums) {
    struct object o;
    int64_t number;

    object_init(&o);
    for (size_t i = 0; sums && i < sums->count; i++) {
        const char *value = sums->vars[i].value;
        double real = strtod(value, NULL);

        put(&o, sums->vars[i].name,
            text_int64(value, strlen(value), INT64_MIN, INT64_MAX, &number) == 0
                ? json_integer(number)
            : isfinite(real) ? json_real(real)
                             : json_null());
    }
    return object_end(&o);
}

int report_json_write_past(const struct past_run *run, FILE *out) {
    struct object o, totals;

    object_init(&o);
    object_init(&totals);
    put(&o, "id", text(run->id));
    put(&o, "name", text(run->title));
    put(&o, "manifest", text(run->manifest));
    put(&o, "started", timestamp(&run->started));
    put(&o, "wall_s", run->exit >= 0 ? seconds(run->wall_ns) : json_null());
    put(&o, "exit", number_or_null(run->exit, run->exit >= 0));
    put_totals(&totals, &run->totals);
    put(&totals, "outputs", past_sums(run->sums));
    o.failed = o.failed || totals.failed;
    put(&o, "totals", totals.json);
    return object_dump(&o, 0, out);
}

/* Times are since the request's start, null where it did not get so far. */
static json_t *http(const struct attempt_http *h) {
    const struct {
        const char *key;
        int64_t ns;
    } times[] = {{"lookup_s", h->lookup_ns},
                 {"connect_s", h->connect_ns},
                 {"tls_s", h->tls_ns},
                 {"first_byte_s", h->first_byte_ns}};
    struct object o;

    object_init(&o);
    put(&o, "status_line", *h->line ? text(h->line) : json_null());
    put(&o, "redirects", json_integer(h->redirects));
    put(&o, "sent_bytes", json_integer((json_int_t)h->sent));
    put(&o, "received_bytes", json_integer((json_int_t)h->received));
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        put(&o, times[i].key, times[i].ns ? seconds(times[i].ns) : json_null());
    return object_end(&o);
}

static json_t *attempt(const struct run_result *run, const struct attempt_result *a) {
    struct object o;

    object_init(&o);
    put(&o, "start_s", seconds(a->start_ns - run->start_ns));
    put(&o, "wall_s", seconds(a->wall_ns));
    put(&o, "cpu_user_s", seconds_us(a->user_us));
    put(&o, "cpu_sys_s", seconds_us(a->sys_us));
    put(&o, "max_rss", json_integer((json_int_t)a->max_rss));
    put(&o, "exit", number_or_null(a->exit, a->exit >= 0));
    put(&o, "signal", number_or_null(a->signal, a->signal != 0));
    put(&o, "status", text_or_null(status_words[a->status]));
    put(&o, "reason", text_or_null(reason_words[a->reason]));
    put(&o, "stdout_bytes", json_integer((json_int_t)a->out_bytes));
    put(&o, "stderr_bytes", json_integer((json_int_t)a->err_bytes));
    if (a->http) {
        put(&o, "http_status", number_or_null(a->http->status, a->http->status != 0));
        put(&o, "http", http(a->http));
    }
    return object_end(&o);
}

static json_t *attempts(const struct run_result *run, const struct job_result *r) {
    json_t *list = json_array();

    for (uint32_t i = 0; i < r->nattempts; i++)
        if (json_array_append_new(list, attempt(run, &r->attempts[i])) < 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

int json_write_job_head(const struct run_result *run, const struct report_row *row, FILE *out) {
    const struct job_result *r = row->result;
    const struct attempt_result *last = row->last;
    struct object o;

    object_init(&o);
    put(&o, "name", text(row->name));
    put(&o, "section", text(row->section));
    put(&o, "item", text_or_null(row->item));
    put(&o, "type", text(type_word(row->job)));
    put(&o, "lane", last ? text(lane_words[row->lane]) : json_null());
    put(&o, "worker", number_or_null(r->worker, r->worker >= 0));
    put(&o, "status", text_or_null(status_words[r->status]));
    put(&o, "flaky", json_boolean(r->flaky));
    put(&o, "allowed", json_boolean(r->allowed));
    put(&o, "reason", text_or_null(reason_words[r->reason]));
    put(&o, "cause", text_or_null(row->cause));
    put(&o, "exit", number_or_null(last ? last->exit : 0, last && last->exit >= 0));
    put(&o, "signal", number_or_null(last ? last->signal : 0, last && last->signal != 0));
    put(&o, "leftover", json_integer(r->leftover));
    put(&o, "attempts", attempts(run, r));
    put(&o, "wait_s", seconds(r->wait_ns));
    put(&o, "wall_s", seconds(job_wall_ns(r)));
    put(&o, "cpu_s", seconds_us(job_cpu_us(r)));
    put(&o, "max_rss", json_integer((json_int_t)job_max_rss(r)));
    fputc('{', out);
    return object_dump(&o, JSON_EMBED, out);
}

static json_t *outputs_of(const struct run_result *run, const struct report_row *row) {
    const struct facts *told = row->result->facts;
    struct facts *shown;
    struct object o;
    bool masked;

    object_init(&o);
    if (!told)
        return object_end(&o);
    shown = facts_masked(told, run->plan, row->name, &masked);
    o.failed = o.failed || !shown;
    for (size_t i = 0; shown && i < shown->count; i++)
        put(&o, shown->vars[i].name, text(shown->vars[i].value));
    free(shown);
    return object_end(&o);
}

int json_write_job_rest(const struct run_result *run, const struct report_row *row, FILE *out) {
    struct object o;
    int error;

    object_init(&o);
    put(&o, "outputs", outputs_of(run, row));
    error = object_dump(&o, JSON_EMBED, out);
    fputc('}', out);
    return error;
}

int json_write_seconds(int64_t ns, FILE *out) {
    json_t *json = seconds(ns);
    int error = json && json_dumpf(json, out, DUMP_FLAGS | JSON_ENCODE_ANY) == 0 ? 0 : UV_ENOMEM;

    json_decref(json);
    return error;
}

/* `buf` has room for OUTPUT_TAIL_MAX bytes. */
static int write_job(const struct report_input *in, const struct report_row *row, char *buf,
                     FILE *out) {
    static const char *const names[ROW_STREAMS] = {"stdout", "stderr"};
    int error = json_write_job_head(in->run, row, out);

    for (int i = 0; i < ROW_STREAMS && !error; i++) {
        struct row_tail tail;

        fprintf(out, ",\"%s\":", names[i]);
        error = row_tail(in, row, (enum row_stream)i, OUTPUT_TAIL_MAX, buf, &tail);
        if (!error)
            error = quote_write(tail.bytes, tail.n, out);
    }
    fputc(',', out);
    return error ? error : json_write_job_rest(in->run, row, out);
}

/* The frame is written by hand and a job at a time, so that memory does not
 * grow with the run. */
int report_json_write(const struct report_input *in, FILE *out) {
    char *buf = malloc(OUTPUT_TAIL_MAX);
    struct report_row row;
    struct rows rows;
    int error;

    if (!buf)
        return UV_ENOMEM;
    fprintf(out, "{\"muster\":\"%s\",\"schema\":1,\n\"run\":", muster_version);
    error = json_write_run(in->run, out);
    fprintf(out, ",\n\"totals\":");
    if (!error)
        error = json_write_totals(in->run, out);
    fprintf(out, ",\n\"jobs\":[");
    for (rows_begin(&rows, in); !error && rows_next(&rows, &row);) {
        fprintf(out, row.index ? ",\n" : "\n");
        error = write_job(in, &row, buf, out);
    }
    if (!error)
        error = rows_error(&rows);
    fprintf(out, "\n]}\n");
    free(buf);
    return error;
}
