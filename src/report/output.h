/* SPDX-License-Identifier: MIT */
/*
 * output: standard error while a run goes on, and what becomes of the jobs'
 * captured output, on a thread of its own, so that no slow terminal, pipe or
 * disk ever holds the loop.
 */
#ifndef MUSTER_REPORT_OUTPUT_H
#define MUSTER_REPORT_OUTPUT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct capture;
struct ci;
struct display;
struct follow_stream;
struct ledger;
struct ledger_row;
struct output;
struct sink;

#define OUTPUT_TAIL_MAX (64U << 10) /* bytes of each stream that reports show */
#define OUTPUT_SHOW_MAX (1U << 20)  /* bytes of each stream that its last lines may have */

/* What of a job's captured output is wanted. */
struct output_job {
    char *header;        /* words of the line before it, malloc'd, taken over, or NULL */
    struct capture *out; /* taken over, or NULL */
    struct capture *err;
    uint32_t lines;           /* show so many last lines, UINT32_MAX: all, 0: none */
    bool pty;                 /* it was written for a terminal (see painted.h) */
    bool fold;                /* in a CI's log it is of no interest unless asked for */
    bool keep;                /* keep the tails for the reports */
    char *event, *event_rest; /* its end as an event (see jsonl.h), malloc'd, taken over, or NULL */
    struct ledger_row *row;   /* to be kept, malloc'd, taken over, or NULL */
    uint64_t *out_at, *out_len, *err_at, *err_len; /* where keep puts the tails' places */
};

/* `tty`: standard error is a terminal: control characters of jobs are made
 * visible. 0 or UV_ENOMEM. Main thread, as all that follow. */
int output_open(struct output **out, bool tty);
/*
 * Has running jobs' output followed (see follow.h), as lines if `live`, names padded to
 * `width`, and into files of the folder `log_dir` if that is not -1, which is taken
 * over. Before all others. 0 or UV_E….
 */
int output_follow(struct output *o, int log_dir, bool live, unsigned width);
/* Writes for the log of a CI service; `ci` stays its owner's, who leaves it alone until
 * output_drain(). Before all others. */
void output_set_ci(struct output *o, struct ci *ci);
/* Shows how the run stands there, too; `display` stays its owner's. Before all others. */
void output_set_display(struct output *o, struct display *display);
/* There is news for the display. Never blocks. */
void output_wake(struct output *o);
/* Colours of jobs that were given a terminal are shown on this one. Before all others. */
void output_allow_colors(struct output *o);
/* Whether anybody follows. */
bool output_follows(const struct output *o);
/* Queues a stream that begins; what it owns is taken over. Never blocks. */
void output_stream(struct output *o, const struct follow_stream *stream);
/* Queues the ends of such streams, captures which are taken over; NULL: none. */
void output_streams_end(struct output *o, struct capture *out, struct capture *err);
/* The first error of the files that were followed into, or 0. After output_drain(). */
int output_log_error(const struct output *o);
/* Events go there too. Before the first one; the sink stays its owner's, who leaves it alone
 * until output_drain(). */
void output_add_events(struct output *o, struct sink *sink);
/* Whether anybody wants events. */
bool output_wants_events(const struct output *o);
/* Queues an event, a line that was malloc'd and is taken over; NULL: it is missing for want of
 * memory, which counts as an error. Never blocks. */
void output_event(struct output *o, char *line);
/* Queues a line or several, whole; text is copied. Never blocks. */
void output_text(struct output *o, const char *text, size_t n);
void output_printf(struct output *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Queues a job's output. Never blocks. */
void output_job(struct output *o, const struct output_job *job);
/* Whether what is queued waits, for this to be called again or for output_drain(). */
void output_hold(struct output *o, bool hold);
/* Waits until all is written and ends the thread; the tails stay readable.
 * Blocks as long as standard error does. */
void output_drain(struct output *o);
/* The rows that were kept, or NULL: there are none. After output_drain. */
struct ledger *output_ledger(const struct output *o);
/* The first error that lost a tail or an event, or 0. Lost text on standard error is none:
 * there is nobody to tell. */
int output_error(const struct output *o);
/* Copies a kept tail. How many bytes, or UV_E…. After output_drain. */
long output_tail(const struct output *o, uint64_t at, char *buf, size_t n);
/*
 * What stands in the place of a tail, or of its rest, that was lost by output_error(),
 * behind a byte `last`: into buf, n bytes at most. How many.
 */
size_t output_lost(const struct output *o, char last, char *buf, size_t n);
/* Accepts NULL; returns NULL. */
struct output *output_free(struct output *o);
#endif
