/* SPDX-License-Identifier: MIT */
/* suspend: stops this process as Ctrl-Z would, until SIGCONT. */
#include "run/suspend.h"

#include <signal.h>
#include <time.h>

#include "base/clock.h"

#define CONT_GRACE_NS (50 * NS_PER_MS)

static volatile sig_atomic_t continued;

static void on_cont(int sig) {
    (void)sig;
    continued = 1;
}

void suspend_self(void) {
    struct sigaction note = {.sa_handler = on_cont, .sa_flags = SA_RESTART}, before;
    int64_t grace;

    sigemptyset(&note.sa_mask);
    continued = 0;
    sigaction(SIGCONT, &note, &before);
    raise(SIGTSTP);
    /*
     * In an orphaned process group the kernel discards SIGTSTP
     * (is_current_pgrp_orphaned() in kernel/signal.c), and raise() has come
     * back at once. After a true stop SIGCONT's handler has run or is about to.
     */
    grace = clock_ns() + CONT_GRACE_NS;
    while (!continued && clock_ns() < grace)
        nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
    if (!continued)
        raise(SIGSTOP);
    sigaction(SIGCONT, &before, NULL);
}
