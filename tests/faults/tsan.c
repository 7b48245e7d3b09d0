/* SPDX-License-Identifier: MIT */
/* tsan: lets ThreadSanitizer see what libuv closes; part of muster where it is built so. */
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Also called in a vforked child, whose memory is its parent's. */
#define UNSEEN __attribute__((no_sanitize("thread")))

static long (*next)(long, ...);

UNSEEN static __attribute__((constructor)) void find_next(void) {
    *(void **)&next = dlsym(RTLD_NEXT, "syscall");
}

/*
 * ThreadSanitizer keeps book of who uses a descriptor. libuv closes its own by this function
 * (uv__close_nocancel), which is no close() to it: when a loop is gone, and another thread
 * opens a file that gets the number of one of its descriptors, that looks like a race.
 */
UNSEEN long syscall(long number, ...) {
    long a[6];
    va_list args;

    va_start(args, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(args, long);
    va_end(args);
    if (number == SYS_close)
        return close((int)a[0]);
    if (!next) /* a library's constructor comes before ours */
        find_next();
    return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
