/* SPDX-License-Identifier: MIT */
/* board: what of a run has ended, and what runs since when, for its status. Pure. */
#include "report/board.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "base/text.h"
#include "run/job.h"

#define RATE_JOBS_MIN 3              /* ended, */
#define RATE_TIME_MIN (2 * NS_PER_S) /* and gone by, before a rate says anything */

struct board_entry {
    struct board_entry *next, *previous; /* in the order of starts */
    struct board_entry *beside;          /* in its bucket */
    struct job_info job;
    uint32_t attempt;
    int64_t since;
};

uint32_t board_items(const struct plan_items *items) {
    uint64_t count = 1;

    for (uint32_t i = 0; i < items->naxes && count <= UINT32_MAX; i++) {
        const struct plan_axis *axis = &items->axes[i];
        uint64_t values = axis->kind == AXIS_LIST ? axis->nvalues : axis->range.last + 1;

        if (axis->kind != AXIS_LIST && axis->kind != AXIS_RANGE)
            return 0;
        count *= values <= UINT32_MAX ? values : UINT32_MAX;
    }
    if (items->nexcluded > 0 || items->only || count > UINT32_MAX)
        return 0;
    return (uint32_t)(items->batch ? (count + items->batch - 1) / items->batch : count);
}

int board_init(struct board *b, const struct plan *plan, const struct length *lengths) {
    *b = (struct board){.plan = plan};
    if (plan_has_items(plan)) {
        b->left = calloc(plan->njobs, sizeof *b->left);
        if (!b->left)
            return UV_ENOMEM;
    }
    for (uint32_t i = 0; i < plan->njobs; i++) {
        if (!job_has_items(&plan->jobs[i])) {
            b->jobs++;
            continue;
        }
        b->left[i] = board_items(plan->jobs[i].items);
        b->jobs += b->left[i];
        b->open += b->left[i] == 0;
    }
    if (lengths)
        b->forecast = forecast_new(plan, lengths, b->left);
    return 0;
}

void board_started(struct board *b, const struct job_info *job, uint32_t attempt, int64_t now) {
    struct board_entry *entry = malloc(sizeof *entry);
    struct board_entry **bucket = &b->buckets[job->id % BOARD_BUCKETS];

    if (!entry)
        return; /* a line less on the screen */
    *entry = (struct board_entry){
        .previous = b->last, .beside = *bucket, .job = *job, .attempt = attempt, .since = now};
    *(b->last ? &b->last->next : &b->first) = entry;
    b->last = *bucket = entry;
    b->running++;
}

static void stopped(struct board *b, uint32_t id) {
    struct board_entry **at = &b->buckets[id % BOARD_BUCKETS], *entry;

    while (*at && (*at)->job.id != id)
        at = &(*at)->beside;
    entry = *at;
    if (!entry)
        return;
    *at = entry->beside;
    *(entry->previous ? &entry->previous->next : &b->first) = entry->next;
    *(entry->next ? &entry->next->previous : &b->last) = entry->previous;
    b->running--;
    free(entry);
}

void board_retry(struct board *b, const struct job_info *job) {
    stopped(b, job->id);
    b->retries++;
}

void board_ended(struct board *b, const struct job_info *job) {
    enum status status = (enum status)job->result->status;

    stopped(b, job->id);
    b->done++;
    b->failed += (status == STATUS_FAILED || status == STATUS_TIMEOUT) && !job->result->allowed;
    if (b->forecast)
        forecast_ended(b->forecast, job->section);
    if (!job_has_items(&b->plan->jobs[job->section]))
        return;
    if (b->left[job->section] > 0)
        b->left[job->section]--;
    else
        b->jobs++;       /* nobody knew of it */
    if (!job->def->item) /* it stands for items that there are not */
        board_section_ended(b, job->section);
}

void board_section_ended(struct board *b, uint32_t section) {
    b->open -= board_items(b->plan->jobs[section].items) == 0;
    b->jobs -= b->left[section]; /* they have not been made */
    b->left[section] = 0;
    if (b->forecast)
        forecast_closed(b->forecast, section);
}

/* How long it will take yet; -1: nobody knows. */
static int64_t left_ns(struct board *b, const struct standing *s, int64_t now) {
    if (b->forecast) {
        for (const struct board_entry *e = b->first; e; e = e->next)
            forecast_running(b->forecast, e->job.section, now - e->since);
        return forecast_left(b->forecast, s->width);
    }
    if (s->open || s->done < RATE_JOBS_MIN || s->elapsed_ns < RATE_TIME_MIN)
        return -1;
    return (int64_t)((double)s->elapsed_ns / s->done * (s->jobs - s->done));
}

void board_read(struct board *b, const struct sched_counts *counts, int64_t start, int64_t now,
                struct standing *out) {
    *out = (struct standing){.jobs = b->jobs,
                             .open = b->open > 0,
                             .done = b->done,
                             .failed = b->failed,
                             .running = b->running,
                             .delayed = counts->by_state[JOB_BACKOFF],
                             .retries = b->retries,
                             .elapsed_ns = now - start};
    for (int lane = 0; lane < LANES; lane++) {
        out->used[lane] = counts->running[lane];
        out->width[lane] = counts->width[lane];
    }
    for (const struct board_entry *e = b->first; e && out->njobs < STANDING_JOBS_MAX; e = e->next) {
        struct standing_job *job = &out->job[out->njobs++];

        text_visible(job->name, sizeof job->name, e->job.def->name, strlen(e->job.def->name), NULL);
        job->lane = (enum lane)e->job.result->lane;
        job->attempt = e->attempt;
        job->elapsed_ns = now - e->since;
    }
    out->more = b->running - (uint32_t)out->njobs;
    out->left_ns = left_ns(b, out, now);
}

void board_release(struct board *b) {
    while (b->first)
        stopped(b, b->first->job.id);
    b->forecast = forecast_free(b->forecast);
    free(b->left);
    b->left = NULL;
}
