# SPDX-License-Identifier: MIT
# lib: what the lints share. Each is started from anywhere, with SOURCE naming
# the source tree (default: the one that it stands in), and speaks TAP.
set -u
SOURCE=${SOURCE:-$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)}
cd -- "$SOURCE" || exit 99
count=0
failed=0

# none TITLE OFFENCES: a test that passes when there are no offences.
none() {
    count=$((count + 1))
    if [ -z "$2" ]; then
        printf 'ok %d - %s\n' "$count" "$1"
        return
    fi
    failed=$((failed + 1))
    printf 'not ok %d - %s\n' "$count" "$1"
    printf '%s\n' "$2" | sed 's/^/# /'
}

# some TITLE WHAT: a test that passes when there is something to look at at
# all, so that a renamed folder or another markup cannot make a lint idle.
some() {
    if [ -n "$2" ]; then
        none "$1" ''
    else
        none "$1" 'there is nothing to look at'
    fi
}

finish() {
    printf '1..%d\n' "$count"
    [ "$failed" = 0 ]
    exit
}
