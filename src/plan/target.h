/* SPDX-License-Identifier: MIT */
/* target: what can be waited for until it answers. */
#ifndef MUSTER_PLAN_TARGET_H
#define MUSTER_PLAN_TARGET_H
#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

enum target_kind {
    TARGET_TCP,  /* a connection is taken */
    TARGET_UNIX, /* the same on a socket in the file system */
    TARGET_FILE, /* it is there, whatever it is */
    TARGET_HTTP, /* a GET is answered with 2xx */
    TARGET_ANY,  /* of a section whose items have each their own: which, only these know */
};
struct target {
    enum target_kind kind;
    const char *host, *port; /* TARGET_TCP: name or address without brackets; digits */
    const char *path;        /* TARGET_UNIX, TARGET_FILE: absolute; TARGET_HTTP: the URL */
};

/*
 * "tcp:HOST:PORT", "tcp:[::1]:80", "unix:PATH", "file:PATH", "http://…", "https://…",
 * "http:URL". Paths are relative to `folder`; what it points to is in the
 * arena. False when it is none of these.
 */
bool target_parse(struct target *t, struct arena *arena, const char *folder, const char *s,
                  size_t n);
/* Whether it is "http://HOST…" or "https://HOST…" without blanks or control characters. */
bool target_is_url(const char *s, size_t n);
#endif
