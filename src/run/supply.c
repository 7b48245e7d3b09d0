/* SPDX-License-Identifier: MIT */
/* supply: the items of all sections of a plan, as the scheduler asks for them. */
#include "run/supply.h"

#include <stdlib.h>

#include "run/items.h"

struct supply {
    const struct plan *plan;
    uv_loop_t *loop;
    void (*news)(void *ctx);
    void *ctx;
    struct items *streams[]; /* of each job of the plan, or NULL */
};

struct supply *supply_new(const struct plan *plan, uv_loop_t *loop, void (*news)(void *ctx),
                          void *ctx) {
    struct supply *s = calloc(1, sizeof *s + plan->njobs * sizeof *s->streams);

    if (!s)
        return NULL;
    s->plan = plan;
    s->loop = loop;
    s->news = news;
    s->ctx = ctx;
    return s;
}

static void close_stream(void *ctx, uint32_t section) {
    struct supply *s = ctx;

    items_close(s->streams[section]);
    s->streams[section] = NULL;
}

struct supply *supply_free(struct supply *s) {
    for (uint32_t i = 0; s && i < s->plan->njobs; i++)
        close_stream(s, i);
    free(s);
    return NULL;
}

static int next(void *ctx, uint32_t section, struct plan_item **item) {
    struct supply *s = ctx;
    const struct items_opts opts = {
        .loop = s->loop,
        .axes = s->plan->jobs[section].items,
        .news = s->news,
        .ctx = s->ctx,
    };

    if (!s->streams[section])
        s->streams[section] = items_open(&opts);
    return s->streams[section] ? items_next(s->streams[section], item) : UV_ENOMEM;
}

static const char *fault(void *ctx, uint32_t section) {
    struct supply *s = ctx;

    return s->streams[section] ? items_fault(s->streams[section]) : NULL;
}

static bool followed(void *ctx, uint32_t section) {
    struct supply *s = ctx;

    return s->streams[section] && items_are_followed(s->streams[section]);
}

const struct item_source supply_source = {
    .next = next, .fault = fault, .followed = followed, .close = close_stream};
