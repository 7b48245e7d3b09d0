/* SPDX-License-Identifier: MIT */
/* report: writes the results of a run, one file per format behind one table. */
#include "report/report.h"

#include <uv.h>

#include "report/sink.h"

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

const char muster_version[] = PACKAGE_VERSION;
const char *const lane_words[LANES] = {[LANE_IO] = "io", [LANE_CPU] = "cpu"};

const struct report_writer report_writers[] = {
    {REPORT_TABLE, "table", report_table_write},
    {REPORT_JSON, "json", report_json_write},
};
const size_t report_writer_count = sizeof report_writers / sizeof *report_writers;

static int write_and_close(const struct report_writer *w, const struct report_input *in,
                           struct sink *s) {
    int error = w->write(in, s->stream);

    if (error)
        sink_fail(s, error);
    return sink_close(s);
}

int report_to_file(const struct report_writer *w, const struct report_input *in, const char *path) {
    struct sink s;
    int error = sink_open_file(&s, path);

    return error ? error : write_and_close(w, in, &s);
}

int report_to_stdout(const struct report_writer *w, const struct report_input *in) {
    struct sink s;
    int error = sink_open_stdout(&s);

    return error ? error : write_and_close(w, in, &s);
}
