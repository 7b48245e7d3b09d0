/* SPDX-License-Identifier: MIT */
/* common: what several verbs do: speak, load a manifest, deliver a report. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/host.h"
#include "base/text.h"
#include "report/report.h"
#include "report/sink.h"

void cli_error(const char *fmt, ...) {
    char start[512]; /* of a longer one, when there is no memory for the whole */
    char *whole;
    va_list args;
    int n;

    va_start(args, fmt);
    n = vasprintf(&whole, fmt, args);
    va_end(args);
    if (n < 0) {
        whole = NULL;
        va_start(args, fmt);
        n = vsnprintf(start, sizeof start, fmt, args);
        va_end(args);
        n = n < 0 ? 0 : n < (int)sizeof start ? n : (int)sizeof start - 1;
    }
    flockfile(stderr);
    fputs("muster: ", stderr);
    text_visible_write(stderr, whole ? whole : start, (size_t)n, NULL);
    fputc('\n', stderr);
    funlockfile(stderr);
    free(whole);
}

const char *cli_state_trouble(int error) {
    return error == UV_ENOENT ? "there is no XDG_STATE_HOME and no home folder (see --state-dir)"
                              : strerror(-error);
}

void cli_tell_state_file(const char *what, const char *folder, const char *name, int error) {
    const char *words = error == UV_ELOOP   ? "is a symbolic link"
                        : error == UV_EPERM ? "is no plain file of this user alone"
                                            : strerror(-error);

    cli_error("%s: %s%s%s: %s; nothing was run", what, folder, name ? "/" : "", name ? name : "",
              words);
}

bool cli_wants_color(const struct cli_options *o, int fd) {
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    if (o->color != COLOR_AUTO)
        return o->color == COLOR_ALWAYS;
    return !(no && *no) && !(term && strcmp(term, "dumb") == 0) && isatty(fd);
}

const char *cli_manifest_name(const char *path) {
    return strcmp(path, "-") == 0 ? "<stdin>" : path;
}

int cli_load(const struct cli_options *o, const char *path, struct plan **out, unsigned *errors,
             unsigned *warnings) {
    struct plan_opts opts = {
        .path = path,
        .io_limit = o->io_limit,
        .cpu_workers = o->cpu_workers,
        .cpus = host_cpus(),
        .defines = o->defines,
        .jobs = o->verb == VERB_RUN || o->verb == VERB_PLAN ? o->jobs : NULL,
        .tags = o->tags,
    };
    struct diag *diag = NULL;
    int error = plan_load(&opts, out, &diag);

    if (!*out) {
        cli_error("%s: %s", cli_manifest_name(path),
                  error == UV_ENOMEM ? "out of memory" : strerror(-error));
        return CLI_BROKEN;
    }
    diag_render(diag, cli_manifest_name(path), stderr, cli_wants_color(o, STDERR_FILENO));
    fflush(stderr);
    if (errors)
        *errors = diag->errors;
    if (warnings)
        *warnings = diag->warnings;
    if (!error)
        return 0;
    *out = plan_free(*out);
    return CLI_USAGE;
}

int cli_check_reports(const struct report_spec *a, size_t na, const struct report_spec *b,
                      size_t nb) {
    size_t count = 0;

    for (size_t i = 0; i < na; i++)
        count += !a[i].file;
    for (size_t i = 0; i < nb; i++)
        count += !b[i].file;
    if (count <= 1)
        return 0;
    cli_error("only one report can be printed on standard output; name files for the others "
              "(--report FORMAT:FILE)");
    return CLI_USAGE;
}

const char *cli_report_name(const struct report_spec *report) {
    return report->shown ? report->shown : report->file ? report->file : "standard output";
}

int cli_deliver(const struct report_spec *report, cli_write_cb write, void *ctx) {
    struct sink sink;
    int error =
        report->file ? sink_open_file(&sink, report->file) : sink_open_fd(&sink, STDOUT_FILENO);

    if (!error) {
        error = write(ctx, report->format, report->file != NULL, sink.stream);
        if (error)
            sink_fail(&sink, error);
        error = sink_close(&sink);
    }
    if (!error)
        return 0;
    cli_error("%s: %s", cli_report_name(report), strerror(-error));
    return CLI_BROKEN;
}

int cli_write_report(void *ctx, enum report_format format, bool to_file, FILE *out) {
    struct report_input in = *(const struct report_input *)ctx;

    in.all_rows = to_file;
    in.color = in.color && !to_file;
    in.failed_only = in.failed_only && !to_file;
    return report_writer(format)->write(&in, out);
}

bool cli_wants_tails(const struct report_spec *reports, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const struct report_writer *writer = report_writer(reports[i].format);

        if (writer && writer->tails)
            return true;
    }
    return false;
}

bool cli_wants_rows(const struct report_spec *reports, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const struct report_writer *writer = report_writer(reports[i].format);

        if (writer && (reports[i].file || !writer->brief))
            return true;
    }
    return false;
}

int cli_deliver_all(const struct cli_options *o, cli_write_cb write, void *ctx) {
    const struct report_spec table = {.format = REPORT_TABLE};
    bool printed = false;
    int status = 0;

    for (size_t i = 0; i < o->nreports; i++) {
        if (cli_deliver(&o->reports[i], write, ctx) != 0)
            status = CLI_BROKEN;
        printed = printed || !o->reports[i].file;
    }
    if (!printed && cli_deliver(&table, write, ctx) != 0)
        status = CLI_BROKEN;
    return status;
}
