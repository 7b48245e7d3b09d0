/* SPDX-License-Identifier: MIT */
/* heap: a priority queue of small numbers, each of which can be found and taken out. */
#include "run/heap.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

int heap_init(struct heap *h, uint32_t size, heap_before_cb before, const void *ctx) {
    *h = (struct heap){.before = before, .ctx = ctx};
    if (heap_reserve(h, size ? size : 1) == 0)
        return 0;
    heap_release(h);
    return UV_ENOMEM;
}

int heap_reserve(struct heap *h, uint32_t size) {
    uint32_t *items, *place;

    if (size <= h->size)
        return 0;
    items = reallocarray(h->items, size, sizeof *items);
    if (items)
        h->items = items;
    place = reallocarray(h->place, size, sizeof *place);
    if (place)
        h->place = place;
    if (!items || !place)
        return UV_ENOMEM;
    memset(place + h->size, 0xff, (size - h->size) * sizeof *place); /* HEAP_OUT in each */
    h->size = size;
    return 0;
}

void heap_release(struct heap *h) {
    free(h->items);
    free(h->place);
    *h = (struct heap){0};
}

static void put(struct heap *h, uint32_t at, uint32_t x) {
    h->items[at] = x;
    h->place[x] = at;
}

/* Lets x, for which `at` is free, rise or sink to where it belongs. */
static void settle(struct heap *h, uint32_t at, uint32_t x) {
    while (at > 0) {
        uint32_t up = (at - 1) / 2;

        if (!h->before(h->ctx, x, h->items[up]))
            break;
        put(h, at, h->items[up]);
        at = up;
    }
    for (;;) {
        uint64_t down = 2 * (uint64_t)at + 1;

        if (down >= h->count)
            break;
        if (down + 1 < h->count && h->before(h->ctx, h->items[down + 1], h->items[down]))
            down++;
        if (!h->before(h->ctx, h->items[down], x))
            break;
        put(h, at, h->items[down]);
        at = (uint32_t)down;
    }
    put(h, at, x);
}

void heap_push(struct heap *h, uint32_t x) {
    assert(!heap_has(h, x));
    h->count++;
    settle(h, h->count - 1, x);
}

void heap_remove(struct heap *h, uint32_t x) {
    uint32_t at = h->place[x];
    uint32_t last;

    if (at == HEAP_OUT)
        return;
    h->place[x] = HEAP_OUT;
    last = h->items[--h->count];
    if (at < h->count)
        settle(h, at, last);
}

uint32_t heap_pop(struct heap *h) {
    uint32_t x;

    assert(h->count > 0);
    x = h->items[0];
    heap_remove(h, x);
    return x;
}
