/* SPDX-License-Identifier: MIT */
/* roster: the numbers of items that live, each used again once its item has ended. */
#include "run/roster.h"

#include <stdlib.h>
#include <uv.h>

/* Room in both tables for another number. */
static int reserve(struct roster *r) {
    uint32_t cap = r->cap ? r->cap * 2 : 64;
    struct instance **at;
    uint32_t *unused;

    if (r->count < r->cap)
        return 0;
    at = reallocarray(r->at, cap, sizeof(struct instance *));
    if (at)
        r->at = at;
    unused = reallocarray(r->unused, cap, sizeof *unused);
    if (unused)
        r->unused = unused;
    if (!at || !unused)
        return UV_ENOMEM;
    r->cap = cap;
    return 0;
}

static void release(struct instance *i) {
    arena_release(&i->arena);
    for (uint32_t k = 0; k < i->result.nattempts; k++)
        attempt_result_release(&i->result.attempts[k]);
    free(i->result.attempts);
    free(i->result.facts);
    i->result = (struct job_result){0};
}

struct instance *roster_take(struct roster *r) {
    struct instance *i;

    if (r->nunused > 0) {
        i = r->at[r->unused[--r->nunused]];
    } else {
        if (reserve(r) < 0)
            return NULL;
        i = calloc(1, sizeof *i + r->own_bytes);
        if (!i)
            return NULL;
        i->id = r->first + r->count;
        r->at[r->count++] = i;
    }
    i->used = true;
    return i;
}

void roster_put(struct roster *r, struct instance *i) {
    release(i);
    i->used = i->unstarted = false;
    i->kin = NULL;
    r->unused[r->nunused++] = i->id - r->first;
}

void roster_release(struct roster *r) {
    for (uint32_t i = 0; i < r->count; i++) {
        release(r->at[i]);
        free(r->at[i]);
    }
    free(r->at);
    free(r->unused);
}
