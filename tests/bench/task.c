/* SPDX-License-Identifier: MIT */
/* task: what the jobs of the benchmarks do. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 262144

static _Noreturn void die(const char *what) {
    fprintf(stderr, "task: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now_s(clockid_t clock) {
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* One write, so that lines of several processes stay whole. */
static void append(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        die(path);
    close(fd);
}

/* task burn MS LOG: that much CPU time; adds when it began and ended to LOG. */
static void burn(char **argv) {
    double begin = now_s(CLOCK_MONOTONIC), cpu = strtod(argv[0], NULL) / 1e3;
    volatile unsigned sum = 0;
    char line[80];

    while (now_s(CLOCK_PROCESS_CPUTIME_ID) < cpu)
        for (unsigned i = 0; i < 20000; i++)
            sum += i;
    snprintf(line, sizeof line, "%.6f %.6f\n", begin, now_s(CLOCK_MONOTONIC));
    append(argv[1], line);
}

/* task stamp FIFO: the time, to whom reads there. */
static void stamp(char **argv) {
    char line[40];

    snprintf(line, sizeof line, "%.9f\n", now_s(CLOCK_MONOTONIC));
    append(argv[0], line);
}

/* task write BYTES. */
static void write_bytes(char **argv) {
    unsigned long long left = strtoull(argv[0], NULL, 10);
    char *block = malloc(BLOCK);

    if (!block)
        die("malloc");
    memset(block, 'x', BLOCK);
    for (size_t i = 99; i < BLOCK; i += 100)
        block[i] = '\n';
    while (left > 0) {
        ssize_t n = write(STDOUT_FILENO, block, left < BLOCK ? (size_t)left : BLOCK);

        if (n < 0)
            die("standard output");
        left -= (unsigned long long)n;
    }
}

/* task hold LOG FIFO: adds a byte to LOG, then waits until somebody has had FIFO
 * open for writing. */
static void hold(char **argv) {
    struct pollfd p = {.fd = open(argv[1], O_RDONLY | O_NONBLOCK | O_CLOEXEC), .events = POLLIN};

    if (p.fd < 0)
        die(argv[1]);
    append(argv[0], ".");
    while (poll(&p, 1, -1) != 1)
        ;
}

/* task gate LOG COUNT: waits until LOG has so many bytes. */
static void gate(char **argv) {
    struct timespec tick = {0, 20000000};
    off_t count = strtol(argv[1], NULL, 10);
    struct stat log;

    for (;;) {
        if (stat(argv[0], &log))
            die(argv[0]);
        if (log.st_size >= count)
            return;
        nanosleep(&tick, NULL);
    }
}

/* task release FIFO: those that hold it end. */
static void release(char **argv) {
    int fd = open(argv[0], O_RDWR | O_CLOEXEC); /* also when nobody holds it */

    if (fd < 0)
        die(argv[0]);
    close(fd);
}

static const struct verb {
    const char *name;
    int words;
    void (*run)(char **argv);
} verbs[] = {
    {"burn", 2, burn}, {"stamp", 1, stamp}, {"write", 1, write_bytes},
    {"hold", 2, hold}, {"gate", 2, gate},   {"release", 1, release},
};

int main(int argc, char **argv) {
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (argc >= 2 + verbs[i].words && strcmp(argv[1], verbs[i].name) == 0) {
            verbs[i].run(argv + 2);
            return 0;
        }
    fprintf(stderr, "usage: task burn MS LOG | stamp FIFO | write BYTES | hold LOG FIFO |\n"
                    "       gate LOG COUNT | release FIFO\n");
    return 2;
}
