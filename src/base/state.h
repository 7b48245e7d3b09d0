/* SPDX-License-Identifier: MIT */
/* state: the folder of what outlives a run: locks, history. */
#ifndef MUSTER_BASE_STATE_H
#define MUSTER_BASE_STATE_H

/*
 * Its path, in *path, malloc'd: `dir` where it is not NULL (the command line's),
 * else $XDG_STATE_HOME/muster, else .local/state/muster in the home folder: $HOME,
 * or, where that is not set, the user database's. What is no absolute path does not
 * count. Nothing is made. 0; UV_ENOENT: there is none; UV_ENOMEM. Main thread.
 */
int state_path(const char *dir, char **path);
/*
 * Opens the folder, close-on-exec; makes it where it is missing, and those that
 * it stands in, all for its owner alone (0700). The descriptor, or UV_E….
 * Blocks; any thread.
 */
int state_open(const char *path);
/*
 * Opens a file in it for reading and writing, close-on-exec; makes it where it is
 * missing (0600). Others may have put something in its place that does harm when it
 * is opened, locked or written to: UV_ELOOP where it is a symbolic link, UV_EPERM
 * where it is no plain file of this user's alone. The descriptor, or UV_E…. Blocks;
 * any thread.
 */
int state_open_file(int folder, const char *name);
#endif
