/* SPDX-License-Identifier: MIT */
/* report: writes the results of a run, one file per format behind one table. */
#include "report/report.h"

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
