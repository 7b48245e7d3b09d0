# SPDX-License-Identifier: MIT
# events: runs in the background, waiting for what jobs do, and looking at what they did.

# Starts a run in the background, its id in $muster: start [OPTION...] MANIFEST.
# A shell starts its background with SIGINT ignored; here it is the default again.
start() {
    env --default-signal=INT,QUIT,HUP,TERM "$MUSTER" run --report json:results.json "$@" \
        > out 2> err &
    muster=$!
}

# Runs m.ini, with these options, with a report in results.json.
go() {
    run --separate-stderr timeout 60 "$MUSTER" run --report json:results.json "$@" m.ini
}

# For teardown: ends what a test that failed has left in the background.
end_background() {
    # shellcheck disable=SC2046 # ids
    kill $(builtin jobs -pr) 2> /dev/null || true
}

# Waits until each of the files is there. A hanging run is a failure, not a wait.
wait_for() {
    local file
    for file; do
        for _ in $(seq 1000); do
            [ -e "$file" ] && continue 2
            sleep 0.02
        done
        echo "waited in vain for $file" >&2
        return 1
    done
}

# Waits until the command succeeds.
wait_until() {
    for _ in $(seq 1000); do
        "$@" && return 0
        sleep 0.02
    done
    echo "waited in vain for: $*" >&2
    return 1
}

# Whether a file has so many lines, or so many with this in them: has_lines N FILE [PATTERN].
has_lines() {
    local n
    n=$(grep -c -- "${3-}" "$2" 2> /dev/null) || true
    [ "${n:-0}" -ge "$1" ]
}

# Whether no process has the id any more; a zombie is one that is gone.
gone() {
    local state
    state=$(sed -n 's/^State:[[:blank:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) || true
    [ -z "$state" ] || [ "$state" = Z ]
}

# A shell that was stopped in the moment of a vfork waits in D for its child,
# which is the one that shows T.
# shellcheck disable=SC2046 # ids
stopped() {
    grep -q '^State:[[:blank:]]*T' "/proc/$1/status" ||
        { grep -q '^State:[[:blank:]]*D' "/proc/$1/status" &&
            stopped $(cat "/proc/$1/task/$1/children"); }
}

# Waits for a run in the background and leaves its exit status in $status.
# Of a signal that ends it the shell makes 128 + N.
await() {
    status=0
    wait "$1" || status=$?
}

# What jq finds in the JSON report that a run left in results.json.
json() {
    jq -r "$@" results.json
}

# A field of one job's object.
job_json() {
    jq -r --arg name "$1" ".jobs[] | select(.name == \$name) | $2" results.json
}

# The whole of what jobs wrote to the file `log`.
logged() {
    is "$(cat log)" "$1"
}

# The most attempts that started within a second.
most_in_a_second() {
    json '.jobs[].attempts[].start_s' | sort -g |
        awk '{ t[NR] = $1; while (t[NR] - t[first + 1] > 1) first++
            if (NR - first > most) most = NR - first } END { print most + 0 }'
}

# The most lines of "start" that no "end" has followed in a log of both.
most_at_once() {
    awk '$1 == "start" { if (++n > most) most = n } $1 == "end" { n-- } END { print most + 0 }' "$1"
}

# How many processes run a program of $CHILDREN in the test's own folder.
count_here() {
    local exe n=0
    for exe in /proc/[0-9]*/exe; do
        if [ "$(readlink "$exe")" = "$CHILDREN/$1" ] &&
            [ "$(readlink "${exe%exe}cwd")" = "$PWD" ]; then
            n=$((n + 1))
        fi
    done 2>/dev/null
    echo "$n"
}
