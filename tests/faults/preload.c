/* SPDX-License-Identifier: MIT */
/* preload: hooks between muster and libc that let the n-th call of a kind fail; see faults.h. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "faults.h"

static struct faults *faults;
static enum faults_role role;
static int64_t warped_since;               /* real ns */
static uintptr_t program_from, program_to; /* where muster's own code is */
static __thread bool exempt;               /* what this thread does now is not to fail */
static uintptr_t loader_from, loader_to;   /* the dynamic loader's */

/* --- the real functions ----------------------------------------------------- */

/* X(result, name, parameters): every function that is hooked. */
#define HOOKED                                                                                     \
    X(void *, malloc, (size_t))                                                                    \
    X(void *, calloc, (size_t, size_t))                                                            \
    X(void *, realloc, (void *, size_t))                                                           \
    X(void *, aligned_alloc, (size_t, size_t))                                                     \
    X(int, posix_memalign, (void **, size_t, size_t))                                              \
    X(void *, mmap, (void *, size_t, int, int, int, off_t))                                        \
    X(void *, mremap, (void *, size_t, size_t, int, ...))                                          \
    X(int, open, (const char *, int, ...))                                                         \
    X(int, open64, (const char *, int, ...))                                                       \
    X(int, openat, (int, const char *, int, ...))                                                  \
    X(FILE *, fopen, (const char *, const char *))                                                 \
    X(DIR *, opendir, (const char *))                                                              \
    X(int, mkostemp, (char *, int))                                                                \
    X(char *, mkdtemp, (char *))                                                                   \
    X(int, memfd_create, (const char *, unsigned))                                                 \
    X(int, mkdir, (const char *, mode_t))                                                          \
    X(int, mkdirat, (int, const char *, mode_t))                                                   \
    X(int, posix_fallocate, (int, off_t, off_t))                                                   \
    X(int, ftruncate64, (int, off_t))                                                              \
    X(void *, dlopen, (const char *, int))                                                         \
    X(void *, mmap64, (void *, size_t, int, int, int, off_t))                                      \
    X(ssize_t, pread64, (int, void *, size_t, off_t))                                              \
    X(ssize_t, pwrite64, (int, const void *, size_t, off_t))                                       \
    X(ssize_t, read, (int, void *, size_t))                                                        \
    X(ssize_t, pread, (int, void *, size_t, off_t))                                                \
    X(ssize_t, write, (int, const void *, size_t))                                                 \
    X(ssize_t, pwrite, (int, const void *, size_t, off_t))                                         \
    X(int, fsync, (int))                                                                           \
    X(int, fdatasync, (int))                                                                       \
    X(int, linkat, (int, const char *, int, const char *, int))                                    \
    X(int, renameat, (int, const char *, int, const char *))                                       \
    X(int, fchmod, (int, mode_t))                                                                  \
    X(int, fstatat, (int, const char *, struct stat *, int))                                       \
    X(ssize_t, readlinkat, (int, const char *, char *, size_t))                                    \
    X(int, stat, (const char *, struct stat *))                                                    \
    X(int, lstat, (const char *, struct stat *))                                                   \
    X(int, fstat, (int, struct stat *))                                                            \
    X(char *, realpath, (const char *, char *))                                                    \
    X(int, utimensat, (int, const char *, const struct timespec *, int))                           \
    X(int, flock, (int, int))                                                                      \
    X(int, pipe2, (int *, int))                                                                    \
    X(int, socketpair, (int, int, int, int *))                                                     \
    X(int, epoll_create1, (int))                                                                   \
    X(int, eventfd, (unsigned, int))                                                               \
    X(int, epoll_ctl, (int, int, int, struct epoll_event *))                                       \
    X(int, epoll_wait, (int, struct epoll_event *, int, int))                                      \
    X(int, epoll_pwait, (int, struct epoll_event *, int, int, const sigset_t *))                   \
    X(int, poll, (struct pollfd *, nfds_t, int))                                                   \
    X(pid_t, fork, (void))                                                                         \
    X(int, clone, (int (*)(void *), void *, int, void *, ...))                                     \
    X(int, __clone, (int (*)(void *), void *, int, void *, ...))                                   \
    X(int, pthread_create, (pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))       \
    X(int, pthread_getattr_np, (pthread_t, pthread_attr_t *))                                      \
    X(int, vasprintf, (char **, const char *, va_list))                                            \
    X(char *, setlocale, (int, const char *))                                                      \
    X(ssize_t, send, (int, const void *, size_t, int))                                             \
    X(ssize_t, recv, (int, void *, size_t, int))                                                   \
    X(ssize_t, sendmsg, (int, const struct msghdr *, int))                                         \
    X(ssize_t, recvmsg, (int, struct msghdr *, int))                                               \
    X(int, clock_gettime, (clockid_t, struct timespec *))                                          \
    X(long, syscall, (long, ...))

#define X(result, name, parameters) static result(*real_##name) parameters;
HOOKED
#undef X

static void resolve(void) {
#define X(result, name, parameters) *(void **)&real_##name = dlsym(RTLD_NEXT, #name);
    HOOKED
#undef X
}

/* Libraries call some before our constructor runs, when there is one thread. */
#define REAL(name) (real_##name ? real_##name : (resolve(), real_##name))

/* --- the order ---------------------------------------------------------------- */

/* The object's code. */
static void find_code(const struct dl_phdr_info *info, uintptr_t *from, uintptr_t *to) {
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &info->dlpi_phdr[i];

        if (h->p_type == PT_LOAD && h->p_flags & PF_X) {
            *from = info->dlpi_addr + h->p_vaddr;
            *to = *from + h->p_memsz;
        }
    }
}

static int find_objects(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size;
    (void)unused;
    if (!program_to) /* the first is the program */
        find_code(info, &program_from, &program_to);
    else if (info->dlpi_addr == getauxval(AT_BASE))
        find_code(info, &loader_from, &loader_to);
    return 0;
}

static int64_t real_ns(void) {
    struct timespec t;

    REAL(clock_gettime)(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void in_child(void) {
    role = FAULTS_LAUNCHER;
}

static __attribute__((constructor)) void preload(void) {
    const char *path = getenv("FAULTS");
    int fd;

    resolve();
    dl_iterate_phdr(find_objects, NULL);
    fd = path ? real_open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        abort();
    unsetenv("FAULTS");
    unsetenv("LD_PRELOAD");
    pthread_atfork(NULL, NULL, in_child);
    warped_since = real_ns();
    struct faults *f = real_mmap(NULL, sizeof *f, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (f == MAP_FAILED)
        abort();
    close(fd);
    faults = f;
}

/* Who it was, for `addr2line -f -e OBJECT OFFSET`. */
static void note(struct faults *f, const char *what, const void *caller) {
    Dl_info info = {0};

    for (size_t i = 0; i + 1 < sizeof f->what && what[i]; i++)
        f->what[i] = what[i];
    if (role == FAULTS_LAUNCHER || !dladdr(caller, &info))
        return; /* a launcher may be in a vfork */
    f->offset = (unsigned long)((uintptr_t)caller - (uintptr_t)info.dli_fbase);
    for (size_t i = 0; i + 1 < sizeof f->object && info.dli_fname[i]; i++)
        f->object[i] = info.dli_fname[i];
}

/*
 * Whether this call is to fail; errno is set then. Runs in a vforked child too,
 * which shares memory with its parent: no locks, nothing but atomics.
 */
static bool fails(enum faults_kind kind, const char *what, const void *caller) {
    struct faults *f = faults;
    unsigned n;

    if (!f || exempt)
        return false;
    n = atomic_fetch_add(&f->calls[role][kind], 1) + 1;
    if (!f->at || kind != f->kind || role != f->role || (f->from_then ? n < f->at : n != f->at))
        return false;
    if (atomic_fetch_add(&f->injected, 1) == 0) {
        note(f, what, caller);
    }
    errno = f->error;
    return true;
}

#define CALLER            __builtin_extract_return_addr(__builtin_return_address(0))
#define FAILS(kind, what) fails((kind), (what), CALLER)
#define BY_PROGRAM        by_program(CALLER)

static bool by_loader(const void *caller) {
    return (uintptr_t)caller >= loader_from && (uintptr_t)caller < loader_to;
}

static bool by_program(const void *caller) {
    return (uintptr_t)caller >= program_from && (uintptr_t)caller < program_to;
}

/* --- memory -------------------------------------------------------------------- */

void *malloc(size_t n) {
    return FAILS(FAULTS_ALLOC, __func__) ? NULL : REAL(malloc)(n);
}

void *calloc(size_t n, size_t size) {
    if (!by_loader(CALLER) && FAILS(FAULTS_ALLOC, __func__))
        return NULL;
    return REAL(calloc)(n, size);
}

void *realloc(void *p, size_t n) {
    return FAILS(FAULTS_ALLOC, __func__) ? NULL : REAL(realloc)(p, n);
}

void *aligned_alloc(size_t align, size_t n) {
    return FAILS(FAULTS_ALLOC, __func__) ? NULL : REAL(aligned_alloc)(align, n);
}

int posix_memalign(void **p, size_t align, size_t n) {
    return FAILS(FAULTS_ALLOC, __func__) ? ENOMEM : REAL(posix_memalign)(p, align, n);
}

void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset) {
    return FAILS(FAULTS_MAP, __func__) ? MAP_FAILED
                                       : REAL(mmap)(at, n, protection, flags, fd, offset);
}

void *mmap64(void *at, size_t n, int protection, int flags, int fd, off_t offset) {
    return FAILS(FAULTS_MAP, __func__) ? MAP_FAILED
                                       : REAL(mmap64)(at, n, protection, flags, fd, offset);
}

void *mremap(void *old, size_t n, size_t wanted, int flags, ...) {
    return FAILS(FAULTS_MAP, __func__) ? MAP_FAILED : REAL(mremap)(old, n, wanted, flags);
}

/*
 * One call, since glibc 2.36 writes a byte too far where its last realloc() of a text
 * of just 100 bytes fails (_IO_vasprintf in libio/vasprintf.c).
 */
static int print(char **text, const char *wanted, va_list args) {
    int n;

    exempt = true;
    n = REAL(vasprintf)(text, wanted, args);
    exempt = false;
    return n;
}

int vasprintf(char **text, const char *wanted, va_list args) {
    return FAILS(FAULTS_ALLOC, __func__) ? -1 : print(text, wanted, args);
}

int asprintf(char **text, const char *wanted, ...) {
    va_list args;
    int n = -1;

    va_start(args, wanted);
    if (!FAILS(FAULTS_ALLOC, __func__))
        n = print(text, wanted, args);
    va_end(args);
    return n;
}

/* AddressSanitizer asks so, and ends the process when it hears that there is no memory. */
int pthread_getattr_np(pthread_t thread, pthread_attr_t *attr) {
    int error;

    exempt = true;
    error = REAL(pthread_getattr_np)(thread, attr);
    exempt = false;
    return error;
}

/* glibc leaks what it has so far. */
char *setlocale(int category, const char *name) {
    char *locale;

    exempt = true;
    locale = REAL(setlocale)(category, name);
    exempt = false;
    return locale;
}

/* --- files ----------------------------------------------------------------------- */

/* The third parameter, which is there only where a file may be made. */
#define MODE(flags, last)                                                                          \
    mode_t mode = 0;                                                                               \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                         \
        va_list args;                                                                              \
        va_start(args, last);                                                                      \
        mode = va_arg(args, mode_t);                                                               \
        va_end(args);                                                                              \
    }

int open(const char *path, int flags, ...) {
    MODE(flags, flags)
    return FAILS(FAULTS_OPEN, __func__) ? -1 : REAL(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE(flags, flags)
    return FAILS(FAULTS_OPEN, __func__) ? -1 : REAL(open64)(path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...) {
    MODE(flags, flags)
    return FAILS(FAULTS_OPEN, __func__) ? -1 : REAL(openat)(dir, path, flags, mode);
}

FILE *fopen(const char *path, const char *mode) {
    return FAILS(FAULTS_OPEN, __func__) ? NULL : REAL(fopen)(path, mode);
}

DIR *opendir(const char *path) {
    return FAILS(FAULTS_OPEN, __func__) ? NULL : REAL(opendir)(path);
}

int mkostemp(char *path, int flags) {
    return FAILS(FAULTS_OPEN, __func__) ? -1 : REAL(mkostemp)(path, flags);
}

char *mkdtemp(char *path) {
    return FAILS(FAULTS_OPEN, __func__) ? NULL : REAL(mkdtemp)(path);
}

int mkdir(const char *path, mode_t mode) {
    return FAILS(FAULTS_OPEN, __func__) ? -1 : REAL(mkdir)(path, mode);
}

int mkdirat(int dir, const char *path, mode_t mode) {
    return FAILS(FAULTS_OPEN, __func__) ? -1 : REAL(mkdirat)(dir, path, mode);
}

/* As a library that is linked: its calls come by these hooks, too. */
void *dlopen(const char *path, int flags) {
    return REAL(dlopen)(path, flags & ~RTLD_DEEPBIND);
}

int memfd_create(const char *name, unsigned flags) {
    return FAILS(FAULTS_OPEN, __func__) ? -1 : REAL(memfd_create)(name, flags);
}

/* Whether the call is not to fail, but to do a half of its work. */
static bool cut(size_t *n) {
    *n -= *n / 2;
    return faults->error == 0;
}

ssize_t read(int fd, void *buf, size_t n) {
    if (BY_PROGRAM && FAILS(FAULTS_READ, __func__) && !cut(&n))
        return -1;
    return REAL(read)(fd, buf, n);
}

ssize_t pread(int fd, void *buf, size_t n, off_t at) {
    if (FAILS(FAULTS_READ, __func__) && !cut(&n))
        return -1;
    return REAL(pread)(fd, buf, n, at);
}

ssize_t write(int fd, const void *buf, size_t n) {
    if (BY_PROGRAM && FAILS(FAULTS_WRITE, __func__) && !cut(&n)) {
        if (fd == STDERR_FILENO)
            faults->deaf = true;
        return -1;
    }
    return REAL(write)(fd, buf, n);
}

ssize_t pwrite(int fd, const void *buf, size_t n, off_t at) {
    if (FAILS(FAULTS_WRITE, __func__) && !cut(&n))
        return -1;
    return REAL(pwrite)(fd, buf, n, at);
}

/* SQLite's. */
ssize_t pread64(int fd, void *buf, size_t n, off_t at) {
    if (FAILS(FAULTS_READ, __func__) && !cut(&n))
        return -1;
    return REAL(pread64)(fd, buf, n, at);
}

ssize_t pwrite64(int fd, const void *buf, size_t n, off_t at) {
    if (FAILS(FAULTS_WRITE, __func__) && !cut(&n))
        return -1;
    return REAL(pwrite64)(fd, buf, n, at);
}

int posix_fallocate(int fd, off_t at, off_t n) {
    int error = FAILS(FAULTS_WRITE, __func__) ? faults->error : 0;

    return error ? error : REAL(posix_fallocate)(fd, at, n);
}

int ftruncate64(int fd, off_t n) {
    return FAILS(FAULTS_WRITE, __func__) && faults->error ? -1 : REAL(ftruncate64)(fd, n);
}

int fsync(int fd) {
    return FAILS(FAULTS_SYNC, __func__) ? -1 : REAL(fsync)(fd);
}

int fdatasync(int fd) {
    return FAILS(FAULTS_SYNC, __func__) ? -1 : REAL(fdatasync)(fd);
}

int linkat(int from, const char *old, int to, const char *name, int flags) {
    return FAILS(FAULTS_NAME, __func__) ? -1 : REAL(linkat)(from, old, to, name, flags);
}

int renameat(int from, const char *old, int to, const char *name) {
    return FAILS(FAULTS_NAME, __func__) ? -1 : REAL(renameat)(from, old, to, name);
}

int fchmod(int fd, mode_t mode) {
    return FAILS(FAULTS_NAME, __func__) ? -1 : REAL(fchmod)(fd, mode);
}

int fstatat(int dir, const char *path, struct stat *st, int flags) {
    return FAILS(FAULTS_NAME, __func__) ? -1 : REAL(fstatat)(dir, path, st, flags);
}

ssize_t readlinkat(int dir, const char *path, char *buf, size_t n) {
    return FAILS(FAULTS_NAME, __func__) ? -1 : REAL(readlinkat)(dir, path, buf, n);
}

int stat(const char *path, struct stat *st) {
    return BY_PROGRAM && FAILS(FAULTS_NAME, __func__) ? -1 : REAL(stat)(path, st);
}

int lstat(const char *path, struct stat *st) {
    return BY_PROGRAM && FAILS(FAULTS_NAME, __func__) ? -1 : REAL(lstat)(path, st);
}

int fstat(int fd, struct stat *st) {
    return BY_PROGRAM && FAILS(FAULTS_NAME, __func__) ? -1 : REAL(fstat)(fd, st);
}

char *realpath(const char *path, char *real) {
    return BY_PROGRAM && FAILS(FAULTS_NAME, __func__) ? NULL : REAL(realpath)(path, real);
}

int utimensat(int dir, const char *path, const struct timespec times[2], int flags) {
    return FAILS(FAULTS_NAME, __func__) ? -1 : REAL(utimensat)(dir, path, times, flags);
}

int flock(int fd, int how) {
    return FAILS(FAULTS_NAME, __func__) ? -1 : REAL(flock)(fd, how);
}

/* --- descriptors -------------------------------------------------------------------- */

int pipe2(int ends[2], int flags) {
    return BY_PROGRAM && FAILS(FAULTS_FD, __func__) ? -1 : REAL(pipe2)(ends, flags);
}

int socketpair(int domain, int type, int protocol, int ends[2]) {
    return FAILS(FAULTS_FD, __func__) ? -1 : REAL(socketpair)(domain, type, protocol, ends);
}

int epoll_create1(int flags) {
    return FAILS(FAULTS_FD, __func__) ? -1 : REAL(epoll_create1)(flags);
}

int eventfd(unsigned value, int flags) {
    return FAILS(FAULTS_FD, __func__) ? -1 : REAL(eventfd)(value, flags);
}

int epoll_ctl(int epoll, int op, int fd, struct epoll_event *event) {
    if (op == EPOLL_CTL_ADD && BY_PROGRAM && FAILS(FAULTS_WATCH, __func__))
        return -1;
    return REAL(epoll_ctl)(epoll, op, fd, event);
}

/* --- processes, threads, messages ----------------------------------------------------- */

pid_t fork(void) {
    return FAILS(FAULTS_FORK, __func__) ? -1 : REAL(fork)();
}

int clone(int (*run)(void *), void *stack, int flags, void *arg, ...) {
    return FAILS(FAULTS_FORK, __func__) ? -1 : REAL(clone)(run, stack, flags, arg);
}

/* What muster calls under ThreadSanitizer. */
int __clone(int (*run)(void *), void *stack, int flags, void *arg, ...) {
    return FAILS(FAULTS_FORK, __func__) ? -1 : REAL(__clone)(run, stack, flags, arg);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg) {
    return BY_PROGRAM && FAILS(FAULTS_THREAD, __func__)
               ? faults->error
               : REAL(pthread_create)(thread, attr, run, arg);
}

ssize_t send(int fd, const void *buf, size_t n, int flags) {
    return FAILS(FAULTS_SEND, __func__) ? -1 : REAL(send)(fd, buf, n, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags) {
    return FAILS(FAULTS_SEND, __func__) ? -1 : REAL(sendmsg)(fd, msg, flags);
}

ssize_t recv(int fd, void *buf, size_t n, int flags) {
    bool rights = faults && !faults->error; /* which come by recvmsg() */

    return !rights && FAILS(FAULTS_RECEIVE, __func__) ? -1 : REAL(recv)(fd, buf, n, flags);
}

/* What the kernel does with descriptors for which there is no room. */
static void drop_rights(struct msghdr *msg) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        int fds[8];
        size_t n = c->cmsg_len - CMSG_LEN(0);

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || n > sizeof fds)
            continue;
        memcpy(fds, CMSG_DATA(c), n);
        for (size_t i = 0; i < n / sizeof *fds; i++)
            close(fds[i]);
    }
    msg->msg_controllen = 0;
    msg->msg_flags |= MSG_CTRUNC;
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags) {
    bool fault = FAILS(FAULTS_RECEIVE, __func__);
    ssize_t n = fault && faults->error ? -1 : REAL(recvmsg)(fd, msg, flags);

    if (fault && n >= 0)
        drop_rights(msg);
    return n;
}

long syscall(long number, ...) {
    long a[6];
    va_list args;

    va_start(args, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(args, long);
    va_end(args);
    if (number == SYS_execve && FAILS(FAULTS_EXEC, "execve"))
        return -1;
    if (number == SYS_clone3) {
        pid_t pid = FAILS(FAULTS_FORK, "clone3") ? -1 : (pid_t)REAL(syscall)(number, a[0], a[1]);

        if (pid == 0)
            in_child();
        return pid;
    }
    if (number == SYS_pidfd_open && FAILS(FAULTS_FD, "pidfd_open"))
        return -1;
    return REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* --- time ------------------------------------------------------------------------------ */

int clock_gettime(clockid_t clock, struct timespec *t) {
    bool monotonic = clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE;
    int64_t ns;

    if (!faults || !faults->warp || !monotonic)
        return REAL(clock_gettime)(clock, t);
    ns = warped_since + (real_ns() - warped_since) * faults->warp;
    *t = (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    return 0;
}

static int warped_ms(int ms) {
    int warp = faults ? (int)faults->warp : 0;

    return warp && ms > 0 ? (ms + warp - 1) / warp : ms;
}

int epoll_wait(int epoll, struct epoll_event *events, int max, int ms) {
    return REAL(epoll_wait)(epoll, events, max, warped_ms(ms));
}

int epoll_pwait(int epoll, struct epoll_event *events, int max, int ms, const sigset_t *mask) {
    return REAL(epoll_pwait)(epoll, events, max, warped_ms(ms), mask);
}

int poll(struct pollfd *fds, nfds_t n, int ms) {
    return REAL(poll)(fds, n, warped_ms(ms));
}
