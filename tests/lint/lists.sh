# SPDX-License-Identifier: MIT
# lists: every file of the tree stands in Makefile.am, so that none is built,
# tested or shipped only by chance, and in no list of it twice.
. "$(dirname -- "$0")/lib.sh"

# listed PATTERN: what Makefile.am names of it, one a line.
words=$(tr -s ' \t\\' '\n\n\n' <Makefile.am)
missing() {
    for file in "$@"; do
        [ -e "$file" ] || continue
        name=$file
        case $file in tests/unit/*.c | tests/children/*.c) name=${file%.c} ;; esac
        printf '%s\n' "$words" | grep -qxF "$name" || echo "$file"
    done
}

none 'sources' "$(missing src/*.c src/*/*.[ch])"
none 'unit tests and what they share' "$(missing tests/unit/*.[ch] tests/fakes/*.[ch])"
none 'programs that jobs of the tests run' "$(missing tests/children/*)"
none 'tests of the command line' "$(missing tests/cli/*)"
none 'lints' "$(missing tests/lint/*.sh tests/golden/*.sh tests/fuzz/*.sh)"
none 'fuzz targets' "$(missing tests/fuzz/*.c tests/fuzz/*.dict)"
none 'tests of faults' "$(missing tests/faults/* tests/torture/*)"
none 'manual pages' "$(missing man/*)"
# A program of one file is named without its extension.
none 'benchmarks' "$(missing tests/bench/* | while read -r file; do
    printf '%s\n' "$words" | grep -qxF "${file%.c}" || echo "$file"
done)"
none 'nothing twice in a list' "$(awk '
    /^[A-Za-z_]+ *\+?=/ { list = $1; sub(/^[^=]*=/, "") }
    /^\t*@|^$|^\t\$/ { list = "" }
    list != "" { for (i = 1; i <= NF; i++) if ($i ~ /\// && seen[list, $i]++) print list ": " $i }
' Makefile.am)"
finish
