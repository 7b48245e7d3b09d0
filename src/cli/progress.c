/* SPDX-License-Identifier: MIT */
/* progress: what a run tells on standard error while it goes on. */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "exec/capture.h"
#include "report/follow.h"
#include "report/jsonl.h"
#include "report/rows.h"
#include "run/ledger.h"
#include "store/store.h"

#define FAILED_LINES   50 /* of a failed job's output */
#define TEXT_MAX       512
#define PART_MAX       64                /* of a line: two numbers and a few words */
#define NAME_SHOWN_MAX 1024              /* bytes of a name that are shown */
#define SHORT_NS       (300 * NS_PER_MS) /* what is over by then never shows how it stood */

/* A job's name as people are shown it, into buf where it is an item's: that may be anything. */
static const char *shown_name(const struct plan_job *job, char buf[NAME_SHOWN_MAX]) {
    if (!job->item)
        return job->name;
    text_visible(buf, NAME_SHOWN_MAX, job->name, strlen(job->name), NULL);
    return buf;
}

#define SHOWN(info) shown_name((info)->def, (char[NAME_SHOWN_MAX]){0})

static void on_say(void *ctx, const char *text) {
    struct progress *p = ctx;
    char line[TEXT_MAX];

    text_visible(line, sizeof line, text, strlen(text), NULL);
    output_printf(p->output, "muster: %s\n", line);
}

static void on_running(void *ctx, const struct job_info *job, uint32_t attempt, int64_t elapsed_ns,
                       const char *last_line) {
    struct progress *p = ctx;
    const struct plan_job *j = job->def;
    char elapsed[TEXT_FORMAT_MAX], line[TEXT_MAX];

    text_format_wall(elapsed_ns, elapsed, sizeof elapsed);
    text_visible(line, sizeof line, last_line, strlen(last_line), NULL);
    output_printf(p->output,
                  "job %s: running for %s, %s lane, attempt %" PRIu32 " of %" PRIu64 "%s%s\n",
                  SHOWN(job), elapsed, lane_words[job->result->lane], attempt,
                  (uint64_t)j->set->retries + 1, *line ? ": " : "", line);
}

static void on_slow(void *ctx, const struct job_info *job, int64_t elapsed_ns,
                    const char *last_line) {
    struct progress *p = ctx;
    char elapsed[TEXT_FORMAT_MAX], line[TEXT_MAX];

    if (p->quiet)
        return;
    text_format_wall(elapsed_ns, elapsed, sizeof elapsed);
    text_visible(line, sizeof line, last_line, strlen(last_line), NULL);
    output_printf(p->output, "job %s: slow, running for %s%s%s\n", SHOWN(job), elapsed,
                  *line ? ": " : "", line);
}

static void on_begun(void *ctx) {
    struct progress *p = ctx;

    p->begun = clock_run_ns();
    if (output_wants_events(p->output))
        output_event(p->output, jsonl_run_start(p->result));
}

/* Hands one stream over to be followed, if it is captured. */
static void follow(struct progress *p, const struct attempt *a, struct capture *c, bool is_err) {
    struct follow_stream stream = {.attempt = a->number, .is_err = is_err, .pty = a->def->set->pty};

    if (!c || !(stream.job = strdup(a->def->name)))
        return;
    stream.capture = capture_share(c);
    stream.item = a->def->item != NULL;
    stream.index = stream.item ? a->def->item->index : 0;
    output_stream(p->output, &stream);
}

static void on_streams(void *ctx, const struct attempt *a, struct capture *out,
                       struct capture *err) {
    struct progress *p = ctx;

    if (!output_follows(p->output))
        return;
    follow(p, a, out, false);
    follow(p, a, err, true);
}

static void on_started(void *ctx, const struct job_info *job, const struct attempt *a, pid_t pid) {
    struct progress *p = ctx;
    char process[PART_MAX] = "", attempt[PART_MAX] = "";
    uint64_t retries = job->def->set->retries;

    if (p->board)
        board_started(p->board, job, a->number, clock_run_ns());
    if (output_wants_events(p->output))
        output_event(p->output, jsonl_job_start(p->result, job, a, pid));
    if (!p->verbose)
        return;
    if (pid)
        snprintf(process, sizeof process, ", pid %d", (int)pid);
    if (retries)
        snprintf(attempt, sizeof attempt, ", attempt %" PRIu32 " of %" PRIu64, a->number,
                 retries + 1);
    output_printf(p->output, "job %s: started, %s lane, slot %" PRIu32 "%s%s\n", SHOWN(job),
                  lane_words[a->lane], a->slot, process, attempt);
}

/* Of each attempt there is an event, also of one that never was a process. */
static void on_unstarted(void *ctx, const struct job_info *job, const struct attempt *a) {
    struct progress *p = ctx;

    if (output_wants_events(p->output))
        output_event(p->output, jsonl_job_start(p->result, job, a, 0));
}

/* An attempt whose streams were followed has ended. */
static void end_streams(struct progress *p, const struct attempt_end *end) {
    if (output_follows(p->output) && end && (end->out || end->err))
        output_streams_end(p->output, capture_share(end->out), capture_share(end->err));
}

static void on_ready(void *ctx, const struct job_info *job, int64_t after_ns) {
    struct progress *p = ctx;
    char after[TEXT_FORMAT_MAX];

    if (p->verbose)
        output_printf(p->output, "job %s: ready after %s\n", job->def->name,
                      text_format_wall(after_ns, after, sizeof after));
}

static void on_waited(void *ctx, const struct job_info *job, const struct wait *list,
                      size_t count) {
    explain_waited(((struct progress *)ctx)->explain, job, list, count);
}

static void on_retry(void *ctx, const struct job_info *job, int64_t delay_ns,
                     const struct attempt_end *end) {
    struct progress *p = ctx;
    const struct job_result *r = job->result;
    char reason[TEXT_MAX] = "failed", delay[TEXT_FORMAT_MAX];

    if (p->board)
        board_retry(p->board, job);
    end_streams(p, end);
    if (output_wants_events(p->output))
        output_event(p->output, jsonl_job_retry(p->result, job, delay_ns));
    if (r->nattempts)
        attempt_reason(&r->attempts[r->nattempts - 1], reason, sizeof reason);
    explain_retry(p->explain, job, delay_ns, reason);
    if (!p->verbose)
        return;
    output_printf(p->output, "job %s: attempt %" PRIu32 " of %" PRIu64 ": %s, next in %s\n",
                  SHOWN(job), r->nattempts, (uint64_t)job->def->set->retries + 1, reason,
                  text_format_wall(delay_ns, delay, sizeof delay));
}

/* Whether a job's end is one that makes the run fail by itself. */
static bool has_failed(const struct job_result *r) {
    return r->status == STATUS_FAILED || r->status == STATUS_TIMEOUT;
}

/* The line about a job's end: always for a timeout, else when asked for. */
static void tell_end(struct progress *p, const struct job_info *job, const char *reason) {
    const struct job_result *r = job->result;
    char wall[TEXT_FORMAT_MAX] = "", left[PART_MAX] = "";

    if (r->status == STATUS_TIMEOUT && !(p->quiet && r->allowed)) {
        output_printf(p->output, "job %s: %s\n", SHOWN(job), reason);
        return;
    }
    if (!p->verbose)
        return;
    if (r->nattempts)
        text_format_wall(job_wall_ns(r), wall, sizeof wall);
    if (r->leftover)
        snprintf(left, sizeof left, ", %" PRIu32 " left process%s stopped", r->leftover,
                 r->leftover == 1 ? "" : "es");
    output_printf(p->output, "job %s: %s%s%s%s%s%s\n", SHOWN(job),
                  r->flaky ? "flaky" : status_words[r->status], *reason ? ": " : "", reason,
                  *wall ? ", " : "", wall, left);
}

static void tell_unkillable(struct progress *p, const struct job_info *job) {
    const struct job_result *r = job->result;
    const struct attempt_result *last = r->nattempts ? &r->attempts[r->nattempts - 1] : NULL;
    const char *ids = last && !last->error ? last->detail : NULL;

    if (r->unkillable)
        output_printf(p->output, "job %s: %" PRIu32 " process%s%s%s%s could not be killed\n",
                      SHOWN(job), r->unkillable, r->unkillable == 1 ? "" : "es", ids ? " (" : "",
                      ids ? ids : "", ids ? ")" : "");
}

static void check_capture(struct progress *p, const struct job_info *job, const struct capture *c) {
    int error = c ? capture_error(c) : 0;

    if (!error || p->lost)
        return;
    p->lost = true;
    output_printf(p->output, "muster: output of job %s: %s\n", SHOWN(job), strerror(-error));
}

/* How many last lines of a job's output are shown. */
static uint32_t lines_shown(const struct progress *p, const struct job_result *r) {
    if (p->mode == OUTPUT_NONE || p->mode == OUTPUT_LIVE ||
        (p->quiet && (!has_failed(r) || r->allowed)))
        return 0;
    if (p->mode == OUTPUT_GROUP)
        return UINT32_MAX;
    return has_failed(r) ? FAILED_LINES : 0;
}

/* "x: exit 3", "x: ok": what the line before a job's output says. */
static char *make_header(const struct job_info *job, const char *reason) {
    const struct job_result *r = job->result;
    char *header;
    /* A timeout has a line of its own that says more. */
    bool worded = *reason && r->status != STATUS_TIMEOUT;

    if (asprintf(&header, "%s: %s", SHOWN(job), worded ? reason : status_words[r->status]) < 0)
        return NULL;
    return header;
}

/* Records an end. Nobody is to read of one that is ok before it is recorded. */
static void record_end(struct progress *p, const struct job_info *job, const char *reason,
                       const struct attempt_end *end) {
    if (!p->store)
        return;
    store_add(p->store, job, reason, end ? end->out : NULL, end ? end->err : NULL);
    if (job->result->status == STATUS_OK && !store_ready(p->store))
        output_hold(p->output, true);
}

/* The result of an item is gone when this is over: what is to be kept of it is a copy. */
static void keep_row(struct progress *p, const struct job_info *job, const char *reason,
                     struct output_job *shown) {
    bool wanted = keeping_wants(&p->keeping, p->result, job);
    struct ledger_row *row = wanted ? ledger_row_make(job, reason) : NULL;

    if (wanted && !row)
        p->lost = true; /* a report will lack it */
    shown->keep = shown->keep && row;
    shown->row = row;
    if (!row)
        return;
    shown->out_at = &row->result.out_at;
    shown->out_len = &row->result.out_len;
    shown->err_at = &row->result.err_at;
    shown->err_len = &row->result.err_len;
}

static void on_no_items(void *ctx, const struct job_info *job) {
    struct progress *p = ctx;

    output_printf(p->output, "muster: warning: job %s has no items\n", SHOWN(job));
}

static void on_items_ended(void *ctx, const struct job_info *section) {
    struct progress *p = ctx;

    if (p->board)
        board_section_ended(p->board, section->section);
}

static void on_done(void *ctx, const struct job_info *job, struct attempt_end *end) {
    struct progress *p = ctx;
    struct job_result *r = job->result;
    char raw[TEXT_MAX], reason[2 * TEXT_MAX];

    if (p->board)
        board_ended(p->board, job);
    job_reason_text(p->result, job, raw, sizeof raw);
    text_visible(reason, sizeof reason, raw, strlen(raw), NULL);
    record_end(p, job, raw, end);
    end_streams(p, end);
    explain_done(p->explain, job, reason);
    tell_end(p, job, reason);
    tell_unkillable(p, job);
    if (end && end->out)
        check_capture(p, job, end->out);
    if (end && end->err)
        check_capture(p, job, end->err);

    struct output_job shown = {
        .out = end ? end->out : NULL,
        .err = end ? end->err : NULL,
        .lines = lines_shown(p, r),
        .pty = job->def->set->pty,
        .fold = !row_bad(r),
        .keep = p->keep,
        .out_at = &r->out_at,
        .out_len = &r->out_len,
        .err_at = &r->err_at,
        .err_len = &r->err_len,
    };
    if (output_wants_events(p->output) &&
        jsonl_job_end(p->result, job, &shown.event, &shown.event_rest) != 0)
        output_event(p->output, NULL);
    if (job->def->item)
        keep_row(p, job, raw, &shown);
    if (!shown.event && !shown.row && ((!shown.out && !shown.err) || (!shown.lines && !shown.keep)))
        return; /* nobody wants it */
    if (shown.lines)
        shown.header = make_header(job, reason);
    if (end)
        end->out = end->err = NULL; /* taken over */
    output_job(p->output, &shown);
}

/* What went wrong with it: always told. */
static void tell_chore(struct progress *p, const struct plan_job *job, const struct job_info *chore,
                       const char *reason) {
    bool ok = chore->result->status == STATUS_OK;
    char name[NAME_SHOWN_MAX];

    if (ok && !p->verbose)
        return;
    output_printf(p->output, "%s%s: %s%s%s\n", job ? "job " : "muster",
                  job ? shown_name(job, name) : "", job ? "cleanup" : "on-end",
                  ok ? " ok" : " failed: ", ok ? "" : reason);
    tell_unkillable(p, chore);
}

static void on_chore_done(void *ctx, const struct plan_job *job, const struct job_info *chore,
                          struct attempt_end *end) {
    struct progress *p = ctx;
    char raw[TEXT_MAX], reason[2 * TEXT_MAX], name[NAME_SHOWN_MAX];

    job_reason_text(p->result, chore, raw, sizeof raw);
    text_visible(reason, sizeof reason, raw, strlen(raw), NULL);
    tell_chore(p, job, chore, *reason ? reason : status_words[chore->result->status]);
    if (!end || !end->out)
        return;
    check_capture(p, chore, end->out);

    /* It is not followed as it comes: with the jobs' output that is shown whole, too. */
    bool whole = p->mode == OUTPUT_LIVE && !(p->quiet && chore->result->status == STATUS_OK);
    struct output_job shown = {.out = end->out,
                               .lines = whole ? UINT32_MAX : lines_shown(p, chore->result)};
    if (!shown.lines)
        return;
    if (asprintf(&shown.header, "%s%s%s", job ? shown_name(job, name) : "",
                 job ? ": cleanup" : "on-end",
                 chore->result->status == STATUS_OK ? "" : " failed") < 0)
        shown.header = NULL;
    end->out = NULL; /* taken over */
    output_job(p->output, &shown);
}

static void on_tick(void *ctx, const struct sched_counts *counts) {
    struct progress *p = ctx;
    int64_t now = clock_run_ns();
    struct standing standing;

    if (now - p->begun < SHORT_NS)
        return;
    board_read(p->board, counts, p->begun, now, &standing);
    display_post(p->display, &standing);
    output_wake(p->output);
}

static void on_paused(void *ctx, bool paused) {
    struct progress *p = ctx;

    if (!p->display)
        return;
    display_pause(p->display, paused);
    output_wake(p->output);
    display_wait(p->display);
}

const struct session_events progress_events = {
    .jobs = {.started = on_started,
             .unstarted = on_unstarted,
             .ready = on_ready,
             .waited = on_waited,
             .retry = on_retry,
             .done = on_done,
             .no_items = on_no_items,
             .items_ended = on_items_ended},
    .begun = on_begun,
    .streams = on_streams,
    .say = on_say,
    .show_slow = on_slow,
    .chore_done = on_chore_done,
    .show_running = on_running,
    .tick = on_tick,
    .paused = on_paused,
};
