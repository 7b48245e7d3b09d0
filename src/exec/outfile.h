/* SPDX-License-Identifier: MIT */
/* outfile: the file of a job's output that muster writes itself. */
#ifndef MUSTER_EXEC_OUTFILE_H
#define MUSTER_EXEC_OUTFILE_H
#include <stdbool.h>

#include "plan/plan.h"

/* Whether a stream goes to a file. */
bool outfile_wanted(const struct stream *s);
/* Opens the file of one that does, emptied unless it is for appending, into *fd. 0 or
 * UV_E…: UV_EINVAL for what is neither a file nor a device. Blocks, on no reader. */
int outfile_open(const struct stream *s, int *fd);
#endif
