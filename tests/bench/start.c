/* SPDX-License-Identifier: MIT */
/* start: the limit of muster's own start: one process, from a program that is linked with libuv. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <uv.h>

extern char **environ;

int main(int argc, char **argv) {
    int status, rc;
    pid_t pid;

    /* A call, so that the linker keeps the library. */
    if (argc < 2 || !uv_version()) {
        fprintf(stderr, "usage: start PROGRAM [ARG...]\n");
        return 2;
    }
    rc = posix_spawn(&pid, argv[1], NULL, NULL, argv + 1, environ);
    if (rc || waitpid(pid, &status, 0) != pid) {
        fprintf(stderr, "start: %s: %s\n", argv[1], strerror(rc ? rc : errno));
        return 1;
    }
    return status != 0;
}
