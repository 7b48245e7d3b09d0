/* SPDX-License-Identifier: MIT */
/* queue: any number of priority queues of small numbers, over one array of links. */
#ifndef MUSTER_RUN_QUEUE_H
#define MUSTER_RUN_QUEUE_H
#include <stdbool.h>
#include <stdint.h>

#include "run/heap.h"

#define QUEUE_EMPTY UINT32_MAX

/* Of a member: its first child, the next sibling, and the one before or the parent. */
struct queue_link {
    uint32_t child, next, before;
};

/*
 * Pairing heaps (Fredman, Sedgewick, Sleator, Tarjan 1986) of numbers below
 * `size`, each in at most one queue at a time. A queue is nothing but the number
 * that comes first, or QUEUE_EMPTY. A member's key stands still. One thread.
 */
struct queues {
    struct queue_link *links;
    uint32_t size;
    heap_before_cb before;
    const void *ctx;
};

/* No number is in a queue. 0 or UV_ENOMEM. */
int queues_init(struct queues *q, uint32_t size, heap_before_cb before, const void *ctx);
/* Room for numbers below size. 0 or UV_ENOMEM, which leaves all as it was. */
int queues_reserve(struct queues *q, uint32_t size);
/* Frees the links. All zero is fine too. */
void queues_release(struct queues *q);
/* Adds x, which is in no queue. O(1). */
void queue_push(struct queues *q, uint32_t *first, uint32_t x);
/* Takes the first one out; there must be one. O(log n) amortized. */
uint32_t queue_pop(struct queues *q, uint32_t *first);
/* Takes x out of the queue that it is in. The same. */
void queue_remove(struct queues *q, uint32_t *first, uint32_t x);
#endif
