/* SPDX-License-Identifier: MIT */
/* jobserver: GNU make's: muster as a client of the make above it, and as the server of
 * those below it. */
#ifndef MUSTER_EXEC_JOBSERVER_H
#define MUSTER_EXEC_JOBSERVER_H
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/makeflags.h"
#include "plan/plan.h"

/*
 * A token stands for a CPU. Below a make there are make's: one job runs by the token
 * that muster itself was started with, each further CPU's worth needs one of the pipe's.
 * Else, where a job wants a jobserver, muster makes a pipe with a token for each CPU
 * worker: each CPU's worth of a job takes one, and the makes in jobs take what is left.
 */
struct jobserver;

/* What jobs are told: descriptors, or a named pipe. */
#define JOBSERVER_READ_FD  3
#define JOBSERVER_WRITE_FD 4

/*
 * *out is NULL where there is neither, which is no error. `above`: make's, or NULL. `more` is
 * called when there may be more to be had. 0 or UV_E…. Main thread, as all here.
 */
int jobserver_open(struct jobserver **out, uv_loop_t *loop, const struct plan *plan,
                   const struct makeflags *above, void (*more)(void *ctx), void *ctx);
/*
 * The same with the make above that main() has noted; where that one's cannot be had, `why`
 * (n bytes) says so, and else is "": then it is as if there were none.
 */
int jobserver_find(struct jobserver **out, uv_loop_t *loop, const struct plan *plan,
                   void (*more)(void *ctx), void *ctx, char *why, size_t n);
/* How many CPUs' worth may ever run at once. */
uint32_t jobserver_most(const struct jobserver *j);
/* So many CPUs' worth run, so many are wanted: how many may run; of no jobserver: any number. */
uint32_t jobserver_want(struct jobserver *j, uint32_t running, uint32_t wanted);
/* An attempt of a job begins, or is gone. Where it has the jobserver: what those take along
 * that are killed is made good as soon as none is there. Accept NULL. */
void jobserver_begin(struct jobserver *j, const struct plan_job *job);
void jobserver_end(struct jobserver *j, const struct plan_job *job);
/* The descriptors that jobs are given, for reading and writing; kept by launchers. */
const int *jobserver_fds(const struct jobserver *j);
/* What MAKEFLAGS says of it to a job. */
const char *jobserver_flags(const struct jobserver *j, enum jobserver_form form);
/* Gives all tokens back and goes, as the loop runs on. Accepts NULL; returns NULL. */
struct jobserver *jobserver_close(struct jobserver *j);
#endif
