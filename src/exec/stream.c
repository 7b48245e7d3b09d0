/* SPDX-License-Identifier: MIT */
/* stream: reads one captured pipe into its capture, on the loop that watches it. */
#include "exec/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "exec/capture.h"
#include "exec/reserve.h"

#define PIPE_BYTES   (256 << 10)      /* of one whose writer has filled memory */
#define BLOCK_BYTES  (256U << 10)     /* moved at once from the pipe to the file */
#define TURN_NS      (20 * NS_PER_MS) /* that one stream may have a thread of the pool */
#define UNWATCHED_MS 50               /* that a turn waits for bytes where the loop cannot */
#define BLOCKS       4                /* as many as the pool has threads by default */
#define LEFT_MAX     (1U << 20)       /* more than a terminal holds */

/* For the turns; who finds none does without. Not from the heap, which would
 * keep more of them than are ever in use. */
static char blocks[BLOCKS][BLOCK_BYTES];
static atomic_flag blocks_taken[BLOCKS];

void stream_init(struct stream_reader *s, int fd) {
    memset(s, 0, sizeof *s);
    s->watch.fd = -1;
    s->fd = fd;
    s->left = SIZE_MAX;
}

bool stream_ended(const struct stream_reader *s) {
    return s->fd < 0;
}

static void stream_close(struct stream_reader *s) {
    pollset_remove(s->set, &s->watch);
    close(s->fd);
    s->fd = -1;
    s->changed(s->owner);
}

static void stream_read(struct stream_reader *s);

static void on_readable(void *owner) {
    stream_read(owner); /* whatever it is, read() tells */
}

static int watch(struct stream_reader *s) {
    return pollset_add(s->set, &s->watch, s->fd, on_readable, s);
}

/* Moves what is in the pipe to the file for as long as its writer keeps it
 * filled. A slow disk holds the thread, a slow writer never does. */
static void move_bytes(struct stream_reader *s, char *block, int64_t until) {
    while (s->left > 0) {
        ssize_t n = read(s->fd, block, s->left < BLOCK_BYTES ? s->left : BLOCK_BYTES);

        if (n <= 0)
            return; /* the loop's read() will tell what it is */
        s->left -= (size_t)n;
        capture_file(s->capture, block, (size_t)n);
        if ((size_t)n < CAPTURE_MEMORY_MAX || clock_ns() >= until)
            return;
    }
}

/*
 * Has memory written, then moves more, so that a writer that is faster than the
 * disk does not pay for a way through the loop with every few bytes. By read
 * and write: splice() holds the pipe's lock while it writes, in which the
 * writer could not even be killed.
 */
static void spill_work(uv_work_t *work) {
    struct stream_reader *s = work->data;
    int64_t until = clock_ns() + TURN_NS;

    capture_spill(s->capture); /* an error stays in the capture */
    if (s->unwatched)
        poll(&(struct pollfd){.fd = s->fd, .events = POLLIN}, 1, UNWATCHED_MS);
    if (!s->widened)
        fcntl(s->fd, F_SETPIPE_SZ, PIPE_BYTES); /* refused: it stays as it is */
    s->widened = true;
    for (int i = 0; i < BLOCKS; i++)
        if (!atomic_flag_test_and_set_explicit(&blocks_taken[i], memory_order_acquire)) {
            move_bytes(s, blocks[i], until);
            atomic_flag_clear_explicit(&blocks_taken[i], memory_order_release);
            return;
        }
}

static void begin_last_read(struct stream_reader *s);
static void stream_spill(struct stream_reader *s);

static void spill_done(uv_work_t *work, int status) {
    struct stream_reader *s = work->data;

    (void)status;
    s->spilling = false;
    if (s->writers_gone && !s->last_read)
        begin_last_read(s);
    else if (s->last_read)
        stream_read(s);
    else if ((s->unwatched = watch(s) != 0))
        stream_spill(s); /* the pool waits for bytes in the loop's stead */
}

/* Hands the stream to the thread pool; nothing else reads it meanwhile. */
static void stream_spill(struct stream_reader *s) {
    int error;

    s->spilling = true;
    pollset_remove(s->set, &s->watch);
    s->spill.data = s;
    error = reserve_queue_work(s->set->loop, &s->spill, spill_work, spill_done);
    if (!error)
        return;
    capture_spill(s->capture); /* better a loop that waits than lost output */
    if (!s->unwatched) {
        spill_done(&s->spill, 0);
        return;
    }
    s->spilling = false; /* nobody is left who could wait for bytes */
    capture_fail(s->capture, error);
    while (!capture_end(s->capture))
        capture_spill(s->capture);
    stream_close(s);
}

/* Reads what fits into the capture: once, or all that is left at the end. */
static void stream_read(struct stream_reader *s) {
    do {
        size_t room;
        char *to = capture_room(s->capture, &room);
        ssize_t n;

        if (!s->left)
            break;
        if (!to) {
            stream_spill(s);
            return;
        }
        n = read(s->fd, to, room < s->left ? room : s->left);
        if (n > 0) {
            capture_added(s->capture, (size_t)n);
            s->left -= (size_t)n;
        } else if (n == 0 || (s->terminal && (errno == EIO || (s->last_read && errno == EAGAIN)))) {
            break;
        } else if (errno != EINTR && errno != EAGAIN) {
            capture_fail(s->capture, -errno);
            break;
        }
        if (!s->last_read)
            return;
    } while (true);
    if (capture_end(s->capture))
        stream_close(s);
    else
        stream_spill(s); /* and then there is still the same end to be read */
}

/* What is in the pipe now is all. */
static void begin_last_read(struct stream_reader *s) {
    int left = 0;

    ioctl(s->fd, FIONREAD, &left);
    /* A terminal does not count what it has not taken in yet; it is read till it is empty. */
    s->left = s->terminal ? LEFT_MAX : (size_t)left;
    s->last_read = true;
    stream_read(s);
}

int stream_watch(struct stream_reader *s, struct pollset *set, struct capture *capture,
                 stream_changed_cb changed, void *owner) {
    s->set = set;
    s->capture = capture;
    s->changed = changed;
    s->owner = owner;
    if (s->fd < 0)
        return 0;
    fcntl(s->fd, F_SETFL, O_NONBLOCK); /* a turn of the pool ends when the pipe is empty */
    return watch(s);
}

void stream_end(struct stream_reader *s) {
    s->writers_gone = true;
    if (s->fd >= 0 && !s->spilling)
        begin_last_read(s); /* else after the turn, which is a short one */
}
