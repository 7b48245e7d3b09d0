/* SPDX-License-Identifier: MIT */
/* heap: a priority queue of small numbers, each of which can be found and taken out. */
#ifndef MUSTER_RUN_HEAP_H
#define MUSTER_RUN_HEAP_H
#include <stdbool.h>
#include <stdint.h>

/* Whether a comes before b. A total order, or equal ones come out in any order. */
typedef bool (*heap_before_cb)(const void *ctx, uint32_t a, uint32_t b);

/*
 * A binary heap of numbers below `size`, each in it at most once. The keys are
 * the owner's; that of a member stands still. One thread.
 */
struct heap {
    uint32_t *items; /* items[0] comes first */
    uint32_t *place; /* place[x] is where x stands in items, or HEAP_OUT */
    uint32_t count, size;
    heap_before_cb before;
    const void *ctx;
};
#define HEAP_OUT UINT32_MAX

/* Empty, with room for all numbers below size. 0 or UV_ENOMEM. */
int heap_init(struct heap *h, uint32_t size, heap_before_cb before, const void *ctx);
/* Room for all numbers below size, which may be what it has. 0 or UV_ENOMEM. */
int heap_reserve(struct heap *h, uint32_t size);
/* Frees its arrays. All zero is fine too. */
void heap_release(struct heap *h);
/* Adds x, which is not in it. O(log n). */
void heap_push(struct heap *h, uint32_t x);
/* Takes the first one out; there must be one. O(log n). */
uint32_t heap_pop(struct heap *h);
/* Takes x out; no effect when it is not in it. O(log n). */
void heap_remove(struct heap *h, uint32_t x);

static inline bool heap_has(const struct heap *h, uint32_t x) {
    return h->place[x] != HEAP_OUT;
}
#endif
