/* SPDX-License-Identifier: MIT */
/* comet: processes that live for some milliseconds, each in a session of its own that its
 * successor is born from: comet MILLISECONDS [N: so many at once] */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    long ms = argc > 1 ? atol(argv[1]) : 5;
    int n = argc > 2 ? atoi(argv[2]) : 1;
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    signal(SIGTERM, SIG_IGN);
    for (int i = 0; i < n; i++) {
        if (fork() != 0)
            continue;
        for (;;) {
            setsid();
            nanosleep(&t, NULL);
            if (fork() > 0)
                _exit(0);
        }
    }
    puts("all up");
    fflush(stdout);
    for (;;)
        pause();
}
