/* SPDX-License-Identifier: MIT */
/* ballast: makes a program that preloads it hold BALLAST_MIB of memory, and not its children. */
#include <stdlib.h>
#include <string.h>

static __attribute__((constructor)) void ballast_load(void) {
    const char *text = getenv("BALLAST_MIB");
    size_t bytes = text ? strtoul(text, NULL, 10) << 20 : 0;
    char *memory;

    unsetenv("BALLAST_MIB");
    unsetenv("LD_PRELOAD");
    if (!bytes)
        return;
    memory = malloc(bytes);
    if (!memory)
        abort();
    memset(memory, 1, bytes);
    __asm__ volatile("" ::"r"(memory) : "memory"); /* or the compiler drops it all */
}
