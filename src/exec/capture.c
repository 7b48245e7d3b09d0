/* SPDX-License-Identifier: MIT */
/* capture: keeps one output stream in bounded memory, then in an unlinked file. */
#include "exec/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/mask.h"
#include "base/temp.h"

#define FIRST_BYTES 256 /* most jobs print less and so need no memory of their own */

struct capture {
    atomic_uint owners;
    pthread_mutex_t lock; /* what follows: the writer against who looks meanwhile */
    char *buf;            /* what is in memory: `first` or malloc'd */
    size_t len, cap;
    bool cannot_grow; /* memory was short: spill what there is */
    int fd;           /* the unlinked file, or -1 */
    uint64_t filed;   /* bytes in it */
    uint64_t gone;    /* of them, given back by capture_discard */
    uint64_t total;   /* bytes that came */
    int error;        /* the first that lost bytes */
    size_t tail;      /* bytes at the end of what left memory, in `first` while that is not `buf` */
    bool cut;         /* that was at the stream's end: memory is whole */
    struct mask *mask; /* what comes goes through it, or NULL */
    char first[FIRST_BYTES];
};

struct capture *capture_new(void) {
    struct capture *c = malloc(sizeof *c);

    if (!c)
        return NULL;
    memset(c, 0, offsetof(struct capture, first));
    if (pthread_mutex_init(&c->lock, NULL)) {
        free(c);
        return NULL;
    }
    atomic_init(&c->owners, 1);
    c->buf = c->first;
    c->cap = sizeof c->first;
    c->fd = -1;
    return c;
}

struct capture *capture_share(struct capture *c) {
    if (c)
        atomic_fetch_add(&c->owners, 1);
    return c;
}

struct capture *capture_free(struct capture *c) {
    if (!c || atomic_fetch_sub(&c->owners, 1) > 1)
        return NULL;
    if (c->fd >= 0)
        close(c->fd);
    if (c->buf != c->first)
        free(c->buf);
    mask_free(c->mask);
    pthread_mutex_destroy(&c->lock);
    free(c);
    return NULL;
}

/* Eightfold: 256 B, 2 KiB, 16 KiB, then the whole 64 KiB. */
static void grow(struct capture *c) {
    size_t cap = c->cap * 8 < CAPTURE_MEMORY_MAX ? c->cap * 8 : CAPTURE_MEMORY_MAX;
    char *buf = malloc(cap);

    if (!buf) {
        c->cannot_grow = true;
        return;
    }
    memcpy(buf, c->buf, c->len);
    pthread_mutex_lock(&c->lock);
    if (c->buf != c->first)
        free(c->buf);
    c->buf = buf;
    c->cap = cap;
    pthread_mutex_unlock(&c->lock);
}

int capture_mask(struct capture *c, const struct mask_set *set) {
    struct mask *mask = mask_new(set);

    if (!mask)
        return UV_ENOMEM;
    mask_free(c->mask);
    c->mask = mask;
    return 0;
}

static bool memory_full(const struct capture *c) {
    return c->len == c->cap && (c->cap == CAPTURE_MEMORY_MAX || c->cannot_grow);
}

static char *memory_room(struct capture *c, size_t *n) {
    if (c->len == c->cap && !memory_full(c))
        grow(c);
    *n = c->cap - c->len;
    return *n ? c->buf + c->len : NULL;
}

/* n bytes are in the room; `came` of them, or of what they stand for, are new. */
static void memory_added(struct capture *c, size_t n, size_t came) {
    pthread_mutex_lock(&c->lock);
    c->len += n;
    c->total += came;
    pthread_mutex_unlock(&c->lock);
}

/* Moves what the mask gives into memory, as far as that has room. */
static void take_masked(struct capture *c) {
    size_t room;
    char *to;

    while (mask_pending(c->mask) && (to = memory_room(c, &room)))
        memory_added(c, mask_take(c->mask, to, room), 0);
}

char *capture_room(struct capture *c, size_t *n) {
    if (!c->mask)
        return memory_room(c, n);
    take_masked(c);
    *n = 0;
    return mask_pending(c->mask) ? NULL : mask_room(c->mask, n);
}

void capture_added(struct capture *c, size_t n) {
    if (!c->mask) {
        memory_added(c, n, n);
        return;
    }
    mask_added(c->mask, n);
    memory_added(c, 0, n);
    take_masked(c);
}

bool capture_end(struct capture *c) {
    if (!c->mask)
        return true;
    mask_end(c->mask);
    take_masked(c);
    if (mask_pending(c->mask))
        return false;
    c->mask = mask_free(c->mask);
    return true;
}

int capture_full(const struct capture *c) {
    return memory_full(c) && (!c->mask || mask_pending(c->mask));
}

/* An unlinked file in TMPDIR, else in the usual places. */
static int open_unlinked(void) {
    const char *dir;
    int error = UV_ENOENT;

    for (size_t i = 0; (dir = temp_folder(i)); i++) {
        char path[4096];
        size_t n;
        int fd;

        fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (fd >= 0)
            return fd;
        error = -errno;
        if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
            continue;
        /* A file system without O_TMPFILE (overlayfs on old kernels, NFS). */
        n = strlen(dir);
        if (n + sizeof "/muster-XXXXXX" > sizeof path)
            continue;
        memcpy(path, dir, n);
        memcpy(path + n, "/muster-XXXXXX", sizeof "/muster-XXXXXX");
        fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0) {
            unlink(path);
            return fd;
        }
        error = -errno;
    }
    return error;
}

/* Writes to a file at *at, which it moves on as far as it gets. */
static int write_at(int fd, const char *bytes, size_t n, uint64_t *at) {
    while (n > 0) {
        ssize_t done = pwrite(fd, bytes, n, (off_t)*at);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? -errno : UV_EIO;
        bytes += done;
        n -= (size_t)done;
        *at += (uint64_t)done;
    }
    return 0;
}

/*
 * Writes bytes behind what is filed already. `from_memory`: they are all that memory
 * has and leave it, in one moment for who follows.
 */
static void append(struct capture *c, const char *bytes, size_t n, bool from_memory) {
    uint64_t at = c->filed;
    int fd = c->fd < 0 ? open_unlinked() : c->fd;
    int error = fd < 0 ? fd : write_at(fd, bytes, n, &at);

    pthread_mutex_lock(&c->lock);
    if (fd >= 0)
        c->fd = fd;
    c->filed = at;
    if (from_memory && !error)
        c->len = 0;
    c->error = error;
    pthread_mutex_unlock(&c->lock);
}

/* Once bytes are lost, all that follows is: what is kept is one piece. */
static void file_bytes(struct capture *c, const char *bytes, size_t n, bool from_memory) {
    if (!c->error)
        append(c, bytes, n, from_memory);
}

/* Remembers the end of what has left memory. Under the lock. */
static void keep_tail(struct capture *c, const char *bytes, size_t n) {
    size_t new = n < FIRST_BYTES ? n : FIRST_BYTES, old = FIRST_BYTES - new;

    if (c->buf == c->first)
        return;
    if (old > c->tail)
        old = c->tail;
    memmove(c->first, c->first + c->tail - old, old);
    memcpy(c->first + old, bytes + n - new, new);
    c->tail = old + new;
}

/* What the mask gives goes straight to the file, where memory is empty. */
static void file_masked(struct capture *c) {
    char block[4096];
    size_t n;

    while (c->mask && (n = mask_take(c->mask, block, sizeof block)) > 0) {
        file_bytes(c, block, n, false);
        pthread_mutex_lock(&c->lock);
        keep_tail(c, block, n);
        pthread_mutex_unlock(&c->lock);
    }
}

int capture_spill(struct capture *c) {
    size_t n = c->len;

    pthread_mutex_lock(&c->lock);
    keep_tail(c, c->buf, n);
    pthread_mutex_unlock(&c->lock);
    file_bytes(c, c->buf, n, true);
    pthread_mutex_lock(&c->lock);
    c->len = 0; /* also where the bytes are lost */
    pthread_mutex_unlock(&c->lock);
    file_masked(c);
    return c->error;
}

/* The same bytes by way of the mask. */
static void file_by_mask(struct capture *c, const char *bytes, size_t n) {
    while (n > 0) {
        size_t room;
        char *to = mask_room(c->mask, &room);

        if (room > n)
            room = n;
        memcpy(to, bytes, room);
        mask_added(c->mask, room);
        file_masked(c);
        bytes += room;
        n -= room;
    }
}

int capture_file(struct capture *c, const char *bytes, size_t n) {
    if (c->mask)
        file_by_mask(c, bytes, n);
    else
        file_bytes(c, bytes, n, false);
    pthread_mutex_lock(&c->lock);
    if (!c->mask)
        keep_tail(c, bytes, n);
    c->total += n;
    pthread_mutex_unlock(&c->lock);
    return c->error;
}

void capture_direct(struct capture *c, int fd) {
    c->fd = fd;
}

int capture_unfiled(const struct capture *c) {
    return c->len > 0;
}

void capture_fail(struct capture *c, int error) {
    if (c->error)
        return;
    pthread_mutex_lock(&c->lock);
    c->error = error;
    c->cut = true;
    pthread_mutex_unlock(&c->lock);
}

int capture_add(struct capture *c, const char *bytes, size_t n) {
    while (n) {
        size_t room;
        char *to = capture_room(c, &room);

        if (!to) {
            capture_spill(c);
            continue;
        }
        if (room > n)
            room = n;
        memcpy(to, bytes, room);
        capture_added(c, room);
        bytes += room;
        n -= room;
    }
    return c->error;
}

uint64_t capture_size(const struct capture *c) {
    return c->error && !c->cut ? c->filed : c->filed + c->len;
}

uint64_t capture_total(const struct capture *c) {
    return c->total;
}

int capture_error(const struct capture *c) {
    return c->error;
}

long capture_read(const struct capture *c, uint64_t at, char *buf, size_t n) {
    size_t done = 0;
    uint64_t size = capture_size(c);

    if (at >= size)
        return 0;
    if (n > size - at)
        n = (size_t)(size - at);
    while (done < n && at + done < c->filed) {
        size_t want = n - done;
        ssize_t got;

        if (want > c->filed - at - done)
            want = (size_t)(c->filed - at - done);
        got = pread(c->fd, buf + done, want, (off_t)(at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : UV_EIO;
        done += (size_t)got;
    }
    if (done < n)
        memcpy(buf + done, c->buf + (at + done - c->filed), n - done);
    return (long)n;
}

long capture_follow(struct capture *c, uint64_t at, char *buf, size_t n) {
    uint64_t filed;
    ssize_t got;
    int fd;

    pthread_mutex_lock(&c->lock);
    fd = c->fd;
    filed = c->filed;
    if (at >= filed) {
        bool lost = c->error && !c->cut; /* then memory has what does not follow */
        size_t there = !lost && at - filed < c->len ? c->len - (size_t)(at - filed) : 0;

        n = there < n ? there : n;
        memcpy(buf, c->buf + (at - filed), n);
    }
    pthread_mutex_unlock(&c->lock);
    if (at >= filed)
        return (long)n;
    if (n > filed - at) /* what is filed stands still */
        n = (size_t)(filed - at);
    do
        got = pread(fd, buf, n, (off_t)at);
    while (got < 0 && errno == EINTR);
    return got > 0 ? got : got < 0 ? -errno : UV_EIO;
}

void capture_discard(struct capture *c, uint64_t end) {
    if (end > c->filed)
        end = c->filed;
    if (end <= c->gone || atomic_load(&c->owners) > 1)
        return;
    fallocate(c->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)c->gone,
              (off_t)(end - c->gone));
    c->gone = end;
}

/* The last line that has text, into buf; false when there is none. */
static bool find_line(const char *bytes, size_t len, char *buf, size_t n) {
    const char *newline;
    size_t end, start;

    for (end = len; end > 0 && strchr("\r\n \t", bytes[end - 1]); end--)
        ;
    newline = end ? memrchr(bytes, '\n', end) : NULL;
    start = newline ? (size_t)(newline + 1 - bytes) : 0;
    if (end - start > n - 1)
        end = start + n - 1;
    memcpy(buf, bytes + start, end - start);
    buf[end - start] = '\0';
    return end > start;
}

void capture_last_line(struct capture *c, char *buf, size_t n) {
    pthread_mutex_lock(&c->lock);
    if (!find_line(c->buf, c->len, buf, n))
        find_line(c->first, c->tail, buf, n);
    pthread_mutex_unlock(&c->lock);
}

/* Gives the capture's own file a name. Memory is written behind what it has, where
 * capture_read() does not look for it. */
static int save_by_link(const struct capture *c, int dir, const char *name) {
    uint64_t at = c->filed;
    char self[32];
    int error;

    if (c->fd < 0)
        return UV_ENOENT;
    error = c->error && !c->cut ? 0 : write_at(c->fd, c->buf, c->len, &at);
    if (error)
        return error;
    if (ftruncate(c->fd, (off_t)at) < 0)
        return -errno;
    snprintf(self, sizeof self, "/proc/self/fd/%d", c->fd);
    return linkat(AT_FDCWD, self, dir, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

static int save_by_copy(const struct capture *c, int dir, const char *name) {
    uint64_t at = 0;
    char *block = malloc(CAPTURE_MEMORY_MAX);
    int fd, error = 0;
    long n = 0;

    if (!block)
        return UV_ENOMEM;
    fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        error = -errno;
    while (!error && (n = capture_read(c, at, block, CAPTURE_MEMORY_MAX)) > 0)
        error = write_at(fd, block, (size_t)n, &at);
    if (fd >= 0 && close(fd) < 0 && !error)
        error = -errno;
    free(block);
    return error || n >= 0 ? error : (int)n;
}

int capture_save(const struct capture *c, int dir, const char *name) {
    int error = save_by_link(c, dir, name);

    /* Elsewhere, without a file, or with one that had a name before. */
    return error && error != UV_EEXIST ? save_by_copy(c, dir, name) : error;
}
