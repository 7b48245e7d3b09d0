/* SPDX-License-Identifier: MIT */
/* tasking: attempts of `task` jobs. */
#include "exec/tasking.h"

#include <stdlib.h>
#include <string.h>

#include "base/mask.h"
#include "exec/capture.h"
#include "exec/crew.h"
#include "exec/environ.h"
#include "exec/facts.h"
#include "exec/listing.h"
#include "exec/outfile.h"
#include "exec/reserve.h"
#include "exec/spawn.h"

/*
 * What it goes through: its files are opened, if it has any, by the pool; a hand has
 * the order; then what it answered goes to where its output belongs, and what it told
 * by MUSTER_OUTPUT is read: by the pool too, unless it is little and no file is there.
 */

#define INLINE_MAX (CAPTURE_MEMORY_MAX / 2) /* bytes of a stream that the loop itself takes */

/* Where one of its streams goes. */
struct sink {
    struct capture *capture; /* NULL: nowhere */
    bool to_file;            /* it is one for a file, and ours; else the end has it */
};

struct tasking {
    struct errand errand;
    struct hand_order order;
    char *request;        /* the order's line */
    struct sink out, err; /* err.capture: out's, where standard error goes the same way */
    struct hand_report report;
    char *listing;  /* MUSTER_ITEMS of a batch, or NULL */
    uv_work_t work; /* of the pool: opens, or delivers */
    bool opening;
    bool told; /* it may have, by MUSTER_OUTPUT */
};

static struct tasking *tasking_of(struct hand_order *o) {
    return (struct tasking *)(void *)((char *)o - offsetof(struct tasking, order));
}

/* --- the end -------------------------------------------------------------- */

static void check_file(struct tasking *t, const struct sink *sink, const struct stream *stream,
                       const char *key) {
    struct attempt_end *end = &t->errand.end;
    int error = sink->to_file ? capture_error(sink->capture) : 0;

    if (!error || end->error || end->outcome == OUTCOME_LOST)
        return;
    end->outcome = OUTCOME_LOST;
    errand_explain(&t->errand, "%s: %s: %s", key, stream->text, strerrordesc_np(-error));
}

static void release_sink(struct sink *sink) {
    if (sink->to_file)
        capture_free(sink->capture);
    *sink = (struct sink){NULL, false};
}

static void release(struct tasking *t) {
    struct attempt_end *end = &t->errand.end;
    const struct job_settings *set = t->errand.job->set;

    check_file(t, &t->out, &set->out, "stdout");
    check_file(t, &t->err, &set->err, "stderr");
    if (end->out)
        end->out_bytes = capture_total(end->out);
    if (end->err)
        end->err_bytes = capture_total(end->err);
    release_sink(&t->err);
    release_sink(&t->out);
    free(t->request);
    t->request = NULL;
}

static void finish(struct tasking *t) {
    release(t);
    errand_end(&t->errand);
}

/* --- what came of it -------------------------------------------------------- */

/* Nothing more comes to it. */
static void close_sink(const struct sink *sink) {
    while (sink->capture && !capture_end(sink->capture))
        capture_spill(sink->capture);
    if (sink->to_file && capture_unfiled(sink->capture))
        capture_spill(sink->capture); /* an error stays in it */
}

/* Puts the output where it belongs. Blocks where it is much, or goes to a file. */
static void deliver(struct tasking *t) {
    const struct dialog_line *answer = &t->report.answer;

    if (t->out.capture && answer->output_len)
        capture_add(t->out.capture, answer->output, answer->output_len);
    close_sink(&t->out);
    if (t->err.capture != t->out.capture)
        close_sink(&t->err);
    dialog_line_release(&t->report.answer);
}

static void deliver_work(uv_work_t *work) {
    struct tasking *t = work->data;
    struct errand *e = &t->errand;

    deliver(t);
    t->listing = listing_remove(t->listing);
    if (t->told)
        e->end.facts_lost =
            facts_read(e->env->facts, e->attempt.job, e->attempt.number, &e->end.facts) != 0;
}

static void deliver_done(uv_work_t *work, int status) {
    (void)status;
    finish(work->data);
}

static uint64_t sunk(const struct sink *sink) {
    return sink->capture ? capture_total(sink->capture) : 0;
}

/* Whether it costs the loop next to nothing. */
static bool is_little(const struct tasking *t) {
    return !t->out.to_file && !t->err.to_file && !t->told && !t->listing &&
           sunk(&t->err) <= INLINE_MAX && sunk(&t->out) + t->report.answer.output_len <= INLINE_MAX;
}

/* Brings what is there to its place, and ends it. */
static void wrap_up(struct tasking *t) {
    t->work.data = t;
    if (!is_little(t) &&
        reserve_queue_work(t->errand.env->loop, &t->work, deliver_work, deliver_done) == 0)
        return;
    deliver_work(&t->work); /* better a loop that waits than lost output */
    finish(t);
}

static void take_report(struct tasking *t) {
    struct attempt_end *end = &t->errand.end;
    struct hand_report *r = &t->report;

    end->user_us = r->user_us;
    end->sys_us = r->sys_us;
    end->max_rss = r->max_rss;
    end->exit = r->exit;
    end->signal = r->signal;
    end->killed = r->killed;
    end->leftover = r->leftover;
    end->unkillable = r->unkillable;
    end->error = r->error;
    end->stage = r->stage;
    if (r->detail)
        end->detail = r->detail;
    if (r->answer.kind == DIALOG_ANSWER) {
        end->outcome = OUTCOME_EXIT;
        end->exit = r->answer.exit;
    } else if (!r->error) {
        end->outcome = OUTCOME_LOST;
        if (r->words)
            errand_explain(&t->errand, "%s", r->words);
    }
    free(r->words);
    r->words = r->detail = NULL;
}

static void on_ended(struct hand_order *o, struct hand_report *report) {
    struct tasking *t = tasking_of(o);
    const struct errand *e = &t->errand;

    t->report = *report;
    take_report(t);
    t->told = e->env->facts && facts_made(e->env->facts, e->attempt.job, e->attempt.number);
    wrap_up(t);
}

static void on_begun(struct hand_order *o) {
    struct tasking *t = tasking_of(o);

    t->errand.pid = o->hand->process.group.leader;
    errand_begun(&t->errand);
}

/* --- the beginning ------------------------------------------------------------ */

/* 0 or UV_E…, as begin() of an errand. */
static int give(struct tasking *t) {
    struct errand *e = &t->errand;
    const struct job_settings *set = e->job->set;
    char **env = environ_task(e->env->environ, e->job, t->listing, &e->attempt), *fault = NULL;
    int rc;

    t->order = (struct hand_order){
        .id = crews_next_id(e->env->crews),
        .err = t->err.capture,
        .stop_signal = set->stop_signal,
        .kill_after_ns = set->kill_after_ns,
        .begun = on_begun,
        .ended = on_ended,
    };
    t->request =
        env ? dialog_request(t->order.id, e->job->command, env, &t->order.line_len, &fault) : NULL;
    t->order.line = t->request;
    free(env);
    if (fault) {
        e->end.stage = SPAWN_REQUEST;
        errand_explain(e, "%s", fault);
        free(fault);
        return UV_EINVAL;
    }
    if (!t->request)
        return UV_ENOMEM;
    rc = crews_give(e->env->crews, set->by, &t->order);
    if (rc == 0)
        e->pid = t->order.hand->process.group.leader;
    return rc;
}

static void open_work(uv_work_t *work) {
    struct tasking *t = work->data;
    const struct job_settings *set = t->errand.job->set;
    int *error = &t->errand.end.error;

    if (t->out.to_file)
        *error = outfile_open(&t->errand, &set->out, SPAWN_STDOUT, t->out.capture);
    if (!*error && t->err.to_file)
        *error = outfile_open(&t->errand, &set->err, SPAWN_STDERR, t->err.capture);
    if (!*error && job_is_batch(t->errand.job))
        *error = listing_make(t->errand.job->item, &t->listing, &t->errand.end);
}

static void open_done(uv_work_t *work, int status) {
    struct tasking *t = work->data;
    struct attempt_end *end = &t->errand.end;
    int rc = end->error;

    (void)status;
    t->opening = false;
    if (!rc)
        rc = t->errand.stopped ? UV_ECANCELED : give(t);
    if (rc < 0) {
        end->error = rc;
        wrap_up(t);
    } else if (rc == 0) {
        errand_begun(&t->errand);
    }
}

static int open_files(struct tasking *t) {
    int error;

    t->work.data = t;
    error = reserve_queue_work(t->errand.env->loop, &t->work, open_work, open_done);
    t->opening = !error;
    return error ? error : 1;
}

/* 0 or UV_ENOMEM. */
static int make_sink(struct tasking *t, struct sink *sink, const struct stream *stream,
                     struct capture **captured) {
    const struct mask_set *mask = t->errand.env->plan->mask;

    sink->to_file = outfile_wanted(stream);
    if (!sink->to_file && stream->kind != STREAM_CAPTURE)
        return 0;
    sink->capture = capture_new();
    if (!sink->capture) {
        sink->to_file = false;
        return UV_ENOMEM;
    }
    if (sink->to_file)
        return 0;
    *captured = sink->capture;
    return mask ? capture_mask(sink->capture, mask) : 0;
}

static int begin(struct errand *e) {
    struct tasking *t = (struct tasking *)(void *)e;
    const struct job_settings *set = e->job->set;
    int rc = make_sink(t, &t->out, &set->out, &e->end.out);

    if (!rc && set->err.kind == STREAM_STDOUT)
        t->err.capture = t->out.capture;
    else if (!rc)
        rc = make_sink(t, &t->err, &set->err, &e->end.err);
    if (!rc)
        rc = t->out.to_file || t->err.to_file || job_is_batch(e->job) ? open_files(t) : give(t);
    if (rc < 0)
        release(t);
    return rc;
}

static void stop(struct errand *e) {
    struct tasking *t = (struct tasking *)(void *)e;

    if (t->opening || !t->order.hand)
        return; /* open_done() sees to it, or it is over */
    if (!hand_withdraw(&t->order))
        return;
    e->end.error = UV_ECANCELED;
    wrap_up(t);
}

const struct errand_way tasking_way = {
    .size = sizeof(struct tasking), .begin = begin, .stop = stop};
