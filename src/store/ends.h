/* SPDX-License-Identifier: MIT */
/*
 * ends: how the jobs of a run under way ended, in a file that is mapped into memory:
 * what is written there outlives the process at once, however it dies, and costs no
 * more than a store. The database follows when it can.
 */
#ifndef MUSTER_STORE_ENDS_H
#define MUSTER_STORE_ENDS_H
#include <stdbool.h>
#include <stdint.h>

#include "run/result.h"
#include "store/definition.h"

/* Items that are kept at once; store_behind() sees to it that it is enough. */
#define ENDS_ITEMS_MAX 16384

/* One end. */
struct end {
    uint32_t job; /* as of the database's rows */
    enum status status;
    enum settled settled;
    struct definition definition;
};

struct ends {
    int fd;                  /* of the file, locked for as long as this process lives; or -1 */
    struct slot *slots;      /* the file, or NULL */
    uint32_t count;          /* slots in use of jobs of the plan */
    uint32_t room;           /* slots in all */
    uint32_t jobs;           /* of them, for jobs of the plan; the others are for items, a ring */
    uint64_t items, dropped; /* so many of items were added, and need not be kept */
};

/* None. */
void ends_init(struct ends *e);
/* Makes the file of a run in the state folder, for the ends of so many jobs and, when
 * `items`, for those of items. 0 or UV_E…; nothing is left then. Blocks. */
int ends_make(struct ends *e, const char *folder, const char *run, uint32_t jobs, bool items);
/* Notes an end. Whole or not at all, whatever happens. One thread at a time. */
void ends_add(struct ends *e, const struct end *end);
/* The same of an item. Where there is no room, since none of the last ENDS_ITEMS_MAX need not be
 * kept yet, it is not noted. */
void ends_add_item(struct ends *e, const struct end *end);
/* The n oldest of items that were added need not be kept any more. */
void ends_drop_items(struct ends *e, uint64_t n);
/* One of `room` slots; its status is STATUS_NONE where none is there. */
struct end ends_at(const struct ends *e, uint32_t i);
/* Lets it go, and, with a folder, removes the file, which nobody needs any more. */
void ends_release(struct ends *e, const char *folder, const char *run);

/*
 * Opens what a run has left, to be read. Without a file there are none in it.
 * *alive: the process that made it lives. 0 or UV_E…. Blocks; release with no folder.
 */
int ends_open(struct ends *e, const char *folder, const char *run, bool *alive);
/* Removes the file of a run that does not go on. */
void ends_remove(const char *folder, const char *run);
#endif
