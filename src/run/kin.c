/* SPDX-License-Identifier: MIT */
/* kin: an item of sections that go through the same list, and how it has fared with each. */
#include "run/kin.h"

#include <uv.h>

#include "base/mem.h"

static bool due_before(const struct kin *a, const struct kin *b) {
    return a->item->index < b->item->index;
}

int due_reserve(struct due *d, size_t n) {
    struct kin **list = mem_grow(d->list, n, &d->cap, sizeof(struct kin *));

    if (!list)
        return UV_ENOMEM;
    d->list = list;
    return 0;
}

void due_push(struct due *d, struct kin *k) {
    size_t at = d->count++;

    while (at > 0 && due_before(k, d->list[(at - 1) / 2])) {
        d->list[at] = d->list[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    d->list[at] = k;
}

struct kin *due_pop(struct due *d) {
    struct kin *first = d->list[0], *last = d->list[--d->count];
    size_t at = 0;

    for (;;) {
        size_t down = 2 * at + 1;

        if (down >= d->count)
            break;
        if (down + 1 < d->count && due_before(d->list[down + 1], d->list[down]))
            down++;
        if (!due_before(d->list[down], last))
            break;
        d->list[at] = d->list[down];
        at = down;
    }
    d->list[at] = last;
    return first;
}
