/* SPDX-License-Identifier: MIT */
/* makeflags: what GNU make tells those that it runs of its jobserver, in MAKEFLAGS. */
#include "base/makeflags.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

/* The variables: MFLAGS is the old name, which make sets as well. */
static const char *const names[] = {"MAKEFLAGS", "MFLAGS", NULL};

static struct makeflags noted;
static enum makeflags_state state;

/* The next word of *at, of *n bytes; NULL at the end. */
static const char *next_word(const char **at, size_t *n) {
    const char *word = *at + strspn(*at, " \t");

    *n = strcspn(word, " \t");
    *at = word + *n;
    return *n ? word : NULL;
}

/* What follows a prefix in a word, or NULL. */
static const char *behind(const char *word, size_t n, const char *prefix, size_t *rest) {
    size_t len = strlen(prefix);

    if (n < len || strncmp(word, prefix, len) != 0)
        return NULL;
    *rest = n - len;
    return word + len;
}

/* The value of a word that names a jobserver, or NULL. */
static const char *jobserver_of(const char *word, size_t n, size_t *len) {
    const char *value = behind(word, n, "--jobserver-auth=", len);

    return value ? value : behind(word, n, "--jobserver-fds=", len);
}

static void read_jobserver(struct makeflags *m, const char *value, size_t n) {
    const char *comma = memchr(value, ',', n), *path;
    size_t len;
    uint64_t r, w;

    *m = (struct makeflags){false, -1, -1, NULL, 0, m->jobs};
    path = behind(value, n, "fifo:", &len);
    if (path && len > 0) {
        *m = (struct makeflags){true, -1, -1, path, (uint32_t)len, m->jobs};
    } else if (comma && !text_uint64(value, (size_t)(comma - value), 0, INT_MAX, &r) &&
               !text_uint64(comma + 1, (size_t)(value + n - comma) - 1, 0, INT_MAX, &w)) {
        *m = (struct makeflags){true, (int)r, (int)w, NULL, 0, m->jobs};
    }
}

struct makeflags makeflags_parse(const char *value) {
    struct makeflags m = {.read_fd = -1, .write_fd = -1};
    const char *word, *rest;
    size_t n, len;
    uint64_t jobs;

    while ((word = next_word(&value, &n))) {
        if (n == 2 && memcmp(word, "--", 2) == 0) /* variables follow */
            break;
        if ((rest = jobserver_of(word, n, &len)))
            read_jobserver(&m, rest, len);
        else if ((rest = behind(word, n, "-j", &len)) &&
                 !text_uint64(rest, len, 1, UINT32_MAX, &jobs))
            m.jobs = (uint32_t)jobs;
    }
    return m;
}

char *makeflags_strip(const char *value) {
    char *copy = malloc(strlen(value) + 1), *to = copy;
    const char *word, *from = value;
    size_t n, len;

    if (!copy)
        return NULL;
    while ((word = next_word(&value, &n))) {
        bool last = n == 2 && memcmp(word, "--", 2) == 0;

        if (last)
            n = strlen(word);
        if (last || (!jobserver_of(word, n, &len) && !behind(word, n, "-j", &len))) {
            /* With the blank before it: the first word is one of letters, or empty. */
            if (word > from)
                *to++ = ' ';
            to = mempcpy(to, word, n);
        }
        if (last)
            break;
    }
    *to = '\0';
    return copy;
}

static bool is_pipe(int fd) {
    struct stat st;

    return fcntl(fd, F_GETFD) >= 0 && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

void makeflags_take(void) {
    const char *value = getenv(names[0]);
    struct makeflags m = makeflags_parse(value ? value : "");

    if (!m.there)
        return;
    state =
        m.fifo || (is_pipe(m.read_fd) && is_pipe(m.write_fd)) ? MAKEFLAGS_THERE : MAKEFLAGS_CLOSED;
    noted = m;
    if (m.fifo) {
        noted.fifo = strndup(m.fifo, m.fifo_len);
        if (!noted.fifo)
            state = MAKEFLAGS_CLOSED;
    }
    for (const char *const *name = names; *name; name++) {
        char *rest = getenv(*name) ? makeflags_strip(getenv(*name)) : NULL;

        if (rest && *rest)
            setenv(*name, rest, 1);
        else
            unsetenv(*name);
        free(rest);
    }
}

enum makeflags_state makeflags_taken(struct makeflags *flags) {
    *flags = noted;
    return state;
}
