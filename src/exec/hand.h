/* SPDX-License-Identifier: MIT */
/* hand: one place of a persistent worker: its process, and the task that it is at. */
#ifndef MUSTER_EXEC_HAND_H
#define MUSTER_EXEC_HAND_H
#include "exec/hand_state.h"

/* In place, AWAY; `index` is its place. */
void hand_init(struct hand *h, const struct hand_env *env, uint32_t index);
/* Whether it could take an order, soon or when its process is another. */
static inline bool hand_free(const struct hand *h) {
    return !h->order;
}
/*
 * Has a free hand do it. 0: the request is on its way; 1: begun() will tell; or UV_E…:
 * nothing was begun.
 */
int hand_give(struct hand *h, struct hand_order *o);
/* The order is not wanted any more. True: it was not begun, and is out no more. Else its process
 * is stopped, and ended() follows, or has come where there is none to be stopped. */
bool hand_withdraw(struct hand_order *o);
/* Its process leaves, if it has nothing to do. */
void hand_spare(struct hand *h);
/* No order will come; it is free. Its process leaves, and away() follows. */
void hand_dismiss(struct hand *h);
#endif
