/* SPDX-License-Identifier: MIT */
/* slots: which slots of a lane are taken, and how wide the lane is for the time being. Pure. */
#include "run/slots.h"

#include <assert.h>
#include <stdlib.h>
#include <uv.h>

#include "base/clock.h"

#define PAUSE_MIN_NS (10 * NS_PER_MS)
#define PAUSE_MAX_NS NS_PER_S

static bool lower(const void *ctx, uint32_t a, uint32_t b) {
    (void)ctx;
    return a < b;
}

int slots_init(struct slots *s, uint32_t limit, uint32_t most) {
    uint32_t n = most < limit ? most : limit;

    *s = (struct slots){
        .limit = limit, .width = limit, .granted = UINT32_MAX, .paused_till = INT64_MAX};
    if (heap_init(&s->free, n, lower, NULL) < 0)
        return UV_ENOMEM;
    s->next = calloc(n ? n : 1, sizeof *s->next);
    if (!s->next) {
        slots_release(s);
        return UV_ENOMEM;
    }
    for (uint32_t i = 0; i < n; i++)
        heap_push(&s->free, i);
    return 0;
}

void slots_release(struct slots *s) {
    heap_release(&s->free);
    free(s->next);
    s->next = NULL;
}

static bool has_room(const struct slots *s, uint32_t n) {
    uint32_t used = s->used + s->guests;

    return s->paused_till == INT64_MAX && (used == 0 || (used < s->width && n <= s->width - used));
}

static bool is_granted(const struct slots *s, uint32_t n) {
    uint32_t used = s->used + s->guests;

    return used < s->granted && n <= s->granted - used;
}

bool slots_ungranted(const struct slots *s, uint32_t n) {
    return has_room(s, n) && !is_granted(s, n);
}

bool slots_fit(const struct slots *s, uint32_t n) {
    return has_room(s, n) && is_granted(s, n);
}

uint32_t slots_take(struct slots *s, uint32_t n) {
    uint32_t first = SLOTS_NONE, last = SLOTS_NONE;

    assert(n > 0 && n <= s->free.count);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t slot = heap_pop(&s->free);

        if (i == 0)
            first = slot;
        else
            s->next[last] = slot;
        s->next[slot] = SLOTS_NONE;
        last = slot;
    }
    s->used += n;
    return first;
}

void slots_give(struct slots *s, uint32_t first) {
    while (first != SLOTS_NONE) {
        heap_push(&s->free, first);
        s->used--;
        first = s->next[first];
    }
}

void slots_add_guests(struct slots *s, uint32_t n) {
    s->guests += n;
}

void slots_remove_guests(struct slots *s, uint32_t n) {
    assert(n <= s->guests);
    s->guests -= n;
}

void slots_narrow(struct slots *s, uint32_t n, int64_t now) {
    s->width = n ? n : 1;
    s->pause_ns = s->pause_ns ? s->pause_ns * 2 : PAUSE_MIN_NS;
    if (s->pause_ns > PAUSE_MAX_NS)
        s->pause_ns = PAUSE_MAX_NS;
    s->paused_till = now + s->pause_ns;
}

void slots_widen(struct slots *s) {
    s->pause_ns = 0;
    if (s->width < s->limit)
        s->width++;
}

void slots_unpause(struct slots *s, uint32_t n) {
    if (s->paused_till == INT64_MAX)
        return;
    s->paused_till = INT64_MAX;
    /* What runs may go on for hours: do not wait for its end to find out
     * whether the machine has room again. */
    if (n > s->limit - s->used)
        n = s->limit - s->used;
    if (s->width < s->used + n)
        s->width = s->used + n;
}
