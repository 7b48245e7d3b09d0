/* SPDX-License-Identifier: MIT */
/* procfs: the small files in which the kernel tells of a process. */
#ifndef MUSTER_EXEC_PROCFS_H
#define MUSTER_EXEC_PROCFS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fields of /proc/PID/stat from behind the name's bracket on (proc(5): less 2). */
enum {
    PROCFS_SESSION = 4,
    PROCFS_USER = 12,
    PROCFS_SYS,
    PROCFS_CHILDREN_USER,
    PROCFS_CHILDREN_SYS,
};

/* Reads one whole into buf, NUL behind; `root` stands before /proc: "" but in tests. False
 * when the process is gone. Any thread. */
bool procfs_read(const char *root, const char *pid, const char *name, char *buf, size_t size);
/* The number in a field of blank-separated text, from 1 on; 0 where there is none. */
int64_t procfs_field(const char *text, int n);
#endif
