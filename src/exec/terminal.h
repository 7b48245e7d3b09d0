/* SPDX-License-Identifier: MIT */
/* terminal: a pseudo-terminal in the place of a captured stream's pipe. */
#ifndef MUSTER_EXEC_TERMINAL_H
#define MUSTER_EXEC_TERMINAL_H

#define TERMINAL_PATH "/dev/ptmx" /* of which they are made */

/*
 * Makes one: *read_end is for who captures, *write_end for the job, both close-on-exec. As wide
 * as muster's own terminal on standard error, else 80x24. What is written comes out as it is,
 * without carriage returns. When the last one has closed the write end, reading fails with EIO.
 * 0 or UV_E….
 */
int terminal_open(int *read_end, int *write_end);
#endif
