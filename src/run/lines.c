/* SPDX-License-Identifier: MIT */
/* lines: a file's lines one after the other, without ever blocking the loop. */
#include "run/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/trace.h"
#include "exec/pollset.h"
#include "exec/reserve.h"

#define BLOCK          (128U << 10) /* bytes read at once */
#define LINE_BYTES_MAX (1U << 20)

enum phase {
    NOT_OPEN,
    FILED,    /* read by the pool */
    FOLLOWED, /* read here when there is something */
    ENDED,    /* nothing more comes */
    FAILED,
};

struct lines_reader {
    struct lines_opts opts;
    enum phase phase;
    int fd;        /* -1: none; STDIN_FILENO: that itself, not to be closed, which may block */
    bool seekable; /* it can be read again */
    bool ready;    /* FOLLOWED: there is something to read, or its end */
    bool busy;     /* the pool has it */
    bool closing;  /* lines_close() was called */
    bool has_set;  /* `set` is open */
    struct pollset set;
    struct pollset_fd watch;
    uv_work_t work;
    ssize_t got; /* of the pool's read: bytes, or -errno */
    char *buf;
    size_t cap, start, seen, end; /* unread bytes: from start to end; no LF up to seen */
    uint64_t line;                /* number of the last that was taken */
    char fault[256];
};

struct lines_reader *lines_open(const struct lines_opts *opts) {
    struct lines_reader *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->opts = *opts;
    r->fd = -1;
    r->watch.fd = -1;
    return r;
}

static int fail(struct lines_reader *r, int error, const char *what) {
    const char *name = strcmp(r->opts.path, "-") == 0 ? "standard input" : r->opts.path;

    r->phase = FAILED;
    snprintf(r->fault, sizeof r->fault, "%s: %s", name, what ? what : strerror(-error));
    return error;
}

/* --- what the pool does ----------------------------------------------------- */

/* Standard input may be somebody else's too: O_NONBLOCK is only for an opening of our own. */
static int open_standard_input(struct lines_reader *r) {
    struct stat st;
    int fd;

    if (fstat(STDIN_FILENO, &st))
        return -errno;
    fd = S_ISREG(st.st_mode) ? -1 /* which has its place in the file */
                             : open("/proc/self/fd/0", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    r->fd = fd >= 0 ? fd : STDIN_FILENO;
    return 0;
}

static void open_work(uv_work_t *work) {
    struct lines_reader *r = work->data;
    struct stat st;

    r->got = 0;
    if (strcmp(r->opts.path, "-") == 0) {
        r->got = open_standard_input(r);
        return;
    }
    r->fd = open(r->opts.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (r->fd < 0 || fstat(r->fd, &st)) {
        r->got = -errno;
        return;
    }
    r->seekable = S_ISREG(st.st_mode);
    if (S_ISDIR(st.st_mode))
        r->got = UV_EISDIR;
}

static void read_work(uv_work_t *work) {
    struct lines_reader *r = work->data;

    do
        r->got = read(r->fd, r->buf + r->end, BLOCK);
    while (r->got < 0 && errno == EINTR);
    if (r->got < 0)
        r->got = -errno;
}

/* --- the end ---------------------------------------------------------------- */

static void release(struct lines_reader *r) {
    if (r->fd >= 0 && r->fd != STDIN_FILENO)
        close(r->fd);
    free(r->buf);
    free(r);
}

static void on_set_closed(void *ctx) {
    release(ctx);
}

/* Once the pool has nothing of it. */
static void finish(struct lines_reader *r) {
    if (!r->has_set) {
        release(r);
        return;
    }
    pollset_remove(&r->set, &r->watch);
    pollset_close(&r->set, on_set_closed, r);
}

void lines_close(struct lines_reader *r) {
    if (!r)
        return;
    r->closing = true;
    if (!r->busy)
        finish(r);
    else
        uv_cancel((uv_req_t *)&r->work); /* its callback comes all the same */
}

/* --- the loop's side -------------------------------------------------------- */

static void on_readable(void *owner) {
    struct lines_reader *r = owner;

    pollset_remove(&r->set, &r->watch); /* until it is asked for again: who is slow is not woken */
    r->ready = true;
    r->opts.news(r->opts.ctx);
}

/* Has on_readable() called. 0, UV_EPERM: it is always ready, or UV_E…. */
static int watch(struct lines_reader *r) {
    int error = 0;

    if (pollset_has(&r->watch))
        return 0;
    if (!r->has_set) {
        error = pollset_open(&r->set, r->opts.loop);
        r->has_set = !error;
    }
    return error ? error : pollset_add(&r->set, &r->watch, r->fd, on_readable, r);
}

static void done(uv_work_t *work, int status) {
    struct lines_reader *r = work->data;
    int error;

    (void)status;
    r->busy = false;
    if (r->closing) {
        finish(r);
        return;
    }
    if (r->got < 0) {
        fail(r, (int)r->got, NULL);
    } else if (r->phase == NOT_OPEN) {
        trace(TRACE_RUN, "lines of %s", r->opts.path);
        r->phase = FOLLOWED;
        error = r->seekable ? UV_EPERM : watch(r);
        if (error == UV_EPERM) /* a regular file, /dev/null */
            r->phase = FILED;
        else if (error)
            fail(r, error, NULL);
    } else {
        r->end += (size_t)r->got;
        if (r->got == 0)
            r->phase = ENDED;
    }
    r->opts.news(r->opts.ctx);
}

static int start_work(struct lines_reader *r, uv_work_cb work) {
    int error;

    r->work.data = r;
    error = reserve_queue_work(r->opts.loop, &r->work, work, done);
    if (error)
        return fail(r, error, NULL);
    r->busy = true;
    return 0;
}

/* Room for another block behind what is there. */
static int make_room(struct lines_reader *r) {
    bool keep = r->opts.again && !r->seekable;
    size_t need;
    char *buf;

    if (!keep && r->start > 0) {
        memmove(r->buf, r->buf + r->start, r->end - r->start);
        r->end -= r->start;
        r->seen -= r->start;
        r->start = 0;
    }
    need = r->end + BLOCK;
    if (need <= r->cap)
        return 0;
    if (need < r->cap * 2)
        need = r->cap * 2;
    buf = realloc(r->buf, need);
    if (!buf)
        return fail(r, UV_ENOMEM, NULL);
    r->buf = buf;
    r->cap = need;
    return 0;
}

/* Reads what is there. 1: something, or the end; 0: nothing yet; or UV_E…. */
static int follow(struct lines_reader *r) {
    ssize_t n;
    int error;

    if (!r->ready) {
        error = watch(r);
        return error ? fail(r, error, NULL) : 0;
    }
    do
        n = read(r->fd, r->buf + r->end, BLOCK);
    while (n < 0 && errno == EINTR);
    /* Where a read could block, each waits for its own event. */
    r->ready = r->fd != STDIN_FILENO && n > 0;
    if (n < 0 && errno == EAGAIN)
        return follow(r);
    if (n < 0)
        return fail(r, -errno, NULL);
    r->end += (size_t)n;
    if (n == 0)
        r->phase = ENDED;
    return 1;
}

/* Gets more bytes. As follow(). */
static int fill(struct lines_reader *r) {
    int error;

    if (r->busy)
        return 0;
    if (r->phase == NOT_OPEN)
        return start_work(r, open_work);
    error = make_room(r);
    if (error)
        return error;
    return r->phase == FILED ? start_work(r, read_work) : follow(r);
}

/* Takes the bytes up to `end` as a line, and goes on behind `next`. */
static int take(struct lines_reader *r, size_t end, size_t next, const char **line, size_t *n) {
    char what[80];
    const char *nul;

    r->line++;
    *line = r->buf + r->start;
    *n = end - r->start;
    nul = memchr(*line, 0, *n);
    r->start = r->seen = next;
    if (!nul)
        return 1;
    snprintf(what, sizeof what, "line %llu, byte %zu: NUL; no item can have one",
             (unsigned long long)r->line, (size_t)(nul - *line) + 1);
    return fail(r, UV_EINVAL, what);
}

void lines_rewind(struct lines_reader *r) {
    r->start = r->seen = 0;
    r->line = 0;
    if (!r->seekable) /* it was kept */
        return;
    r->end = 0;
    if (lseek(r->fd, 0, SEEK_SET) < 0)
        fail(r, -errno, NULL);
    else
        r->phase = FILED;
}

const char *lines_fault(const struct lines_reader *r) {
    return r->fault;
}

bool lines_are_followed(const struct lines_reader *r) {
    return r->phase == FOLLOWED;
}

int lines_take(struct lines_reader *r, const char **line, size_t *n) {
    for (;;) {
        char what[80], *lf = NULL;
        int got;

        if (r->phase == FAILED)
            return UV_EIO; /* as was said */
        if (!r->busy && r->end > r->seen)
            lf = memchr(r->buf + r->seen, '\n', r->end - r->seen);
        if (lf) {
            size_t end = (size_t)(lf - r->buf), stop = end;

            if (stop > r->start && r->buf[stop - 1] == '\r')
                stop--;
            return take(r, stop, end + 1, line, n);
        }
        if (r->phase == ENDED)
            return r->start == r->end ? UV_EOF : take(r, r->end, r->end, line, n);
        if (!r->busy)
            r->seen = r->end;
        if (r->end - r->start > LINE_BYTES_MAX) {
            snprintf(what, sizeof what, "line %llu is longer than 1 MiB",
                     (unsigned long long)r->line + 1);
            return fail(r, UV_E2BIG, what);
        }
        got = fill(r);
        if (got <= 0)
            return got;
    }
}
