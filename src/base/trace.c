/* SPDX-License-Identifier: MIT */
/* trace: what muster does, step by step, on standard error for its developers. */
#include "base/trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

static const char *const names[TRACE_CATEGORIES] = {
    [TRACE_PLAN] = "plan",
    [TRACE_SCHED] = "sched",
    [TRACE_EXEC] = "exec",
    [TRACE_RUN] = "run",
};

unsigned trace_mask;

void trace_init(const char *spec) {
    trace_mask = 0;
    while (spec && *spec) {
        size_t n = strcspn(spec, ", ");

        if (text_is(spec, n, "all"))
            trace_mask = ~0U;
        for (unsigned i = 0; i < TRACE_CATEGORIES; i++)
            if (text_is(spec, n, names[i]))
                trace_mask |= 1U << i;
        spec += n;
        spec += strspn(spec, ", ");
    }
}

void trace_write(enum trace_category category, const char *file, int line, const char *fmt, ...) {
    char buf[1024];
    va_list args;
    int64_t now = clock_ns();
    int n = snprintf(buf, sizeof buf, "%lld.%06lld %s %s:%d: ", (long long)(now / NS_PER_S),
                     (long long)(now % NS_PER_S / 1000), names[category], file, line);

    va_start(args, fmt);
    n += vsnprintf(buf + n, sizeof buf - (size_t)n, fmt, args);
    va_end(args);
    if (n > (int)sizeof buf - 1)
        n = (int)sizeof buf - 1;
    buf[n++] = '\n'; /* over the NUL: one write, so that threads' lines stay whole */
    if (write(STDERR_FILENO, buf, (size_t)n) < 0)
        return; /* nobody to tell */
}
