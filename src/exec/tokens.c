/* SPDX-License-Identifier: MIT */
/* tokens: takes tokens out of a jobserver's pipe, and puts back each that it took. */
#include "exec/tokens.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/trace.h"

#define IDLE_MS  500 /* that tokens lie idle here before they are given back, */
#define PAUSE_MS 100 /* for so long and up to twice that */

struct tokens {
    struct tokens_opts opts;
    uv_poll_t poll;
    uv_timer_t timer; /* idle tokens; then the pause */
    unsigned char *held;
    uint32_t count;
    uint32_t random;
    bool polling, pausing;
    int open_handles;
};

static void on_closed(uv_handle_t *handle) {
    struct tokens *t = handle->data;

    if (--t->open_handles > 0)
        return;
    close(t->opts.read_fd);
    close(t->opts.write_fd);
    free(t->held);
    free(t);
}

int tokens_open(struct tokens **out, const struct tokens_opts *opts) {
    struct tokens *t = calloc(1, sizeof *t);
    int error = t ? 0 : UV_ENOMEM;

    if (!error) {
        t->opts = *opts;
        t->random = (uint32_t)getpid();
        t->held = malloc((size_t)opts->most + 1);
        error = t->held ? uv_poll_init(opts->loop, &t->poll, opts->read_fd) : UV_ENOMEM;
    }
    if (error) {
        if (t)
            free(t->held);
        free(t);
        return error;
    }
    uv_timer_init(opts->loop, &t->timer);
    t->poll.data = t->timer.data = t;
    t->open_handles = 2;
    *out = t;
    return 0;
}

static void give_back(struct tokens *t, uint32_t keep) {
    while (t->count > keep) {
        ssize_t n = write(t->opts.write_fd, &t->held[t->count - 1], 1);

        if (n < 0 && errno == EINTR)
            continue;
        if (n != 1) /* nobody is left to want it, or somebody has stuffed the pipe */
            trace(TRACE_EXEC, "a token cannot be given back: %d", errno);
        t->count--;
    }
}

static void take(struct tokens *t, uint32_t most) {
    while (t->count < most) {
        ssize_t n = read(t->opts.read_fd, &t->held[t->count], 1);

        if (n == 1)
            t->count++;
        else if (n == 0 || errno != EINTR)
            return;
    }
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    struct tokens *t = poll->data;

    (void)events;
    if (status < 0) { /* make is gone, and its tokens with it */
        uv_poll_stop(poll);
        t->polling = false;
    }
    t->opts.more(t->opts.ctx);
}

static void watch(struct tokens *t, bool on) {
    if (on && !t->polling)
        t->polling = uv_poll_start(&t->poll, UV_READABLE, on_readable) == 0;
    else if (!on && t->polling)
        uv_poll_stop(&t->poll);
    t->polling = t->polling && on;
}

static void on_timer(uv_timer_t *timer) {
    struct tokens *t = timer->data;

    if (!t->pausing) {
        t->random = t->random * 1103515245U + 12345;
        uv_timer_start(timer, on_timer, PAUSE_MS + (t->random >> 16) % PAUSE_MS, 0);
    }
    t->pausing = !t->pausing;
    t->opts.more(t->opts.ctx);
}

uint32_t tokens_want(struct tokens *t, uint32_t least, uint32_t most) {
    uint32_t before = t->count;

    if (most > t->opts.most)
        most = t->opts.most;
    if (t->pausing)
        most = least;
    give_back(t, most);
    take(t, most);
    watch(t, t->count < most);
    if (!t->pausing && t->opts.shared) {
        bool idle = t->count > least && t->count < most;

        if (idle && (!uv_is_active((uv_handle_t *)&t->timer) || t->count != before))
            uv_timer_start(&t->timer, on_timer, IDLE_MS, 0);
        else if (!idle)
            uv_timer_stop(&t->timer);
    }
    if (t->count != before)
        trace(TRACE_EXEC, "holds %u tokens, %u wanted", t->count, most);
    return t->count;
}

struct tokens *tokens_close(struct tokens *t) {
    if (t) {
        give_back(t, 0);
        uv_close((uv_handle_t *)&t->poll, on_closed);
        uv_close((uv_handle_t *)&t->timer, on_closed);
    }
    return NULL;
}
