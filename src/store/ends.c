/* SPDX-License-Identifier: MIT */
/* ends: how the jobs of a run under way ended. */
#include "store/ends.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

/* As it stands in the file. */
struct slot {
    unsigned char definition[DEFINITION_BYTES];
    uint32_t job;
    _Atomic char letter; /* written last; NUL: nothing is here */
    char settled;
    char unused[2];
};
_Static_assert(sizeof(struct slot) == DEFINITION_BYTES + 8, "the same in all that read it");

/* They stand in files: never change one. */
static const char letters[STATUSES] = {
    [STATUS_OK] = 'o',      [STATUS_FAILED] = 'f', [STATUS_TIMEOUT] = 't', [STATUS_CANCELLED] = 'c',
    [STATUS_SKIPPED] = 's', [STATUS_CACHED] = 'h', [STATUS_RESUMED] = 'r',
};
static const char settled_letters[] = {
    [SETTLED_NO] = '-', [SETTLED_OK] = '+', [SETTLED_SKIPPED] = '/'};

/* The place of a letter in a list, else 0. */
static int find_letter(const char *list, int count, char letter) {
    for (int i = 1; i < count; i++)
        if (list[i] == letter)
            return i;
    return 0;
}

static void write_slot(struct slot *slot, const struct end *end) {
    atomic_store_explicit(&slot->letter, 0, memory_order_release); /* one that was there is none */
    memcpy(slot->definition, end->definition.bytes, DEFINITION_BYTES);
    slot->job = end->job;
    slot->settled = settled_letters[end->settled];
    /* SIGKILL may come in between, and what was written before stays. */
    atomic_store_explicit(&slot->letter, letters[end->status], memory_order_release);
}

void ends_add(struct ends *e, const struct end *end) {
    write_slot(&e->slots[e->count++], end);
}

void ends_add_item(struct ends *e, const struct end *end) {
    uint64_t ring = e->room - e->jobs;

    if (e->items - e->dropped < ring)
        write_slot(&e->slots[e->jobs + e->items % ring], end);
    e->items++;
}

void ends_drop_items(struct ends *e, uint64_t n) {
    e->dropped = e->dropped + n < e->items ? e->dropped + n : e->items;
}

struct end ends_at(const struct ends *e, uint32_t i) {
    const struct slot *slot = &e->slots[i];
    struct end end = {.job = slot->job};

    end.status = (enum status)find_letter(letters, STATUSES, slot->letter);
    end.settled = (enum settled)find_letter(settled_letters, sizeof settled_letters, slot->settled);
    memcpy(end.definition.bytes, slot->definition, DEFINITION_BYTES);
    return end;
}

static char *path_of(const char *folder, const char *run) {
    char *path;

    return asprintf(&path, "%s/run-%s.ends", folder, run) < 0 ? NULL : path;
}

void ends_init(struct ends *e) {
    *e = (struct ends){.fd = -1};
}

static int map_file(struct ends *e, uint32_t room, int protection) {
    void *map = mmap(NULL, room * sizeof(struct slot), protection, MAP_SHARED, e->fd, 0);

    if (map == MAP_FAILED)
        return -errno;
    e->slots = map;
    e->room = room;
    return 0;
}

/* The lock is the process's own: launchers forked from it do not have it. */
static int make_file(struct ends *e, const char *path, uint32_t room) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    size_t n = room * sizeof(struct slot);
    int error;

    e->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (e->fd < 0)
        return -errno;
    error = -posix_fallocate(e->fd, 0, (off_t)n); /* a store must never find the disk full */
    if (!error && fcntl(e->fd, F_SETLK, &lock) < 0)
        error = -errno;
    if (!error)
        error = map_file(e, room, PROT_READ | PROT_WRITE);
    if (!error) /* nor wait for the file system; where the kernel cannot (before 5.14), it does */
        madvise(e->slots, n, MADV_POPULATE_WRITE);
    return error;
}

int ends_make(struct ends *e, const char *folder, const char *run, uint32_t jobs, bool items) {
    char *path = path_of(folder, run);
    int error = path ? make_file(e, path, jobs + (items ? ENDS_ITEMS_MAX : 0)) : UV_ENOMEM;

    e->jobs = jobs;
    free(path);
    if (error)
        ends_release(e, e->fd >= 0 ? folder : NULL, run);
    return error;
}

void ends_release(struct ends *e, const char *folder, const char *run) {
    if (folder && e->fd >= 0)
        ends_remove(folder, run);
    if (e->slots)
        munmap(e->slots, e->room * sizeof(struct slot));
    if (e->fd >= 0)
        close(e->fd);
    ends_init(e);
}

static uint32_t room_of(const struct stat *st) {
    off_t room = st->st_size / (off_t)sizeof(struct slot);

    return room < UINT32_MAX ? (uint32_t)room : UINT32_MAX;
}

int ends_open(struct ends *e, const char *folder, const char *run, bool *alive) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char *path = path_of(folder, run);
    struct stat st;
    int error = 0;

    ends_init(e);
    *alive = false;
    if (!path)
        return UV_ENOMEM;
    e->fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (e->fd < 0)
        error = errno == ENOENT ? 0 : -errno;
    else if (fstat(e->fd, &st) < 0)
        error = -errno;
    else if (S_ISREG(st.st_mode) && st.st_size / (off_t)sizeof(struct slot) > 0)
        error = map_file(e, room_of(&st), PROT_READ);
    if (e->fd >= 0 && fcntl(e->fd, F_GETLK, &lock) == 0)
        *alive = lock.l_type != F_UNLCK;
    free(path);
    if (error)
        ends_release(e, NULL, run);
    return error;
}

void ends_remove(const char *folder, const char *run) {
    char *path = path_of(folder, run);

    if (path)
        unlink(path);
    free(path);
}
