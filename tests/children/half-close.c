/* SPDX-License-Identifier: MIT */
/* half-close: closes its output, works on for a while, exits 3: half-close MILLISECONDS */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    long ms = argc > 1 ? atol(argv[1]) : 100;
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    puts("closing");
    fflush(stdout);
    close(0);
    close(1);
    close(2);
    nanosleep(&t, NULL);
    return 3;
}
