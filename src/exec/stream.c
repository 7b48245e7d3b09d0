/* SPDX-License-Identifier: MIT */
/* stream: reads one captured pipe into its capture, on the loop that watches it. */
#include "exec/stream.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "exec/capture.h"

void stream_init(struct stream_reader *s, int fd) {
    memset(s, 0, sizeof *s);
    s->fd = fd;
}

bool stream_ended(const struct stream_reader *s) {
    return s->fd < 0;
}

bool stream_closed(const struct stream_reader *s) {
    return s->fd < 0 && s->open_parts == 0;
}

static void on_closed(uv_handle_t *handle) {
    struct stream_reader *s = handle->data;

    s->open_parts--;
    s->changed(s->owner);
}

static void stream_close(struct stream_reader *s) {
    int fd = s->fd;

    s->fd = -1;
    if (s->poll.loop)
        uv_close((uv_handle_t *)&s->poll, on_closed);
    close(fd); /* after uv_close, which takes it out of the poll set */
    s->changed(s->owner);
}

static void stream_read(struct stream_reader *s);

static void on_readable(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events; /* whatever it is, read() tells */
    stream_read(poll->data);
}

static void spill_work(uv_work_t *work) {
    struct stream_reader *s = work->data;

    capture_spill(s->capture); /* an error stays in the capture */
}

static void spill_done(uv_work_t *work, int status) {
    struct stream_reader *s = work->data;

    (void)status;
    s->spilling = false;
    s->open_parts--;
    if (s->last_read || !s->poll.loop || uv_poll_start(&s->poll, UV_READABLE, on_readable))
        stream_read(s);
}

/* Has memory written out, reading nothing meanwhile: a writer that is faster
 * than the disk waits in its own write(). */
static void stream_spill(struct stream_reader *s) {
    s->spilling = true;
    s->open_parts++;
    if (s->poll.loop)
        uv_poll_stop(&s->poll);
    s->spill.data = s;
    uv_queue_work(s->loop, &s->spill, spill_work, spill_done);
}

/* Reads what fits into the capture: once, or all that is left at the end. */
static void stream_read(struct stream_reader *s) {
    do {
        size_t room;
        char *to = capture_room(s->capture, &room);
        ssize_t n;

        if (s->last_read && !s->left)
            break;
        if (!to) {
            stream_spill(s);
            return;
        }
        if (s->last_read && room > s->left)
            room = s->left;
        n = read(s->fd, to, room);
        if (n > 0) {
            capture_added(s->capture, (size_t)n);
            s->left -= s->last_read ? (size_t)n : 0;
        } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
            break;
        }
        if (!s->last_read)
            return;
    } while (true);
    stream_close(s);
}

int stream_watch(struct stream_reader *s, uv_loop_t *loop, struct capture *capture,
                 stream_changed_cb changed, void *owner) {
    int error;

    s->loop = loop;
    s->capture = capture;
    s->changed = changed;
    s->owner = owner;
    if (s->fd < 0)
        return 0;
    error = uv_poll_init(loop, &s->poll, s->fd);
    if (error) {
        s->poll.loop = NULL;
        return error;
    }
    s->open_parts++;
    s->poll.data = s;
    return uv_poll_start(&s->poll, UV_READABLE, on_readable);
}

void stream_end(struct stream_reader *s) {
    int left = 0;

    if (s->fd < 0)
        return;
    ioctl(s->fd, FIONREAD, &left);
    s->left = (size_t)left;
    s->last_read = true;
    if (!s->spilling)
        stream_read(s);
}
