/* SPDX-License-Identifier: MIT */
/*
 * ends: how the jobs of a run under way ended, a byte each, in a file that is mapped
 * into memory: what is written there outlives the process at once, however it dies,
 * and costs no more than a store. The database follows when it can.
 */
#ifndef MUSTER_STORE_ENDS_H
#define MUSTER_STORE_ENDS_H
#include <stdbool.h>
#include <stdint.h>

#include "run/result.h"

struct ends {
    int fd; /* of the file, locked for as long as this process lives; or -1 */
    uint32_t jobs;
    char *map; /* a letter per job, or NULL; NUL: it has not ended */
};

/* None. */
void ends_init(struct ends *e);
/* Makes the file of a run in the state folder. 0 or UV_E…; nothing is left then. Blocks. */
int ends_make(struct ends *e, const char *folder, const char *run, uint32_t jobs);
/* Notes how a job ended. One thread at a time. */
void ends_mark(struct ends *e, uint32_t job, enum status status);
/* How it did; STATUS_NONE: it has not, or nothing is known. */
enum status ends_status(const struct ends *e, uint32_t job);
/* Lets it go, and, with a folder, removes the file, which nobody needs any more. */
void ends_release(struct ends *e, const char *folder, const char *run);

/*
 * Opens what a run has left, whose map is then read. Without a file it has no map.
 * *alive: the process that made it lives. 0 or UV_E…. Blocks; release with no folder.
 */
int ends_open(struct ends *e, const char *folder, const char *run, bool *alive);
/* Removes the file of a run that does not go on. */
void ends_remove(const char *folder, const char *run);
#endif
