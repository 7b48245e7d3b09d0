/* SPDX-License-Identifier: MIT */
/* events: where the reports go that are written while a run goes on (jsonl). */
#include "cli/events.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "cli/cli.h"
#include "report/jsonl.h"
#include "report/output.h"

static void tell(const struct report_spec *spec, int error) {
    cli_error("%s: %s", cli_report_name(spec), strerror(-error));
}

int events_open(struct events *e, const struct report_spec *reports, size_t n) {
    struct event_report *all = realloc(e->reports, (e->count + n + 1) * sizeof *all);

    if (!all)
        return UV_ENOMEM;
    e->reports = all;
    for (size_t i = 0; i < n; i++) {
        struct event_report *r = &all[e->count];
        int error;

        if (reports[i].format != REPORT_JSONL)
            continue;
        r->spec = &reports[i];
        error = r->spec->file ? sink_open_file(&r->sink, r->spec->file)
                              : sink_open_fd(&r->sink, STDOUT_FILENO);
        r->open = !error;
        e->count++;
        if (error) {
            tell(r->spec, error);
            e->failed = true;
        }
    }
    return 0;
}

void events_attach(const struct events *e, struct output *output) {
    for (size_t i = 0; i < e->count; i++)
        if (e->reports[i].open)
            output_add_events(output, &e->reports[i].sink);
}

static bool finish(struct event_report *r, const struct run_result *run) {
    char *line = jsonl_run_end(run);
    int error;

    if (line)
        fputs(line, r->sink.stream);
    else
        sink_fail(&r->sink, UV_ENOMEM);
    free(line);
    r->open = false;
    error = sink_close(&r->sink);
    if (error)
        tell(r->spec, error);
    return !error;
}

bool events_finish(struct events *e, const struct report_spec *spec, const struct run_result *run) {
    for (size_t i = 0; i < e->count; i++)
        if (e->reports[i].spec == spec && e->reports[i].open)
            return finish(&e->reports[i], run);
    return false;
}

void events_release(struct events *e) {
    for (size_t i = 0; i < e->count; i++)
        if (e->reports[i].open) {
            sink_fail(&e->reports[i].sink, UV_ECANCELED);
            sink_close(&e->reports[i].sink);
        }
    free(e->reports);
    *e = (struct events){0};
}
