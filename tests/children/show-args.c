/* SPDX-License-Identifier: MIT */
/* show-args: prints its arguments, a line each, in angle brackets */
#include <stdio.h>

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        printf("<%s>\n", argv[i]);
    return 0;
}
