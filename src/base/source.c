/* SPDX-License-Identifier: MIT */
/* source: the bytes of the files that make up a manifest, and where in them. */
#include "base/source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/utf8.h"

#define READ_MIN  (size_t)(4 << 10)
#define BOM       "\xef\xbb\xbf"
#define BOM_BYTES 3U

void sources_init(struct sources *s, struct arena *arena) {
    /* Place 0 is nobody's: {0, 0} means no place. */
    *s = (struct sources){.arena = arena, .next = 1};
}

/* The absolute folder of a file, NULL for the current one. malloc'd, or NULL with errno. */
static char *folder_of(const char *path) {
    const char *slash = path ? strrchr(path, '/') : NULL;
    if (!slash)
        return realpath(".", NULL);
    char *folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (!folder)
        return NULL;
    char *real = realpath(folder, NULL);
    free(folder);
    return real;
}

/* All bytes of a descriptor, malloc'd with room for a NUL. 0 or UV_E…. */
static int read_all(int fd, size_t expected, char **bytes, size_t *len) {
    size_t cap = expected < READ_MIN ? READ_MIN : expected, n = 0;
    char *buf = malloc(cap + 1);

    mem_advise_huge(buf, cap);
    while (buf) {
        ssize_t got = read(fd, buf + n, cap - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int err = -errno;
            free(buf);
            return err;
        }
        if (got == 0) {
            *bytes = buf;
            *len = n;
            return 0;
        }
        n += (size_t)got;
        if (n > SOURCE_BYTES_MAX) {
            free(buf);
            return UV_EFBIG;
        }
        if (n == cap) {
            cap *= 2;
            char *bigger = realloc(buf, cap + 1);
            if (!bigger)
                free(buf);
            buf = bigger;
        }
    }
    return UV_ENOMEM;
}

/* Takes over bytes and folder, both malloc'd, whatever happens. */
static int add_source(struct sources *s, const char *name, char *bytes, size_t n, char *folder,
                      unsigned mode, struct source **out) {
    struct source *source = NULL;
    struct source **list = s->list;
    char *copy = NULL, *folder_copy = NULL;
    int err = UV_ENOMEM;

    /* An arena that jumps when it is out of memory would leave the bytes behind. */
    jmp_buf *on_oom = s->arena->on_oom;
    s->arena->on_oom = NULL;
    if (n > SOURCE_BYTES_MAX || n > UINT32_MAX - 1 - s->next) {
        err = UV_EFBIG;
    } else {
        source = arena_new(s->arena, struct source);
        copy = arena_strndup(s->arena, name, strlen(name));
        folder_copy = arena_strndup(s->arena, folder, strlen(folder));
        list = arena_grow(s->arena, list, s->count, &s->cap, sizeof *list);
        err = source && copy && folder_copy && list ? 0 : UV_ENOMEM;
    }
    s->arena->on_oom = on_oom;
    free(folder);
    if (err) {
        free(bytes);
        return err;
    }
    if (n >= BOM_BYTES && !memcmp(bytes, BOM, BOM_BYTES)) {
        n -= BOM_BYTES;
        memmove(bytes, bytes + BOM_BYTES, n);
    }
    bytes[n] = '\0';
    *source = (struct source){.name = copy,
                              .folder = folder_copy,
                              .bytes = bytes,
                              .len = (uint32_t)n,
                              .base = s->next,
                              .mode = mode};
    list[s->count++] = source;
    s->list = list;
    /* The end of a file is a place of its own. */
    s->next += (uint32_t)n + 1;
    *out = source;
    return 0;
}

int sources_read(struct sources *s, const char *path, const char *name, struct source **out) {
    int from_stdin = !strcmp(path, "-"), err;
    char *bytes = NULL;
    size_t n = 0;
    struct stat st;

    int fd = from_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st))
        err = -errno;
    else if (S_ISDIR(st.st_mode))
        err = UV_EISDIR;
    else if (S_ISREG(st.st_mode) && st.st_size > (off_t)SOURCE_BYTES_MAX)
        err = UV_EFBIG;
    else
        err = read_all(fd, S_ISREG(st.st_mode) ? (size_t)st.st_size + 1 : 0, &bytes, &n);
    if (!from_stdin)
        close(fd);
    if (err)
        return err;
    char *folder = folder_of(from_stdin ? NULL : path);
    if (!folder) {
        err = -errno;
        free(bytes);
        return err;
    }
    return add_source(s, name, bytes, n, folder, (unsigned)st.st_mode, out);
}

int sources_add(struct sources *s, const char *name, const char *bytes, size_t n,
                struct source **out) {
    char *copy = malloc(n + 1), *folder = strdup("/");

    if (!copy || !folder) {
        free(copy);
        free(folder);
        return UV_ENOMEM;
    }
    if (n)
        memcpy(copy, bytes, n);
    return add_source(s, name, copy, n, folder, 0, out);
}

void sources_release(struct sources *s) {
    for (uint32_t i = 0; i < s->count; i++)
        free(s->list[i]->bytes);
    s->count = 0;
}

const char *source_resolve(struct arena *arena, const char *folder, const char *path) {
    while (path[0] == '.' && path[1] == '/')
        for (path += 2; *path == '/'; path++)
            ;
    if (*path == '/')
        return arena_strndup(arena, path, strlen(path));
    if (!*path || !strcmp(path, "."))
        return arena_strndup(arena, folder, strlen(folder));
    return arena_printf(arena, "%s/%s", strcmp(folder, "/") ? folder : "", path);
}

/* The source that a place is in: the last whose base is not behind it. */
static struct source *find_source(const struct sources *s, uint32_t at) {
    uint32_t low = 0, high = s->count;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (s->list[middle]->base <= at)
            low = middle;
        else
            high = middle;
    }
    return s->list[low];
}

/* The starts of all lines. Without memory for them there is none, and no harm. */
static void index_lines(struct arena *arena, struct source *source) {
    uint32_t n = 1;

    for (const char *p = source->bytes;
         (p = memchr(p, '\n', source->len - (size_t)(p - source->bytes))); p++)
        n++;
    jmp_buf *on_oom = arena->on_oom;
    arena->on_oom = NULL;
    source->lines = arena_array(arena, uint32_t, n);
    arena->on_oom = on_oom;
    if (!source->lines)
        return;
    for (uint32_t i = 0; i < source->len; i++)
        if (source->bytes[i] == '\n')
            source->lines[++source->nlines] = i + 1;
    source->nlines++;
}

struct location sources_locate(const struct sources *s, uint32_t at) {
    struct source *source = find_source(s, at);
    uint32_t offset = at - source->base, start = 0, line = 1;

    if (!source->lines)
        index_lines(s->arena, source);
    if (source->lines) {
        uint32_t low = 0, high = source->nlines;
        while (high - low > 1) {
            uint32_t middle = low + (high - low) / 2;
            if (source->lines[middle] <= offset)
                low = middle;
            else
                high = middle;
        }
        line = low + 1;
        start = source->lines[low];
    } else {
        for (uint32_t i = 0; i < offset; i++)
            if (source->bytes[i] == '\n') {
                line++;
                start = i + 1;
            }
    }
    const char *text = source->bytes + start;
    const char *end = memchr(text, '\n', source->len - start);
    uint32_t len = end ? (uint32_t)(end - text) : source->len - start;
    if (end && len && text[len - 1] == '\r')
        len--;
    uint32_t column = offset - start < len ? offset - start : len;
    return (struct location){.source = source,
                             .line = line,
                             .column = (uint32_t)utf8_count(text, column) + 1,
                             .text = text,
                             .text_len = len,
                             .text_column = column};
}
