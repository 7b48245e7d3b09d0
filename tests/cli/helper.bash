# SPDX-License-Identifier: MIT
# helper: a fresh folder for each test, and the program under test.

: "${MUSTER:?is the path of the program under test}"
export LC_ALL=C TZ=UTC0
export XDG_STATE_HOME="$BATS_TEST_TMPDIR/state" # nothing is left in the user's own
unset NO_COLOR MUSTER_DEBUG CI GITHUB_ACTIONS GITHUB_STEP_SUMMARY GITLAB_CI MAKEFLAGS
mkdir "$BATS_TEST_TMPDIR/work" # beside what bats keeps there
cd "$BATS_TEST_TMPDIR/work"

# Writes standard input to m.ini, or to the file named.
manifest() {
    cat > "${1:-m.ini}"
}

# Writes to m.ini a job `a` of these keys, with an item for each line of the file `list`.
manifest_of_lines() {
    printf '%s\n' '[job a]' 'type = io' 'each.x.lines = list' "$@" > m.ini
}

# Runs muster with both streams apart: $status, $output, $stderr.
muster() {
    run --separate-stderr "$MUSTER" "$@"
}

# What is compared, when it differs.
differ() {
    printf -- '--- expected\n%s\n--- got\n%s\n' "$1" "$2" >&2
    return 1
}

# The first text is the second.
is() {
    [ "$1" = "$2" ] || differ "$2" "$1"
}

# The whole of standard output, or of standard error, is this.
prints() {
    is "$output" "$1"
}

says() {
    is "$stderr" "$1"
}

# Amid a test a plain ! never fails.
not() {
    ! "$@"
}
