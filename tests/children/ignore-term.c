/* SPDX-License-Identifier: MIT */
/* ignore-term: ignores SIGTERM, says so, and stays: ignore-term [FILE to make when ready] */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

int main(int argc, char **argv) {
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (argc > 1)
        close(open(argv[1], O_WRONLY | O_CREAT, 0600));
    if (write(1, "ready\n", 6) < 0)
        return 1;
    for (;;)
        pause();
}
