/* SPDX-License-Identifier: MIT */
/* sink: a stdio stream to standard output or a file that tells its first error. */
#ifndef MUSTER_REPORT_SINK_H
#define MUSTER_REPORT_SINK_H
#include <stddef.h>
#include <stdio.h>

/*
 * stdio forgets why a write failed and gives up on a non-blocking descriptor.
 * A sink's stream does neither: after its first error it takes everything and
 * writes nothing, and sink_close() says what the error was. One thread.
 */
struct sink {
    FILE *stream; /* to be written to */
    int fd;       /* behind it */
    int error;    /* the first, UV_E…, or 0 */
    int dir;      /* folder of a file that is to be replaced, or -1 */
    char *name;   /* its name in there, or NULL: written in place */
    char *temp;   /* name of the temporary file, or NULL: it has none yet */
};

/* Writes all n bytes, waiting where the descriptor would block. 0 or UV_E…. */
int sink_write_all(int fd, const char *bytes, size_t n);
/* A stream to standard output or standard error. 0 or UV_E…; nothing to close then. */
int sink_open_fd(struct sink *s, int fd);
/*
 * A stream to a file that will be there whole or not at all: a temporary one
 * in the same folder, which sink_close() puts in its place with the mode that
 * the old one had, else by the umask. Symbolic links are followed, but not a
 * stranger's in a folder that all may write to (UV_EACCES). What is no regular
 * file is written in place. 0 or UV_E…; nothing to close then.
 */
int sink_open_file(struct sink *s, const char *path);
/* From now on a FIFO's reader is waited for two seconds more and no longer: muster is to end.
 * For all sinks, for good. Async-signal-safe. */
void sink_hurry(void);
/*
 * Puts a new file in its place at once, for who wants to read it while it grows;
 * what is written from then on is in it as soon as the stream is flushed. May be
 * called again. An error shows in sink_close().
 */
void sink_publish(struct sink *s);
/* Notes an error of the writer's own; the file will not be put in place. */
void sink_fail(struct sink *s, int error);
/*
 * Flushes and syncs all, puts a file in its place and frees everything. 0 or
 * the first error, UV_E…: the file's old content is then untouched.
 */
int sink_close(struct sink *s);
#endif
