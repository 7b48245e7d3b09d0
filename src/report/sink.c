/* SPDX-License-Identifier: MIT */
/* sink: a stdio stream to standard output or a file that tells its first error. */
#include "report/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/thread.h"

#define LINKS_MAX    40 /* as the kernel follows */
#define NAMES_TRIED  16 /* for a temporary file */
#define NAME_RANDOM  8  /* random bytes in its name */
#define FIFO_WAIT_MS 10 /* between two looks for a FIFO's reader */
#define HURRY_MS     2000

static volatile sig_atomic_t hurried;

void sink_hurry(void) {
    hurried = 1;
}

int sink_write_all(int fd, const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);

        if (done >= 0) {
            bytes += done;
            n -= (size_t)done;
        } else if (errno == EAGAIN) {
            struct pollfd p = {.fd = fd, .events = POLLOUT};

            if (poll(&p, 1, -1) < 0 && errno != EINTR)
                return -errno;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

static ssize_t stream_write(void *cookie, const char *bytes, size_t n) {
    struct sink *s = cookie;

    if (s->error == 0)
        s->error = sink_write_all(s->fd, bytes, n);
    return (ssize_t)n; /* stdio must not ask again: the error is kept here */
}

static int stream_open(struct sink *s) {
    s->stream = fopencookie(s, "w", (cookie_io_functions_t){.write = stream_write});
    return s->stream ? 0 : UV_ENOMEM;
}

int sink_open_fd(struct sink *s, int fd) {
    *s = (struct sink){.fd = fd, .dir = -1};
    return stream_open(s);
}

/* Whether a link in a folder that all may write to is a stranger's. */
static bool link_foreign(int dir, const struct stat *link) {
    struct stat st;

    if (fstat(dir, &st) < 0)
        return true;
    return (st.st_mode & (S_ISVTX | S_IWOTH)) == (S_ISVTX | S_IWOTH) && link->st_uid != geteuid() &&
           link->st_uid != st.st_uid;
}

/* Opens the folder of a path as s->dir, relative to the folder `from`, and keeps
 * the name in it as s->name. Cuts the path in two. */
static int open_folder(struct sink *s, int from, char *path) {
    char *slash = strrchr(path, '/');
    char *name = slash ? slash + 1 : path;

    if (*name == '\0')
        return slash ? UV_EISDIR : UV_ENOENT;
    free(s->name);
    s->name = strdup(name);
    if (!s->name)
        return UV_ENOMEM;
    if (slash)
        slash[slash == path] = '\0'; /* "/x" is in "/" */
    s->dir = openat(from, slash ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return s->dir < 0 ? -errno : 0;
}

/*
 * What `path` means at the end of all links, as s->dir and s->name. Only its
 * last name is resolved here, the kernel does the others.
 */
static int resolve(struct sink *s, const char *path) {
    char target[PATH_MAX];
    int from = AT_FDCWD;
    size_t n = strlen(path);

    if (n >= sizeof target)
        return UV_ENAMETOOLONG;
    memcpy(target, path, n + 1);
    for (int links = 0; links < LINKS_MAX; links++) {
        int error = open_folder(s, from, target);
        struct stat st;
        ssize_t len;

        if (from != AT_FDCWD)
            close(from);
        if (error)
            return error;
        if (fstatat(s->dir, s->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return errno == ENOENT ? 0 : -errno;
        if (!S_ISLNK(st.st_mode))
            return 0;
        if (link_foreign(s->dir, &st))
            return UV_EACCES;
        len = readlinkat(s->dir, s->name, target, sizeof target);
        if (len < 0)
            return -errno;
        if (len == sizeof target)
            return UV_ENAMETOOLONG;
        target[len] = '\0';
        from = s->dir;
        s->dir = -1; /* the link's folder is where its target starts */
    }
    close(from);
    return UV_ELOOP;
}

/* A name for the temporary file that nobody can guess: s->temp. */
static int temp_name(struct sink *s) {
    unsigned char bytes[NAME_RANDOM];
    size_t keep = strlen(s->name);
    int n;

    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return -errno;
    if (keep > NAME_MAX - 2 - 2 * NAME_RANDOM)
        keep = NAME_MAX - 2 - 2 * NAME_RANDOM;
    free(s->temp);
    n = asprintf(&s->temp, ".%.*s.%02x%02x%02x%02x%02x%02x%02x%02x", (int)keep, s->name, bytes[0],
                 bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]);
    if (n < 0) {
        s->temp = NULL;
        return UV_ENOMEM;
    }
    return 0;
}

/*
 * A file without a name where the file system can, so that nothing stays
 * behind when muster is killed; else one with a name of its own.
 */
static int temp_open(struct sink *s) {
    int error = 0;

    if (access("/proc/self/fd", F_OK) == 0) /* which temp_link() needs */
        s->fd = openat(s->dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    for (int i = 0; s->fd < 0 && i < NAMES_TRIED; i++) {
        error = temp_name(s);
        if (error)
            break;
        s->fd = openat(s->dir, s->temp, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (s->fd < 0 && errno != EEXIST) {
            error = -errno;
            break;
        }
    }
    if (s->fd >= 0)
        return 0;
    free(s->temp); /* nothing bears that name */
    s->temp = NULL;
    return error ? error : UV_EEXIST;
}

static void release(struct sink *s) {
    if (s->temp)
        unlinkat(s->dir, s->temp, 0);
    if (s->fd > STDERR_FILENO)
        close(s->fd);
    if (s->dir >= 0)
        close(s->dir);
    free(s->temp);
    free(s->name);
}

/* A device or FIFO. Waits for a FIFO's reader, though never inside open(): there
 * a signal's handler would not run under every sanitizer. */
static int open_special(const char *path, bool fifo) {
    for (int left = HURRY_MS;; left -= hurried ? FIFO_WAIT_MS : 0) {
        int fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

        if (fd >= 0 || !((fifo && errno == ENXIO && left > 0) || errno == EINTR))
            return fd >= 0 ? fd : -errno;
        poll(NULL, 0, FIFO_WAIT_MS);
    }
}

int sink_open_file(struct sink *s, const char *path) {
    struct stat st;
    int error;
    bool there = stat(path, &st) == 0;

    *s = (struct sink){.fd = -1, .dir = -1};
    if (there && S_ISDIR(st.st_mode))
        return UV_EISDIR;
    if (there && !S_ISREG(st.st_mode)) {
        s->fd = open_special(path, S_ISFIFO(st.st_mode));
        error = s->fd < 0 ? s->fd : 0;
    } else {
        error = resolve(s, path);
        if (!error)
            error = temp_open(s);
        if (!error && there && fchmod(s->fd, st.st_mode & 07777) < 0)
            error = -errno;
    }
    if (!error)
        error = stream_open(s);
    if (error)
        release(s);
    return error;
}

void sink_fail(struct sink *s, int error) {
    if (s->error == 0)
        s->error = error;
}

/* Asks for the bytes to be on the disk; what is no file on a disk cannot be asked. */
static int sync_fd(int fd) {
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return 0;
    while (fsync(fd) < 0)
        if (errno != EINTR)
            return errno == EINVAL || errno == EROFS ? 0 : -errno;
    return 0;
}

/* Gives a file without a name this one, unless another bears it. */
static int link_as(const struct sink *s, const char *name) {
    char self[32];

    snprintf(self, sizeof self, "/proc/self/fd/%d", s->fd);
    return linkat(AT_FDCWD, self, s->dir, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

/* Gives the temporary file a name. */
static int temp_link(struct sink *s) {
    for (int i = 0; i < NAMES_TRIED; i++) {
        int error = temp_name(s);

        if (error)
            return error;
        error = link_as(s, s->temp);
        if (!error)
            return 0;
        free(s->temp);
        s->temp = NULL;
        if (error != UV_EEXIST)
            return error;
    }
    return UV_EEXIST;
}

/* By way of a temporary name, since only rename() replaces what is there. */
static int replace(struct sink *s) {
    int error = s->temp ? 0 : temp_link(s);

    if (!error && renameat(s->dir, s->temp, s->dir, s->name) < 0)
        error = -errno;
    if (!error) {
        free(s->temp); /* it is the file now */
        s->temp = NULL;
    }
    return error;
}

static int put_in_place(struct sink *s) {
    sigset_t before;
    int error;

    if (s->temp || link_as(s, s->name) != 0) {
        /* A second signal ends muster at once, but not while there are two names. */
        thread_block_signals(&before);
        error = replace(s);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (error)
            return error;
    }
    fsync(s->dir); /* the name too; some file systems cannot */
    return 0;
}

void sink_publish(struct sink *s) {
    if (s->error || !s->name)
        return;
    s->error = put_in_place(s);
    if (!s->error) {
        free(s->name);
        s->name = NULL;
    }
}

int sink_close(struct sink *s) {
    int error;

    if (fclose(s->stream) != 0)
        sink_fail(s, UV_EIO); /* cannot be: stream_write takes everything */
    if (s->error == 0)
        s->error = sync_fd(s->fd);
    if (s->error == 0 && s->name)
        s->error = put_in_place(s);
    error = s->error;
    release(s);
    return error;
}
