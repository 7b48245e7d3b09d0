/* SPDX-License-Identifier: MIT */
/* watcher: looks whether services can be used: a target answers, or a line was printed. */
#include "exec/watcher.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/trace.h"
#include "exec/capture.h"
#include "exec/probe.h"
#include "exec/reserve.h"

#define LOOK_EVERY_MS 20
#define LINE_BYTES    (64U << 10) /* of a longer line the rest is not looked at */
#define STREAMS       2

/* One stream that is searched for a line: the pool's while it searches. */
struct search {
    struct capture *capture; /* shared, or NULL */
    uint64_t at;             /* of what was not read yet */
    size_t n;                /* bytes of a line whose end has not come */
    bool skip;               /* the rest of that line is not looked at */
    char *line;
};

struct watch {
    struct watch *next;
    struct watchers *home;
    struct attempt attempt;
    const struct ready_sign *sign;
    struct probe probe; /* READY_TARGET */
    struct search searches[STREAMS];
    regex_t regex; /* READY_LINE */
    uv_timer_t timer;
    uv_work_t work;
    bool found, searching, closing;
};

struct watchers {
    struct probe_env env;
    struct watch *list; /* the closing ones too */
    void (*ready)(void *ctx, const struct attempt *a);
    void *ctx;
    unsigned open_parts; /* engines that are not closed */
    bool closing;
};

bool watchers_suit(const struct plan_job *job) {
    const struct ready_sign *sign = job->set->service ? job->set->ready : NULL;

    return sign && sign->kind != READY_DELAY;
}

/* --- the end of one, and of all ---------------------------------------------- */

static void free_if_closed(struct watchers *w) {
    if (w->closing && !w->list && w->open_parts == 0)
        free(w);
}

/* All handles of it are closed. */
static void watch_gone(struct watch *v) {
    struct watchers *w = v->home;
    struct watch **at = &w->list;

    while (*at != v)
        at = &(*at)->next;
    *at = v->next;
    if (v->sign->kind == READY_LINE)
        regfree(&v->regex);
    for (int i = 0; i < STREAMS; i++) {
        capture_free(v->searches[i].capture);
        free(v->searches[i].line);
    }
    free(v);
    free_if_closed(w);
}

static void on_probe_closed(struct probe *p) {
    watch_gone((struct watch *)(void *)((char *)p - offsetof(struct watch, probe)));
}

static void on_timer_closed(uv_handle_t *handle) {
    watch_gone(handle->data);
}

static void watch_close(struct watch *v) {
    if (v->closing)
        return;
    v->closing = true;
    if (v->sign->kind == READY_TARGET)
        probe_close(&v->probe, on_probe_closed);
    else if (!v->searching) /* else when the pool is done with it */
        uv_close((uv_handle_t *)&v->timer, on_timer_closed);
}

static void tell_ready(struct watch *v) {
    struct watchers *w = v->home;
    struct attempt a = v->attempt;

    trace(TRACE_EXEC, "%s is ready", a.def->name);
    watch_close(v);
    w->ready(w->ctx, &a);
}

static void on_answered(struct probe *p) {
    tell_ready((struct watch *)(void *)((char *)p - offsetof(struct watch, probe)));
}

/* --- lines: on the pool -------------------------------------------------------- */

/* Lines may have NULs in them, and those of a terminal end with a CR. */
static bool matches(const struct watch *v, const char *line, size_t n) {
    regmatch_t range = {.rm_so = 0};

    if (n > 0 && line[n - 1] == '\r')
        n--;
    range.rm_eo = (regoff_t)n;
    return regexec(&v->regex, line, 1, &range, REG_STARTEND) == 0;
}

/* Looks at all lines that are whole by now. Whether one matches. */
static bool search_lines(const struct watch *v, struct search *s) {
    for (;;) {
        long got = capture_follow(s->capture, s->at, s->line + s->n, LINE_BYTES - s->n);
        size_t from = 0, end;
        char *newline;

        if (got <= 0) /* nothing yet, or nothing any more */
            return false;
        s->at += (uint64_t)got;
        end = s->n + (size_t)got;
        while ((newline = memchr(s->line + from, '\n', end - from))) {
            size_t next = (size_t)(newline - s->line) + 1;

            if (!s->skip && matches(v, s->line + from, next - from - 1))
                return true;
            s->skip = false;
            from = next;
        }
        s->n = end - from;
        memmove(s->line, s->line + from, s->n);
        if (s->n < LINE_BYTES)
            continue;
        if (!s->skip && matches(v, s->line, s->n))
            return true;
        s->skip = true;
        s->n = 0;
    }
}

static void on_search(uv_work_t *work) {
    struct watch *v = work->data;

    for (int i = 0; i < STREAMS && !v->found; i++)
        v->found = v->searches[i].capture && search_lines(v, &v->searches[i]);
}

static void on_look(uv_timer_t *timer);

static void on_searched(uv_work_t *work, int status) {
    struct watch *v = work->data;

    (void)status;
    v->searching = false;
    if (v->closing)
        uv_close((uv_handle_t *)&v->timer, on_timer_closed);
    else if (v->found)
        tell_ready(v);
    else
        uv_timer_start(&v->timer, on_look, LOOK_EVERY_MS, 0);
}

static void on_look(uv_timer_t *timer) {
    struct watch *v = timer->data;

    v->searching = reserve_queue_work(v->home->env.loop, &v->work, on_search, on_searched) == 0;
    if (!v->searching) /* no thread to be had now */
        uv_timer_start(&v->timer, on_look, LOOK_EVERY_MS, 0);
}

static int begin_search(struct watch *v, struct capture *out, struct capture *err) {
    struct capture *streams[STREAMS] = {out, err};

    for (int i = 0; i < STREAMS; i++) {
        if (!streams[i])
            continue;
        /* Some regexec() look for a NUL first, though they are told where the end is. */
        v->searches[i].line = calloc(1, LINE_BYTES + 1);
        if (!v->searches[i].line)
            goto no_memory;
        v->searches[i].capture = capture_share(streams[i]);
    }
    if (regcomp(&v->regex, v->sign->regex, REG_EXTENDED) != 0) /* it was tried before */
        goto no_memory;
    uv_timer_init(v->home->env.loop, &v->timer);
    v->timer.data = v->work.data = v;
    uv_timer_start(&v->timer, on_look, 0, 0);
    return 0;

no_memory:
    for (int i = 0; i < STREAMS; i++) {
        capture_free(v->searches[i].capture);
        free(v->searches[i].line);
    }
    return UV_ENOMEM;
}

/* --- all of them ---------------------------------------------------------------- */

int watchers_add(struct watchers *w, const struct attempt *a, struct capture *out,
                 struct capture *err) {
    struct watch *v = calloc(1, sizeof *v);
    int error;

    if (!v)
        return UV_ENOMEM;
    v->home = w;
    v->attempt = *a;
    v->sign = a->def->set->ready;
    if (v->sign->kind == READY_TARGET)
        error = probe_open(&v->probe, &w->env, &v->sign->target, on_answered);
    else
        error = begin_search(v, out, err);
    if (error) {
        free(v);
        return error;
    }
    v->next = w->list;
    w->list = v;
    return 0;
}

static struct watch *find(const struct watchers *w, uint32_t job) {
    struct watch *v = w->list;

    while (v && (v->closing || v->attempt.job != job))
        v = v->next;
    return v;
}

void watchers_remove(struct watchers *w, uint32_t job) {
    struct watch *v = find(w, job);

    if (v)
        watch_close(v);
}

const char *watchers_trouble(const struct watchers *w, uint32_t job) {
    const struct watch *v = find(w, job);

    return v && v->sign->kind == READY_TARGET ? probe_trouble(&v->probe) : "";
}

static void on_engine_closed(void *ctx) {
    struct watchers *w = ctx;

    w->open_parts--;
    free_if_closed(w);
}

void watchers_close(struct watchers *w) {
    for (struct watch *v = w->list; v; v = v->next)
        watch_close(v);
    w->closing = true;
    w->open_parts = probe_env_close(&w->env, on_engine_closed, w);
    free_if_closed(w);
}

int watchers_open(struct watchers **out, uv_loop_t *loop, const struct plan *plan,
                  void (*ready)(void *ctx, const struct attempt *a), void *ctx) {
    struct watchers *w = calloc(1, sizeof *w);
    struct probe_needs needs = {false, false};
    int error;

    if (!w)
        return UV_ENOMEM;
    w->ready = ready;
    w->ctx = ctx;
    for (uint32_t i = 0; i < plan->njobs; i++)
        if (watchers_suit(&plan->jobs[i]) && plan->jobs[i].set->ready->kind == READY_TARGET)
            probe_needs_add(&needs, &plan->jobs[i].set->ready->target);
    error = probe_env_open(&w->env, loop, &needs, 1);
    if (error)
        watchers_close(w);
    else
        *out = w;
    return error;
}
