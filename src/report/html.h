/* SPDX-License-Identifier: MIT */
/* html: the parts that the page is made of. */
#ifndef MUSTER_REPORT_HTML_H
#define MUSTER_REPORT_HTML_H
#include "report/report.h"

extern const char html_style[];       /* of the page's <style> */
extern const char html_script[];      /* of its <script>, exactly */
extern const char html_script_hash[]; /* by which browsers know it: "sha256-…" */

/* Writes the timeline of both lanes as SVG, nothing when no job has started. 0 or UV_E…. */
int html_timeline(const struct report_input *in, FILE *out);
#endif
