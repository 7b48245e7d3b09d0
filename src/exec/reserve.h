/* SPDX-License-Identifier: MIT */
/* reserve: memory and threads for libuv, which ends the process where it gets none. */
#ifndef MUSTER_EXEC_RESERVE_H
#define MUSTER_EXEC_RESERVE_H
#include <uv.h>

/*
 * libuv aborts when its table of descriptors cannot grow, in the middle of a
 * run. From here on it gets what it needs from a small reserve where malloc()
 * has nothing. Call before any other use of libuv, on the main thread; again: no
 * effect.
 */
void reserve_memory(void);
/*
 * Has the threads of the pool made now where processes are few, as RLIMIT_NPROC says: later
 * there are jobs that take what was there a moment ago. Main thread, before any of them is
 * started. That there are none now is no error.
 */
void reserve_threads(uv_loop_t *loop);
/*
 * uv_queue_work(), which aborts when the threads of the pool cannot be made at its
 * first use: whether they can is tried before. 0; or UV_E… (UV_EAGAIN, UV_ENOMEM),
 * nothing was queued, and a later call may find it better. Any loop's thread.
 */
int reserve_queue_work(uv_loop_t *loop, uv_work_t *work, uv_work_cb run, uv_after_work_cb done);
#endif
