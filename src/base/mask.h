/* SPDX-License-Identifier: MIT */
/* mask: finds secret values in bytes, whole or as they come, and puts *** in their place. */
#ifndef MUSTER_BASE_MASK_H
#define MUSTER_BASE_MASK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What is masked: every byte of every place where a value stands. Places that
 * share a byte become one ***, such that touch without sharing one become one
 * each; all other bytes stay as they are. So a value that is the beginning of
 * another never leaves the other's end behind, and of two that overlap nothing
 * is left of either.
 */
struct mask_set;

/* A value to be masked; no bytes: ignored. */
struct mask_value {
    const char *bytes;
    size_t n;
};

/*
 * Those of `base` (or NULL) and these, copied, in any order and some twice.
 * *out is NULL where there is nothing to mask. 0 or UV_ENOMEM. A set does not
 * change: any thread reads it.
 */
int mask_set_new(struct mask_set **out, const struct mask_set *base,
                 const struct mask_value *values, size_t n);
/* Accepts NULL; returns NULL. */
struct mask_set *mask_set_free(struct mask_set *set);

/* --- a text that is there as a whole --- */

/* What a byte is. */
enum mask_mark { MASK_NOT, MASK_FIRST, MASK_MORE };

/* Marks the n bytes of s in `marks`, which has room for as many. */
void mask_find(const struct mask_set *set, const char *s, size_t n, unsigned char *marks);
/*
 * A malloc'd copy of s with *** for what is marked, NUL behind; *len is its
 * length. `at` are offsets into s, in any order, which become those of the same
 * bytes in the copy, or of the mask that they are under. NULL when out of memory.
 */
char *mask_put(const char *s, size_t n, const unsigned char *marks, size_t *len, size_t *at,
               size_t count);
/* Both at once; `set` may be NULL. */
char *mask_text(const struct mask_set *set, const char *s, size_t n, size_t *len);
/* Masks a string in its own room of `size` bytes, cut where it gets longer than
 * that; "***" when out of memory. */
void mask_buffer(const struct mask_set *set, char *buf, size_t size);

/* --- a stream --- */

/*
 * Bytes go in through mask_room() and mask_added() and come out masked by
 * mask_take(). Held back are only those that may yet turn out to be the
 * beginning of a value, always less than the longest one. One thread at a time.
 */
struct mask;

/* The set outlives it. NULL when out of memory: nothing is taken after this. */
struct mask *mask_new(const struct mask_set *set);
/* Accepts NULL; returns NULL. */
struct mask *mask_free(struct mask *m);
/* Room for reading into, *n its size: at least MASK_ROOM when all that could be
 * taken was. */
#define MASK_ROOM (64U << 10)
char *mask_room(struct mask *m, size_t *n);
/* n bytes were put into the room. */
void mask_added(struct mask *m, size_t n);
/* There will be no more: nothing is held back. Again: no effect. */
void mask_end(struct mask *m);
/* Moves up to n masked bytes to `to`. How many; 0: no more for now. */
size_t mask_take(struct mask *m, char *to, size_t n);
/* Whether mask_take() has something to give. */
bool mask_pending(const struct mask *m);
/* All bytes that were added. */
uint64_t mask_total(const struct mask *m);
#endif
