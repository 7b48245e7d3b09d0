/* SPDX-License-Identifier: MIT */
/* items: the items of a section, one after the other, from wherever their values come. */
#ifndef MUSTER_RUN_ITEMS_H
#define MUSTER_RUN_ITEMS_H
#include <stdbool.h>
#include <uv.h>

#include "plan/plan.h"

/*
 * Never holds the list: of lists that stream there is a block of each. All on the
 * loop's thread, which nothing here blocks.
 */
struct items;

struct items_opts {
    uv_loop_t *loop;
    const struct plan_items *axes; /* outlive the items */
    void (*news)(void *ctx);       /* there may be another item now, or an end */
    void *ctx;
};

/* NULL when out of memory. Nothing is looked for yet. */
struct items *items_open(const struct items_opts *opts);
/*
 * The next one: 1 with *item, one block to free(). 0: not known yet, news()
 * follows. UV_EAGAIN: so much was excluded that it is to be called again, after other
 * things. UV_EOF: there are no more. Else UV_E…, and items_fault() is why.
 */
int items_next(struct items *s, struct plan_item **item);
/* Why it failed, in words. */
const char *items_fault(const struct items *s);
/* Whether the next one may be as long in coming as somebody likes: it is written while it is
 * read. */
bool items_are_followed(const struct items *s);
/* Gives it up; freed when nothing of it is under way. Accepts NULL. No news any more. */
void items_close(struct items *s);
#endif
