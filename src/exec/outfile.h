/* SPDX-License-Identifier: MIT */
/* outfile: the file of a job's output that muster writes itself. */
#ifndef MUSTER_EXEC_OUTFILE_H
#define MUSTER_EXEC_OUTFILE_H
#include "exec/errand.h"

struct capture;

/* Whether a stream goes to a file. */
bool outfile_wanted(const struct stream *s);
/*
 * Opens the file of one that does, emptied unless it is for appending, for all that is captured.
 * 0; or UV_E… (UV_EINVAL: neither a file nor a device), e->end says that it was at this stage,
 * or at resources. Blocks, on no reader; any thread, which alone has the errand meanwhile.
 */
int outfile_open(struct errand *e, const struct stream *s, enum spawn_stage stage,
                 struct capture *captured);
#endif
