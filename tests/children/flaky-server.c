/* SPDX-License-Identifier: MIT */
/*
 * flaky-server: an HTTP server on the loopback: flaky-server FAILURES PORT-FILE
 *
 * Answers so many requests with 503 and all others with 200. Prints for each
 * when it came, in milliseconds, and the answer.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long long now_ms(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* To the end of the request's head. */
static int read_head(int fd) {
    char head[4096];
    size_t n = 0;

    while (n < sizeof head - 1) {
        ssize_t got = read(fd, head + n, sizeof head - 1 - n);

        if (got <= 0)
            return -1;
        n += (size_t)got;
        head[n] = '\0';
        if (strstr(head, "\r\n\r\n"))
            return 0;
    }
    return -1;
}

/* The file is there as a whole or not at all. */
static int tell_port(const char *path, int port) {
    char part[4096];
    FILE *f;

    snprintf(part, sizeof part, "%s.part", path);
    f = fopen(part, "w");
    if (!f)
        return -1;
    fprintf(f, "%d\n", port);
    return fclose(f) || rename(part, path);
}

int main(int argc, char **argv) {
    long failures = argc == 3 ? atol(argv[1]) : 0;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (argc != 3 || fd < 0 || bind(fd, (struct sockaddr *)&at, len) ||
        getsockname(fd, (struct sockaddr *)&at, &len) || listen(fd, 64) ||
        tell_port(argv[2], ntohs(at.sin_port)))
        return 1;
    for (;;) {
        int client = accept(fd, NULL, NULL), status = failures > 0 ? 503 : 200;

        if (client < 0)
            return 1;
        if (!read_head(client)) {
            printf("%lld %d\n", now_ms(), status);
            fflush(stdout);
            dprintf(client, "HTTP/1.0 %d X\r\nContent-Length: 0\r\n\r\n", status);
            failures--;
        }
        close(client);
    }
}
