/* SPDX-License-Identifier: MIT */
/* lock: never two runs of one manifest at once. */
#ifndef MUSTER_RUN_LOCK_H
#define MUSTER_RUN_LOCK_H
#include <stdbool.h>
#include <sys/types.h>

/*
 * A file in the state folder, locked by flock(2) on a close-on-exec descriptor
 * of muster's own: no job has it, and the kernel unlocks it however muster
 * ends, though not before its launchers, which have it too, are gone. The file
 * stays, and names the process that locked it last.
 */
struct lock {
    int fd;     /* the file, or -1 */
    int folder; /* that it is in, or -1 */
    char *name; /* its name in there; what people are told is wrong with it */
};

/* What a lock is of. */
struct lock_subject {
    const char *manifest; /* its path; "-": standard input */
    const char *name;     /* the run's: it counts where the manifest has no path of its own */
};

/*
 * Opens, and makes where it is missing, the lock file of a manifest (by its real
 * path) in the folder, not locked yet. 0 or UV_E…: UV_ELOOP where it is a
 * symbolic link, UV_EPERM where it is no plain file of this user's alone.
 * Release in either case. Blocks, as all here but lock_holder().
 */
int lock_open(struct lock *l, const char *folder, const struct lock_subject *subject);
/* Takes it, waiting if need be (`wait`) until no other has it. 0; UV_EBUSY: another
 * has it; UV_E…. */
int lock_take(struct lock *l, bool wait);
/* The process that has it, by its own account; 0: it is not known. */
pid_t lock_holder(const struct lock *l);
/* Gives it back if it was taken. */
void lock_release(struct lock *l);
#endif
