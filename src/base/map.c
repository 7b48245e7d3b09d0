/* SPDX-License-Identifier: MIT */
/* map: finds things by name; grows as it is filled. */
#include "base/map.h"

#include <string.h>

#define SIZE_MIN 16

void map_init(struct map *m, struct arena *arena) {
    *m = (struct map){.arena = arena};
}

/* FNV-1a, with a last mix so that the low bits know of all. */
static uint32_t hash_name(const char *name, size_t len) {
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
    return (uint32_t)(h ^ h >> 32);
}

/* The slot of a name, or the free one where it would stand. The map is not empty. */
static struct map_slot *find_slot(const struct map *m, uint32_t hash, const char *name,
                                  size_t len) {
    for (size_t i = hash & (m->size - 1);; i = (i + 1) & (m->size - 1)) {
        struct map_slot *slot = &m->slots[i];
        if (!slot->name ||
            (slot->hash == hash && slot->len == len && !memcmp(slot->name, name, len)))
            return slot;
    }
}

uint32_t map_get(const struct map *m, const char *name, size_t len) {
    if (!m->size)
        return MAP_NONE;
    const struct map_slot *slot = find_slot(m, hash_name(name, len), name, len);
    return slot->name ? slot->value : MAP_NONE;
}

int map_reserve(struct map *m, size_t n) {
    struct map bigger = *m;

    if (!bigger.size)
        bigger.size = SIZE_MIN;
    while (m->count + n > bigger.size / 4 * 3)
        bigger.size *= 2;
    if (bigger.size == m->size)
        return 1;
    bigger.slots = arena_array(m->arena, struct map_slot, bigger.size);
    if (!bigger.slots)
        return 0;
    for (size_t i = 0; i < m->size; i++) {
        const struct map_slot *old = &m->slots[i];
        if (old->name)
            *find_slot(&bigger, old->hash, old->name, old->len) = *old;
    }
    *m = bigger;
    return 1;
}

/* The slot of a name, made where there is none; NULL: out of memory. */
static struct map_slot *claim_slot(struct map *m, const char *name, size_t len, int *found) {
    if (!map_reserve(m, 1))
        return NULL;
    uint32_t hash = hash_name(name, len);
    struct map_slot *slot = find_slot(m, hash, name, len);
    *found = slot->name != NULL;
    if (!*found) {
        *slot = (struct map_slot){name, hash, (uint32_t)len, MAP_NONE};
        m->count++;
    }
    return slot;
}

uint32_t map_add(struct map *m, const char *name, size_t len, uint32_t value) {
    int found;
    struct map_slot *slot = claim_slot(m, name, len, &found);

    if (!slot)
        return MAP_NONE;
    if (found)
        return slot->value;
    slot->value = value;
    return MAP_NONE;
}

void map_set(struct map *m, const char *name, size_t len, uint32_t value) {
    int found;
    struct map_slot *slot = claim_slot(m, name, len, &found);

    if (slot)
        slot->value = value;
}
