/* SPDX-License-Identifier: MIT */
/* mem: an arena for what lives and dies together, and arrays that grow. */
#ifndef MUSTER_BASE_MEM_H
#define MUSTER_BASE_MEM_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/*
 * Asks for huge pages for a new block of malloc()'s that will be used from one
 * end to the other. Small ones are left alone. With a page fault for each
 * 4 KiB the kernel takes as long as muster does for a manifest of a million jobs.
 */
void mem_advise_huge(void *block, size_t n);

/*
 * A bump allocator, freed as a whole; unused room is poisoned under ASan.
 * Out of memory: where the owner has set `on_oom`, arena_alloc() and all that
 * stand on it jump there and never return NULL, so that code which builds a
 * plan reads straight; the owner then frees the arena. Without it they return
 * NULL. One thread at a time.
 */
struct arena {
    struct arena_chunk *head; /* the chunk being filled, the others behind it */
    jmp_buf *on_oom;          /* where to go when memory is out, or NULL */
    size_t first;             /* bytes of the first chunk, for what stays small; 0: as usual */
};

/* An empty arena, embedded in its owner. Allocates nothing yet. */
void arena_init(struct arena *a, jmp_buf *on_oom);
/* Frees all that was taken from it; the arena is empty again. */
void arena_release(struct arena *a);
/* n zeroed bytes, aligned for any type of up to 8 bytes: numbers but long double, pointers. */
void *arena_alloc(struct arena *a, size_t n);
/* A copy of n bytes with a NUL behind. */
char *arena_strndup(struct arena *a, const char *s, size_t n);
/* The same with the letters of ASCII in lower case. */
char *arena_lower(struct arena *a, const char *s, size_t n);
/* A formatted string. */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));

/* One zeroed object or an array of n of a type. */
#define arena_new(a, type)      ((type *)arena_alloc((a), sizeof(type)))
#define arena_array(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (n)))

/*
 * Makes room for one more element in a growing array that lives in an arena:
 * doubles *cap when n == *cap. The old array stays behind in the arena (at
 * most as much again as the final one).
 */
void *arena_grow(struct arena *a, void *array, size_t n, size_t *cap, size_t size);

/*
 * Makes room for an element `i` in an array of malloc()'s (NULL at first) that has room for
 * *cap of `size` bytes each, and more at once; what is new is zeroed. The array, which may
 * have moved. NULL when out of memory: it is as it was.
 */
void *mem_grow(void *array, size_t i, size_t *cap, size_t size);
#endif
