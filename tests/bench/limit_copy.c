/* SPDX-License-Identifier: MIT */
/* limit: the output of processes, read from pipes and written to standard output. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "limit.h"

#define WIDTH_MAX 1024
#define KIB_MAX   1024

extern char **environ;

struct source {
    pid_t pid;
    int fd;
};

static void start(struct source *s, char **argv, unsigned pipe_bytes) {
    posix_spawn_file_actions_t actions;
    int ends[2], rc;

    if (pipe2(ends, O_CLOEXEC))
        limit_die("pipe2");
    if (pipe_bytes && fcntl(ends[0], F_SETPIPE_SZ, (int)pipe_bytes) < 0)
        limit_die("F_SETPIPE_SZ");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    rc = posix_spawn(&s->pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    s->fd = ends[0];
    if (rc) {
        errno = rc;
        limit_die(argv[0]);
    }
}

static void write_all(const char *at, size_t n) {
    while (n > 0) {
        ssize_t done = write(STDOUT_FILENO, at, n);

        if (done < 0)
            limit_die("standard output");
        at += done;
        n -= (size_t)done;
    }
}

/*
 * limit copy JOBS WIDTH KIB PROGRAM [ARG...]: WIDTH at once. KIB 0: pipes as
 * they are, and 64 KiB a read; else pipes and reads of that many KiB.
 */
int limit_copy(char **argv) {
    unsigned jobs = limit_number(argv[0], 1), width = limit_number(argv[1], 1);
    unsigned pipe_bytes = limit_number(argv[2], 0) * 1024, n = 0;
    size_t size = pipe_bytes ? pipe_bytes : 65536;
    struct source sources[WIDTH_MAX];
    struct pollfd polls[WIDTH_MAX];
    char *buf = malloc(size);

    if (!buf || width > WIDTH_MAX || pipe_bytes > KIB_MAX * 1024)
        limit_die("width or pipe");
    for (;;) {
        for (; n < width && jobs > 0; n++, jobs--) {
            start(&sources[n], argv + 3, pipe_bytes);
            polls[n] = (struct pollfd){.fd = sources[n].fd, .events = POLLIN};
        }
        if (!n)
            break;
        if (n > 1 && poll(polls, n, -1) < 0)
            limit_die("poll");
        for (unsigned i = n; i-- > 0;) {
            ssize_t got;

            if (n > 1 && !polls[i].revents)
                continue;
            got = read(sources[i].fd, buf, size);
            if (got > 0) {
                write_all(buf, (size_t)got);
                continue;
            }
            close(sources[i].fd);
            waitpid(sources[i].pid, NULL, 0);
            sources[i] = sources[--n];
            polls[i] = polls[n];
        }
    }
    free(buf);
    return 0;
}
