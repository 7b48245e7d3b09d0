/* SPDX-License-Identifier: MIT */
/* faults: what a test orders of the preloaded hooks, and what they tell it; a shared file. */
#ifndef MUSTER_FAULTS_FAULTS_H
#define MUSTER_FAULTS_FAULTS_H
#include <stdatomic.h>
#include <stdbool.h>

/* Calls that fail in the same ways. Those marked * only where muster's own code
 * makes them: libuv ends the process when its own signal pipe, thread pool or
 * polling fail. */
enum faults_kind {
    FAULTS_ALLOC,   /* malloc and its like; not those of the loader: a thread's first block */
    FAULTS_MAP,     /* mmap, mremap */
    FAULTS_OPEN,    /* open, openat, fopen, opendir, mkdir, mkostemp, mkdtemp, memfd_create */
    FAULTS_READ,    /* read *, pread */
    FAULTS_WRITE,   /* write *, pwrite, posix_fallocate, ftruncate */
    FAULTS_SYNC,    /* fsync, fdatasync */
    FAULTS_NAME,    /* linkat, renameat, fchmod, fstatat, readlinkat, utimensat, flock;
                     * stat, lstat, fstat, realpath * */
    FAULTS_FD,      /* pipe2 *, socketpair, epoll_create1, eventfd, pidfd_open */
    FAULTS_WATCH,   /* epoll_ctl that adds * */
    FAULTS_FORK,    /* fork, clone, clone3 */
    FAULTS_THREAD,  /* pthread_create * */
    FAULTS_SEND,    /* send, sendmsg */
    FAULTS_RECEIVE, /* recv, recvmsg; errno 0: descriptors that came are dropped */
    FAULTS_EXEC,    /* execve */
    FAULTS_KINDS
};

/* Whose calls: muster's own, or those of its launchers, all of them together. */
enum faults_role { FAULTS_MUSTER, FAULTS_LAUNCHER, FAULTS_ROLES };

/*
 * The file that FAULTS names in the environment of a program with preload.so.
 * The hooks take both names out of it, so that no job has them. A launcher is
 * forked by muster and so has them too; it counts for itself.
 */
struct faults {
    /* The order. */
    enum faults_kind kind;
    enum faults_role role;
    unsigned at;    /* the call that fails, from 1; 0: none does */
    bool from_then; /* and all behind it */
    int error;      /* errno; 0: half of the bytes are written or read */
    unsigned warp;  /* the monotonic clock goes so many times as fast; 0: as always */
    /* What came of it. */
    atomic_uint calls[FAULTS_ROLES][FAULTS_KINDS];
    atomic_uint injected;
    atomic_bool deaf; /* a write to standard error failed */
    /* The first call that failed: its name, and who made it. */
    char what[32], object[128];
    unsigned long offset;
};
#endif
