/* SPDX-License-Identifier: MIT */
/*
 * completion: the verb that prints what has a shell complete muster's words, from the tables
 * of verbs and options. Names of jobs are asked for by `muster list`.
 */
#include "cli/completion.h"

#include <string.h>

#include "base/diag.h"
#include "base/text.h"
#include "cli/cli.h"

/* What a value is made of. */
enum value { VALUE_NONE, VALUE_ANY, VALUE_WORDS, VALUE_FOLDER, VALUE_REPORT };

/* By what it is called in the help. */
static enum value value_of(const struct cli_option_row *row) {
    if (!row->arg)
        return VALUE_NONE;
    if (row->words)
        return strchr(row->arg, ':') ? VALUE_REPORT : VALUE_WORDS;
    return strcmp(row->arg, "DIR") == 0 ? VALUE_FOLDER : VALUE_ANY;
}

static bool taken_by(const struct cli_option_row *row, int verb) {
    return row->help && row->verbs >> verb & 1;
}

/* A text between single quotes: characters among `marked` with a backslash, a quote as the shell
 * has it. */
static void put_quoted(FILE *out, const char *text, const char *marked, const char *quote) {
    for (; *text; text++) {
        if (*text == '\'')
            fputs(quote, out);
        else
            fprintf(out, "%s%c", strchr(marked, *text) ? "\\" : "", *text);
    }
}

static void put_words(FILE *out, const char *const *words) {
    for (size_t i = 0; words[i]; i++)
        fprintf(out, "%s%s", i ? " " : "", words[i]);
}

static void put_verbs(FILE *out) {
    for (int verb = 0; verb < VERBS; verb++)
        fprintf(out, "%s%s", verb ? " " : "", cli_verb_rows[verb].name);
}

/* ---- bash ---- */

/* "-o | --output" */
static void put_pattern(FILE *out, const struct cli_option_row *row) {
    if (row->letter)
        fprintf(out, "-%c | ", row->letter);
    fprintf(out, "--%s", row->name);
}

/* "<kind> words", as completion_bash takes it. */
static void put_bash_value(FILE *out, const struct cli_option_row *row) {
    static const char *const kinds[] = {[VALUE_ANY] = "any",
                                        [VALUE_WORDS] = "words",
                                        [VALUE_FOLDER] = "folder",
                                        [VALUE_REPORT] = "words"};

    fputs("    ", out);
    put_pattern(out, row);
    fprintf(out, ") echo '%s%s", row->arg_optional ? "optional " : "", kinds[value_of(row)]);
    if (row->words) {
        fputc(' ', out);
        put_words(out, row->words);
    }
    fputs("' ;;\n", out);
}

static void write_bash(FILE *out) {
    fputs("# bash completion of muster, made by: muster completion bash\n_muster_verbs='", out);
    put_verbs(out);
    fputs("'\n\n# What an option's value is made of; nothing: it has none.\n"
          "_muster_value() {\n    case $1 in\n",
          out);
    for (size_t i = 0; i < cli_option_count; i++)
        if (cli_option_rows[i].help && cli_option_rows[i].arg)
            put_bash_value(out, &cli_option_rows[i]);
    fputs("    esac\n}\n\n# The options of a verb.\n_muster_options() {\n    case $1 in\n", out);
    for (int verb = 0; verb < VERBS; verb++) {
        fprintf(out, "    %s) echo '", cli_verb_rows[verb].name);
        for (size_t i = 0; i < cli_option_count; i++) {
            const struct cli_option_row *row = &cli_option_rows[i];

            if (taken_by(row, verb))
                fprintf(out, "--%s%s ", row->name, row->arg && !row->arg_optional ? "=" : "");
        }
        fputs("' ;;\n", out);
    }
    fputs("    esac\n}\n\n", out);
    fputs(completion_bash, out);
}

/* ---- zsh ---- */

static void put_zsh_value(FILE *out, const struct cli_option_row *row) {
    if (!row->arg)
        return;
    fputs(row->arg_optional ? "::" : ":", out);
    put_quoted(out, row->arg, ":[]", "'\\''");
    fputc(':', out);
    switch (value_of(row)) {
    case VALUE_WORDS:
        fputc('(', out);
        put_words(out, row->words);
        fputc(')', out);
        break;
    case VALUE_FOLDER:
        fputs("_directories", out);
        break;
    case VALUE_REPORT:
        fputs("->report", out);
        break;
    default:
        fputc(' ', out);
    }
}

/* One specification of _arguments: '*'{-o+,--output=}'[help]:MODE:(failed group)'. */
static void put_zsh_option(FILE *out, const struct cli_option_row *row) {
    const char *behind = !row->arg ? "" : row->arg_optional ? "=-" : "=";

    if (row->letter)
        fprintf(out, "            '*'{-%c%s,--%s%s}'[", row->letter, row->arg ? "+" : "", row->name,
                behind);
    else
        fprintf(out, "            '*--%s%s[", row->name, behind);
    put_quoted(out, row->help, "[]\\", "'\\''");
    fputc(']', out);
    put_zsh_value(out, row);
    fputs("'\n", out);
}

static void write_zsh(FILE *out) {
    fputs("#compdef muster\n# zsh completion of muster, made by: muster completion zsh\n\n"
          "_muster_verbs=(\n",
          out);
    for (int verb = 0; verb < VERBS; verb++) {
        fprintf(out, "    '%s:", cli_verb_rows[verb].name);
        put_quoted(out, cli_verb_rows[verb].help, ":\\", "'\\''");
        fputs("'\n", out);
    }
    fputs(")\n_muster_formats=(", out);
    put_words(out, report_format_words);
    fputs(")\n\n# Sets `options` to those of a verb.\n_muster_options() {\n    case $1 in\n", out);
    for (int verb = 0; verb < VERBS; verb++) {
        fprintf(out, "    %s)\n        options=(\n", cli_verb_rows[verb].name);
        for (size_t i = 0; i < cli_option_count; i++)
            if (taken_by(&cli_option_rows[i], verb))
                put_zsh_option(out, &cli_option_rows[i]);
        fputs("        ) ;;\n", out);
    }
    fputs("    esac\n}\n\n", out);
    fputs(completion_zsh, out);
}

/* ---- fish ---- */

static void put_fish_option(FILE *out, const struct cli_option_row *row) {
    fputs("complete -c muster -n '__muster_is", out);
    for (int verb = 0; verb < VERBS; verb++)
        if (taken_by(row, verb))
            fprintf(out, " %s", cli_verb_rows[verb].name);
    fprintf(out, "' -l %s", row->name);
    if (row->letter)
        fprintf(out, " -s %c", row->letter);
    if (row->arg && !row->arg_optional)
        fputs(" -r", out);
    switch (value_of(row)) {
    case VALUE_WORDS:
    case VALUE_REPORT:
        fputs(" -f -a '", out);
        put_words(out, row->words);
        fputc('\'', out);
        break;
    case VALUE_FOLDER:
        fputs(" -f -a '(__fish_complete_directories)'", out);
        break;
    default:
        fputs(" -f", out);
    }
    fputs(" -d '", out);
    put_quoted(out, row->help, "\\", "\\'");
    fputs("'\n", out);
}

static void write_fish(FILE *out) {
    fputs("# fish completion of muster, made by: muster completion fish\nset -g __muster_verbs ",
          out);
    put_verbs(out);
    fprintf(out, "\n\n%s\n", completion_fish);
    for (int verb = 0; verb < VERBS; verb++) {
        fprintf(out, "complete -c muster -n __muster_begins -a %s -d '", cli_verb_rows[verb].name);
        put_quoted(out, cli_verb_rows[verb].help, "\\", "\\'");
        fputs("'\n", out);
    }
    for (size_t i = 0; i < cli_option_count; i++)
        if (cli_option_rows[i].help)
            put_fish_option(out, &cli_option_rows[i]);
}

/* ---- the verb ---- */

static const char *const shells[] = {"bash", "zsh", "fish", NULL};
static void (*const writers[])(FILE *out) = {write_bash, write_zsh, write_fish};

static int write_script(void *ctx, enum report_format format, bool to_file, FILE *out) {
    (void)format;
    (void)to_file;
    writers[*(const int *)ctx](out);
    return 0;
}

int cli_completion(const struct cli_options *o) {
    const char *name = o->manifests[0];
    int shell = text_choose(name, strlen(name), shells);

    if (shell >= 0)
        return cli_deliver(&(struct report_spec){.file = NULL}, write_script, &shell);
    cli_error("'%s' is not one of bash, zsh, fish", name);
    return CLI_USAGE;
}
