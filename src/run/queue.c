/* SPDX-License-Identifier: MIT */
/* queue: any number of priority queues of small numbers, over one array of links. */
#include "run/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <uv.h>

#include "base/mem.h"

#define NONE QUEUE_EMPTY

int queues_init(struct queues *q, uint32_t size, heap_before_cb before, const void *ctx) {
    *q = (struct queues){.before = before, .ctx = ctx};
    return queues_reserve(q, size ? size : 1);
}

int queues_reserve(struct queues *q, uint32_t size) {
    struct queue_link *links;

    if (size <= q->size)
        return 0;
    links = reallocarray(q->links, size, sizeof *links);
    if (!links)
        return UV_ENOMEM;
    mem_advise_huge(links, size * sizeof *links);
    q->links = links;
    q->size = size;
    return 0;
}

void queues_release(struct queues *q) {
    free(q->links);
    *q = (struct queues){0};
}

/* Puts two trees together: the later first becomes a child of the other's. */
static uint32_t meld(struct queues *q, uint32_t a, uint32_t b) {
    struct queue_link *links = q->links;

    if (q->before(q->ctx, b, a)) {
        uint32_t c = a;

        a = b;
        b = c;
    }
    links[b].next = links[a].child;
    if (links[a].child != NONE)
        links[links[a].child].before = b;
    links[b].before = a;
    links[a].child = b;
    return a;
}

/* Siblings from x on become one tree: pairs from the left, then all from the right. */
static uint32_t gather(struct queues *q, uint32_t x) {
    struct queue_link *links = q->links;
    uint32_t pairs = NONE, whole;

    if (x == NONE)
        return NONE;
    while (x != NONE) {
        uint32_t other = links[x].next, rest = NONE, tree = x;

        if (other != NONE) {
            rest = links[other].next;
            tree = meld(q, x, other);
        }
        links[tree].next = pairs;
        pairs = tree;
        x = rest;
    }
    whole = pairs;
    pairs = links[pairs].next;
    while (pairs != NONE) {
        uint32_t rest = links[pairs].next;

        whole = meld(q, whole, pairs);
        pairs = rest;
    }
    links[whole].next = links[whole].before = NONE;
    return whole;
}

void queue_push(struct queues *q, uint32_t *first, uint32_t x) {
    q->links[x] = (struct queue_link){NONE, NONE, NONE};
    *first = *first == NONE ? x : meld(q, *first, x);
    q->links[*first].next = q->links[*first].before = NONE;
}

uint32_t queue_pop(struct queues *q, uint32_t *first) {
    uint32_t x = *first;

    assert(x != NONE);
    *first = gather(q, q->links[x].child);
    return x;
}

void queue_remove(struct queues *q, uint32_t *first, uint32_t x) {
    struct queue_link *links = q->links;
    uint32_t below, before = links[x].before, next = links[x].next;

    if (x == *first) {
        queue_pop(q, first);
        return;
    }
    if (links[before].child == x)
        links[before].child = next;
    else
        links[before].next = next;
    if (next != NONE)
        links[next].before = before;
    below = gather(q, links[x].child);
    if (below != NONE) {
        *first = meld(q, *first, below);
        links[*first].next = links[*first].before = NONE;
    }
}
