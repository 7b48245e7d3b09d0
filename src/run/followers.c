/* SPDX-License-Identifier: MIT */
/* followers: knows when all that comes after a job, directly or not, has ended. Pure. */
#include "run/followers.h"

#include <stdlib.h>

/* A job is over when it has ended and each that comes directly after it is over. */
struct place {
    uint32_t open; /* that come directly after it and are not over */
    bool ended, any;
};

struct followers {
    const struct plan *plan;
    uint32_t *found; /* to be over, while that is followed up */
    struct place places[];
};

struct followers *followers_new(const struct plan *plan) {
    struct followers *f = calloc(1, sizeof *f + plan->njobs * sizeof *f->places);

    if (!f)
        return NULL;
    f->plan = plan;
    f->found = calloc((size_t)plan->njobs + 1, sizeof *f->found);
    if (!f->found)
        return followers_free(f);
    for (uint32_t i = 0; i < plan->njobs; i++)
        for (uint32_t k = 0; k < plan->jobs[i].nafter; k++)
            f->places[plan->jobs[i].after[k]].open++;
    for (uint32_t i = 0; i < plan->njobs; i++)
        f->places[i].any = f->places[i].open > 0;
    return f;
}

struct followers *followers_free(struct followers *f) {
    if (!f)
        return NULL;
    free(f->found);
    free(f);
    return NULL;
}

void followers_ended(struct followers *f, uint32_t job, void (*alone)(void *ctx, uint32_t job),
                     void *ctx) {
    uint32_t n = 0;

    f->places[job].ended = true;
    if (f->places[job].open == 0)
        f->found[n++] = job;
    while (n > 0) { /* each job is found once */
        const struct plan_job *over = &f->plan->jobs[f->found[--n]];

        for (uint32_t k = 0; k < over->nafter; k++) {
            struct place *before = &f->places[over->after[k]];

            if (--before->open > 0)
                continue;
            if (before->ended)
                f->found[n++] = over->after[k];
            else
                alone(ctx, over->after[k]);
        }
    }
}

bool followers_gone(const struct followers *f, uint32_t job) {
    return f->places[job].open == 0;
}

bool followers_any(const struct followers *f, uint32_t job) {
    return f->places[job].any;
}

bool followers_over(const struct followers *f, uint32_t job) {
    return f->places[job].open == 0 && f->places[job].ended;
}
