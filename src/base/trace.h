/* SPDX-License-Identifier: MIT */
/* trace: what muster does, step by step, on standard error for its developers. */
#ifndef MUSTER_BASE_TRACE_H
#define MUSTER_BASE_TRACE_H

/* Categories of MUSTER_DEBUG=plan,sched,exec,… ; `all` stands for every one. */
enum trace_category { TRACE_PLAN, TRACE_SCHED, TRACE_EXEC, TRACE_RUN, TRACE_CATEGORIES };

extern unsigned trace_mask; /* a bit per category; set once by trace_init */

/* Reads MUSTER_DEBUG. Main thread, before any other. Unknown words are ignored. */
void trace_init(const char *spec);
/* Writes one line with its place. Any thread. */
void trace_write(enum trace_category category, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#define trace(category, ...)                                                                       \
    do {                                                                                           \
        if (__builtin_expect(trace_mask & 1U << (category), 0))                                    \
            trace_write((category), __FILE__, __LINE__, __VA_ARGS__);                              \
    } while (0)
#endif
