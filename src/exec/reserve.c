/* SPDX-License-Identifier: MIT */
/* reserve: memory and threads for libuv, which ends the process where it gets none. */
#include "exec/reserve.h"

#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"

/* ---- memory ---- */

/* Tables for descriptors up to 8,192 and all that is smaller. Blocks are given
 * out one behind the other and not taken back. */
#define RESERVE_BYTES (128U << 10)

static alignas(max_align_t) char reserve[RESERVE_BYTES];
static atomic_size_t reserve_used;

/* What stands before a block of the reserve. */
union head {
    size_t size;
    max_align_t align;
};

static bool in_reserve(const void *p) {
    return (const char *)p >= reserve && (const char *)p < reserve + sizeof reserve;
}

/* Zeroed, or NULL. */
static void *take(size_t n) {
    size_t whole, at;
    union head *head;

    if (n > sizeof reserve)
        return NULL;
    whole = sizeof *head + (n + sizeof *head - 1) / sizeof *head * sizeof *head;
    at = atomic_fetch_add(&reserve_used, whole);
    if (at > sizeof reserve || whole > sizeof reserve - at)
        return NULL;
    head = (union head *)(void *)(reserve + at);
    head->size = n;
    return head + 1;
}

static void *get(size_t n) {
    void *p = malloc(n);

    return p ? p : take(n);
}

static void *get_zeroed(size_t n, size_t size) {
    void *p = calloc(n, size);

    return p || (size && n > SIZE_MAX / size) ? p : take(n * size);
}

static void give_back(void *p) {
    if (!in_reserve(p))
        free(p);
}

static size_t size_of(void *p) {
    return in_reserve(p) ? ((union head *)p - 1)->size : malloc_usable_size(p);
}

static void *resize(void *p, size_t n) {
    void *bigger = in_reserve(p) ? NULL : realloc(p, n);

    if (bigger || n == 0)
        return bigger;
    bigger = get(n);
    if (bigger && p) {
        memcpy(bigger, p, size_of(p) < n ? size_of(p) : n);
        give_back(p);
    }
    return bigger;
}

void reserve_memory(void) {
    uv_replace_allocator(get, resize, get_zeroed, give_back);
}

/* ---- threads ---- */

#define POOL_DEFAULT 4 /* threads of libuv's pool */
#define POOL_MAX     1024
/* Of a user, threads included: with more, those of the pool are made when they are needed. */
#define FEW_PROCESSES 4096

static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool pool_there;

/* As libuv reads UV_THREADPOOL_SIZE. */
static unsigned pool_size(void) {
    const char *text = getenv("UV_THREADPOOL_SIZE");
    long n = text ? strtol(text, NULL, 10) : POOL_DEFAULT;

    return n == 0 ? 1 : n < 0 || n > POOL_MAX ? POOL_MAX : (unsigned)n;
}

/* One that only takes its place. */
struct trial {
    pthread_t thread;
    pthread_mutex_t *hold;
    pid_t id;
};

static void *take_place(void *arg) {
    struct trial *t = arg;

    t->id = (pid_t)syscall(SYS_gettid);
    pthread_mutex_lock(t->hold);
    pthread_mutex_unlock(t->hold);
    return NULL;
}

/* pthread_join() is woken by a thread that still has to be taken from the user's count: by
 * the time that its id is nobody's it has been (release_task() in the kernel's exit.c). */
static void leave_place(const struct trial *t) {
    int64_t until = clock_ns() + NS_PER_S;

    pthread_join(t->thread, NULL);
    while (syscall(SYS_tgkill, getpid(), t->id, 0) == 0 && clock_ns() < until)
        sched_yield();
}

/* Has as many threads at once as the pool will have, for a moment. */
static int try_threads(void) {
    pthread_mutex_t hold = PTHREAD_MUTEX_INITIALIZER;
    unsigned wanted = pool_size(), n = 0;
    struct trial *trials = calloc(wanted, sizeof *trials);
    int error = trials ? 0 : UV_ENOMEM;

    pthread_mutex_lock(&hold);
    while (!error && n < wanted) {
        trials[n].hold = &hold;
        error = thread_start(&trials[n].thread, take_place, &trials[n]);
        n += !error;
    }
    pthread_mutex_unlock(&hold);
    while (n > 0)
        leave_place(&trials[--n]);
    pthread_mutex_destroy(&hold);
    free(trials);
    return error;
}

int reserve_queue_work(uv_loop_t *loop, uv_work_t *work, uv_work_cb run, uv_after_work_cb done) {
    sigset_t before;
    int error = 0;

    if (atomic_load(&pool_there))
        return uv_queue_work(loop, work, run, done);
    pthread_mutex_lock(&pool_lock);
    if (!atomic_load(&pool_there))
        error = try_threads();
    if (!error) {
        thread_block_signals(&before);
        error = uv_queue_work(loop, work, run, done); /* makes them */
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        atomic_store(&pool_there, true);
    }
    pthread_mutex_unlock(&pool_lock);
    return error;
}

static void no_work(uv_work_t *work) {
    (void)work;
}

static void no_work_done(uv_work_t *work, int status) {
    (void)work;
    (void)status;
}

void reserve_threads(uv_loop_t *loop) {
    static uv_work_t work; /* outlives this call */
    struct rlimit limit;

    if (geteuid() != 0 && getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur <= FEW_PROCESSES)
        reserve_queue_work(loop, &work, no_work, no_work_done);
}
