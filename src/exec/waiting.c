/* SPDX-License-Identifier: MIT */
/* waiting: attempts of `wait-for` jobs. */
#include "exec/waiting.h"

struct waiting {
    struct errand errand;
    struct probe probe;
};

static struct waiting *waiting_of(struct probe *p) {
    return (struct waiting *)(void *)((char *)p - offsetof(struct waiting, probe));
}

static void on_closed(struct probe *p) {
    errand_end(&waiting_of(p)->errand);
}

static void on_answered(struct probe *p) {
    waiting_of(p)->errand.end.outcome = OUTCOME_OK;
    probe_close(p, on_closed);
}

static int begin(struct errand *e) {
    return probe_open(&((struct waiting *)e)->probe, &e->env->probe, e->job->target, on_answered);
}

/* What it was that never answered is worth telling. */
static void stop(struct errand *e) {
    struct probe *p = &((struct waiting *)e)->probe;

    if (p->closing) /* it has just answered */
        return;
    if (*probe_trouble(p))
        errand_explain(e, "%s", probe_trouble(p));
    probe_close(p, on_closed);
}

const struct errand_way waiting_way = {
    .size = sizeof(struct waiting), .begin = begin, .stop = stop};
