/* SPDX-License-Identifier: MIT */
/* suspend: stops this process as Ctrl-Z would, until SIGCONT. */
#ifndef MUSTER_RUN_SUSPEND_H
#define MUSTER_RUN_SUSPEND_H

/*
 * Stops all threads by SIGTSTP, or by SIGSTOP where the kernel discards that,
 * and returns once SIGCONT has come. SIGTSTP must have its default action.
 * Leaves the action of SIGCONT as it was. Main thread; blocks.
 */
void suspend_self(void);
#endif
