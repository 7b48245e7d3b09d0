# SPDX-License-Identifier: MIT
# faults: what the tests of faults share: other users, time.

# The processes that start $muster's jobs, and end them when it is killed.
launchers() {
    cat /proc/"$muster"/task/*/children | tr ' ' '\n' | while read -r pid; do
        [ "$(cat "/proc/$pid/comm")" != muster-launch ] || echo "$pid"
    done
}

# Milliseconds of a clock that only goes forward.
now_ms() {
    local up
    read -r up _ < /proc/uptime
    echo "${up/./}0"
}

# Whether at most so many milliseconds have passed since now_ms said "$2".
within_ms() {
    local passed=$(($(now_ms) - $2))
    [ "$passed" -le "$1" ] || { echo "$passed ms passed" >&2; return 1; }
}

# The manifest "m.ini" of the two lanes: a job "io" and a job "cpu" of these keys.
both_lanes() {
    local lane
    for lane in io cpu; do
        printf '[job %s]\ntype = %s\n' "$lane" "$lane"
        cat both
    done
}

# Writes standard input, keys of a job, as the jobs "io" and "cpu" to m.ini, behind
# what the arguments say.
manifest_of_both() {
    cat > both
    { [ $# -eq 0 ] || printf '%s\n' "$@"; both_lanes; } > m.ini
    rm both
}

# The user of as_user: for root one of this test's own, who has no other process.
user=$(id -u)
[ "$user" -ne 0 ] || user=$((50000 + $$ % 10000))

# Runs words as a user who may not do everything: as they stand, or for root as
# another one, who may use the current folder.
as_user() {
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
        return
    fi
    chown "$user:$user" .
    perl -e '$( = $) = "$ARGV[0] $ARGV[0]"; $< = $> = shift; exec @ARGV or exit 99' "$user" "$@"
}

# Sets $tasks: how many tasks (processes and their threads) run under the user of
# as_user, but for the one that looks.
count_tasks() {
    local found
    mapfile -t found < <(exec grep -ls "^Uid:[[:blank:]]*$user[[:blank:]]" \
        /proc/[0-9]*/task/[0-9]*/status)
    tasks=$(printf '%s\n' "${found[@]}" | grep -vc "^\(/proc/$!/.*\)\?$" || true)
}

# Puts muster where the user of as_user can run it, in a folder that all can enter.
# The folder becomes the current one.
public_folder() {
    public=$(mktemp -d "${TMPDIR:-/tmp}/muster-faults.XXXXXX")
    chmod 755 "$public"
    cp "$MUSTER" "$public/muster"
    mkdir "$public/work"
    cd "$public/work"
    MUSTER=$public/muster
}

# Call it in teardown.
remove_public_folder() {
    [ -z "${public-}" ] || rm -rf "$public"
}

# For runs without descriptors or processes to spare: the sanitizer for leaks needs some
# of its own at the end.
spare_sanitizers() {
    export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
}
