/* SPDX-License-Identifier: MIT */
/* target: what can be waited for until it answers. */
#include "plan/target.h"

#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include "base/source.h"
#include "base/text.h"

/* What stands behind a prefix, *n less; NULL where it is another, or nothing does. */
static const char *behind(const char *s, size_t *n, const char *prefix) {
    size_t len = strlen(prefix);

    if (*n <= len || memcmp(s, prefix, len))
        return NULL;
    *n -= len;
    return s + len;
}

bool target_is_url(const char *s, size_t n) {
    size_t left = n;
    const char *host = behind(s, &left, "http://");

    if (!host)
        host = behind(s, &left, "https://");
    if (!host || strchr("/:?#", *host))
        return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] <= ' ' || s[i] == 0x7f)
            return false;
    return true;
}

static bool parse_tcp(struct target *t, struct arena *arena, const char *s, size_t n) {
    const char *colon = memrchr(s, ':', n);
    size_t host = colon ? (size_t)(colon - s) : 0, digits = n - host - 1;
    uint64_t port;

    if (!host || text_uint64(colon + 1, digits, 1, 65535, &port))
        return false;
    t->port = arena_strndup(arena, colon + 1, digits);
    if (*s == '[' && s[host - 1] == ']') {
        s++;
        host -= 2;
    }
    for (size_t i = 0; i < host; i++)
        if ((unsigned char)s[i] <= ' ' || strchr("[]/", s[i]))
            return false;
    t->host = arena_strndup(arena, s, host);
    return host > 0;
}

static const char *parse_path(struct arena *arena, const char *folder, const char *s, size_t n) {
    return source_resolve(arena, folder, arena_strndup(arena, s, n));
}

bool target_parse(struct target *t, struct arena *arena, const char *folder, const char *s,
                  size_t n) {
    const char *rest;
    size_t left;

    *t = (struct target){TARGET_TCP, NULL, NULL, NULL};
    if ((rest = behind(s, &(size_t){n}, "http:")) && target_is_url(rest, n - 5)) {
        s = rest;
        n -= 5;
    }
    if (target_is_url(s, n)) {
        t->kind = TARGET_HTTP;
        t->path = arena_strndup(arena, s, n);
        return true;
    }
    left = n;
    if ((rest = behind(s, &left, "tcp:")))
        return parse_tcp(t, arena, rest, left);
    if ((rest = behind(s, &left, "file:"))) {
        t->kind = TARGET_FILE;
        t->path = parse_path(arena, folder, rest, left);
        return true;
    }
    if ((rest = behind(s, &left, "unix:"))) {
        t->kind = TARGET_UNIX;
        t->path = parse_path(arena, folder, rest, left);
        return strlen(t->path) < sizeof((struct sockaddr_un *)NULL)->sun_path;
    }
    return false;
}
