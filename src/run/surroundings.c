/* SPDX-License-Identifier: MIT */
/* surroundings: what this process has of the machine, and what it is short of. */
#include "run/surroundings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/host.h"

uint64_t surroundings_raise_files(void) {
    struct rlimit limit;
    uint64_t soft;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    soft = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_cur != soft)
        setrlimit(RLIMIT_NOFILE, &limit);
    return soft;
}

uint64_t surroundings_lower_core(bool none) {
    struct rlimit limit;
    uint64_t soft;

    if (getrlimit(RLIMIT_CORE, &limit) < 0)
        return 0;
    soft = limit.rlim_cur;
    limit.rlim_cur = 0;
    if (none)
        setrlimit(RLIMIT_CORE, &limit);
    return soft;
}

int surroundings_try_files(void) {
    int fds[3], error = 0;

    for (size_t i = 0; i < 3; i++) {
        fds[i] = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (fds[i] < 0 && !error)
            error = -errno;
    }
    for (size_t i = 0; i < 3; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    return error;
}

uint64_t surroundings_name_run(struct run_result *r) {
    uint64_t seed;
    struct tm utc;
    char stamp[20];

    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
        seed = (uint64_t)clock_ns() * 2654435761U + (uint64_t)getpid(); /* early boot */
    clock_gettime(CLOCK_REALTIME, &r->started);
    r->start_ns = clock_ns();
    gmtime_r(&r->started.tv_sec, &utc);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%S", &utc);
    r->host = host_name();
    r->cpus = host_cpus();
    snprintf(r->id, sizeof r->id, "%s%03u-%06x", stamp,
             (unsigned)(r->started.tv_nsec / NS_PER_MS) % 1000U, (unsigned)(seed >> 40));
    return seed;
}

/* Why a start is put off, in words; `resource` is the limit behind it, or -1. */
struct shortage_row {
    int error;
    int resource;
    const char *words;
};
static const struct shortage_row shortage_rows[] = {
    {UV_EMFILE, RLIMIT_NOFILE, "open files"},
    {UV_EAGAIN, RLIMIT_NPROC, "processes"},
    {UV_ENFILE, -1, "open files of the machine"},
    {UV_ENOMEM, -1, "memory"},
    {0, -1, "resources"}, /* any other */
};

bool surroundings_shortage(unsigned *told, int error, enum lane lane, uint32_t from, uint32_t to,
                           char *buf, size_t n) {
    static const char *const lane_words[LANES] = {"I/O", "CPU"};
    const struct shortage_row *row = shortage_rows;
    struct rlimit limit;
    char bound[32] = "";

    while (row->error && row->error != error)
        row++;
    if (*told & 1U << (row - shortage_rows))
        return false;
    *told |= 1U << (row - shortage_rows);
    if (row->resource >= 0 && getrlimit(row->resource, &limit) == 0 &&
        limit.rlim_cur != RLIM_INFINITY)
        snprintf(bound, sizeof bound, "limit %llu, ", (unsigned long long)limit.rlim_cur);
    snprintf(buf, n, "%s: %s%s jobs at once narrowed from %u to %u", row->words, bound,
             lane_words[lane], from, to);
    return true;
}
