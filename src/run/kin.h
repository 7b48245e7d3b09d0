/* SPDX-License-Identifier: MIT */
/* kin: an item of sections that go through the same list, and how it has fared with each. */
#ifndef MUSTER_RUN_KIN_H
#define MUSTER_RUN_KIN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/plan.h"
#include "run/instance.h"

/* How those of its family that come after an item's others have fared. */
struct pair {
    bool absent;   /* there is none: it was not selected; nor is there for those after it */
    uint32_t left; /* of those it comes after, that have not ended */
    struct fare fare;
};

/* An item and what a family needs of it. */
struct kin {
    struct kin *older, *newer; /* of the family, in the order of the list */
    struct plan_item *item;
    uint32_t refs;       /* members that have it, for which it has not ended */
    struct pair pairs[]; /* of each member */
};

/* Kin that may be made instances of a section, the lowest index first: a binary heap. */
struct due {
    struct kin **list;
    size_t count, cap;
};

/* Room for n, so that a push cannot fail. 0 or UV_ENOMEM. */
int due_reserve(struct due *d, size_t n);
void due_push(struct due *d, struct kin *k);
/* There must be one. */
struct kin *due_pop(struct due *d);
#endif
