/* SPDX-License-Identifier: MIT */
/* request: attempts of `http` jobs. */
#ifndef MUSTER_EXEC_REQUEST_H
#define MUSTER_EXEC_REQUEST_H
#include "exec/errand.h"

/*
 * One request each. The answer's body goes where a process's standard output
 * would; whatever has to do with files is done by libuv's pool, and the transfer
 * waits as long.
 */
extern const struct errand_way request_way;
#endif
