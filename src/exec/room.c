/* SPDX-License-Identifier: MIT */
/* room: how many descriptors there are for jobs, and for how many jobs they do. */
#include "exec/room.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#define LOOP_FDS     5 /* of a libuv loop: epoll, eventfd, signal pipe; pollset */
#define ATTEMPT_FDS  3 /* pidfd, pipe, and one for a file behind a capture */
#define HAND_FDS     4 /* of a persistent worker's process: pidfd, three pipes */
#define RESERVED_FDS 6 /* reports, a start's passing ones */
#define LIST_FDS     2 /* of a list of items that is read, and followed */
#define LISTS_MAX    8 /* that are open at a time, mostly */

/* Descriptors in use, roughly. */
static uint64_t count_fds(void) {
    struct stat st;
    uint64_t n = 0;
    DIR *dir;

    if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0) /* their number, since Linux 6.2 */
        return (uint64_t)st.st_size;
    dir = opendir("/proc/self/fd");
    if (!dir)
        return 16;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 3; /* ".", ".." and the folder's own */
}

void room_make(int fd, uint64_t fds) {
    int last = fcntl(fd, F_DUPFD_CLOEXEC, (int)fds);

    if (last >= 0)
        close(last);
}

int room_find(const struct plan *plan, uint32_t spare_fds, struct room *room) {
    uint64_t each = ATTEMPT_FDS, used = count_fds() + RESERVED_FDS, spare;
    uint64_t ncpu = 0, nio = 0, nlists = 0, hands = 0;
    uint32_t workers;
    bool chores = plan->on_end; /* beside the lanes, one at a time */
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit))
        return -errno;
    for (uint32_t i = 0; i < plan->njobs; i++) {
        if (plan->jobs[i].set->err.kind == STREAM_CAPTURE)
            each = ATTEMPT_FDS + 2; /* another pipe and another file */
        chores = chores || plan->jobs[i].set->cleanup;
        if (plan->jobs[i].set->type == LANE_CPU || plan->jobs[i].set->automatic)
            ncpu += plan_job_most(&plan->jobs[i]);
        if (plan->jobs[i].set->type != LANE_CPU)
            nio += plan_job_most(&plan->jobs[i]);
        if (job_has_items(&plan->jobs[i]))
            nlists += plan->jobs[i].items->naxes;
    }
    used += LIST_FDS * (nlists < LISTS_MAX ? nlists : LISTS_MAX);
    workers = ncpu < plan->cpu_workers ? (uint32_t)ncpu : plan->cpu_workers;
    room->spares = limit.rlim_cur >= used + spare_fds + (workers ? LOOP_FDS : 0) + each;
    if (room->spares)
        used += spare_fds;
    if (limit.rlim_cur < used + each)
        return UV_EMFILE;
    if (chores && limit.rlim_cur >= used + (workers ? LOOP_FDS : 0) + 2 * each)
        used += each; /* else one is put off until a job ends */
    for (uint32_t i = 0; i < plan->nworkers; i++)
        hands += plan->workers[i].count < workers ? plan->workers[i].count : workers;
    /* Tasks that are done have their share as any job; processes without any can leave. */
    if (hands > workers && limit.rlim_cur >= used + (hands - workers) * HAND_FDS + 2 * each)
        used += (hands - workers) * HAND_FDS;
    spare = limit.rlim_cur - used;
    if (spare < workers * (LOOP_FDS + each) + each) {
        /* Workers whose loops do not fit are put off one by one. */
        if (workers && spare < LOOP_FDS + each)
            return UV_EMFILE;
        spare = nio > 0 ? each : 0;
    } else {
        spare -= workers * (LOOP_FDS + each);
    }
    room->io_width = spare / each < plan->io_limit ? (uint32_t)(spare / each) : plan->io_limit;
    nio = nio < room->io_width ? nio : room->io_width;
    room->fds = used + workers * (LOOP_FDS + each) + nio * each - 1;
    return 0;
}
