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
        if (!slot->entry)
            return slot;
        const struct map_entry *entry = &m->entries[slot->entry - 1];
        if (slot->hash == hash && entry->len == len && !memcmp(entry->name, name, len))
            return slot;
    }
}

uint32_t map_get(const struct map *m, const char *name, size_t len) {
    if (!m->size)
        return MAP_NONE;
    const struct map_slot *slot = find_slot(m, hash_name(name, len), name, len);
    return slot->entry ? m->entries[slot->entry - 1].value : MAP_NONE;
}

/* Moves all to tables for so many slots. 0: out of memory. */
static int resize(struct map *m, size_t size) {
    struct map_slot *slots = arena_array(m->arena, struct map_slot, size);
    struct map_entry *entries = arena_array(m->arena, struct map_entry, size / 4 * 3);

    if (!slots || !entries)
        return 0;
    for (size_t i = 0; i < m->size; i++) {
        size_t to = m->slots[i].hash & (size - 1);
        if (!m->slots[i].entry)
            continue;
        while (slots[to].entry)
            to = (to + 1) & (size - 1);
        slots[to] = m->slots[i];
    }
    if (m->count)
        memcpy(entries, m->entries, m->count * sizeof *entries);
    m->slots = slots;
    m->entries = entries;
    m->size = size;
    return 1;
}

int map_reserve(struct map *m, size_t n) {
    size_t size = m->size ? m->size : SIZE_MIN;

    while (m->count + n > size / 4 * 3)
        size *= 2;
    return size == m->size || resize(m, size);
}

/* The entry of a name, made where there is none; NULL: out of memory. */
static struct map_entry *claim_entry(struct map *m, const char *name, size_t len, int *found) {
    if (!map_reserve(m, 1))
        return NULL;
    uint32_t hash = hash_name(name, len);
    struct map_slot *slot = find_slot(m, hash, name, len);
    *found = slot->entry != 0;
    if (!*found) {
        m->entries[m->count++] = (struct map_entry){name, (uint32_t)len, MAP_NONE};
        *slot = (struct map_slot){hash, (uint32_t)m->count};
    }
    return &m->entries[slot->entry - 1];
}

uint32_t map_add(struct map *m, const char *name, size_t len, uint32_t value) {
    int found;
    struct map_entry *entry = claim_entry(m, name, len, &found);

    if (!entry)
        return MAP_NONE;
    if (found)
        return entry->value;
    entry->value = value;
    return MAP_NONE;
}

void map_set(struct map *m, const char *name, size_t len, uint32_t value) {
    int found;
    struct map_entry *entry = claim_entry(m, name, len, &found);

    if (entry)
        entry->value = value;
}
