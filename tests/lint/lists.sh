# SPDX-License-Identifier: MIT
# lists: every file of the tree stands in Makefile.am, so that none is built,
# tested or shipped only by chance.
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
none 'manual pages' "$(missing man/*)"
finish
