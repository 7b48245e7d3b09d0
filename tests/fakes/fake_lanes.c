/* SPDX-License-Identifier: MIT */
/* fake_lanes: lanes.h without processes: writes down what it is asked and answers by a script. */
#include "fake_lanes.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "base/clock.h"
#include "exec/lanes.h"

#define JOBS_MAX    8
#define ANSWERS_MAX 32 /* bits of fake_lanes.done */

struct lanes {
    struct lanes_opts opts;
    uv_idle_t idle; /* gives an answer each time round, never from within an order */
    struct attempt attempts[JOBS_MAX];
    const struct fake_line *answers[ANSWERS_MAX];
    unsigned first, end;
    void (*closed)(void *ctx, uint32_t unkillable);
};

struct fake_lanes fake_lanes;
static struct lanes *open_lanes;

void fake_lanes_play(const struct fake_line *script) {
    fake_lanes = (struct fake_lanes){.script = script};
}

static void answer(uv_idle_t *idle) {
    struct lanes *l = idle->data;
    const struct fake_line *line = l->answers[l->first++];
    const struct attempt a = l->attempts[line->job];
    struct attempt_end end = {.exit = -1, .start_ns = clock_ns()};

    if (l->first == l->end)
        uv_idle_stop(idle);
    switch (line->act) {
    case ACT_SIGNAL:
        raise(line->value);
        return;
    case ACT_UP:
        l->opts.events->started(l->opts.ctx, &a, 4711, clock_ns());
        return;
    case ACT_PUT_OFF:
        l->opts.events->put_off(l->opts.ctx, &a, line->value);
        return;
    case ACT_CANNOT:
        end.error = line->value;
        end.stage = SPAWN_RESOURCES;
        end.start_ns = 0;
        break;
    case ACT_EXIT:
        end.exit = line->value;
        break;
    default:
        end.signal = line->value;
    }
    l->opts.events->ended(l->opts.ctx, &a, &end);
}

void fake_lanes_note(const char *fmt, ...) {
    size_t n = strlen(fake_lanes.log);
    char what[256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    snprintf(fake_lanes.log + n, sizeof fake_lanes.log - n, "%s%s", n ? ", " : "", what);
    for (unsigned i = 0; fake_lanes.script[i].when; i++) {
        const struct fake_line *line = &fake_lanes.script[i];

        if (strcmp(line->when, what) != 0 || fake_lanes.done & 1U << i)
            continue;
        fake_lanes.done |= 1U << i;
        if (line->act == ACT_RAISE) {
            raise(line->value);
            continue;
        }
        open_lanes->answers[open_lanes->end++] = line;
        uv_idle_start(&open_lanes->idle, answer);
        return;
    }
}

int lanes_open(struct lanes **out, const struct lanes_opts *opts) {
    struct lanes *l = calloc(1, sizeof *l);

    assert_non_null(l);
    if (fake_lanes.open_error) {
        fake_lanes_note("open");
        free(l);
        return fake_lanes.open_error;
    }
    l->opts = *opts;
    uv_idle_init(opts->loop, &l->idle);
    l->idle.data = l;
    open_lanes = *out = l;
    fake_lanes_note("open");
    return 0;
}

uint32_t lanes_io_width(const struct lanes *l) {
    return fake_lanes.io_width ? fake_lanes.io_width : l->opts.plan->io_limit;
}

static const char *job_name(const struct lanes *l, uint32_t job) {
    return l->attempts[job].def->name;
}

int lanes_facts_error(const struct lanes *l) {
    (void)l;
    return fake_lanes.facts_error;
}

bool lanes_spares(const struct lanes *l) {
    (void)l;
    return !fake_lanes.narrow;
}

void lanes_start(struct lanes *l, const struct attempt *a) {
    const struct plan *plan = l->opts.plan;
    bool own = a->job < plan->njobs && a->def == &plan->jobs[a->job];

    l->attempts[a->job] = *a;
    fake_lanes_note("start %s.%u%s%s", job_name(l, a->job), (unsigned)a->number, own ? "" : " ",
                    own ? "" : a->def->command);
}

void lanes_stop(struct lanes *l, uint32_t job) {
    fake_lanes_note("stop %s", job_name(l, job));
}

void lanes_kill_all(struct lanes *l) {
    (void)l;
    fake_lanes_note("kill all");
}

void lanes_pause(struct lanes *l) {
    (void)l;
    fake_lanes_note("pause");
}

void lanes_resume(struct lanes *l) {
    (void)l;
    fake_lanes_note("resume");
}

void lanes_rest(struct lanes *l) {
    (void)l;
    fake_lanes_note("rest");
}

struct lanes_streams lanes_streams(const struct lanes *l, uint32_t job) {
    (void)l;
    (void)job;
    return (struct lanes_streams){NULL, NULL};
}

void lanes_last_line(struct lanes *l, uint32_t job, char *buf, size_t n) {
    snprintf(buf, n, "last words of %s", job_name(l, job));
}

static void on_closed(uv_handle_t *handle) {
    struct lanes *l = handle->data;

    l->closed(l->opts.ctx, fake_lanes.unkillable);
    free(l);
}

void lanes_close(struct lanes *l, void (*closed)(void *ctx, uint32_t unkillable)) {
    l->closed = closed;
    uv_close((uv_handle_t *)&l->idle, on_closed);
    fake_lanes_note("close");
}
