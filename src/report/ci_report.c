/* SPDX-License-Identifier: MIT */
/* ci_report: what a CI service is told of the results. */
#include "report/ci_report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/text.h"
#include "report/markdown.h"
#include "report/rows.h"
#include "report/sink.h"

#define ANNOTATIONS_MAX 10                  /* as many does GitHub show of a step */
#define SUMMARY_MAX     ((1U << 20) - 1024) /* it takes no more than 1 MiB of a step */

/* Text of a command; a property's (not its message's) knows two characters more. */
static void write_escaped(const char *s, bool property, FILE *out) {
    for (; *s; s++)
        if (*s == '%' || *s == '\r' || *s == '\n' || (property && (*s == ':' || *s == ',')))
            fprintf(out, "%%%02X", (unsigned char)*s);
        else
            fputc(*s, out);
}

/* The manifest's line with a job's header; false: it is in no file. */
static bool find_header(const struct plan *plan, const char *section, const struct source **file,
                        uint32_t *line) {
    char header[TEXT_NAME_MAX + 16];
    size_t n = (size_t)snprintf(header, sizeof header, "[job %s]", section);

    for (uint32_t i = 0; i < plan->sources.count; i++) {
        const struct source *s = plan->sources.list[i];

        *line = 1;
        for (const char *at = s->bytes, *end = s->bytes + s->len; at < end; at++, ++*line) {
            if ((size_t)(end - at) >= n && memcmp(at, header, n) == 0) {
                *file = s;
                return *s->name != '<';
            }
            at = memchr(at, '\n', (size_t)(end - at));
            if (!at)
                break;
        }
    }
    return false;
}

static void annotate(const struct report_input *in, const struct report_row *row, FILE *out) {
    const struct source *file;
    char reason[ROW_REASON_MAX], visible[2 * ROW_REASON_MAX];
    uint32_t line;

    fprintf(out, "::error ");
    if (find_header(in->run->plan, row->section, &file, &line)) {
        fprintf(out, "file=");
        write_escaped(file->name, true, out);
        fprintf(out, ",line=%" PRIu32 ",", line);
    }
    fprintf(out, "title=job ");
    write_escaped(row->name, true, out);
    fprintf(out, "::");
    row_reason(in, row, reason, sizeof reason);
    text_visible(visible, sizeof visible, reason, strlen(reason), NULL);
    write_escaped(visible, false, out);
    fputc('\n', out);
}

static bool is_failure(const struct job_result *r) {
    return (r->status == STATUS_FAILED || r->status == STATUS_TIMEOUT) && !r->allowed;
}

void ci_annotate(const struct ci *ci, const struct report_input *in, FILE *out) {
    uint32_t failed = 0, told = 0, most;
    struct report_row row;
    struct rows rows;

    if (ci->kind != CI_GITHUB)
        return;
    for (rows_begin(&rows, in); rows_next(&rows, &row);)
        failed += is_failure(row.result);
    most = failed > ANNOTATIONS_MAX ? ANNOTATIONS_MAX - 1 : failed;
    for (rows_begin(&rows, in); told < most && rows_next(&rows, &row);)
        if (is_failure(row.result)) {
            annotate(in, &row, out);
            told++;
        }
    if (failed > told)
        fprintf(out, "::error title=muster::%" PRIu32 " more jobs failed\n", failed - told);
}

static const char *summary_path(void) {
    const char *path = getenv("GITHUB_STEP_SUMMARY");

    return path && *path ? path : NULL;
}

bool ci_summarises(const struct ci *ci) {
    return ci->kind == CI_GITHUB && summary_path();
}

int ci_summarise(const struct ci *ci, const struct report_input *in) {
    const char *path = summary_path();
    int fd, error = 0;
    char *text = NULL;
    struct stat st;
    size_t n = 0;
    FILE *out;

    if (!ci_summarises(ci))
        return 0;
    fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
    if (fd < 0)
        return -errno;
    out = open_memstream(&text, &n);
    if (!out || fstat(fd, &st) < 0)
        error = out ? -errno : UV_ENOMEM;
    else if (st.st_size < SUMMARY_MAX / 2) /* else too little is left to say anything */
        error = markdown_write(in, SUMMARY_MAX - (size_t)st.st_size, out);
    if (out && fclose(out) != 0 && !error)
        error = UV_ENOMEM;
    if (!error)
        error = sink_write_all(fd, text, n);
    if (close(fd) < 0 && !error)
        error = -errno;
    free(text);
    return error;
}
