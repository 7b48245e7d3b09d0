/* SPDX-License-Identifier: MIT */
/* instances: the items of sections as jobs that live: made one at a time, gone when they have
 * ended. */
#ifndef MUSTER_RUN_INSTANCES_H
#define MUSTER_RUN_INSTANCES_H
#include <stdbool.h>
#include <stdint.h>

#include "plan/plan.h"
#include "run/instance.h"
#include "run/telling.h"

/*
 * A section with axes stands in the plan as one job, which never runs; its items
 * are jobs with numbers behind those of the plan, used again once they have ended.
 * Of each section one at most waits for its start, so that memory does not grow
 * with the list. Sections that `[*]` joins are a family and share their items:
 * one is dropped when it has ended for each of them. Pure: items come from a source
 * that is handed in. One thread.
 */
struct instances;

/* Where items come from. `section` is the family's first, whose axes are those of all. */
struct item_source {
    /* The next one: 1 with *item, one block to free(); 0: not known yet, see
     * instances_news(); UV_EAGAIN: to be asked again, after other things; UV_EOF: no
     * more; else UV_E…. */
    int (*next)(void *ctx, uint32_t section, struct plan_item **item);
    /* Why that was, in words. */
    const char *(*fault)(void *ctx, uint32_t section);
    /* Whether the next one may be as long in coming as somebody likes. */
    bool (*followed)(void *ctx, uint32_t section);
    /* No more are wanted, or there are none. */
    void (*close)(void *ctx, uint32_t section);
};

struct instances_opts {
    const struct plan *plan;
    const struct item_source *source;
    void *source_ctx;
    bool all_left;         /* a closed section gives out all that is left, however much */
    size_t own_bytes;      /* of the scheduler's part of each */
    const uint32_t *width; /* of each lane: bounds how many of a section live at once */
    struct telling *telling;
};

/* Of a plan of which a job has axes. NULL when out of memory. */
struct instances *instances_new(const struct instances_opts *opts);
/* Accepts NULL; returns NULL. */
struct instances *instances_free(struct instances *in);

/* By its number, which is that of one in use, or was. */
struct instance *instances_at(const struct instances *in, uint32_t id);
/* How many numbers there are behind the plan's, used ones and others. */
uint32_t instances_numbers(const struct instances *in);

/* The section's items may begin: what it comes after has ended as it wants. */
void instances_open(struct instances *in, uint32_t section);
bool instances_is_open(const struct instances *in, uint32_t section);
/* None of it is to start any more: instances_next() gives out those that are left,
 * up to a few thousand, where they do not have to be waited for. Again: no effect. */
void instances_close(struct instances *in, uint32_t section, struct closing closing);
/* There is no memory for more: as if their source had failed. */
void instances_break(struct instances *in, uint32_t section);
/* Whether something comes after items of the section, with the same values. */
bool instances_are_followed(const struct instances *in, uint32_t section);
/* A section whose instances_next() is to be called; false: there is none. */
bool instances_work(struct instances *in, uint32_t *section);
/* That again, later. */
void instances_put_off(struct instances *in, uint32_t section);
/* The section's next instance, made, which counts as unstarted; NULL: there is none now. */
struct instance *instances_next(struct instances *in, uint32_t section);
/* Whether so many were passed over that other things come first; the next call: not any more. */
bool instances_rest(struct instances *in);
/* It got its slot: the next one may be made. */
void instances_started(struct instances *in, struct instance *i);
/* It has ended so: tells those with the same values that come after it, and drops it. */
void instances_ended(struct instances *in, struct instance *i, const struct fare *fare);
/* The source has something new. */
void instances_news(struct instances *in);

/* How the items of a section came to their end. */
enum instances_end {
    INSTANCES_GO_ON,
    INSTANCES_DONE,   /* there were some, and all have ended */
    INSTANCES_NONE,   /* there were none */
    INSTANCES_FAILED, /* the source failed */
    INSTANCES_LEFT,   /* it was closed, and there were more, or may have been */
};
/* *fault: why the source failed, in words. *closing: of INSTANCES_LEFT. */
enum instances_end instances_end(const struct instances *in, uint32_t section, const char **fault,
                                 struct closing *closing);
#endif
