/* SPDX-License-Identifier: MIT */
/* sampler: finds out which attempts compute while they run. */
#ifndef MUSTER_EXEC_SAMPLER_H
#define MUSTER_EXEC_SAMPLER_H
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

/*
 * Some ten times a second a thread of libuv's pool adds up, for each session that
 * is watched, the CPU time of its processes and how long these stood in the
 * kernel's queue for one: on a machine that is busy with such jobs each gets but a
 * small part of a CPU. Half a core's worth of that over a quarter of a second is
 * computing. One pass over /proc serves all sessions, and the longer it takes the
 * less often it is made.
 */
struct sampler;

/* An attempt computes; on the loop's thread. It is watched no more. */
typedef void (*sampler_computes_cb)(void *ctx, uint32_t job, uint32_t attempt);

/* One that watches nothing. NULL: out of memory. Main thread, as all here. */
struct sampler *sampler_new(uv_loop_t *loop, sampler_computes_cb computes, void *ctx);
/* Watches an attempt by the leader of its session, which starts about now. Without
 * memory for it, it does not. */
void sampler_add(struct sampler *s, uint32_t job, uint32_t attempt, pid_t leader);
/* Watches a job's attempt no more; there may be none. */
void sampler_remove(struct sampler *s, uint32_t job);
/* Accepts NULL; returns NULL. It goes as the loop runs on; no call comes from it any more. */
struct sampler *sampler_close(struct sampler *s);
/*
 * CPU time of a session's processes, of those they have waited for, and the time that
 * they waited for a CPU, in ns. `root` stands before /proc: "" but in tests. For
 * n sessions at once, by rising id; blocks.
 */
struct sampler_sum {
    pid_t session;
    int64_t ns;
};
void sampler_measure(const char *root, struct sampler_sum *sums, size_t n);
#endif
