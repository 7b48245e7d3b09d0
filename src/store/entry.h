/* SPDX-License-Identifier: MIT */
/* entry: a job's end on its way into the record, from the main thread to the store's. */
#ifndef MUSTER_STORE_ENTRY_H
#define MUSTER_STORE_ENTRY_H
#include <stddef.h>
#include <stdint.h>

#include "run/result.h"
#include "store/definition.h"
#include "store/ends.h"

struct capture;
struct entry_copy;

/* One end. Made by the main thread, then whoever has it. */
struct entry {
    struct entry *next;
    struct job_info info;    /* what it points to stays, or is in */
    struct entry_copy *copy; /* this; NULL: it is a job of the plan */
    uint32_t seq;            /* its number among all rows */
    const char *cause;       /* its cause's name where that is an item, or NULL */
    struct definition definition;
    struct capture *out, *err;
    size_t bytes;        /* of memory that it holds, */
    size_t output_bytes; /* of these in captures */
    unsigned files;      /* that they hold open */
    int lost;            /* why there are no captures, or not all of them, or 0 */
    char words[];        /* "": none; then the cause */
};

/*
 * The end of a job of `run`, with the reason in words ("" or NULL: none). The result and
 * definition of an item are copied, those of other jobs stay. `definition`, and of an
 * item `seq`, are left to the caller. NULL when out of memory.
 */
struct entry *entry_new(const struct run_result *run, const struct job_info *job,
                        const char *words);
/* Accepts NULL; returns NULL. */
struct entry *entry_free(struct entry *e);
/* Gives it the captured streams (or NULL), which are shared; of what is too long only the end. */
void entry_share(struct entry *e, struct capture *out, struct capture *err);
/* Gives its captures up, since there is no room for them: UV_E…. */
void entry_lose(struct entry *e, int error);
/* Notes it where it survives this process. */
void entry_note(const struct entry *e, struct ends *ends);
#endif
