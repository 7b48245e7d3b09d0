/* SPDX-License-Identifier: MIT */
/* flood: writes so many bytes to standard output: flood BYTES [LINE-LENGTH] */
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
    unsigned long long left = argc > 1 ? strtoull(argv[1], NULL, 10) : 1 << 20;
    unsigned long line = argc > 2 ? strtoul(argv[2], NULL, 10) : 0, column = 0;
    static char buf[65536];

    while (left) {
        size_t n = left < sizeof buf ? (size_t)left : sizeof buf;

        for (size_t i = 0; i < n; i++)
            buf[i] = (char)(line && ++column == line ? (column = 0, '\n') : 'x');
        for (size_t done = 0; done < n;) {
            ssize_t got = write(1, buf + done, n - done);

            if (got < 0)
                return 1;
            done += (size_t)got;
        }
        left -= n;
    }
    return 0;
}
