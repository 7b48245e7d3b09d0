/* SPDX-License-Identifier: MIT */
/* exit-on-term: exits 0 on SIGTERM: exit-on-term [FILE to make when ready] */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static void on_term(int sig) {
    (void)sig;
    _exit(0);
}

int main(int argc, char **argv) {
    signal(SIGTERM, on_term);
    if (argc > 1)
        close(open(argv[1], O_WRONLY | O_CREAT, 0600));
    for (;;)
        pause();
}
