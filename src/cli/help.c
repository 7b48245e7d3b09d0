/* SPDX-License-Identifier: MIT */
/* help: --help and --version, from the tables of verbs and options. */
#include "cli/cli.h"

#include <string.h>

#include "report/report.h"

#define HELP_COLUMN 30 /* where the explanations start */

static void write_option(FILE *out, const struct cli_option_row *row) {
    char words[64];
    int n = row->letter ? snprintf(words, sizeof words, "  -%c, --%s", row->letter, row->name)
                        : snprintf(words, sizeof words, "      --%s", row->name);

    if (row->arg)
        snprintf(words + n, sizeof words - (size_t)n, row->arg_optional ? "[=%s]" : "=%s",
                 row->arg);
    fprintf(out, "%-*s  %s\n", HELP_COLUMN - 2, words, row->help);
}

void cli_write_help(FILE *out, enum cli_verb verb) {
    const char *head = "usage: muster ";

    for (int v = 0; v < VERBS; v++)
        if (verb == VERBS || verb == (enum cli_verb)v) {
            fprintf(out, "%s%s\n", head, cli_verb_rows[v].usage);
            head = "       muster ";
        }
    fputc('\n', out);
    for (int v = 0; v < VERBS; v++)
        if (verb == VERBS || verb == (enum cli_verb)v)
            fprintf(out, "  %-*s  %s\n", HELP_COLUMN - 4, cli_verb_rows[v].name,
                    cli_verb_rows[v].help);
    fputc('\n', out);
    for (size_t i = 0; i < cli_option_count; i++) {
        const struct cli_option_row *row = &cli_option_rows[i];

        if (row->help && (verb == VERBS || row->verbs >> verb & 1))
            write_option(out, row);
    }
    fprintf(out, "\nThe manual: muster(1); the manifest: muster(5).\n");
}

static int write_about(void *ctx, enum report_format format, bool to_file, FILE *out) {
    const struct cli_options *o = ctx;

    (void)format;
    (void)to_file;
    if (o->help)
        cli_write_help(out, o->verb);
    else
        fprintf(out, "muster %s\n", muster_version);
    return 0;
}

int cli_about(const struct cli_options *o) {
    struct cli_options copy = *o;

    return cli_deliver(&(struct report_spec){.file = NULL}, write_about, &copy);
}
