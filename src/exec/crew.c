/* SPDX-License-Identifier: MIT */
/* crew: the persistent workers of a run: who of them does the next task. */
#include "exec/crew.h"

#include <assert.h>
#include <stdlib.h>

/* All hands of one worker. */
struct crew {
    struct hand_env env;
    struct hand **hands; /* made when first needed, from the first on */
    uint32_t count;
};

struct crews {
    struct crews_opts opts;
    struct crew *list; /* one for each worker of the plan */
    uint32_t count;
    uint64_t last_id;
    uint32_t open; /* at the end: hands whose handle is not closed */
    bool closing;
    void (*closed)(void *ctx);
    void *ctx;
};

static void on_away(struct hand *h);

struct crews *crews_new(const struct crews_opts *opts) {
    const struct plan *plan = opts->process->plan;
    struct crews *c = calloc(1, sizeof *c);
    struct crew *list = calloc(plan->nworkers, sizeof *list);

    if (!c || !list) {
        free(c);
        free(list);
        return NULL;
    }
    *c = (struct crews){.opts = *opts, .list = list, .count = plan->nworkers};
    for (uint32_t i = 0; i < c->count; i++) {
        list[i].env = (struct hand_env){
            .loop = opts->loop,
            .set = opts->set,
            .starter = opts->starter,
            .process = *opts->process,
            .worker = &plan->workers[i],
            .away = on_away,
            .owner = c,
        };
        list[i].env.process.facts = NULL; /* it is tasks that tell */
    }
    return c;
}

uint64_t crews_next_id(struct crews *c) {
    return ++c->last_id;
}

/* One more hand, or NULL: out of memory. */
static struct hand *add_hand(struct crew *crew) {
    struct hand **hands = crew->hands, *h;

    if (!(crew->count & (crew->count + 1))) { /* doubled */
        hands = reallocarray(hands, (size_t)crew->count * 2 + 1, sizeof *hands);
        if (!hands)
            return NULL;
        crew->hands = hands;
    }
    h = malloc(sizeof *h);
    if (!h)
        return NULL;
    hand_init(h, &crew->env, crew->count);
    return hands[crew->count++] = h;
}

/* The one that is soonest at it: rather one that is there than one that starts, than a
 * new process, than to wait until one has left. */
static struct hand *find_hand(struct crew *crew) {
    static const uint8_t ranks[] = {
        [HAND_UP] = 3, [HAND_STARTING] = 2, [HAND_AWAY] = 1, [HAND_LEAVING] = 0};
    struct hand *found = NULL;

    for (uint32_t i = 0; i < crew->count; i++) {
        struct hand *h = crew->hands[i];

        if (hand_free(h) && (!found || ranks[h->state] > ranks[found->state]))
            found = h;
    }
    if ((!found || found->state == HAND_LEAVING) && crew->count < crew->env.worker->count) {
        struct hand *more = add_hand(crew);

        return more ? more : found;
    }
    return found;
}

int crews_give(struct crews *c, const struct plan_worker *worker, struct hand_order *o) {
    struct hand *h = find_hand(&c->list[worker - c->opts.process->plan->workers]);

    assert(!c->closing);
    return h ? hand_give(h, o) : UV_ENOMEM;
}

void crews_spare(struct crews *c) {
    for (uint32_t i = 0; i < c->count; i++)
        for (uint32_t k = 0; k < c->list[i].count; k++)
            hand_spare(c->list[i].hands[k]);
}

/* --- the end -------------------------------------------------------------- */

static void crews_free(struct crews *c) {
    void (*closed)(void *) = c->closed;
    void *ctx = c->ctx;

    for (uint32_t i = 0; i < c->count; i++) {
        for (uint32_t k = 0; k < c->list[i].count; k++)
            free(c->list[i].hands[k]);
        free(c->list[i].hands);
    }
    free(c->list);
    free(c);
    closed(ctx);
}

static void on_handle_closed(uv_handle_t *handle) {
    struct hand *h = handle->data;
    struct crews *c = h->env->owner;

    if (--c->open == 0)
        crews_free(c);
}

static void on_away(struct hand *h) {
    struct crews *c = h->env->owner;

    if (c->closing)
        uv_close((uv_handle_t *)&h->patience, on_handle_closed);
}

void crews_close(struct crews *c, void (*closed)(void *ctx), void *ctx) {
    c->closed = closed;
    c->ctx = ctx;
    c->closing = true;
    for (uint32_t i = 0; i < c->count; i++)
        c->open += c->list[i].count;
    if (c->open == 0) {
        crews_free(c);
        return;
    }
    for (uint32_t i = 0; i < c->count; i++)
        for (uint32_t k = 0; k < c->list[i].count; k++)
            hand_dismiss(c->list[i].hands[k]);
}
