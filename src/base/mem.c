/* SPDX-License-Identifier: MIT */
/* mem: an arena for what lives and dies together, and arrays that grow. */
#include "base/mem.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEM_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(MEM_ASAN)
#include <sanitizer/asan_interface.h>
#define mem_poison(p, n)   __asan_poison_memory_region((p), (n))
#define mem_unpoison(p, n) __asan_unpoison_memory_region((p), (n))
#else
#define mem_poison(p, n)   ((void)(p), (void)(n))
#define mem_unpoison(p, n) ((void)(p), (void)(n))
#endif

#define CHUNK_MIN (size_t)(16 << 10)
#define CHUNK_MAX (size_t)(4 << 20)
#define HUGE_MIN  CHUNK_MAX /* two of the usual huge pages: one of them whole */
#define ALIGN     alignof(uint64_t)

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, size; /* of bytes */
    alignas(max_align_t) char bytes[];
};

void mem_advise_huge(void *block, size_t n) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)block;

    if (n >= HUGE_MIN) /* what it refuses costs nothing but the time */
        madvise((void *)((at + page - 1) / page * page), (n / page - 1) * page, MADV_HUGEPAGE);
}

void arena_init(struct arena *a, jmp_buf *on_oom) {
    a->head = NULL;
    a->on_oom = on_oom;
    a->first = 0;
}

void arena_release(struct arena *a) {
    while (a->head) {
        struct arena_chunk *chunk = a->head;
        a->head = chunk->next;
        mem_unpoison(chunk->bytes, chunk->size);
        free(chunk);
    }
}

static void *out_of_memory(struct arena *a) {
    if (a->on_oom)
        longjmp(*a->on_oom, 1);
    return NULL;
}

/* A chunk for at least n bytes. Big ones go behind the head, which stays in use. */
static struct arena_chunk *add_chunk(struct arena *a, size_t n) {
    size_t least = a->first ? a->first : CHUNK_MIN, size = least;
    if (a->head && a->head->size >= least)
        size = a->head->size < CHUNK_MAX ? a->head->size * 2 : CHUNK_MAX;
    int big = n > size / 4;
    if (big)
        size = n;
    if (size > SIZE_MAX - sizeof(struct arena_chunk))
        return NULL;
    struct arena_chunk *chunk = calloc(1, sizeof *chunk + size); /* big ones come zeroed */
    if (!chunk)
        return NULL;
    mem_advise_huge(chunk, sizeof *chunk + size);
    chunk->size = size;
    if (big && a->head) {
        chunk->next = a->head->next;
        a->head->next = chunk;
    } else {
        chunk->next = a->head;
        a->head = chunk;
    }
    mem_poison(chunk->bytes, chunk->size);
    return chunk;
}

void *arena_alloc(struct arena *a, size_t n) {
    if (n > SIZE_MAX / 2)
        return out_of_memory(a);
    size_t rounded = n ? (n + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
    struct arena_chunk *chunk = a->head;
    if (!chunk || chunk->size - chunk->used < rounded)
        chunk = add_chunk(a, rounded);
    if (!chunk)
        return out_of_memory(a);
    char *p = chunk->bytes + chunk->used;
    chunk->used += rounded;
    /* Only what was asked for: the rest of the last unit stays poisoned. */
    mem_unpoison(p, n);
    return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t n) {
    char *p = arena_alloc(a, n + 1);
    if (p && n)
        memcpy(p, s, n);
    return p;
}

char *arena_lower(struct arena *a, const char *s, size_t n) {
    char *copy = arena_strndup(a, s, n);

    for (size_t i = 0; copy && i < n; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] - 'A' + 'a');
    return copy;
}

char *arena_printf(struct arena *a, const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    char *p = arena_vprintf(a, fmt, args);
    va_end(args);
    return p;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list args) {
    va_list again;

    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    char *p = n < 0 ? out_of_memory(a) : arena_alloc(a, (size_t)n + 1);
    if (p)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

void *arena_grow(struct arena *a, void *array, size_t n, size_t *cap, size_t size) {
    if (n < *cap)
        return array;
    size_t more = *cap ? *cap * 2 : 8;
    if (more > SIZE_MAX / 2 / size)
        return out_of_memory(a);
    void *bigger = arena_alloc(a, more * size);
    if (!bigger)
        return NULL;
    if (n)
        memcpy(bigger, array, n * size);
    *cap = more;
    return bigger;
}

void *mem_grow(void *array, size_t i, size_t *cap, size_t size) {
    size_t more = i * 2 + 16;
    char *bigger;

    if (i < *cap)
        return array;
    bigger = reallocarray(array, more, size);
    if (!bigger)
        return NULL;
    memset(bigger + *cap * size, 0, (more - *cap) * size);
    *cap = more;
    return bigger;
}
