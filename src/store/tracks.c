/* SPDX-License-Identifier: MIT */
/* tracks: slots for the attempts of a past run, of which only the times were recorded. */
#include "store/tracks.h"

#include <stdlib.h>
#include <uv.h>

#include "run/heap.h"

/* The slots of one lane, as its attempts come by in the order of their starts. */
struct tracks {
    int64_t *ends;    /* when each slot's last attempt ended */
    struct heap busy; /* the first to end comes first */
    struct heap free; /* the lowest comes first */
};

static int by_start(const void *a, const void *b) {
    const struct attempt_result *x = *(struct attempt_result *const *)a;
    const struct attempt_result *y = *(struct attempt_result *const *)b;

    return x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
}

static bool ends_before(const void *ctx, uint32_t a, uint32_t b) {
    const int64_t *ends = ctx;

    return ends[a] < ends[b];
}

static bool is_lower(const void *ctx, uint32_t a, uint32_t b) {
    (void)ctx;
    return a < b;
}

static void assign(struct tracks *t, struct attempt_result **attempts, size_t n) {
    uint32_t slots = 0;

    qsort(attempts, n, sizeof *attempts, by_start);
    for (size_t i = 0; i < n; i++) {
        struct attempt_result *a = attempts[i];

        while (t->busy.count && t->ends[t->busy.items[0]] <= a->start_ns)
            heap_push(&t->free, heap_pop(&t->busy));
        a->slot = t->free.count ? heap_pop(&t->free) : slots++;
        t->ends[a->slot] = a->start_ns + a->wall_ns;
        heap_push(&t->busy, a->slot);
    }
}

/* Of n attempts, sorted here. 0 or UV_ENOMEM. */
static int assign_lane(struct attempt_result **attempts, uint32_t n) {
    struct tracks t = {.ends = calloc(n + 1, sizeof *t.ends)};
    int error = t.ends ? heap_init(&t.busy, n, ends_before, t.ends) : UV_ENOMEM;

    if (!error)
        error = heap_init(&t.free, n, is_lower, NULL);
    if (!error)
        assign(&t, attempts, n);
    heap_release(&t.free);
    heap_release(&t.busy);
    free(t.ends);
    return error;
}

int tracks_assign(struct run_result *run) {
    struct attempt_result **attempts;
    size_t count = 0;
    int error = 0;

    for (uint32_t i = 0; i < run->plan->njobs; i++)
        count += run->jobs[i].nattempts;
    attempts = calloc(count + 1, sizeof *attempts);
    if (!attempts)
        return UV_ENOMEM;
    for (int lane = 0; !error && lane < LANES; lane++) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < run->plan->njobs; i++)
            for (uint32_t k = 0; k < run->jobs[i].nattempts; k++)
                if (run->jobs[i].lane == lane)
                    attempts[n++] = &run->jobs[i].attempts[k];
        error = assign_lane(attempts, n);
    }
    free(attempts);
    return error;
}
