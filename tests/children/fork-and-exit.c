/* SPDX-License-Identifier: MIT */
/* fork-and-exit: leaves a child that holds the output open and exits: fork-and-exit PIDFILE */
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
    pid_t pid = fork();
    FILE *f;

    if (pid == 0) {
        for (;;)
            pause();
    }
    f = argc > 1 ? fopen(argv[1], "w") : NULL;
    if (f) {
        fprintf(f, "%d\n", (int)pid);
        fclose(f);
    }
    puts("before the exit");
    return 0;
}
