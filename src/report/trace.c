/* SPDX-License-Identifier: MIT */
/* trace: the attempts as Chrome trace events, for Perfetto or chrome://tracing. */
#include "report/report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/text.h"
#include "report/rows.h"

/* A lane is shown as a process, a slot as a thread; ids begin at 1. */
static const char *const process_names[LANES] = {[LANE_IO] = "I/O lane", [LANE_CPU] = "CPU lane"};

static double micros(int64_t ns) {
    return (double)ns / 1e3;
}

/* Takes the event over and writes it behind the last one. */
static int write_event(json_t *event, bool *first, FILE *out) {
    int error = 0;

    fprintf(out, *first ? "\n" : ",\n");
    *first = false;
    if (!event || json_dumpf(event, out, JSON_COMPACT | JSON_REAL_PRECISION(15)) < 0)
        error = UV_ENOMEM; /* the stream takes everything */
    json_decref(event);
    return error;
}

static int write_lane(enum lane lane, bool *first, FILE *out) {
    int error =
        write_event(json_pack("{s:s, s:s, s:i, s:i, s:{s:s}}", "name", "process_name", "ph", "M",
                              "pid", (int)lane + 1, "tid", 0, "args", "name", process_names[lane]),
                    first, out);

    if (!error)
        error = write_event(json_pack("{s:s, s:s, s:i, s:i, s:{s:i}}", "name", "process_sort_index",
                                      "ph", "M", "pid", (int)lane + 1, "tid", 0, "args",
                                      "sort_index", (int)lane),
                            first, out);
    return error;
}

/* Colours that the viewers have names for. */
static const char *colour(const struct attempt_result *a) {
    switch ((enum status)a->status) {
    case STATUS_OK:
        return "good";
    case STATUS_FAILED:
    case STATUS_TIMEOUT:
        return "terrible";
    default:
        return "grey";
    }
}

static json_t *attempt(const struct report_input *in, const struct report_row *row, uint32_t i) {
    const struct attempt_result *a = &row->result->attempts[i];
    size_t len;
    char *name = text_sanitise(row->name, strlen(row->name), &len);
    json_t *event =
        !name
            ? NULL
            : json_pack("{s:s#, s:s, s:s, s:f, s:f, s:i, s:I, s:s, s:{s:I, s:s?, s:s?, s:o, s:o, "
                        "s:f, s:I}}",
                        "name", name, (int)len, "cat", lane_words[row->lane], "ph", "X", "ts",
                        micros(a->start_ns - in->run->start_ns), "dur", micros(a->wall_ns), "pid",
                        (int)row->lane + 1, "tid", (json_int_t)a->slot + 1, "cname", colour(a),
                        "args", "attempt", (json_int_t)i + 1, "status", status_words[a->status],
                        "reason", reason_words[a->reason], "exit",
                        a->exit >= 0 ? json_integer(a->exit) : json_null(), "signal",
                        a->signal ? json_integer(a->signal) : json_null(), "cpu_s",
                        (double)(a->user_us + a->sys_us) / 1e6, "max_rss", (json_int_t)a->max_rss);

    free(name);
    return event;
}

int report_trace_write(const struct report_input *in, FILE *out) {
    bool first = true;
    int error = 0;
    struct report_row row;
    struct rows rows;

    fprintf(out,
            "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"muster\":\"%s\",\"run\":\"%s\"},"
            "\"traceEvents\":[",
            muster_version, in->run->id);
    for (int lane = 0; !error && lane < LANES; lane++)
        error = write_lane((enum lane)lane, &first, out);
    for (rows_begin(&rows, in); !error && rows_next(&rows, &row);)
        for (uint32_t i = 0; !error && i < row.result->nattempts; i++)
            if (row.result->attempts[i].reason != REASON_SPAWN)
                error = write_event(attempt(in, &row, i), &first, out);
    fprintf(out, "\n]}\n");
    return error ? error : rows_error(&rows);
}
