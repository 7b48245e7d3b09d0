/* SPDX-License-Identifier: MIT */
/* forecast: how long a run will take yet, by how long its jobs took before. Pure. */
#include "report/forecast.h"

#include <stdlib.h>

struct forecast {
    const struct plan *plan;
    int64_t left_ns[LANES]; /* slots' worth of what has not ended */
    int64_t done_ns[LANES]; /* of those, what runs had by now */
    int64_t longest_ns;     /* of what is behind one that runs */
    struct forecast_job {
        int64_t length_ns; /* of one */
        int64_t path_ns;   /* from its start to the end of all that comes after it */
        uint32_t left;     /* so many of it */
    } jobs[];
};

/* Slots' worth of one. */
static int64_t weight(const struct plan_job *job) {
    return job->set->type == LANE_CPU && job->set->cpus > 1 ? job->set->cpus : 1;
}

/* The length of those that have none; -1: of too many. */
static int64_t average(const struct plan *plan, const struct length *lengths) {
    int64_t sum = 0;
    uint32_t known = 0;

    for (uint32_t i = 0; i < plan->njobs; i++)
        if (lengths[i].count > 0) {
            sum += lengths[i].ns;
            known++;
        }
    return known > 0 && known >= plan->njobs - known ? sum / known : -1;
}

struct forecast *forecast_new(const struct plan *plan, const struct length *lengths,
                              const uint32_t *items) {
    int64_t usual_ns = average(plan, lengths);
    struct forecast *f = usual_ns < 0 ? NULL : calloc(1, sizeof *f + plan->njobs * sizeof *f->jobs);

    if (!f)
        return NULL;
    f->plan = plan;
    for (uint32_t i = plan->njobs; i > 0; i--) { /* each before what it comes after */
        uint32_t id = plan->order[i - 1];
        const struct plan_job *job = &plan->jobs[id];
        struct forecast_job *own = &f->jobs[id];

        own->length_ns = lengths[id].count > 0 ? lengths[id].ns : usual_ns;
        own->left = lengths[id].count > 1 && job_has_items(job) ? lengths[id].count : 1;
        if (items && items[id] > 0)
            own->left = items[id];
        own->path_ns += own->length_ns;
        f->left_ns[job->set->type] += own->length_ns * weight(job) * own->left;
        for (uint32_t k = 0; k < job->nafter; k++) {
            struct forecast_job *before = &f->jobs[job->after[k]];

            if (before->path_ns < own->path_ns)
                before->path_ns = own->path_ns;
        }
    }
    return f;
}

struct forecast *forecast_free(struct forecast *f) {
    free(f);
    return NULL;
}

/* So many of it are not to be waited for any more. */
static void take(struct forecast *f, uint32_t section, uint32_t n) {
    const struct plan_job *def = &f->plan->jobs[section];
    struct forecast_job *own = &f->jobs[section];

    n = n < own->left ? n : own->left;
    own->left -= n;
    f->left_ns[def->set->type] -= own->length_ns * weight(def) * n;
}

void forecast_ended(struct forecast *f, uint32_t section) {
    take(f, section, 1);
}

void forecast_closed(struct forecast *f, uint32_t section) {
    take(f, section, UINT32_MAX);
}

void forecast_running(struct forecast *f, uint32_t section, int64_t elapsed_ns) {
    const struct plan_job *def = &f->plan->jobs[section];
    const struct forecast_job *own = &f->jobs[section];
    int64_t done_ns = elapsed_ns < own->length_ns ? elapsed_ns : own->length_ns;

    f->done_ns[def->set->type] += done_ns * weight(def);
    if (own->path_ns - done_ns > f->longest_ns)
        f->longest_ns = own->path_ns - done_ns;
}

int64_t forecast_left(struct forecast *f, const uint32_t width[LANES]) {
    int64_t longest_ns = f->longest_ns;

    for (int lane = 0; lane < LANES; lane++) {
        int64_t left_ns = (f->left_ns[lane] - f->done_ns[lane]) / (width[lane] ? width[lane] : 1);

        longest_ns = left_ns > longest_ns ? left_ns : longest_ns;
        f->done_ns[lane] = 0;
    }
    f->longest_ns = 0;
    return longest_ns;
}
