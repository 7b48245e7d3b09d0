/* SPDX-License-Identifier: MIT */
/* errand: an attempt that needs no process of its own, and is made on the main loop. */
#include "exec/errand.h"

#include "base/clock.h"

void errand_queue_init(struct errand_queue *q) {
    q->head = NULL;
    q->last = &q->head;
}

void errand_queue_push(struct errand_queue *q, struct errand *e) {
    e->next = NULL;
    *q->last = e;
    q->last = &e->next;
}

struct errand *errand_queue_pop(struct errand_queue *q) {
    struct errand *e = q->head;

    if (e && !(q->head = e->next))
        q->last = &q->head;
    return e;
}

void errand_end(struct errand *e) {
    e->end.wall_ns = clock_ns() - e->end.start_ns;
    errand_queue_push(e->over, e);
    uv_async_send(e->wake);
}
