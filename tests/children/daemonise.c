/* SPDX-License-Identifier: MIT */
/* daemonise: a double-forked daemon in a session of its own that ignores SIGTERM: daemonise PIDFILE
 * [stay: the first process stays too] [clean: the daemon clears its environment] */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int has_word(char **words, const char *word) {
    for (; *words; words++)
        if (strcmp(*words, word) == 0)
            return 1;
    return 0;
}

static void write_pid(const char *path) {
    FILE *f = fopen(path, "w");

    fprintf(f, "%d\n", (int)getpid());
    fclose(f);
}

/* What the daemon holds open of the pipe says that it is not there yet. */
static void be_daemon(char **argv, int ready) {
    write_pid(argv[1]);
    signal(SIGTERM, SIG_IGN);
    for (int fd = 0; fd < 16; fd++)
        if (fd != ready)
            close(fd);
    if (has_word(argv + 2, "clean")) {
        char *const env[] = {NULL};

        execle("/bin/sleep", "sleep", "1000", (char *)NULL, env);
    }
    close(ready);
    for (;;)
        pause();
}

int main(int argc, char **argv) {
    int ready[2];
    char byte;

    if (argc < 2 || pipe2(ready, O_CLOEXEC))
        return 2;
    if (fork() == 0) {
        setsid();
        if (fork() == 0)
            be_daemon(argv, ready[1]);
        _exit(0);
    }
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 0)
        return 1;
    puts("daemon is up");
    fflush(stdout);
    while (has_word(argv + 2, "stay"))
        pause();
    return 0;
}
