/* SPDX-License-Identifier: MIT */
/* thread: threads beside the main one. */
#ifndef MUSTER_BASE_THREAD_H
#define MUSTER_BASE_THREAD_H
#include <pthread.h>
#include <signal.h>
#include <stdint.h>

/* Starts a thread in which signals are blocked as below. 0 or UV_E…. */
int thread_start(pthread_t *thread, void *(*run)(void *), void *arg);
/*
 * Blocks all signals in this thread, and in those that it makes from now on: they
 * are the main thread's. But for those that a fault of its own raises, which
 * sanitizers report. *before: the mask until now, for pthread_sigmask().
 */
void thread_block_signals(sigset_t *before);
/* Makes a condition that is waited for by thread_wait(). */
void thread_cond_init(pthread_cond_t *cond);
/*
 * Waits for such a condition, or until clock_ns() is `until_ns` (INT64_MAX: however long it
 * takes), with the lock in hand. It may return before either.
 */
void thread_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_ns);
#endif
