/* SPDX-License-Identifier: MIT */
/* daemonise: a double-forked daemon in a session of its own that ignores SIGTERM: daemonise PIDFILE
 * [stay: the first process stays too] [clean: the daemon clears its environment] */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int ready[2];
    char byte;

    if (argc < 2 || pipe(ready))
        return 2;
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            FILE *f = fopen(argv[1], "w");

            fprintf(f, "%d\n", (int)getpid());
            fclose(f);
            signal(SIGTERM, SIG_IGN);
            if (write(ready[1], "", 1) != 1)
                return 1;
            for (int fd = 0; fd < 16; fd++)
                close(fd);
            if (argc > 2 && strcmp(argv[2], "clean") == 0) {
                char *const env[] = {NULL};

                execle("/bin/sleep", "sleep", "1000", (char *)NULL, env);
            }
            for (;;)
                pause();
        }
        _exit(0);
    }
    if (read(ready[0], &byte, 1) != 1)
        return 1;
    puts("daemon is up");
    fflush(stdout);
    while (argc > 2 && strcmp(argv[2], "stay") == 0)
        pause();
    return 0;
}
