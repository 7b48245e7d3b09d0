/* SPDX-License-Identifier: MIT */
/* slots: which slots of a lane are taken, and how wide the lane is for the time being. Pure. */
#ifndef MUSTER_RUN_SLOTS_H
#define MUSTER_RUN_SLOTS_H
#include <stdbool.h>
#include <stdint.h>

#include "run/heap.h"

/*
 * When the machine has no room for a process, the lane narrows to what runs in
 * it and pauses; each start that succeeds makes it wider by one again. More
 * may be taken than it is wide: by starts that were under way.
 */
struct slots {
    struct heap free; /* numbers of free slots, the lowest first */
    uint32_t *next;   /* of a taken one: the next that the same job holds */
    uint32_t used;
    uint32_t guests;       /* that count as well, and have no number here */
    uint32_t granted;      /* how many may be taken as make has it; UINT32_MAX: any number */
    uint32_t limit, width; /* width <= limit: how many may be taken now */
    int64_t pause_ns;      /* the last pause's length; 0: none since a start succeeded */
    int64_t paused_till;   /* no start before, or INT64_MAX: not paused */
};

#define SLOTS_NONE UINT32_MAX

/* A lane of `limit` slots of which never more than `most` will be taken at
 * once. 0 or UV_ENOMEM. */
int slots_init(struct slots *s, uint32_t limit, uint32_t most);
/* Frees its memory. All zero is fine too. */
void slots_release(struct slots *s);
/* Whether n slots may be taken now. An empty lane has room for any n up to its
 * limit, however narrow it is. */
bool slots_fit(const struct slots *s, uint32_t n);
/* Whether they could be, but for what is granted. */
bool slots_ungranted(const struct slots *s, uint32_t n);
/* Takes the n lowest free slots; slots_fit(s, n) holds. The lowest. */
uint32_t slots_take(struct slots *s, uint32_t n);
/* So many more count from now on, whether there is room or not; or no longer. */
void slots_add_guests(struct slots *s, uint32_t n);
void slots_remove_guests(struct slots *s, uint32_t n);
/* Gives back all that were taken with `first`. */
void slots_give(struct slots *s, uint32_t first);
/* A process could not be made, though no more than n slots' worth run. What it
 * held is given back already. */
void slots_narrow(struct slots *s, uint32_t n, int64_t now);
/* A process could be made. */
void slots_widen(struct slots *s);
/* Ends the pause, if there is one, and makes room for trying n slots more. */
void slots_unpause(struct slots *s, uint32_t n);
#endif
