/* SPDX-License-Identifier: MIT */
/* service: jobs that stay up: when they are ready, and when nothing needs them any more. */
#include "run/service.h"

#include <stdlib.h>
#include <string.h>

#include "exec/watcher.h"

struct services {
    const struct followers *followers;
    struct watchers *watchers; /* NULL where for all it is a matter of time */
    uint32_t *unneeded;        /* the scheduler has not been told yet */
    uint32_t nunneeded;
    bool *noted; /* a place per job: it is among those */
};

int services_open(struct services **out, const struct services_opts *opts,
                  const struct followers *followers) {
    const struct plan *plan = opts->plan;
    struct services *s = calloc(1, sizeof *s);
    uint32_t count = 0;
    bool looked_at = false;
    int error = 0;

    if (!s)
        return UV_ENOMEM;
    s->followers = followers;
    for (uint32_t i = 0; i < plan->njobs; i++) {
        count += plan->jobs[i].set->service;
        looked_at = looked_at || watchers_suit(&plan->jobs[i]);
    }
    s->unneeded = calloc((size_t)count + 1, sizeof *s->unneeded);
    s->noted = calloc((size_t)plan->njobs + 1, sizeof *s->noted);
    if (!s->unneeded || !s->noted)
        error = UV_ENOMEM;
    else if (looked_at)
        error = watchers_open(&s->watchers, opts->loop, plan, opts->ready, opts->ctx);
    if (error)
        services_free(s);
    else
        *out = s;
    return error;
}

int services_started(struct services *s, const struct attempt *a, struct lanes_streams streams) {
    /* What came after it may have been skipped while it was started; where nothing ever
     * came after it, it was asked for by name, and is to be seen to work. */
    if (followers_any(s->followers, a->job))
        services_note(s, a->job);
    if (!s->watchers || !watchers_suit(a->def))
        return 0;
    return watchers_add(s->watchers, a, streams.out, streams.err);
}

void services_ended(struct services *s, const struct attempt *a, struct attempt_end *end) {
    if (!s->watchers)
        return;
    if (!end->detail && *watchers_trouble(s->watchers, a->job))
        end->detail = strdup(watchers_trouble(s->watchers, a->job));
    watchers_remove(s->watchers, a->job);
}

void services_note(struct services *s, uint32_t job) {
    if (!followers_gone(s->followers, job) || s->noted[job])
        return;
    s->noted[job] = true;
    s->unneeded[s->nunneeded++] = job;
}

bool services_next_unneeded(struct services *s, uint32_t *job) {
    if (s->nunneeded == 0)
        return false;
    *job = s->unneeded[--s->nunneeded];
    s->noted[*job] = false;
    return true;
}

void services_close(struct services *s) {
    if (s->watchers)
        watchers_close(s->watchers);
    s->watchers = NULL;
}

struct services *services_free(struct services *s) {
    if (!s)
        return NULL;
    free(s->unneeded);
    free(s->noted);
    free(s);
    return NULL;
}
