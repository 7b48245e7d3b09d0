/* SPDX-License-Identifier: MIT */
/* lines: a file's lines one after the other, without ever blocking the loop. */
#ifndef MUSTER_RUN_LINES_H
#define MUSTER_RUN_LINES_H
#include <stdbool.h>
#include <uv.h>

/*
 * A regular file is read in blocks by libuv's thread pool. What is written while
 * it is read, a pipe, FIFO, terminal or socket, is followed as it comes, until its
 * writers have closed it; a FIFO waits for the first one. Memory is bounded by the
 * longest line, 1 MiB. All on the loop's thread.
 */
struct lines_reader;

struct lines_opts {
    uv_loop_t *loop;
    const char *path; /* absolute, or "-": standard input; outlives the reader */
    bool again;       /* lines_rewind() will be called: what cannot be read twice is kept */
    void (*news)(void *ctx);
    void *ctx;
};

/* Opens nothing yet. NULL when out of memory. */
struct lines_reader *lines_open(const struct lines_opts *opts);
/*
 * The next line, without its LF or CRLF: 1 with *line (no NUL behind its n bytes,
 * and none within), good until the next call. 0: there is none yet, news() follows.
 * UV_EOF: there are no more. Else UV_E…, and lines_fault() is why.
 */
int lines_take(struct lines_reader *r, const char **line, size_t *n);
/* After UV_EOF: from the first line on again. */
void lines_rewind(struct lines_reader *r);
/* Why it failed, in words: "list.txt: No such file or directory". */
const char *lines_fault(const struct lines_reader *r);
/* Whether it may wait for its next line as long as somebody likes. */
bool lines_are_followed(const struct lines_reader *r);
/* Gives it up; freed when nothing of it is under way. Accepts NULL. No news any more. */
void lines_close(struct lines_reader *r);
#endif
