/* SPDX-License-Identifier: MIT */
/* procfs: the small files in which the kernel tells of a process. */
#include "exec/procfs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

bool procfs_read(const char *root, const char *pid, const char *name, char *buf, size_t size) {
    char path[256];
    ssize_t n;
    int fd;

    snprintf(path, sizeof path, "%s/proc/%s/%s", root, pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    n = read(fd, buf, size - 1);
    close(fd);
    buf[n > 0 ? n : 0] = '\0';
    return n > 0;
}

int64_t procfs_field(const char *text, int n) {
    int64_t value = 0;

    text += strspn(text, " ");
    while (--n > 0) {
        text += strcspn(text, " \n");
        text += strspn(text, " ");
    }
    text_int64(text, strcspn(text, " \n"), INT64_MIN, INT64_MAX, &value);
    return value;
}
