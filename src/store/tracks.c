/* SPDX-License-Identifier: MIT */
/* tracks: slots for the attempts of a past run, of which only the times were recorded. */
#include "store/tracks.h"

#include <stdlib.h>
#include <uv.h>

static int by_start(const void *a, const void *b) {
    const struct attempt_result *x = *(struct attempt_result *const *)a;
    const struct attempt_result *y = *(struct attempt_result *const *)b;

    return x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
}

/* `ends` has room for n. */
static void assign(struct attempt_result **attempts, size_t n, int64_t *ends) {
    uint32_t slots = 0;

    qsort(attempts, n, sizeof *attempts, by_start);
    for (size_t i = 0; i < n; i++) {
        uint32_t slot = 0;

        while (slot < slots && ends[slot] > attempts[i]->start_ns)
            slot++;
        slots += slot == slots;
        ends[slot] = attempts[i]->start_ns + attempts[i]->wall_ns;
        attempts[i]->slot = slot;
    }
}

int tracks_assign(struct run_result *run) {
    struct attempt_result **attempts;
    int64_t *ends;
    size_t count = 0;
    int error;

    for (uint32_t i = 0; i < run->plan->njobs; i++)
        count += run->jobs[i].nattempts;
    attempts = calloc(count + 1, sizeof *attempts);
    ends = calloc(count + 1, sizeof *ends);
    for (int lane = 0; attempts && ends && lane < LANES; lane++) {
        size_t n = 0;

        for (uint32_t i = 0; i < run->plan->njobs; i++)
            for (uint32_t k = 0; k < run->jobs[i].nattempts; k++)
                if (run->jobs[i].lane == lane)
                    attempts[n++] = &run->jobs[i].attempts[k];
        assign(attempts, n, ends);
    }
    error = attempts && ends ? 0 : UV_ENOMEM;
    free(ends);
    free(attempts);
    return error;
}
