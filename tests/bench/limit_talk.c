/* SPDX-License-Identifier: MIT */
/* limit_talk: requests to programs that stay up, a line each way, over bare pipes. */
#include "limit.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#define WIDTH_MAX 64

extern char **environ;

struct talker {
    pid_t pid;
    int in, out; /* our ends of its pipes */
};

static void start(struct talker *t, char **argv) {
    posix_spawn_file_actions_t actions;
    int in[2], out[2];

    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
        limit_die("pipe2");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    if (posix_spawnp(&t->pid, *argv, &actions, NULL, argv, environ))
        limit_die(*argv);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    t->in = in[1];
    t->out = out[0];
}

static void ask(const struct talker *t, unsigned id) {
    char line[64];
    int n = snprintf(line, sizeof line, "{\"id\":%u,\"task\":\"x\",\"env\":{}}\n", id);

    if (write(t->in, line, (size_t)n) != n)
        limit_die("write");
}

/* REQUESTS WIDTH PROGRAM [ARG...]: each gets the next one when it has answered. */
int limit_talk(char **argv) {
    unsigned requests = limit_number(argv[0], 1), width = limit_number(argv[1], 1);
    unsigned asked = 0, answered = 0;
    struct talker talkers[WIDTH_MAX];
    struct epoll_event events[WIDTH_MAX];
    int set = epoll_create1(EPOLL_CLOEXEC), status;
    char line[4096];

    if (width > WIDTH_MAX)
        width = WIDTH_MAX;
    for (unsigned i = 0; i < width; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};

        start(&talkers[i], argv + 2);
        if (epoll_ctl(set, EPOLL_CTL_ADD, talkers[i].out, &event))
            limit_die("epoll_ctl");
        if (asked < requests)
            ask(&talkers[i], ++asked);
    }
    while (answered < requests) {
        int n = epoll_wait(set, events, WIDTH_MAX, -1);

        for (int i = 0; i < n; i++) {
            const struct talker *t = &talkers[events[i].data.u32];
            ssize_t got = read(t->out, line, sizeof line);

            if (got <= 0)
                limit_die("an answer");
            if (line[got - 1] != '\n') /* the rest of it is on its way */
                continue;
            answered++;
            if (asked < requests)
                ask(t, ++asked);
        }
    }
    for (unsigned i = 0; i < width; i++) {
        close(talkers[i].in);
        if (waitpid(talkers[i].pid, &status, 0) < 0 || status)
            limit_die("the end of a program");
    }
    return 0;
}
