/* SPDX-License-Identifier: MIT */
/*
 * refuse: runs a program for which one system call fails: refuse kill|clone3 PROGRAM…
 *
 * kill() is EPERM: others cannot be signalled. clone3() is ENOSYS, as in containers.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    const char *name;
    unsigned number;
    unsigned error;
} calls[] = {{"kill", SYS_kill, EPERM}, {"clone3", SYS_clone3, ENOSYS}};

int main(int argc, char **argv) {
    size_t i = 0;

    while (argc > 2 && i < sizeof calls / sizeof *calls && strcmp(argv[1], calls[i].name) != 0)
        i++;
    if (argc < 3 || i == sizeof calls / sizeof *calls)
        return 2;
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | calls[i].error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        return 2;
    execv(argv[2], argv + 2);
    return 2;
}
