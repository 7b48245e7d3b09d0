/* SPDX-License-Identifier: MIT */
/*
 * terminal: runs a command on a terminal of its own: terminal COLUMNSxROWS COMMAND...
 * What it writes goes to standard output. Each time that the file `again` appears it is
 * taken as a new size (COLUMNSxROWS), and `keys` as what is typed; both are removed then.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define STEP_MS 10

static int resize(int terminal, const char *size) {
    struct winsize w = {0};

    if (sscanf(size, "%hux%hu", &w.ws_col, &w.ws_row) != 2)
        return -1;
    return ioctl(terminal, TIOCSWINSZ, &w);
}

/* The content of a file, which is removed; 0: there is none. */
static size_t take(const char *name, char *buf, size_t size) {
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return 0;
    n = read(fd, buf, size - 1);
    close(fd);
    if (n <= 0)
        return 0; /* it is about to be written */
    unlink(name);
    buf[n] = '\0';
    return (size_t)n;
}

static void look(int terminal) {
    char buf[256];
    size_t n;

    if (take("again", buf, sizeof buf) > 0 && resize(terminal, buf) < 0)
        perror("resize");
    n = take("keys", buf, sizeof buf);
    if (n > 0 && write(terminal, buf, n) < 0)
        perror("keys");
}

static void run(int other, char **command) {
    signal(SIGINT, SIG_DFL); /* ignored in a script's background */
    signal(SIGQUIT, SIG_DFL);
    setsid();
    if (ioctl(other, TIOCSCTTY, 0) < 0)
        _exit(126);
    for (int fd = 0; fd < 3; fd++)
        dup2(other, fd);
    if (other > 2)
        close(other);
    execvp(command[0], command);
    _exit(127);
}

int main(int argc, char **argv) {
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), other, status;
    pid_t child;

    if (argc < 3 || terminal < 0 || grantpt(terminal) < 0 || unlockpt(terminal) < 0)
        return 2;
    other = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    if (other < 0 || resize(terminal, argv[1]) < 0)
        return 2;
    child = fork();
    if (child < 0)
        return 2;
    if (child == 0)
        run(other, argv + 2);
    close(other);
    for (;;) {
        struct pollfd p = {.fd = terminal, .events = POLLIN};
        char buf[4096];
        ssize_t n;

        look(terminal);
        if (poll(&p, 1, STEP_MS) <= 0)
            continue;
        n = read(terminal, buf, sizeof buf);
        if (n <= 0) /* EIO: nobody has it open any more */
            break;
        if (write(STDOUT_FILENO, buf, (size_t)n) < 0)
            break;
    }
    close(terminal);
    if (waitpid(child, &status, 0) < 0)
        return 2;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
