/* SPDX-License-Identifier: MIT */
/* tsan: what ThreadSanitizer is not to report of muster; part of it where it is built so. */

/*
 * It keeps book of who uses a descriptor, but does not see what libuv closes, which goes
 * past libc (uv__close_nocancel): when a loop is gone, and another thread opens a file that
 * gets the number of one of its descriptors, that looks like a race with what made that one.
 */
const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void) {
    return "race:epoll_create1\n"
           "race:eventfd\n"
           "race:pipe2\n";
}
