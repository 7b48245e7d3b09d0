/* SPDX-License-Identifier: MIT */
/* showing: what runs, for who asks by a signal, and where a job runs for long. */
#include "run/showing.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "exec/lanes.h"
#include "run/cleanup.h"
#include "run/sched.h"
#include "run/session_opts.h"

void showing_open(struct showing *s, uv_loop_t *loop, const struct session_opts *opts) {
    *s = (struct showing){.opts = opts};
    uv_timer_init(loop, &s->timer);
    uv_timer_init(loop, &s->ticker);
    s->timer.data = s->ticker.data = s;
}

/* Points out what has run for long. */
static void on_timer(uv_timer_t *timer) {
    struct showing *s = timer->data;
    int64_t now = clock_run_ns();
    struct job_info job;
    uint32_t next = 0;
    char line[256];

    while (sched_next_running(s->sched, &next, &job)) {
        struct sched_view view = sched_view(s->sched, job.id);

        /* A service that is up is not slow. */
        if (view.up || !slow_due(&s->slow, job.id, job.def->set, view.since, now))
            continue;
        lanes_last_line(s->lanes, job.id, line, sizeof line);
        s->opts->events->show_slow(s->opts->ctx, &job, now - view.since, line);
    }
}

static void on_tick(uv_timer_t *ticker) {
    struct showing *s = ticker->data;
    struct sched_counts counts = sched_counts(s->sched);

    s->opts->events->tick(s->opts->ctx, &counts);
}

void showing_begin(struct showing *s, struct lanes *lanes, struct sched *sched,
                   struct cleanups *cleanups) {
    const struct session_events *events = s->opts->events;
    uint64_t period_ms = events->show_slow ? slow_period_ms(s->opts->plan) : 0;

    s->lanes = lanes;
    s->sched = sched;
    s->cleanups = cleanups;
    if (period_ms > 0)
        uv_timer_start(&s->timer, on_timer, period_ms, period_ms);
    if (events->tick && s->opts->tick_ms > 0)
        uv_timer_start(&s->ticker, on_tick, s->opts->tick_ms, s->opts->tick_ms);
}

static void show_cleanup(const struct showing *s, int64_t now) {
    char name[256] = "", wall[32], text[320];
    const struct plan_job *job;
    int64_t since;

    if (!s->opts->events->say || !cleanups_running(s->cleanups, &job, &since))
        return;
    if (job)
        text_visible(name, sizeof name, job->name, strlen(job->name), NULL);
    snprintf(text, sizeof text, "%s%s: running for %s", job ? "cleanup of job " : "on-end", name,
             text_format_wall(now - since, wall, sizeof wall));
    s->opts->events->say(s->opts->ctx, text);
}

void showing_list(const struct showing *s) {
    int64_t now = clock_run_ns();
    struct job_info job;
    uint32_t next = 0;
    char line[256];

    if (!s->opts->events->show_running)
        return;
    while (sched_next_running(s->sched, &next, &job)) {
        struct sched_view view = sched_view(s->sched, job.id);

        lanes_last_line(s->lanes, job.id, line, sizeof line);
        s->opts->events->show_running(s->opts->ctx, &job, view.attempt, now - view.since, line);
    }
    show_cleanup(s, now);
}

void showing_pause(const struct showing *s, bool paused) {
    if (s->opts->events->paused)
        s->opts->events->paused(s->opts->ctx, paused);
}

void showing_rest(struct showing *s) {
    uv_timer_stop(&s->timer);
    uv_timer_stop(&s->ticker);
}

void showing_close(struct showing *s) {
    uv_close((uv_handle_t *)&s->timer, NULL);
    uv_close((uv_handle_t *)&s->ticker, NULL);
    slow_release(&s->slow);
}
