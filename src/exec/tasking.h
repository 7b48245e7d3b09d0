/* SPDX-License-Identifier: MIT */
/* tasking: attempts of `task` jobs. */
#ifndef MUSTER_EXEC_TASKING_H
#define MUSTER_EXEC_TASKING_H
#include "exec/errand.h"

/* A persistent worker does them: exec/crew.h. */
extern const struct errand_way tasking_way;
#endif
