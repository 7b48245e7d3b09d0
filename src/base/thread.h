/* SPDX-License-Identifier: MIT */
/* thread: threads beside the main one. */
#ifndef MUSTER_BASE_THREAD_H
#define MUSTER_BASE_THREAD_H
#include <pthread.h>

/*
 * Starts a thread with all signals blocked: they are the main thread's, but for
 * those that a fault of its own raises, which sanitizers report. 0 or UV_E….
 */
int thread_start(pthread_t *thread, void *(*run)(void *), void *arg);
#endif
