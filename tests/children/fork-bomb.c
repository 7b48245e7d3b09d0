/* SPDX-License-Identifier: MIT */
/* fork-bomb: so many processes that ignore SIGTERM, half of them in sessions of their own:
 * fork-bomb N */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int n = argc > 1 ? atoi(argv[1]) : 100;

    signal(SIGTERM, SIG_IGN);
    for (int i = 0; i < n; i++) {
        if (fork() == 0) {
            if (i % 2)
                setsid();
            for (;;)
                pause();
        }
    }
    puts("all up");
    fflush(stdout);
    for (;;)
        pause();
}
