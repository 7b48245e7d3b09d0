/* SPDX-License-Identifier: MIT */
/* burn: computes for so many seconds of CPU time: burn SECONDS [MIB of memory to touch] */
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv) {
    double want = argc > 1 ? atof(argv[1]) : 1;
    size_t bytes = argc > 2 ? (size_t)atol(argv[2]) << 20 : 0;
    volatile char *memory = bytes ? malloc(bytes) : NULL;

    for (size_t i = 0; memory && i < bytes; i += 4096)
        memory[i] = 1;
    if (bytes && !memory)
        return 1;
    while ((double)clock() / CLOCKS_PER_SEC < want)
        ;
    return 0;
}
