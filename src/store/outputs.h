/* SPDX-License-Identifier: MIT */
/* outputs: captured output that is too much for the database, a file a stream. */
#ifndef MUSTER_STORE_OUTPUTS_H
#define MUSTER_STORE_OUTPUTS_H
#include <stdint.h>
#include <sys/types.h>

struct capture;

#define OUTPUTS_DIR "output" /* in the state folder: a folder for each run in it */

enum outputs_stream { OUTPUTS_OUT, OUTPUTS_ERR };

/*
 * Saves a stream of a run's job, seq its number: with a link where the capture's
 * file is on the same file system. 0 or UV_E…; nothing is left then. Blocks, as
 * all here.
 */
int outputs_save(const char *folder, const char *run, uint32_t seq, enum outputs_stream stream,
                 const struct capture *c);
/* Opens one for reading. A descriptor, or UV_E…. */
int outputs_open(const char *folder, const char *run, uint32_t seq, enum outputs_stream stream);
/* Removes all of a run's. What cannot be removed stays. */
void outputs_remove(const char *folder, const char *run);
#endif
