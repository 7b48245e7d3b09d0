/* SPDX-License-Identifier: MIT */
/* lines: the bytes of a manifest checked, and its lines judged by inih. */
#ifndef MUSTER_PLAN_LINES_H
#define MUSTER_PLAN_LINES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/source.h"

struct line {
    uint32_t at, len; /* offset in the source; bytes without the line end */
};

/* Of the lines that are candidates: what inih said of each, in their order. */
struct lines {
    bool *accepted; /* inih read it as a pair or a section header */
    uint32_t count, headers;
};

/*
 * Reports what may not stand in a manifest: NUL, lone CR, control characters,
 * what is not UTF-8; the first few of a file. Whether there was none.
 */
bool lines_check(const struct source *source, struct diag *diag);
/* Whether n bytes of it are free of such. */
bool lines_clean(const char *s, size_t n);
/*
 * Has inih judge all candidates. The arena must jump when it is out of memory.
 * 0, or UV_ENOMEM from inih.
 */
int lines_read(struct lines *lines, const struct source *source, struct arena *arena);
/* Whether a line begins in column 1 with something other than a comment. */
bool lines_is_candidate(const struct source *source, const struct line *line);
/*
 * The line that begins at *at, without its line end; *at goes to the next one.
 * False at the end.
 */
bool lines_next(const struct source *source, uint32_t *at, struct line *line);
#endif
