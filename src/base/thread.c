/* SPDX-License-Identifier: MIT */
/* thread: threads beside the main one. */
#include "base/thread.h"

#include <stddef.h>

void thread_block_signals(sigset_t *before) {
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    sigset_t all;

    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, before);
}

int thread_start(pthread_t *thread, void *(*run)(void *), void *arg) {
    sigset_t before;
    int error;

    thread_block_signals(&before);
    error = pthread_create(thread, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -error;
}
