/* SPDX-License-Identifier: MIT */
/* roster: the numbers of items that live, each used again once its item has ended. */
#ifndef MUSTER_RUN_ROSTER_H
#define MUSTER_RUN_ROSTER_H
#include <stddef.h>
#include <stdint.h>

#include "run/instance.h"

/* All zero but for `first` and `own_bytes`: empty. */
struct roster {
    struct instance **at; /* by number less `first`, used ones and others */
    uint32_t count;
    size_t cap;
    struct instance *unused; /* to be used again, the latest first */
    uint32_t first;          /* the lowest number */
    size_t own_bytes;        /* see instances_opts */
};

/* One that is not in use, the latest that was; NULL when out of memory. */
struct instance *roster_take(struct roster *r);
/* It has ended: frees what it refers to. */
void roster_put(struct roster *r, struct instance *i);
/* Frees them all. */
void roster_release(struct roster *r);

static inline struct instance *roster_at(const struct roster *r, uint32_t id) {
    return r->at[id - r->first];
}
#endif
