/* SPDX-License-Identifier: MIT */
/* relations: which sections with items go through the same list, joined by `[*]`. */
#include "run/relations.h"

#include <stdlib.h>
#include <uv.h>

struct search {
    const struct plan *plan;
    const uint32_t *by_job;
    uint32_t n;
    struct relation *of;
    uint32_t *stack; /* jobs of the plan */
    uint32_t *seen;  /* of each: as of which lead, and one more */
};

/* Till all is joined, `lead` leads on to one of the family. */
static uint32_t find_lead(struct relation *of, uint32_t i) {
    while (of[i].lead != i)
        i = of[i].lead = of[of[i].lead].lead;
    return i;
}

static void join(const struct search *s) {
    for (uint32_t i = 0; i < s->plan->njobs; i++)
        if (job_has_items(&s->plan->jobs[i]))
            s->of[s->by_job[i]] =
                (struct relation){.job = i, .lead = s->by_job[i], .next = NO_SECTION};
    for (uint32_t i = 0; i < s->n; i++) {
        const struct plan_job *job = &s->plan->jobs[s->of[i].job];

        for (uint32_t k = 0; k < job->nafter; k++) {
            uint32_t before = relations_pair(job, k), a, b;

            if (before == NO_JOB)
                continue;
            s->of[i].npairs++;
            s->of[s->by_job[before]].followed = true;
            a = find_lead(s->of, i);
            b = find_lead(s->of, s->by_job[before]);
            s->of[a > b ? a : b].lead = a > b ? b : a;
        }
    }
    for (uint32_t i = s->n; i-- > 0;) {
        struct relation *r = &s->of[i], *lead;

        r->lead = find_lead(s->of, i);
        lead = &s->of[r->lead];
        if (r == lead)
            continue;
        r->next = lead->next;
        lead->next = i;
    }
}

static bool in_family(const struct search *s, uint32_t job, uint32_t lead) {
    return job_has_items(&s->plan->jobs[job]) && s->of[s->by_job[job]].lead == lead;
}

/* Whether a section waits, in whatever way but `[*]`, for all items of one of its family. */
static bool waits_for_family(const struct search *s, uint32_t section) {
    uint32_t n = 0, lead = s->of[section].lead;
    bool first = true;

    s->stack[n++] = s->of[section].job;
    while (n > 0) {
        const struct plan_job *job = &s->plan->jobs[s->stack[--n]];

        for (uint32_t k = 0; k < job->nafter; k++) {
            uint32_t before = job->after[k];

            if (first && relations_pair(job, k) != NO_JOB)
                continue;
            if (in_family(s, before, lead))
                return true;
            if (s->seen[before] != lead + 1) {
                s->seen[before] = lead + 1;
                s->stack[n++] = before;
            }
        }
        first = false;
    }
    return false;
}

static void find_knots(const struct search *s) {
    for (uint32_t lead = 0; lead < s->n; lead++) {
        struct relation *r = &s->of[lead];

        if (r->lead != lead || r->next == NO_SECTION)
            continue;
        for (uint32_t i = lead; i != NO_SECTION && !r->knotted; i = s->of[i].next)
            r->knotted = waits_for_family(s, i);
    }
}

int relations_find(const struct plan *plan, const uint32_t *by_job, uint32_t n,
                   struct relation *of) {
    const struct search s = {
        .plan = plan,
        .by_job = by_job,
        .n = n,
        .of = of,
        .stack = malloc(((size_t)plan->njobs + 1) * sizeof *s.stack),
        .seen = calloc((size_t)plan->njobs + 1, sizeof *s.seen),
    };
    bool good = s.stack && s.seen;

    if (good) {
        join(&s);
        find_knots(&s);
    }
    free(s.stack);
    free(s.seen);
    return good ? 0 : UV_ENOMEM;
}
