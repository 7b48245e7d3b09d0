/* SPDX-License-Identifier: MIT */
/* replay: runs a fuzz target on files, where there is no libFuzzer: replay FILE-OR-FOLDER... */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

static bool replay_file(const char *path) {
    struct stat st;
    FILE *f = fopen(path, "re");

    if (!f || fstat(fileno(f), &st)) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        if (f)
            fclose(f);
        return false;
    }
    /* No byte more than the file's, so that a sanitizer sees a read behind them. */
    size_t n = (size_t)st.st_size;
    uint8_t *bytes = malloc(n ? n : 1);
    bool read = bytes && fread(bytes, 1, n, f) == n;
    if (read)
        LLVMFuzzerTestOneInput(bytes, n);
    else
        fprintf(stderr, "%s: cannot be read\n", path);
    free(bytes);
    fclose(f);
    return read;
}

/* A file, or all that is in a folder. How many, or -1 when one could not be read. */
static int replay(const char *path) {
    struct dirent **list;
    int n = scandir(path, &list, NULL, alphasort), count = 0;

    if (n < 0)
        return errno == ENOTDIR && replay_file(path) ? 1 : -1;
    for (int i = 0; i < n; i++) {
        char file[PATH_MAX];
        snprintf(file, sizeof file, "%s/%s", path, list[i]->d_name);
        if (list[i]->d_name[0] != '.' && count >= 0) {
            int more = replay(file);
            count = more < 0 ? -1 : count + more;
        }
        free(list[i]);
    }
    free(list);
    return count;
}

int main(int argc, char **argv) {
    int total = 0;

    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-') /* an option of libFuzzer's */
            continue;
        int count = replay(argv[i]);
        if (count < 0)
            return 1;
        total += count;
    }
    printf("%d inputs\n", total);
    return total ? 0 : 1;
}
