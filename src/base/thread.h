/* SPDX-License-Identifier: MIT */
/* thread: threads beside the main one. */
#ifndef MUSTER_BASE_THREAD_H
#define MUSTER_BASE_THREAD_H
#include <pthread.h>
#include <signal.h>

/* Starts a thread in which signals are blocked as below. 0 or UV_E…. */
int thread_start(pthread_t *thread, void *(*run)(void *), void *arg);
/*
 * Blocks all signals in this thread, and in those that it makes from now on: they
 * are the main thread's. But for those that a fault of its own raises, which
 * sanitizers report. *before: the mask until now, for pthread_sigmask().
 */
void thread_block_signals(sigset_t *before);
#endif
