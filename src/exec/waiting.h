/* SPDX-License-Identifier: MIT */
/* waiting: attempts of `wait-for` jobs. */
#ifndef MUSTER_EXEC_WAITING_H
#define MUSTER_EXEC_WAITING_H
#include "exec/errand.h"

/* Ends well as soon as the job's target answers, and by itself in no other way. */
extern const struct errand_way waiting_way;
#endif
