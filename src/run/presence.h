/* SPDX-License-Identifier: MIT */
/*
 * presence: which runs of a manifest there are: those that go on, and those whose
 * muster was killed and whose jobs are still being ended.
 */
#ifndef MUSTER_RUN_PRESENCE_H
#define MUSTER_RUN_PRESENCE_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PRESENCE_FILE "presence" /* in the state folder: two bytes of it for each manifest */

/*
 * Two locks of a file for all manifests, on a close-on-exec descriptor. One belongs
 * to the open file, which muster's launchers share: it is there until they have ended
 * what a muster that was killed has left. The other belongs to the process, and is
 * gone with it. Both are shared by all runs of the manifest.
 */
struct presence {
    int fd;     /* the file, 0: none */
    bool found; /* the folder was; else that is what is wrong */
    int64_t at; /* the manifest's first byte */
};

/*
 * Joins the runs of a manifest, which is known by its key (see record_key() of the
 * store). `alone`: waits until there is no other, a second for one that goes on, and
 * then fails with UV_EBUSY: *other is that process, or 0 if it is not known; for what
 * a killed one has left until those who end it have given up, and a little more:
 * UV_ETIMEDOUT. 0 or UV_E…: nothing is joined then. Before the launchers are forked;
 * blocks; one in a process.
 */
int presence_join(struct presence *p, const char *folder, const char *key, bool alone,
                  pid_t *other);
/* Leaves them, if they were joined. */
void presence_leave(struct presence *p);
#endif
