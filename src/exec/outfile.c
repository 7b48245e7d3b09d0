/* SPDX-License-Identifier: MIT */
/* outfile: the file of a job's output that muster writes itself. */
#include "exec/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exec/capture.h"
#include "exec/spawn.h"

bool outfile_wanted(const struct stream *s) {
    return s->kind == STREAM_FILE || s->kind == STREAM_APPEND;
}

/* A pool's thread must not wait for who reads a FIFO. */
static int open_file(const struct stream *s, int *fd) {
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    struct stat st;

    *fd = open(s->text, flags | (s->kind == STREAM_APPEND ? O_APPEND : O_TRUNC), 0666);
    if (*fd < 0)
        return -errno;
    if (fstat(*fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISCHR(st.st_mode)))
        return 0;
    close(*fd);
    return UV_EINVAL;
}

int outfile_open(struct errand *e, const struct stream *s, enum spawn_stage stage,
                 struct capture *captured) {
    int fd, error = open_file(s, &fd);

    if (error) {
        errand_explain(e, "%s", s->text);
        e->end.stage = spawn_is_shortage(error) ? SPAWN_RESOURCES : stage;
    } else {
        capture_direct(captured, fd);
    }
    return error;
}
