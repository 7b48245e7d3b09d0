/* SPDX-License-Identifier: MIT */
/* temp: the folders for what is gone with the process. */
#ifndef MUSTER_BASE_TEMP_H
#define MUSTER_BASE_TEMP_H
#include <stddef.h>

/* The i-th folder to try, from 0: TMPDIR where that is set, then the usual ones;
 * NULL behind the last. */
const char *temp_folder(size_t i);
#endif
