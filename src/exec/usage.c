/* SPDX-License-Identifier: MIT */
/* usage: what a process that goes on, and those below it, have used so far. */
#include "exec/usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "exec/procfs.h"

#define NS_PER_US 1000

/* CPU time of a process and all its threads; 0 when it is gone. */
static int64_t cpu_us(clockid_t clock) {
    struct timespec ts;

    return clock_gettime(clock, &ts) ? 0 : ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / NS_PER_US;
}

/* Adds a process to those that are known, if it is there and there is room. */
static void add(struct usage *u, pid_t pid) {
    if (u->count < USAGE_PIDS_MAX && clock_getcpuclockid(pid, &u->clocks[u->count]) == 0)
        u->pids[u->count++] = pid;
}

void usage_init(struct usage *u, pid_t root) {
    *u = (struct usage){.count = 0};
    u->root = root;
    add(u, root);
}

/* A number behind a word, of /proc/PID/status: kB, here bytes. */
static uint64_t status_bytes(const char *status, const char *word) {
    const char *at = strstr(status, word);

    if (!at)
        return 0;
    at += strlen(word);
    at += strspn(at, "\t"); /* fields are parted by blanks */
    return (uint64_t)procfs_field(at, 1) * 1024;
}

struct sums {
    int64_t own_us, sys_us, waited_us;
};

static void look_at(struct usage *u, unsigned i, struct sums *sums) {
    int64_t tick_us = 1000000 / sysconf(_SC_CLK_TCK);
    char pid[16], buf[4096], *rest;
    uint64_t peak;

    snprintf(pid, sizeof pid, "%d", (int)u->pids[i]);
    if (!procfs_read("", pid, "stat", buf, sizeof buf) || !(rest = strrchr(buf, ')')))
        return; /* gone; the name before the bracket may hold anything */
    rest++;
    sums->own_us += cpu_us(u->clocks[i]);
    sums->sys_us +=
        (procfs_field(rest, PROCFS_SYS) + procfs_field(rest, PROCFS_CHILDREN_SYS)) * tick_us;
    sums->waited_us +=
        (procfs_field(rest, PROCFS_CHILDREN_USER) + procfs_field(rest, PROCFS_CHILDREN_SYS)) *
        tick_us;
    if (!procfs_read("", pid, "status", buf, sizeof buf))
        return;
    peak = status_bytes(buf, "\nVmHWM:");
    u->rss += status_bytes(buf, "\nVmRSS:");
    if (peak > u->peak) /* as with wait4(2): of the largest */
        u->peak = peak;
}

/* The children of a process's first thread, which of most processes is the only one. */
static void add_children(struct usage *u, pid_t parent) {
    char pid[16], name[32], buf[4096];

    snprintf(pid, sizeof pid, "%d", (int)parent);
    snprintf(name, sizeof name, "task/%s/children", pid);
    if (!procfs_read("", pid, name, buf, sizeof buf))
        return;
    for (int i = 1; i < USAGE_PIDS_MAX; i++) {
        int64_t child = procfs_field(buf, i);

        if (child > 0)
            add(u, (pid_t)child);
    }
}

/* Never less than before: what died unnoticed takes its time with it. */
static void take(struct usage *u, const struct sums *sums) {
    int64_t total = sums->own_us + sums->waited_us;

    if (sums->sys_us > u->sys_us)
        u->sys_us = sums->sys_us < total ? sums->sys_us : total;
    if (total - u->sys_us > u->user_us)
        u->user_us = total - u->sys_us;
}

void usage_look(struct usage *u) {
    struct sums sums = {0};

    u->count = 0;
    u->rss = u->peak = 0;
    add(u, u->root);
    for (unsigned i = 0; i < u->count; i++) {
        add_children(u, u->pids[i]);
        look_at(u, i, &sums);
    }
    u->waited_us = sums.waited_us;
    take(u, &sums);
}

void usage_glance(struct usage *u) {
    struct sums sums = {.sys_us = u->sys_us, .waited_us = u->waited_us};

    for (unsigned i = 0; i < u->count; i++)
        sums.own_us += cpu_us(u->clocks[i]);
    take(u, &sums);
}

void usage_forget_peak(struct usage *u) {
    char path[64];

    for (unsigned i = 0; i < u->count; i++) {
        int fd;

        snprintf(path, sizeof path, "/proc/%d/clear_refs", (int)u->pids[i]);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        (void)!write(fd, "5", 1); /* proc(5): resets the peak alone */
        close(fd);
    }
}
