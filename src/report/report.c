/* SPDX-License-Identifier: MIT */
/* report: writes the results of a run, one file per format behind one table. */
#include "report/report.h"

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

const char muster_version[] = PACKAGE_VERSION;
const char *const lane_words[LANES] = {[LANE_IO] = "io", [LANE_CPU] = "cpu"};
const char *const lane_titles[LANES] = {[LANE_IO] = "I/O", [LANE_CPU] = "CPU"};

const char *type_word(const struct plan_job *job) {
    return job->set->automatic ? "auto" : lane_words[job->set->type];
}

static const struct report_writer report_writers[] = {
    {REPORT_TABLE, false, true, report_table_write},
    {REPORT_JSON, true, false, report_json_write},
    {REPORT_JUNIT, true, false, report_junit_write},
    {REPORT_TAP, true, false, report_tap_write},
    {REPORT_JOBLOG, false, false, report_joblog_write},
    {REPORT_MARKDOWN, true, true, report_markdown_write},
    {REPORT_HTML, true, false, report_html_write},
    {REPORT_TRACE, false, false, report_trace_write},
    {REPORT_PROMETHEUS, false, false, report_prometheus_write},
};

const struct report_writer *report_writer(enum report_format format) {
    for (size_t i = 0; i < sizeof report_writers / sizeof *report_writers; i++)
        if (report_writers[i].format == format)
            return &report_writers[i];
    return NULL;
}
