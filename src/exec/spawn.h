/* SPDX-License-Identifier: MIT */
/* spawn: starts one process, by a vfork that sets up session, streams and limits. */
#ifndef MUSTER_EXEC_SPAWN_H
#define MUSTER_EXEC_SPAWN_H
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "exec/attempt.h"
#include "plan/plan.h"

/* What is the same for all processes of a run. Any thread reads it. */
struct spawn_setup {
    struct rlimit nofile; /* what jobs get */
    int devnull;          /* shared by all jobs as standard input; not owned */
    int nice;             /* muster's own */
    unsigned char nreset; /* signals whose disposition is not the default */
    unsigned char reset[_NSIG];
};

/*
 * Takes down which signals must be set back in children: call it when all
 * handlers are installed. devnull: /dev/null, open for reading and writing.
 * nofile_soft: the descriptor limit for jobs. 0 or UV_E….
 */
int spawn_setup_init(struct spawn_setup *s, int devnull, uint64_t nofile_soft);

/* What each thread that starts processes needs. */
struct spawner {
    const struct spawn_setup *setup;
    void *stack; /* for the child until it has exec'd */
};

/* 0 or UV_ENOMEM. */
int spawner_init(struct spawner *s, const struct spawn_setup *setup);
void spawner_release(struct spawner *s);

/* What to start. Borrowed for the call. */
struct spawn_opts {
    const char *program;     /* path */
    const char *const *argv; /* NULL at the end */
    char *const *envp;
    const char *dir;
    const struct stream *in, *out, *err;
    int nice; /* added to muster's */
};

/* What was started. */
struct spawned {
    pid_t pid;        /* its process, session and group */
    int pidfd;        /* readable when it has exited */
    int out, err;     /* read ends of captured streams, or -1 */
    int64_t start_ns; /* clock_ns() just before */
};

/*
 * Starts a process: a session of its own, only descriptors 0 to 2, default
 * signals and an empty mask, SIGKILL when this thread ends. Blocks until it has
 * exec'd (some 0.3 ms). 0: *out is filled and the caller owns pid (to be
 * reaped) and descriptors. UV_E…: nothing is left; *stage says at what, and
 * *detail is the path or size at fault, malloc'd, or NULL. The calling thread
 * must have all signals blocked, and must not be the main thread: its children
 * are to be adopted orphans only (see reaper).
 */
int spawn_start(struct spawner *s, const struct spawn_opts *opts, struct spawned *out,
                enum spawn_stage *stage, char **detail);
#endif
