/* A persistent worker in C: each task is a number, its answer how many steps it takes
 * to 1 by halving what is even, and else three times it and one more. */
#include <stdio.h>
#include <string.h>

int main(void) {
    static char request[1 << 20];
    unsigned long long id, n, steps;

    while (fgets(request, sizeof request, stdin)) {
        const char *task = strstr(request, "\"task\":\"");

        if (sscanf(request, "{\"id\":%llu,", &id) != 1 || !task)
            return 1; /* no request: muster says so, and starts another */
        if (sscanf(task, "\"task\":\"%llu\"", &n) != 1 || n == 0) {
            printf("{\"id\":%llu,\"exit\":2,\"output\":\"not a number\\n\"}\n", id);
        } else {
            for (steps = 0; n != 1; steps++)
                n = n % 2 ? 3 * n + 1 : n / 2;
            printf("{\"id\":%llu,\"exit\":0,\"output\":\"%llu\\n\"}\n", id, steps);
        }
        fflush(stdout); /* else it would stay in the buffer */
    }
    return 0;
}
