/* SPDX-License-Identifier: MIT */
/* terminal: a pseudo-terminal in the place of a captured stream's pipe. */
#include "exec/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define COLUMNS 80
#define ROWS    24

static struct winsize choose_size(void) {
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0)
        return size;
    return (struct winsize){.ws_col = COLUMNS, .ws_row = ROWS};
}

static int set_up(int fd) {
    const struct winsize size = choose_size();
    struct termios t;

    if (tcgetattr(fd, &t) < 0)
        return -errno;
    t.c_oflag &= ~(tcflag_t)OPOST;
    t.c_lflag &= ~(tcflag_t)ECHO; /* nobody types */
    if (tcsetattr(fd, TCSANOW, &t) < 0 || ioctl(fd, TIOCSWINSZ, &size) < 0)
        return -errno;
    return 0;
}

int terminal_open(int *read_end, int *write_end) {
    const int flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
    int unlocked = 0, other = -1, error = 0;
    int fd = open(TERMINAL_PATH, flags);

    if (fd < 0)
        return -errno;
    if (ioctl(fd, TIOCSPTLCK, &unlocked) < 0 || (other = ioctl(fd, TIOCGPTPEER, flags)) < 0)
        error = -errno;
    if (!error)
        error = set_up(other);
    if (error) {
        close(fd);
        if (other >= 0)
            close(other);
        return error;
    }
    *read_end = fd;
    *write_end = other;
    return 0;
}
