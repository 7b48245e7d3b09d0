/* SPDX-License-Identifier: MIT */
/* show: the verb that prints a past run as it was printed then, or a job's output. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/diag.h"
#include "base/text.h"
#include "base/utf8.h"
#include "cli/lookup.h"
#include "exec/capture.h"
#include "report/output.h"
#include "report/report.h"
#include "report/sink.h"

/* ---- a run ---- */

static int add_to_capture(void *ctx, const char *bytes, size_t n) {
    return capture_add(ctx, bytes, n);
}

/*
 * The end of a stream as it was when the run ended, or NULL where there is none. *trouble,
 * 0 before, is why it is not whole, but for what was removed or lost before.
 */
static struct capture *read_tail(struct past *past, const struct past_details *d, uint32_t job,
                                 enum outputs_stream stream, int *trouble) {
    int64_t size = d->outputs[job].size[stream];
    bool wanted = size > 0 || d->outputs[job].lost;
    struct capture *c = wanted ? capture_new() : NULL;
    char line[256];
    int error, n;

    if (wanted && !c)
        *trouble = UV_ENOMEM;
    if (!c)
        return NULL;
    error = past_read(past, d, job, stream, size > OUTPUT_TAIL_MAX ? size - OUTPUT_TAIL_MAX : 0,
                      add_to_capture, c);
    if (error && error != UV_ENOENT)
        *trouble = error;
    if (error || (stream == OUTPUTS_OUT && d->outputs[job].lost)) {
        n = snprintf(line, sizeof line, "[output lost: %s]\n",
                     error == UV_ENOENT ? "removed to make room"
                     : error            ? strerror(-error)
                                        : d->outputs[job].lost);
        error = capture_add(c, line, n < (int)sizeof line ? (size_t)n : sizeof line - 1);
        *trouble = *trouble ? *trouble : error;
    }
    return c;
}

/* All jobs' tails, for reports that show them. NULL: out of memory. *trouble: as above. */
static struct output *read_tails(struct past *past, struct past_details *d, int *trouble) {
    struct output *output;

    if (output_open(&output, false))
        return NULL;
    for (uint32_t i = 0; i < d->plan.njobs; i++) {
        struct job_result *j = &d->run.jobs[i];
        const struct output_job job = {
            .out = read_tail(past, d, i, OUTPUTS_OUT, trouble),
            .err = read_tail(past, d, i, OUTPUTS_ERR, trouble),
            .keep = true,
            .out_at = &j->out_at,
            .out_len = &j->out_len,
            .err_at = &j->err_at,
            .err_len = &j->err_len,
        };

        if (job.out || job.err)
            output_job(output, &job);
    }
    output_drain(output);
    return output;
}

static int show_run(struct past *past, struct past_details *d, const struct cli_options *o) {
    struct report_input in = {.run = &d->run, .color = cli_wants_color(o, STDOUT_FILENO)};
    struct output *output = NULL;
    int status, trouble = 0;

    if (cli_wants_tails(o->reports, o->nreports)) {
        output = read_tails(past, d, &trouble);
        if (!output || output_error(output)) {
            cli_error("history: %s", output ? strerror(-output_error(output)) : "out of memory");
            output_free(output);
            return CLI_BROKEN;
        }
    }
    if (d->run.exit < 0)
        cli_error("run %s %s", d->run.id,
                  d->alive ? "goes on" : "was lost: muster was killed before its end");
    in.output = output;
    status = cli_deliver_all(o, cli_write_report, &in);
    output_free(output);
    if (trouble)
        cli_error("history: not all output could be read: %s", strerror(-trouble));
    return status || !trouble ? status : CLI_BROKEN;
}

/* ---- a job ---- */

/* One stream on its way out. */
struct way {
    FILE *out;
    bool visible; /* it goes to a terminal that is to see no control characters */
    char held[4]; /* the start of a character whose rest has not come */
    size_t nheld;
};

static int write_bytes(void *ctx, const char *bytes, size_t n) {
    struct way *w = ctx;
    size_t split;

    if (!w->visible) {
        fwrite(bytes, 1, n, w->out);
        return 0;
    }
    while (w->nheld > 0 && n > 0) { /* at most three times */
        w->held[w->nheld++] = *bytes++;
        n--;
        if (w->nheld < sizeof w->held && utf8_split(w->held, w->nheld) > 0)
            continue;
        text_visible_write(w->out, w->held, w->nheld, "\n\t");
        w->nheld = 0;
    }
    split = utf8_split(bytes, n);
    text_visible_write(w->out, bytes, n - split, "\n\t");
    memcpy(w->held, bytes + n - split, split);
    w->nheld = split;
    return 0;
}

/* Writes a stream to a sink, which it closes. 0, or CLI_BROKEN and said why. */
static int write_stream(struct past *past, const struct past_details *d, uint32_t job,
                        enum outputs_stream stream, struct sink *sink, bool raw) {
    static const char *const names[] = {"standard output", "standard error"};
    struct way way = {.out = sink->stream, .visible = !raw && isatty(sink->fd)};
    int error = past_read(past, d, job, stream, 0, write_bytes, &way), delivered;

    if (way.nheld > 0)
        text_visible_write(way.out, way.held, way.nheld, NULL);
    delivered = sink_close(sink);
    if (delivered)
        cli_error("%s: %s", names[stream], strerror(-delivered));
    if (error == UV_ENOENT)
        cli_error("output of job %s was removed to make room", d->plan.jobs[job].name);
    else if (error)
        cli_error("history: output of job %s: %s", d->plan.jobs[job].name, strerror(-error));
    return error || delivered ? CLI_BROKEN : 0;
}

static int show_output(struct past *past, const struct past_details *d, uint32_t job, bool raw) {
    struct sink out, err;
    int status = CLI_BROKEN;

    if (sink_open_fd(&out, STDOUT_FILENO) == 0)
        status = write_stream(past, d, job, OUTPUTS_OUT, &out, raw);
    if (!status && sink_open_fd(&err, STDERR_FILENO) == 0)
        status = write_stream(past, d, job, OUTPUTS_ERR, &err, raw);
    if (d->outputs[job].lost)
        cli_error("output of job %s was lost: %s", d->plan.jobs[job].name, d->outputs[job].lost);
    return status;
}

/* The index of a job; NO_JOB, and said so, when nothing bears the name. */
static uint32_t find_job(const struct past_details *d, const char *name) {
    const char **names = calloc((size_t)d->plan.njobs + 1, sizeof *names), *near = NULL;
    uint32_t found = NO_JOB;

    for (uint32_t i = 0; i < d->plan.njobs && found == NO_JOB; i++) {
        if (strcmp(d->plan.jobs[i].name, name) == 0)
            found = i;
        if (names)
            names[i] = d->plan.jobs[i].name;
    }
    if (found == NO_JOB) {
        if (names)
            near = diag_nearest(name, strlen(name), names);
        cli_error("run %s has no job '%s'" DIAG_NEAR, d->run.id, name, DIAG_NEAR_ARGS(near));
    }
    free(names);
    return found;
}

/* ---- the verb ---- */

/* Finds the run that an id's beginning names ("": the last). 0, or the status to end with. */
static int find_run(struct past *past, const char *prefix, struct past_details **out) {
    char id[sizeof(*out)->run.id];
    int64_t row = 0;
    int error = past_find(past, NULL, prefix, &row, id);

    if (error == UV_ENOENT)
        cli_error(*prefix ? "no run '%s' is recorded (see muster history)" : "no run is recorded%s",
                  prefix);
    else if (error == UV_EEXIST)
        cli_error("'%s' may be more than one run (see muster history)", prefix);
    if (error == UV_ENOENT || error == UV_EEXIST)
        return CLI_USAGE;
    if (!error)
        error = past_load(past, row, out);
    if (error)
        cli_error("history: %s", error == UV_ENOMEM ? "out of memory" : past->db.why);
    return error ? CLI_BROKEN : 0;
}

static int show(struct past *past, const struct cli_options *o, const char *prefix,
                const char *job) {
    struct past_details *d = NULL;
    int status = find_run(past, prefix, &d);

    if (!status && !job) {
        status = show_run(past, d, o);
    } else if (!status) {
        uint32_t index = find_job(d, job);

        status = index == NO_JOB ? CLI_USAGE : show_output(past, d, index, o->raw);
    }
    past_details_free(d);
    return status;
}

int cli_show(const struct cli_options *o) {
    char *prefix = strdup(o->past_run ? o->past_run : ""), *job;
    struct lookup lookup;
    int status;

    if (!prefix) {
        cli_error("out of memory");
        return CLI_BROKEN;
    }
    job = strchr(prefix, ':');
    if (job)
        *job++ = '\0';
    status = lookup_open(&lookup, o, "");
    if (!status && !lookup.there) {
        cli_error("no run is recorded");
        status = CLI_USAGE;
    } else if (!status) {
        status = show(&lookup.past, o, prefix, job);
    }
    lookup_close(&lookup);
    free(prefix);
    return status;
}
