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

struct killgroup;

#define SPAWN_MARKS (UINT64_C(1) << 32) /* attempts that a run may make */

/* What is the same for all processes of a run. Any thread reads it. */
struct spawn_setup {
    struct rlimit nofile;    /* what jobs get */
    struct rlimit locks;     /* see spawn_opts.mark */
    struct rlimit core;      /* what jobs get */
    uint64_t first_mark;     /* of the run; all are less than SPAWN_MARKS from here */
    struct killgroup *group; /* of the run, or NULL; not owned */
    const char *folder;      /* of the run, gone when it is: exec/facts.h; or NULL; not owned */
    int lock, presence; /* of the run, 0: none; a launcher keeps them while it lives; not owned */
    int jobserver[2];   /* its descriptors, 0: none; likewise */
    int devnull;        /* shared by all jobs as standard input; not owned */
    int nice;           /* muster's own */
};

/*
 * devnull: /dev/null, open for reading and writing. nofile_soft, core_soft: limits
 * for jobs, on descriptors and the bytes of a core file. first_mark, lock and presence are the
 * caller's to set. 0 or UV_E….
 */
int spawn_setup_init(struct spawn_setup *s, int devnull, uint64_t nofile_soft, uint64_t core_soft);

/* What a process that starts others needs. */
struct spawner {
    const struct spawn_setup *setup;
    void *stack; /* for the child until it has exec'd */
};

/* Sets all signals of the calling process to their defaults, which is what its
 * children get. Its stack is the launcher's until that ends. 0 or UV_ENOMEM. */
int spawner_init(struct spawner *s, const struct spawn_setup *setup);

/* What to start. Borrowed for the call. */
struct spawn_opts {
    const char *program;     /* path */
    const char *const *argv; /* NULL at the end */
    char *const *envp;
    const char *dir;
    struct stream in, out, err;
    int in_fd;                /* read end of the pipe of standard input, where it is one */
    int out_fd, err_fd;       /* write ends of the pipes of the others */
    int nice;                 /* added to muster's */
    struct job_limits limits; /* .memory: of the address space of each process */
    bool jobserver;           /* it gets the jobserver's descriptors, see exec/jobserver.h */
    const char *memory_group; /* folder of the memory cgroup to be in; "": none */
    uint64_t mark;            /* soft RLIMIT_LOCKS, by which its orphans are known (reaper.h) */
    pid_t parent;             /* of the process to be: the caller's own parent */
};

/*
 * Starts a process as a child of the caller's parent (CLONE_PARENT): with a
 * session of its own, descriptors 0 to 2 alone, default signals, an empty mask,
 * and SIGKILL when the thread that is its parent ends. Blocks until it has
 * exec'd (some 0.3 ms). 0: *pid runs since *start_ns (clock_ns). UV_E…: *stage
 * says at what, and where it was the program's fault *pid is a zombie that the
 * parent has to reap, else 0. The calling thread must have all signals blocked;
 * its process bears the mark itself from here on.
 */
int spawn_start(struct spawner *s, const struct spawn_opts *opts, pid_t *pid, int64_t *start_ns,
                enum spawn_stage *stage);

/* Whether an error (UV_E…) says that the machine is short of something just now. */
bool spawn_is_shortage(int error);
/* What was at fault, for people: a path, or NULL. Borrowed from opts. */
const char *spawn_fault(const struct spawn_opts *opts, enum spawn_stage stage);
#endif
