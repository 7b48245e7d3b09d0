/* SPDX-License-Identifier: MIT */
/* limit: the bare system calls of a job runner's work, to measure muster against. */
#include "limit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const struct verb {
    const char *name;
    int words; /* that it needs at least */
    const char *usage;
    int (*run)(char **argv);
} verbs[] = {
    {"spawn", 3, "JOBS WIDTH PROGRAM [ARG...]", limit_spawn},
    {"mixed", 6, "JOBS WIDTH JOBS WIDTH PROGRAM [ARG...] -- PROGRAM [ARG...]", limit_mixed},
    {"churn", 7, "IDLE JOBS WIDTH LOG FIFO PROGRAM [ARG...] -- PROGRAM [ARG...]", limit_churn},
    {"parse", 1, "MANIFEST", limit_parse},
    {"copy", 4, "JOBS WIDTH KIB PROGRAM [ARG...]", limit_copy},
    {"talk", 3, "REQUESTS WIDTH PROGRAM [ARG...]", limit_talk},
};

void limit_die(const char *what) {
    fprintf(stderr, "limit: %s: %s\n", what, strerror(errno));
    exit(1);
}

unsigned limit_number(const char *text, unsigned least) {
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (*end || end == text || n < least || n > 100000000) {
        fprintf(stderr, "limit: '%s' is not a number of at least %u\n", text, least);
        exit(2);
    }
    return (unsigned)n;
}

int main(int argc, char **argv) {
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (argc >= 2 + verbs[i].words && strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].run(argv + 2);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        fprintf(stderr, "%s limit %s %s\n", i ? "      " : "usage:", verbs[i].name, verbs[i].usage);
    return 2;
}
