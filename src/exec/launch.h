/* SPDX-License-Identifier: MIT */
/* launch: the launcher's side: what it is asked, how it obeys, what it answers. */
#ifndef MUSTER_EXEC_LAUNCH_H
#define MUSTER_EXEC_LAUNCH_H
#include <stdint.h>
#include <sys/types.h>

#include "exec/spawn.h"

#define LAUNCH_NAME       "muster-launch" /* as ps(1) shows it */
#define LAUNCH_RIGHTS_MAX 3               /* descriptors that come with a request */

/*
 * A request on the socket: this, then the strings, each with its NUL: program,
 * folder, the texts of streams 0 to 2 and the memory group ("" where there is
 * none), the words, the environment. The pipes' ends come with its first byte
 * by SCM_RIGHTS, in the order of the streams. Requests are obeyed and answered
 * in their order. One without a word is no request but a farewell.
 */
struct launch_request {
    uint32_t bytes; /* of the strings */
    uint32_t argc, envc;
    int32_t nice;
    uint64_t mark;
    struct job_limits limits;
    uint8_t kinds[3]; /* enum stream_kind of 0, 1, 2 */
    bool jobserver;   /* it gets those descriptors */
};

struct launch_reply {
    int32_t error; /* 0 or UV_E… */
    int32_t stage; /* enum spawn_stage */
    int32_t pid;   /* running, or a zombie after an error, or 0 */
    int64_t start_ns;
};

/*
 * Makes the calling process, fresh from its fork, a launcher that serves `fd`
 * until muster says farewell; `parent` is muster. Keeps nothing of muster's open
 * and has a session of its own: whoever kills muster, or its group, leaves the
 * launcher, and where the other end is closed without a farewell muster is dead,
 * and the launcher kills all that jobs have left, and removes their folder. Until then it keeps the
 * run's lock, by a copy of the descriptor: no other run begins beside what is left.
 */
void launch_serve(int fd, const struct spawn_setup *setup, pid_t parent);
#endif
