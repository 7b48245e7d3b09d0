/* SPDX-License-Identifier: MIT */
/* diag: gathers what is wrong with a manifest and renders it with carets. */
#ifndef MUSTER_BASE_DIAG_H
#define MUSTER_BASE_DIAG_H
#include <stdio.h>

#include "base/source.h"

enum diag_severity { DIAG_ERROR, DIAG_WARNING };

/*
 * Messages: lower case, no full stop, the subject in single quotes, what would
 * be right in brackets. Everything is gathered first and rendered once, in
 * file order. Foreign bytes in a message are made visible when it is rendered.
 */
struct mask_set;
struct diag {
    struct arena *arena;
    struct sources *sources;
    struct diag_item *first, **last;
    struct diag_item *newest; /* what a note hangs on */
    unsigned errors, warnings;
    const struct mask_set *mask; /* of what is shown, or NULL; outlives the diag */
    struct span *hidden;         /* of sources: not shown either; in the arena, in order */
    size_t nhidden, hidden_cap;
};

void diag_init(struct diag *d, struct arena *arena, struct sources *sources);
/* Adds one. `at` {0,0}: no place, the message stands behind "muster: ". */
void diag_error(struct diag *d, struct span at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void diag_warning(struct diag *d, struct span at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Hangs a note on the last error or warning: the other party, or a hint. */
void diag_note(struct diag *d, struct span at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A place whose text is shown as ***, behind those hidden before it. */
void diag_hide(struct diag *d, struct span at);
/* The text of the first error or warning, or NULL. */
const char *diag_first(const struct diag *d);
/*
 * Writes all in file order (stable), with the source line and a caret, and
 * for errors the closing line "muster: NAME: 2 errors, nothing was run".
 * `color` switches bold and red on.
 */
void diag_render(const struct diag *d, const char *name, FILE *out, int color);
/*
 * The word of `words` (NULL-terminated) nearest to `word`, or NULL when none
 * is near enough to be a slip of the finger. Damerau-Levenshtein distance, at
 * most a third of the word's length.
 */
const char *diag_nearest(const char *word, size_t n, const char *const *words);
/* Ends a message about a name that is not there with the one nearest to it, or with nothing
 * where that is NULL: "no job '%s'" DIAG_NEAR, name, DIAG_NEAR_ARGS(near). */
#define DIAG_NEAR "%s%s%s"
#define DIAG_NEAR_ARGS(near)                                                                       \
    (near) ? "; did you mean '" : "", (near) ? (near) : "", (near) ? "'?" : ""
#endif
