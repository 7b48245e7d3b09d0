/* SPDX-License-Identifier: MIT */
/*
 * output: standard error while a run goes on, and what becomes of the jobs'
 * captured output, on a thread of its own, so that no slow terminal, pipe or
 * disk ever holds the loop.
 */
#include "report/output.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/utf8.h"
#include "exec/capture.h"
#include "report/display.h"
#include "report/emit.h"
#include "report/follow.h"
#include "report/quote.h"
#include "report/sink.h"
#include "report/tail.h"
#include "run/ledger.h"

#define EVENTS_MAX 16
#define STEP_NS    (50 * NS_PER_MS) /* between two looks at running jobs */
#define BATCH      256U             /* items that do not wait for the next drawing */

/* One thing to be written, in the order of asking. */
struct item {
    struct item *next;
    enum { ITEM_TEXT, ITEM_EVENT, ITEM_JOB, ITEM_STREAM, ITEM_STREAMS_END } kind;
    struct output_job job;       /* of a job; only the captures: of streams' ends */
    struct follow_stream stream; /* of a stream */
    size_t n;                    /* else: bytes of text */
    char text[];
};

struct output {
    struct emitter emitter; /* thread */
    pthread_t thread;
    pthread_mutex_t lock; /* of the queue, held, closing and error */
    pthread_cond_t wake;  /* something was queued, or closing */
    struct item *first, **last;
    size_t queued;
    bool held;
    bool closing;
    bool batching;                   /* thread: items are handled till there are none */
    int error;                       /* the first that lost a tail or an event */
    bool running;                    /* main thread: the thread is to be joined */
    struct sink *events[EVENTS_MAX]; /* constant once there are items */
    size_t nevents;
    bool events_seen;       /* constant then: one goes to a terminal */
    struct follows follows; /* thread */
    bool following;         /* constant once there are items */
    int64_t stepped_ns;     /* thread: clock_ns() */
    struct ledger *ledger;  /* made before the first row; thread; main once joined */
    struct capture *tails;  /* thread; main once joined */
};

/* ---- the thread's side ---- */

static void note_error(struct output *o, int error) {
    pthread_mutex_lock(&o->lock);
    if (o->error == 0)
        o->error = error;
    pthread_mutex_unlock(&o->lock);
}

/* Reads the end of a stream into the block. How many bytes. */
static size_t read_tail(struct output *o, const struct capture *c) {
    int error;
    size_t n = tail_read(c, o->emitter.block, OUTPUT_TAIL_MAX, &error);

    if (error)
        note_error(o, error);
    return n;
}

/* Copies the end of a stream into the store of the tails. */
static void keep_tail(struct output *o, const struct capture *c, uint64_t *at, uint64_t *len) {
    uint64_t start = capture_size(o->tails);
    size_t n = read_tail(o, c);
    int error = capture_add(o->tails, o->emitter.block, n);

    *at = start;
    *len = capture_size(o->tails) - start;
    if (error) {
        note_error(o, error);
        *len = n < OUTPUT_TAIL_MAX ? n + 1 : n; /* less will be found: output_lost() */
    }
}

static void keep_row(struct output *o, const struct ledger_row *row) {
    int error = ledger_add(o->ledger, row);

    if (error)
        note_error(o, error);
}

/* Ends an event: what it says is to be read by now. */
static void flush_events(struct output *o) {
    for (size_t i = 0; i < o->nevents; i++) {
        fflush(o->events[i]->stream);
        sink_publish(o->events[i]);
    }
}

static void put_event(struct output *o, const char *text, size_t n) {
    if (o->events_seen)
        emit_room(&o->emitter);
    for (size_t i = 0; i < o->nevents; i++)
        fwrite(text, 1, n, o->events[i]->stream);
}

/* A job's end, with what it wrote in the middle. */
static void put_job_event(struct output *o, const struct output_job *job) {
    const struct capture *streams[2] = {job->out, job->err};
    static const char *const names[2] = {"stdout", "stderr"};

    put_event(o, job->event, strlen(job->event));
    for (int i = 0; i < 2; i++) {
        size_t n = read_tail(o, streams[i]);
        bool cut = streams[i] && capture_size(streams[i]) > n;
        size_t skip = cut ? utf8_rest(o->emitter.block, n) : 0;

        for (size_t k = 0; k < o->nevents; k++) {
            fprintf(o->events[k]->stream, ",\"%s\":", names[i]);
            if (quote_write(o->emitter.block + skip, n - skip, o->events[k]->stream) != 0)
                note_error(o, UV_ENOMEM);
        }
    }
    put_event(o, job->event_rest, strlen(job->event_rest));
    flush_events(o);
}

/* Frees what an item owns. */
static void item_release(const struct item *item) {
    capture_free(item->job.out);
    capture_free(item->job.err);
    free(item->job.header);
    free(item->job.event);
    free(item->job.event_rest);
    free(item->job.row);
    capture_free(item->stream.capture);
    free(item->stream.job);
}

/* Whether the next item is to be handled now. Locked. */
static bool item_due(const struct output *o, int64_t now) {
    if (!o->first || (o->held && !o->closing))
        return false;
    return !o->emitter.display || o->batching || o->closing || o->queued >= BATCH ||
           !display_defers(o->emitter.display, now);
}

/* When there is something else to do, or an item that was deferred; INT64_MAX: not before
 * somebody says so. Locked. */
static int64_t next_due(const struct output *o) {
    int64_t due =
        o->emitter.display ? display_due(o->emitter.display, o->first && !o->held) : INT64_MAX;

    if (o->follows.count > 0 && o->stepped_ns + STEP_NS < due)
        due = o->stepped_ns + STEP_NS;
    return due;
}

/* The next item; NULL with *end at the end, or without when there is something else to do. */
static struct item *next_item(struct output *o, bool *end) {
    struct item *item = NULL;
    int64_t now, due;

    pthread_mutex_lock(&o->lock);
    while (now = clock_ns(), due = next_due(o), !item_due(o, now)) {
        if (o->closing || o->batching || now >= due)
            break;
        thread_wait(&o->wake, &o->lock, due);
    }
    if (item_due(o, now)) {
        item = o->first;
        o->first = item->next;
        o->queued--;
        if (!o->first)
            o->last = &o->first;
    }
    o->batching = item != NULL;
    *end = !item && o->closing;
    pthread_mutex_unlock(&o->lock);
    return item;
}

static void handle_job(struct output *o, struct output_job *job) {
    const struct emit_job shown = {.header = job->header,
                                   .streams = {job->out, job->err},
                                   .stays = OUTPUT_TAIL_MAX,
                                   .lines = job->lines,
                                   .most = OUTPUT_SHOW_MAX,
                                   .pty = job->pty,
                                   .fold = job->fold};
    int error = emit_job(&o->emitter, &shown);

    if (error)
        note_error(o, error);
    if (job->keep) {
        keep_tail(o, job->out, job->out_at, job->out_len);
        keep_tail(o, job->err, job->err_at, job->err_len);
    }
    if (job->row)
        keep_row(o, job->row);
    if (job->event)
        put_job_event(o, job);
}

static void handle(struct output *o, struct item *item) {
    switch (item->kind) {
    case ITEM_TEXT:
        emit_text(&o->emitter, item->text, item->n);
        break;
    case ITEM_EVENT:
        put_event(o, item->text, item->n);
        flush_events(o);
        break;
    case ITEM_JOB:
        handle_job(o, &item->job);
        break;
    case ITEM_STREAM:
        follows_add(&o->follows, &item->stream);
        item->stream = (struct follow_stream){0};
        break;
    case ITEM_STREAMS_END:
        if (item->job.out)
            follows_end(&o->follows, item->job.out);
        if (item->job.err)
            follows_end(&o->follows, item->job.err);
        emit_flush(&o->emitter);
        break;
    }
}

static void step_display(struct output *o) {
    char line[DISPLAY_LINE_MAX];

    emit_text(&o->emitter, line, display_step(o->emitter.display, clock_ns(), line));
}

static void *output_main(void *arg) {
    struct output *o = arg;
    bool end = false;

    while (!end) {
        struct item *item = next_item(o, &end);

        if (item) {
            handle(o, item);
            item_release(item);
            free(item);
        }
        if (o->follows.count > 0 && clock_ns() - o->stepped_ns >= STEP_NS) {
            follows_step(&o->follows);
            emit_flush(&o->emitter);
            o->stepped_ns = clock_ns();
        }
        /* Also amid items, if there is no end of them. */
        if (o->emitter.display &&
            (!item || clock_ns() >= o->emitter.display->frame_ns + DISPLAY_FRAME_NS))
            step_display(o);
    }
    if (o->emitter.display)
        display_hide(o->emitter.display, false);
    return NULL;
}

/* ---- the main thread's side ---- */

int output_open(struct output **out, bool tty) {
    struct output *o = calloc(1, sizeof *o);

    *out = NULL;
    if (!o)
        return UV_ENOMEM;
    pthread_mutex_init(&o->lock, NULL);
    thread_cond_init(&o->wake);
    follows_init(&o->follows, -1, NULL, NULL);
    o->last = &o->first;
    o->tails = capture_new();
    if (emitter_init(&o->emitter, tty) != 0 || !o->tails) {
        output_free(o);
        return UV_ENOMEM;
    }
    *out = o;
    return 0;
}

/* The thread is there from the first item on: many a run has none. Where it
 * cannot be had the queue waits for the next item, at last for output_drain(). */
static void start(struct output *o) {
    if (!o->running)
        o->running = thread_start(&o->thread, output_main, o) == 0;
}

static void enqueue(struct output *o, struct item *item) {
    pthread_mutex_lock(&o->lock);
    *o->last = item;
    o->last = &item->next;
    o->queued++;
    pthread_cond_signal(&o->wake);
    pthread_mutex_unlock(&o->lock);
    start(o);
}

/* Queues a copy of an item, which is taken over whatever comes of it. */
static void queue(struct output *o, const struct item *like) {
    struct item *item = malloc(sizeof *item);

    if (!item) {
        item_release(like);
        note_error(o, UV_ENOMEM); /* who hands it over wants it shown or kept */
        return;
    }
    *item = *like;
    enqueue(o, item);
}

static struct item *new_text(const char *text, size_t n) {
    struct item *item = malloc(sizeof *item + n);

    if (item) {
        *item = (struct item){.n = n};
        memcpy(item->text, text, n);
    }
    return item;
}

void output_text(struct output *o, const char *text, size_t n) {
    struct item *item = new_text(text, n);

    if (item)
        enqueue(o, item); /* else a line less, and nothing that could say so */
}

int output_follow(struct output *o, int log_dir, bool live, unsigned width) {
    int error = 0;

    if (live)
        error = emitter_expect_lines(&o->emitter, width);
    if (error && log_dir >= 0)
        close(log_dir);
    if (!error)
        error = follows_init(&o->follows, log_dir, live ? emit_line : NULL, &o->emitter);
    o->following = !error && (live || log_dir >= 0);
    return error;
}

void output_set_ci(struct output *o, struct ci *ci) {
    o->emitter.ci = ci;
}

void output_set_display(struct output *o, struct display *display) {
    o->emitter.display = display;
}

void output_allow_colors(struct output *o) {
    o->emitter.color = true;
}

void output_wake(struct output *o) {
    pthread_mutex_lock(&o->lock);
    pthread_cond_signal(&o->wake);
    pthread_mutex_unlock(&o->lock);
    start(o);
}

bool output_follows(const struct output *o) {
    return o->following;
}

void output_stream(struct output *o, const struct follow_stream *stream) {
    queue(o, &(struct item){.kind = ITEM_STREAM, .stream = *stream});
}

void output_streams_end(struct output *o, struct capture *out, struct capture *err) {
    queue(o, &(struct item){.kind = ITEM_STREAMS_END, .job = {.out = out, .err = err}});
}

int output_log_error(const struct output *o) {
    return o->follows.error;
}

void output_add_events(struct output *o, struct sink *sink) {
    o->events_seen = o->events_seen || isatty(sink->fd);
    if (o->nevents < EVENTS_MAX)
        o->events[o->nevents++] = sink;
    else
        sink_fail(sink, UV_ENOBUFS);
}

bool output_wants_events(const struct output *o) {
    return o->nevents > 0;
}

void output_event(struct output *o, char *line) {
    struct item *item = line ? new_text(line, strlen(line)) : NULL;

    free(line);
    if (!item) {
        note_error(o, UV_ENOMEM);
        return;
    }
    item->kind = ITEM_EVENT;
    enqueue(o, item);
}

void output_printf(struct output *o, const char *fmt, ...) {
    va_list args;
    char *text;
    int n;

    va_start(args, fmt);
    n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0)
        return;
    output_text(o, text, (size_t)n);
    free(text);
}

void output_job(struct output *o, const struct output_job *job) {
    const struct item item = {.kind = ITEM_JOB, .job = *job};

    if (job->row && !o->ledger)
        o->ledger = ledger_new();
    if (!job->row || o->ledger) {
        queue(o, &item);
        return;
    }
    item_release(&item);
    note_error(o, UV_ENOMEM);
}

void output_hold(struct output *o, bool hold) {
    pthread_mutex_lock(&o->lock);
    o->held = hold;
    pthread_cond_signal(&o->wake);
    pthread_mutex_unlock(&o->lock);
}

void output_drain(struct output *o) {
    pthread_mutex_lock(&o->lock);
    o->closing = true;
    pthread_cond_signal(&o->wake);
    pthread_mutex_unlock(&o->lock);
    if (o->running)
        pthread_join(o->thread, NULL);
    else
        output_main(o);
    o->running = false;
    follows_release(&o->follows);
}

struct ledger *output_ledger(const struct output *o) {
    return o->ledger;
}

int output_error(const struct output *o) {
    return o->error;
}

long output_tail(const struct output *o, uint64_t at, char *buf, size_t n) {
    return capture_read(o->tails, at, buf, n);
}

size_t output_lost(const struct output *o, char last, char *buf, size_t n) {
    char line[TAIL_LOST_MAX];
    size_t len = tail_lost(o->error, last, line);

    len = len < n ? len : n;
    memcpy(buf, line, len);
    return len;
}

struct output *output_free(struct output *o) {
    if (!o)
        return NULL;
    output_drain(o);
    capture_free(o->tails);
    ledger_free(o->ledger);
    pthread_cond_destroy(&o->wake);
    pthread_mutex_destroy(&o->lock);
    emitter_release(&o->emitter);
    free(o);
    return NULL;
}
