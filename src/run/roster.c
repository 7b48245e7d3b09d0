/* SPDX-License-Identifier: MIT */
/* roster: the numbers of items that live, each used again once its item has ended. */
#include "run/roster.h"

#include <stdlib.h>

#include "base/mem.h"

static void release(struct instance *i) {
    arena_release(&i->arena);
    job_result_release(&i->result);
    i->result = (struct job_result){0};
}

/* One with a new number. NULL when out of memory. */
static struct instance *add(struct roster *r) {
    struct instance **at = mem_grow(r->at, r->count, &r->cap, sizeof(struct instance *));
    struct instance *i;

    if (!at)
        return NULL;
    r->at = at;
    i = calloc(1, sizeof *i + r->own_bytes);
    if (!i)
        return NULL;
    i->id = r->first + r->count;
    return at[r->count++] = i;
}

struct instance *roster_take(struct roster *r) {
    struct instance *i = r->unused;

    if (i)
        r->unused = i->next;
    else
        i = add(r);
    if (i)
        i->used = true;
    return i;
}

void roster_put(struct roster *r, struct instance *i) {
    release(i);
    i->used = i->unstarted = false;
    i->kin = NULL;
    i->next = r->unused;
    r->unused = i;
}

void roster_release(struct roster *r) {
    for (uint32_t i = 0; i < r->count; i++) {
        release(r->at[i]);
        free(r->at[i]);
    }
    free(r->at);
}
