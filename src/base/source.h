/* SPDX-License-Identifier: MIT */
/* source: the bytes of the files that make up a manifest, and where in them. */
#ifndef MUSTER_BASE_SOURCE_H
#define MUSTER_BASE_SOURCE_H
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

#define SOURCE_BYTES_MAX (256U << 20) /* of one file */

/*
 * A place in any of the sources: all files stand one behind the other in one
 * space of 32 bits, as in a compiler's source manager. {0, 0} is no place.
 */
struct span {
    uint32_t at;  /* first byte */
    uint32_t len; /* bytes; 0 points between two */
};

struct source {
    const char *name;   /* as the user gave it, "<stdin>" for - */
    const char *folder; /* absolute; what relative paths in it are relative to */
    char *bytes;        /* the file without its byte order mark, a NUL behind */
    uint32_t len;       /* of bytes */
    uint32_t base;      /* place of bytes[0] */
    unsigned mode;      /* st_mode */
    uint32_t *lines;    /* starts of lines, built when first asked for */
    uint32_t nlines;
};

struct sources {
    struct arena *arena;
    struct source **list; /* in the order of their opening */
    size_t cap;           /* of list */
    uint32_t count;
    uint32_t next; /* the next file's base */
};

/* What a reader sees of a place. */
struct location {
    const struct source *source;
    uint32_t line;        /* from 1 */
    uint32_t column;      /* in characters from 1; a tab is one */
    const char *text;     /* the whole line, no line end */
    uint32_t text_len;    /* bytes */
    uint32_t text_column; /* byte offset of the place in text */
};

void sources_init(struct sources *s, struct arena *arena);
/*
 * Reads a whole file ("-": standard input) into memory and adds it. 0, or
 * UV_E…: UV_EISDIR for a folder, UV_EFBIG above SOURCE_BYTES_MAX (FIFOs and
 * /dev/zero too), UV_ENOMEM. The descriptor is closed again. The bytes are
 * released by sources_release().
 */
int sources_read(struct sources *s, const char *path, const char *name, struct source **out);
/* Adds bytes that are in memory already (copied), for tests and fuzzing. */
int sources_add(struct sources *s, const char *name, const char *bytes, size_t n,
                struct source **out);
/* The file's bytes; the arena frees the rest. */
void sources_release(struct sources *s);
/*
 * A path that stands in a file, made absolute by that file's folder; "." and
 * leading "./" are left out. In the arena.
 */
const char *source_resolve(struct arena *arena, const char *folder, const char *path);
/* Line and column of a place. Linear in the file once, then logarithmic. */
struct location sources_locate(const struct sources *s, uint32_t at);
#endif
