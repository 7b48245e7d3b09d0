/* SPDX-License-Identifier: MIT */
/* sampler: finds out which attempts compute while they run. */
#include "exec/sampler.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "exec/procfs.h"
#include "exec/reserve.h"

#define EVERY_MS     100
#define EVERY_MS_MAX 500
#define COST_SHARE   10                /* of the time at most one part in so many */
#define WINDOW_NS    (250 * NS_PER_MS) /* that is looked at, at least */
#define SAMPLES      4                 /* kept: at 100 ms these reach back far enough */

struct sample {
    int64_t at, ns; /* run time; time computed or waited for a CPU until then */
};

struct watched {
    uint32_t job, attempt;
    pid_t leader;
    struct sample samples[SAMPLES]; /* the oldest first */
    unsigned count;
};

struct sampler {
    uv_loop_t *loop;
    uv_timer_t timer;
    uv_work_t work;
    sampler_computes_cb computes;
    void *ctx;
    struct watched *list;
    size_t count, cap;
    struct sampler_sum *sums; /* the pool's while it is at work */
    size_t nsums, sums_cap;
    int64_t took_ns; /* the last pass */
    bool working, closing, closed;
};

/* ---- measuring; any thread ---- */

static int by_session(const void *a, const void *b) {
    pid_t x = ((const struct sampler_sum *)a)->session,
          y = ((const struct sampler_sum *)b)->session;

    return x < y ? -1 : x > y;
}

/* Of /proc/PID/schedstat: time spent waiting for a CPU. */
enum { SCHEDSTAT_WAITED = 2 };

/* Adds a process to its session's sum, if that is wanted. */
static void add_process(const char *root, const char *pid, struct sampler_sum *sums, size_t n,
                        int64_t tick_ns) {
    struct sampler_sum key, *sum;
    char buf[1024], *rest;

    if (!procfs_read(root, pid, "stat", buf, sizeof buf) || !(rest = strrchr(buf, ')')))
        return; /* gone; the name before the bracket may hold anything */
    rest++;
    key.session = (pid_t)procfs_field(rest, PROCFS_SESSION);
    sum = bsearch(&key, sums, n, sizeof *sums, by_session);
    if (!sum)
        return;
    for (int i = PROCFS_USER; i <= PROCFS_CHILDREN_SYS; i++)
        sum->ns += procfs_field(rest, i) * tick_ns;
    if (procfs_read(root, pid, "schedstat", buf, sizeof buf))
        sum->ns += procfs_field(buf, SCHEDSTAT_WAITED);
}

void sampler_measure(const char *root, struct sampler_sum *sums, size_t n) {
    int64_t tick_ns = NS_PER_S / sysconf(_SC_CLK_TCK);
    char path[256];
    struct dirent *e;
    DIR *dir;

    for (size_t i = 0; i < n; i++)
        sums[i].ns = 0;
    snprintf(path, sizeof path, "%s/proc", root);
    dir = opendir(path);
    while (dir && (e = readdir(dir)))
        if (e->d_name[0] > '0' && e->d_name[0] <= '9')
            add_process(root, e->d_name, sums, n, tick_ns);
    if (dir)
        closedir(dir);
}

/* ---- the loop's thread ---- */

static void on_timer(uv_timer_t *timer);

static void sampler_free(struct sampler *s) {
    free(s->list);
    free(s->sums);
    free(s);
}

/* The next pass, unless there is nothing to watch. */
static void arm(struct sampler *s) {
    int64_t wait_ms;

    if (s->working || s->closing || s->count == 0 || uv_is_active((uv_handle_t *)&s->timer))
        return;
    wait_ms = s->took_ns * COST_SHARE / NS_PER_MS; /* the pool's while it is working */
    if (wait_ms < EVERY_MS)
        wait_ms = EVERY_MS;
    if (wait_ms > EVERY_MS_MAX)
        wait_ms = EVERY_MS_MAX;
    uv_update_time(s->loop); /* uv_timer_start() counts from the cached time */
    uv_timer_start(&s->timer, on_timer, (uint64_t)wait_ms, 0);
}

/* Takes a sample in; whether it shows that the attempt computes. */
static bool note(struct watched *w, int64_t at, int64_t ns) {
    for (unsigned i = w->count; i-- > 0;)
        if (at - w->samples[i].at >= WINDOW_NS) {
            /* Less than before: some of it has died, and nobody was left to account for it. */
            if (ns - w->samples[i].ns >= (at - w->samples[i].at) / 2)
                return true;
            break;
        }
    if (w->count == SAMPLES)
        memmove(w->samples, w->samples + 1, --w->count * sizeof *w->samples);
    w->samples[w->count++] = (struct sample){at, ns};
    return false;
}

static void pass(uv_work_t *work) {
    struct sampler *s = work->data;
    int64_t begun = clock_ns();

    sampler_measure("", s->sums, s->nsums);
    s->took_ns = clock_ns() - begun;
}

static void passed(uv_work_t *work, int status) {
    struct sampler *s = work->data;
    int64_t now = clock_run_ns();

    (void)status;
    s->working = false;
    if (s->closed) {
        sampler_free(s);
        return;
    }
    for (size_t i = 0; i < s->count && !s->closing;) {
        struct watched *w = &s->list[i];
        struct sampler_sum key = {.session = w->leader};
        const struct sampler_sum *sum =
            bsearch(&key, s->sums, s->nsums, sizeof *s->sums, by_session);
        uint32_t job = w->job, attempt = w->attempt;

        if (!sum || !note(w, now, sum->ns)) { /* or added since */
            i++;
            continue;
        }
        *w = s->list[--s->count];
        s->computes(s->ctx, job, attempt);
    }
    arm(s);
}

static void on_timer(uv_timer_t *timer) {
    struct sampler *s = timer->data;

    if (s->count > s->sums_cap) {
        struct sampler_sum *sums = reallocarray(s->sums, s->cap, sizeof *sums);

        if (sums) {
            s->sums = sums;
            s->sums_cap = s->cap;
        }
    }
    s->nsums = s->count < s->sums_cap ? s->count : s->sums_cap;
    for (size_t i = 0; i < s->nsums; i++)
        s->sums[i] = (struct sampler_sum){.session = s->list[i].leader};
    qsort(s->sums, s->nsums, sizeof *s->sums, by_session);
    s->work.data = s;
    s->working = reserve_queue_work(s->loop, &s->work, pass, passed) == 0;
    arm(s); /* without a thread for it: later */
}

struct sampler *sampler_new(uv_loop_t *loop, sampler_computes_cb computes, void *ctx) {
    struct sampler *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->loop = loop;
    s->computes = computes;
    s->ctx = ctx;
    uv_timer_init(loop, &s->timer);
    s->timer.data = s;
    return s;
}

void sampler_add(struct sampler *s, uint32_t job, uint32_t attempt, pid_t leader) {
    if (s->count == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 16;
        struct watched *list = reallocarray(s->list, cap, sizeof *list);

        if (!list)
            return;
        s->list = list;
        s->cap = cap;
    }
    s->list[s->count++] = (struct watched){.job = job,
                                           .attempt = attempt,
                                           .leader = leader,
                                           .samples = {{clock_run_ns(), 0}},
                                           .count = 1};
    arm(s);
}

void sampler_remove(struct sampler *s, uint32_t job) {
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i].job == job) {
            s->list[i] = s->list[--s->count];
            return;
        }
}

static void on_closed(uv_handle_t *handle) {
    struct sampler *s = handle->data;

    s->closed = true;
    if (!s->working)
        sampler_free(s);
}

struct sampler *sampler_close(struct sampler *s) {
    if (s) {
        s->closing = true;
        s->count = 0;
        uv_close((uv_handle_t *)&s->timer, on_closed);
    }
    return NULL;
}
