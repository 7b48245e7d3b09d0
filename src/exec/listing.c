/* SPDX-License-Identifier: MIT */
/* listing: the file $MUSTER_ITEMS of a batch, with an item a line. */
#include "exec/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "exec/spawn.h"

static int write_items(int fd, const struct plan_item *item) {
    FILE *out = fdopen(fd, "w");
    int error;

    if (!out) {
        error = -errno;
        close(fd);
        return error;
    }
    for (uint32_t i = 0; i < item->nvalues; i++) {
        fputs(item->values[i], out);
        fputc('\n', out);
    }
    error = ferror(out) ? UV_EIO : 0;
    if (fclose(out) != 0)
        error = -errno;
    return error;
}

/* As listing_make(), but *path is the one at fault, or NULL. */
static int make(const struct plan_item *item, char **path) {
    const char *folder = getenv("TMPDIR");
    int error, fd;

    if (!folder || *folder != '/')
        folder = "/tmp";
    if (asprintf(path, "%s/muster-items-XXXXXX", folder) < 0) {
        *path = NULL;
        return UV_ENOMEM;
    }
    fd = mkostemp(*path, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    error = write_items(fd, item);
    if (error)
        unlink(*path);
    return error;
}

int listing_make(const struct plan_item *item, char **path, struct attempt_end *end) {
    int error = make(item, path);

    if (error) {
        end->stage = spawn_is_shortage(error) ? SPAWN_RESOURCES : SPAWN_ITEMS;
        end->detail = *path;
        *path = NULL;
    }
    return error;
}

char *listing_remove(char *path) {
    if (path)
        unlink(path);
    free(path);
    return NULL;
}
