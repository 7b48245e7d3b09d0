/* SPDX-License-Identifier: MIT */
/* presence: which runs of a manifest there are. */
#include "run/presence.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/state.h"
#include "base/text.h"
#include "base/trace.h"

#define PAUSE_MS   2
#define GO_ON_NS   NS_PER_S        /* one that was killed is not gone at once */
#define GIVE_UP_NS (15 * NS_PER_S) /* those who end its jobs take ten at most */
#define JOINING_NS NS_PER_S        /* another has it for itself for a moment only */
#define OF_PROCESS 1               /* where that lock is, from the first byte */

static struct flock lock_of(const struct presence *p, short type, int byte) {
    return (struct flock){
        .l_type = type, .l_whence = SEEK_SET, .l_start = p->at + byte, .l_len = 1};
}

/* Sets the lock that the launchers share. 0, UV_EAGAIN: others have it, or UV_E…. */
static int set_shared(const struct presence *p, short type) {
    struct flock lock = lock_of(p, type, 0);

    if (fcntl(p->fd, F_OFD_SETLK, &lock) == 0)
        return 0;
    return errno == EACCES ? UV_EAGAIN : -errno;
}

static int join(const struct presence *p) {
    int64_t until = clock_ns() + JOINING_NS;
    int error;

    while ((error = set_shared(p, F_RDLCK)) == UV_EAGAIN && clock_ns() < until)
        poll(NULL, 0, PAUSE_MS);
    return error;
}

/* Whether a muster is there; *pid is one, or 0. */
static bool goes_on(const struct presence *p, pid_t *pid) {
    struct flock lock = lock_of(p, F_WRLCK, OF_PROCESS);

    if (fcntl(p->fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
        return false;
    *pid = lock.l_pid > 0 ? lock.l_pid : 0; /* -1: in another namespace */
    return true;
}

static int wait_alone(const struct presence *p, pid_t *other) {
    int64_t begin = clock_ns(), since = begin, now = begin;
    int error;

    while ((error = set_shared(p, F_WRLCK)) == UV_EAGAIN) {
        now = clock_ns();
        if (!goes_on(p, other))
            since = now;
        else if (now - since > GO_ON_NS)
            return UV_EBUSY;
        if (now - begin > GIVE_UP_NS)
            return UV_ETIMEDOUT;
        poll(NULL, 0, PAUSE_MS);
    }
    trace(TRACE_RUN, "alone after %lld ms", (long long)((now - begin) / NS_PER_MS));
    return error;
}

int presence_join(struct presence *p, const char *folder, const char *key, bool alone,
                  pid_t *other) {
    int dir = state_open(folder), error = 0;
    struct flock own;

    *p = (struct presence){.fd = dir < 0 ? dir : state_open_file(dir, PRESENCE_FILE),
                           .found = dir >= 0};
    if (dir >= 0)
        close(dir);
    if (p->fd < 0) {
        error = p->fd;
        p->fd = 0;
        return error;
    }
    p->at = (int64_t)(text_hash(key) >> 2 << 1);
    if (alone)
        error = wait_alone(p, other);
    if (!error)
        error = join(p); /* what was had alone becomes shared at one stroke */
    own = lock_of(p, F_RDLCK, OF_PROCESS);
    if (!error && fcntl(p->fd, F_SETLK, &own) < 0)
        error = -errno;
    if (error)
        presence_leave(p);
    return error;
}

void presence_leave(struct presence *p) {
    if (p->fd)
        close(p->fd);
    p->fd = 0;
}
