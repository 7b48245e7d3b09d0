/* SPDX-License-Identifier: MIT */
/* manifest: one file as sections and entries, each with its places; knows no key. */
#ifndef MUSTER_PLAN_MANIFEST_H
#define MUSTER_PLAN_MANIFEST_H
#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/source.h"

/* From byte `offset` of a value of several lines on, its text stands at place `at`. */
struct segment {
    uint32_t offset, at;
};

/* The text of a value, without the indentation of its further lines. */
struct text {
    const char *bytes; /* no NUL behind */
    uint32_t len;
    uint32_t at;                    /* place of the first byte, when it is one line */
    const struct segment *segments; /* of several lines, else NULL */
    uint32_t nsegments;
};

struct entry {
    struct span key;
    struct span value;            /* what stands behind =, trimmed; may be empty */
    uint32_t rest_end;            /* offset in the source where its further lines end, or 0 */
    bool spoilt;                  /* has bytes that were reported: no value to judge */
    bool doubled;                 /* there is one like it before, which counts */
    bool reported;                /* the same, or something was said of it that all know now */
    bool axial;                   /* axes stand in it: typed is its struct axial */
    uint8_t need;                 /* what of it must be there: enum need of preflight */
    const struct schema_key *row; /* what it means, NULL when nothing does */
    void *typed;                  /* its value as row->type has it, NULL when it has none */
};

struct section {
    struct span header;     /* from [ to ] */
    struct span kind, name; /* the words between; name.at is 0 when there is none */
    const struct source *source;
    bool outside;              /* holds what stands before the first header */
    bool broken;               /* its header was reported; its kind is not known */
    int8_t type;               /* enum section_type, -1: none; set by who knows the schema */
    bool live;                 /* is what it says: well named, and the first of its name */
    uint32_t job;              /* its index, of a live [job] or [limit] */
    const struct env_var *env; /* what its env.NAME keys say, NULL: nothing */
    struct entry *entries;
    uint32_t nentries;
};

struct manifest {
    const struct source *source;
    struct section *sections;
    uint32_t nsections;
    struct entry *entries;
    uint32_t nentries;
    bool broken; /* bytes or lines were reported */
};

/*
 * Reads a source. What is wrong with its bytes, lines and headers goes to
 * diag. The arena must jump when it is out of memory. 0 or UV_ENOMEM.
 */
int manifest_parse(struct manifest *m, const struct source *source, struct arena *arena,
                   struct diag *diag);
/* The text of an entry's value. Several lines are put together in the arena. */
struct text manifest_unfold(const struct source *source, const struct entry *e,
                            struct arena *arena);
/*
 * The first further line of a value that may have one line only, or {0, 0}:
 * lines that look like comments are comments there.
 */
struct span manifest_second_line(const struct source *source, const struct entry *e);
/* The place of n bytes of a text from `offset` on; it ends with its line. */
struct span text_span(const struct text *t, size_t offset, size_t n);
/* The bytes of a span in a source. */
static inline const char *source_text(const struct source *s, struct span span) {
    return s->bytes + (span.at - s->base);
}
#endif
