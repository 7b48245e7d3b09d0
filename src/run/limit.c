/* SPDX-License-Identifier: MIT */
/* limit: one limit that jobs share: how many run, its token bucket, its circuit. Pure. */
#include "run/limit.h"

#include <assert.h>

#include "run/result.h"

/* Of nanoseconds times tokens: more than 64 bits where rates are high and waits long. */
__extension__ typedef unsigned __int128 product;

void limit_init(struct limit *l, const struct plan_limit *is) {
    *l = (struct limit){.is = is, .tokens = is->burst, .probe = NO_JOB};
}

/* Drops in what has come since; what does not fit is gone. */
static void fill(struct limit *l, int64_t now) {
    const struct text_rate *rate = &l->is->rate;
    product come;

    if (l->tokens < l->is->burst && now > l->filled) {
        come = (product)(now - l->filled) * rate->count + (product)l->part;
        if (come / (product)rate->per_ns < l->is->burst - l->tokens) {
            l->tokens += (uint32_t)(come / (product)rate->per_ns);
            l->part = (int64_t)(come % (product)rate->per_ns);
        } else {
            l->tokens = l->is->burst;
        }
    }
    if (l->tokens == l->is->burst)
        l->part = 0;
    if (now > l->filled)
        l->filled = now;
}

static bool circuit_open(const struct limit *l, int64_t now) {
    return l->circuit == LIMIT_OPEN && now < l->closed_till;
}

bool limit_shut(struct limit *l, int64_t now) {
    if (l->is->rate.count) {
        fill(l, now);
        if (l->tokens <= l->spoken)
            return true;
    }
    return circuit_open(l, now) || (l->circuit == LIMIT_HALF_OPEN && l->probe != NO_JOB);
}

uint32_t limit_room(struct limit *l, int64_t now) {
    uint32_t room = UINT32_MAX;

    if (limit_shut(l, now))
        return 0;
    if (l->is->concurrency)
        room = l->is->concurrency - l->used;
    if (l->is->rate.count && l->tokens - l->spoken < room)
        room = l->tokens - l->spoken;
    if (l->circuit != LIMIT_CLOSED && room > 1)
        room = 1;
    return room;
}

int64_t limit_due(struct limit *l, int64_t now) {
    const struct text_rate *rate = &l->is->rate;
    int64_t due = now;

    if ((l->is->concurrency && l->used >= l->is->concurrency) ||
        (l->circuit == LIMIT_HALF_OPEN && l->probe != NO_JOB))
        return LIMIT_NEVER;
    if (rate->count) {
        fill(l, now);
        if (l->spoken >= l->is->burst) /* a full bucket does not fill before one has started */
            return LIMIT_NEVER;
        if (l->tokens <= l->spoken)
            due = l->filled + (rate->per_ns - l->part + rate->count - 1) / rate->count;
    }
    if (circuit_open(l, now) && l->closed_till > due)
        due = l->closed_till;
    return due > now ? due : LIMIT_NEVER;
}

bool limit_refuses(const struct limit *l, int64_t now) {
    return l->is->action == BREAKER_FAIL && circuit_open(l, now);
}

void limit_take(struct limit *l, uint32_t job, int64_t now) {
    (void)now; /* without assertions */
    assert(limit_room(l, now) > 0);
    l->used++;
    l->spoken += l->is->rate.count > 0;
    if (l->circuit != LIMIT_CLOSED) {
        l->circuit = LIMIT_HALF_OPEN;
        l->probe = job;
    }
}

void limit_started(struct limit *l, int64_t start) {
    if (!l->is->rate.count)
        return;
    fill(l, start);
    l->tokens--;
    l->spoken--;
}

void limit_undo(struct limit *l, uint32_t job) {
    l->used--;
    l->spoken -= l->is->rate.count > 0;
    if (l->probe == job)
        l->probe = NO_JOB;
}

bool limit_end(struct limit *l, uint32_t job, enum limit_outcome outcome, int64_t now) {
    bool probe = l->probe == job, bad = outcome == LIMIT_BAD;

    l->used--;
    if (!l->is->breaker)
        return false;
    if (probe)
        l->probe = NO_JOB;
    /* What began before the circuit opened says nothing of how things are now. */
    if (outcome == LIMIT_NEITHER || (l->circuit != LIMIT_CLOSED && !probe))
        return false;
    if (!bad) {
        l->circuit = LIMIT_CLOSED;
        l->failures = 0;
        return false;
    }
    if (!probe && ++l->failures < l->is->breaker)
        return false;
    l->circuit = LIMIT_OPEN;
    l->failures = 0;
    l->closed_till = now + l->is->cooldown_ns;
    return true;
}
