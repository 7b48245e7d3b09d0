/* SPDX-License-Identifier: MIT */
/* show-self: tells what it inherited: descriptors, session, signals, terminal */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void) {
    struct sigaction sa;
    sigset_t mask;
    int tty;

    printf("fds");
    for (int fd = 0; fd < 4096; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            printf(" %d", fd);
    printf("\nsession %s\n", getsid(0) == getpid() && getpgrp() == getpid() ? "own" : "foreign");
    printf("not-default");
    for (int sig = 1; sig < 65; sig++)
        if (sigaction(sig, NULL, &sa) == 0 && sa.sa_handler != SIG_DFL)
            printf(" %d", sig);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    printf("\nblocked");
    for (int sig = 1; sig < 65; sig++)
        if (sigismember(&mask, sig) == 1)
            printf(" %d", sig);
    tty = open("/dev/tty", O_RDWR);
    printf("\ntty %s\n", tty < 0 ? strerrorname_np(errno) : "open");
    return 0;
}
