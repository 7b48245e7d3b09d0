/* SPDX-License-Identifier: MIT */
/* map: finds things by name; grows as it is filled. */
#ifndef MUSTER_BASE_MAP_H
#define MUSTER_BASE_MAP_H
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/*
 * Names to 32-bit numbers, by open addressing. (hsearch_r of libc hashes the
 * first eight bytes of a name only, so that job-0001 … job-9999 is one chain.)
 */
struct map_slot {
    uint32_t hash;
    uint32_t entry; /* index + 1, 0: free */
};
struct map_entry {
    const char *name;
    uint32_t len, value;
};
struct map {
    struct arena *arena;
    struct map_slot *slots;
    struct map_entry *entries; /* in the order of their coming: searches touch slots only */
    size_t count, size;        /* of entries; of slots: 0 or a power of two */
};

#define MAP_NONE UINT32_MAX

void map_init(struct map *m, struct arena *arena);
/* Room for n more names, at a load of at most three quarters. 0: out of memory. */
int map_reserve(struct map *m, size_t n);
/* The value of a name, or MAP_NONE. */
uint32_t map_get(const struct map *m, const char *name, size_t len);
/*
 * Adds a name, whose bytes must stay. Returns the value it had, and leaves it,
 * or MAP_NONE when it is new. Out of memory: as the arena has it; where that
 * returns, the name is not added.
 */
uint32_t map_add(struct map *m, const char *name, size_t len, uint32_t value);
/* The same, but the new value replaces an old one. */
void map_set(struct map *m, const char *name, size_t len, uint32_t value);
#endif
