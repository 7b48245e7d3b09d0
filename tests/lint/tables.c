/* SPDX-License-Identifier: MIT */
/* tables: prints the key table or the option table for the lints: tables keys|options */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "plan/schema.h"

/* "job timeout" a line; a key that goes on with a name as "job env.NAME". */
static void print_keys(void) {
    static const char *const scopes[SCOPES] = {
        [SCOPE_MUSTER] = "muster",
        [SCOPE_JOB] = "job",
        [SCOPE_LIMIT] = "limit",
        [SCOPE_WORKER] = "worker",
    };

    for (size_t i = 0; i < schema_key_count; i++) {
        const struct schema_key *key = &schema_keys[i];
        size_t n = strlen(key->name);
        printf("%s %s%s\n", scopes[key->scope], key->name, key->name[n - 1] == '.' ? "NAME" : "");
    }
}

/* "--define" and "-D" a line each; those of later versions are left out. */
static void print_options(void) {
    for (size_t i = 0; i < cli_option_count; i++) {
        const struct cli_option_row *row = &cli_option_rows[i];
        if (!row->help)
            continue;
        printf("--%s\n", row->name);
        if (row->letter)
            printf("-%c\n", row->letter);
    }
}

int main(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "keys"))
        print_keys();
    else if (argc == 2 && !strcmp(argv[1], "options"))
        print_options();
    else
        return 2;
    return 0;
}
