# SPDX-License-Identifier: MIT
# style: what every file begins with, how long lines and files may be.
. "$(dirname -- "$0")/lib.sh"

c_files=$(ls src/*.c src/*/*.[ch] tests/*/*.[ch])
scripts=$(ls tests/*.sh tests/*/*.sh tests/*/*.bats tests/*/*.bash examples/*.sh 2>/dev/null)
some 'there are files' "$c_files"

none 'C files begin with licence and purpose' "$(for file in $c_files; do
    # A second file of a module may name the module: text_format.c is of text.
    name=$(basename "${file%.[ch]}")
    head -n 1 "$file" | grep -qxF '/* SPDX-License-Identifier: MIT */' || echo "$file: no licence"
    sed -n 2,3p "$file" | grep -qE "^(/| )\* ($name|${name%%_*}): ." ||
        echo "$file: does not go on with '/* $name: what it is. */'"
done)"

none 'scripts name their licence' "$(for file in $scripts .ci/run Makefile.am configure.ac; do
    head -n 2 "$file" | grep -q 'SPDX-License-Identifier: MIT' || echo "$file"
done)"

# shellcheck disable=SC2086 # a list
none 'lines have at most 100 characters, no tabs, no blanks at the end' \
    "$(LC_ALL=C.UTF-8 grep -nE '^.{101,}|	|[[:blank:]]$' $c_files)"
none 'source files have at most 700 lines' \
    "$(wc -l src/*.c src/*/*.[ch] | awk '$2 != "total" && $1 > 700')"
# shellcheck disable=SC2086 # a list
none 'no marks of unfinished work' "$(grep -nE '\b(TODO|FIXME|XXX|HACK)\b' $c_files $scripts |
    grep -v '^tests/lint/style.sh:')"
none 'no typedef but for callbacks' "$(grep -nE '^[[:space:]]*typedef ' src/*.c src/*/*.[ch] |
    grep -vE '_cb\)')"
none 'shell scripts parse' "$(for file in tests/*.sh tests/*/*.sh examples/*.sh; do
    sh -n "$file" 2>&1
done
bash -n .ci/run 2>&1)"
finish
