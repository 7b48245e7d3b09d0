#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# faults_delivery: exit 0 means that all output, reports and records are there, whatever is short.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
    load faults
    public=
}

teardown() {
    remove_public_folder
}

JOBS=8

# $JOBS jobs of both lanes, each with so many bytes of output: jobs BYTES.
jobs_of() {
    local i lane
    for i in $(seq $JOBS); do
        lane=$([ $((i % 2)) -eq 0 ] && echo io || echo cpu)
        # one process, so that only muster's own meet a limit on them
        printf '[job j%d]\ntype = %s\nexec = perl -e "print %d x $ARGV[0], qq(\\\\nend\\\\n)" %d\n' \
            "$i" "$lane" "$i" "$1"
    done > m.ini
    bytes=$1
}

# Runs words on a file system of 1 MiB, which is the folder "small" meanwhile. Who may not
# mount one has files that grow no further.
on_small_disk() {
    mkdir -p small
    if unshare -m true 2> /dev/null; then
        unshare -m sh -c 'mount -t tmpfs -o size=1m none small && exec "$@"' - "$@"
    else
        FILE_KIB=1024 "$@"
    fi
}

# What one run is: every kind of output, report and record at once.
cat_run() {
    cat > one.sh <<'END'
{
    [ -z "${FILE_KIB-}" ] || ulimit -f "$FILE_KIB"
    "$MUSTER" run --state-dir "$STATE" --output group --report "json:$REPORTS/results.json" \
        --report "table:$REPORTS/table" m.ini
    echo $? > status
} 2>&1 > out | cat > err # a pipe, which that does not bound
cp "$REPORTS/results.json" "$REPORTS/table" . 2> missing
i=0
for job; do
    "$MUSTER" show --state-dir "$STATE" --raw ":$job" > "shown.$job" 2>> show.err ||
        echo "$job: $?" >> unshown
done
"$MUSTER" history --state-dir "$STATE" --report json > history.json 2>> show.err ||
    echo "history: $?" >> unshown
END
}

# The last run, whose words were given to the shell before: all is there and it ended
# with 0, or it ended with 3 and said why. $delivered is what it was.
judge() {
    local i n
    delivered=$(cat status)
    echo "ended with $delivered: $(grep -v '^[0-9]*$' err | head -c 3000)" >&2
    if [ "$delivered" -eq 3 ]; then
        grep -q '^muster: ' err
        # no half report
        [ ! -e results.json ] || jq . results.json > formed
        return
    fi
    [ "$delivered" -eq 0 ]
    [ "$(json '"\(.totals.jobs) \(.totals.ok) \(.run.exit)"')" = "$JOBS $JOBS 0" ]
    grep -q "^$JOBS jobs: $JOBS ok\$" out
    # every job has its row in the file
    [ "$(grep -c '^j[0-9]* .* ok ' table)" -eq "$JOBS" ]
    for i in $(seq $JOBS); do
        { head -c "$bytes" /dev/zero | tr '\0' "$i"; echo; echo end; } > want
        n=$(stat -c %s want)
        [ "$(job_json "j$i" '.attempts[0].stdout_bytes')" -eq "$n" ]
        tail -c 65536 want | cmp - <(jq -j --arg name "j$i" '.jobs[] | select(.name == $name) | .stdout' results.json)
        # shown, each whole and by itself
        sed -n "/^--- j$i: ok ---\$/,/^end\$/p" err | sed 1d | cmp - want
        # recorded, but where a sentence says that there is no record
        grep -q '^muster: history: ' err || cmp "shown.j$i" want
    done
    grep -q '^muster: history: ' err || {
        [ ! -s unshown ]
        [ "$(jq -c '.runs[0] | [.exit, .totals.ok]' history.json)" = "[0,$JOBS]" ]
    }
}

# A run somewhere: deliver WORD..., which end with how it is run.
deliver() {
    rm -f out err status results.json table missing unshown show.err history.json
    mkdir -p "${STATE:=$PWD/state}" "${REPORTS:=$PWD/reports}"
    rm -f "$REPORTS/results.json" "$REPORTS/table"
    cat_run
    # shellcheck disable=SC2046 # words
    MUSTER=$MUSTER STATE=$STATE REPORTS=$REPORTS "$@" bash one.sh \
        $(seq -f j%g $JOBS) 3>&- 4>&- 5>&- # which are bats' and make's
    judge
}

@test "with room for everything, all is there" {
    for n in 10 70000 400000; do
        jobs_of $n
        deliver env
        [ "$delivered" -eq 0 ]
    done
}

@test "a TMPDIR of 1 MiB: what fits is whole, what does not is told" {
    JOBS=4
    jobs_of 70000 # with the ends that the report has, the half of it
    TMPDIR=$PWD/small deliver on_small_disk
    [ "$delivered" -eq 0 ]
    jobs_of 3000000
    TMPDIR=$PWD/small deliver on_small_disk
    [ "$delivered" -eq 3 ]
    grep -q '^muster: output of job j[0-9]: \(No space left on device\|File too large\)$' err
    [ "$(json .totals.ok)" = $JOBS ]
    [ "$(json '[.jobs[] | select(.stdout | test("\\[output lost: "))] | length')" -gt 0 ]
}

@test "a folder for reports of 1 MiB: whole or told" {
    jobs_of 10
    REPORTS=$PWD/small deliver on_small_disk
    [ "$delivered" -eq 0 ]
    JOBS=24
    jobs_of 70000 # so much is in the report of each
    REPORTS=$PWD/small deliver on_small_disk
    [ "$delivered" -eq 3 ]
    grep -q '^muster: .*/small/results.json: \(No space left on device\|File too large\)$' err
    [ ! -e results.json ]
    grep -q '^24 jobs: 24 ok$' out
    # the smaller one has its place
    [ "$(grep -c '^j[0-9]* .* ok ' table)" -eq 24 ]
}

@test "a state folder of 1 MiB: recorded or told" {
    jobs_of 10
    STATE=$PWD/small/state deliver on_small_disk
    [ "$delivered" -eq 0 ]
    jobs_of 1500000
    STATE=$PWD/small/state deliver on_small_disk
    [ "$delivered" -eq 3 ]
    grep -q '^muster: \(history: \|output of job \)' err
    [ "$(json .totals.ok)" = $JOBS ]
}

@test "32 descriptors: all of it, or told" {
    spare_sanitizers
    jobs_of 70000
    deliver bash -c 'ulimit -n 32; exec "$@"' -
    for i in 14 18 22 26 40; do
        deliver bash -c "ulimit -n $i; exec \"\$@\"" -
    done
}

@test "few processes: all of it, or told" {
    spare_sanitizers
    public_folder
    mkdir state reports
    [ "$(id -u)" -ne 0 ] || chown "$user" state reports
    jobs_of 70000
    for i in 8 10 12 20 40; do
        # the run's own, its jobs', and those of the tools that look at it afterwards
        count_tasks
        deliver as_user bash -c "ulimit -u $((i + 10 + tasks)); exec \"\$@\"" -
    done
}

@test "an empty environment, and a home that cannot be written" {
    jobs_of 70000
    STATE=$PWD/state REPORTS=$PWD/reports
    deliver env -i MUSTER="$MUSTER" STATE="$STATE" REPORTS="$REPORTS" PATH="$PATH"
    [ "$delivered" -eq 0 ]
    public_folder
    mkdir home
    chmod 555 home
    jobs_of 70000
    STATE=$PWD/home/state REPORTS=$PWD/reports
    mkdir -m 777 reports
    cat_run
    rm -f status
    sed -i 's/--state-dir "$STATE"//' one.sh
    # shellcheck disable=SC2046 # words
    as_user env -u XDG_STATE_HOME HOME="$PWD/home" MUSTER="$MUSTER" REPORTS="$REPORTS" \
        bash one.sh $(seq -f j%g $JOBS)
    judge
    [ "$delivered" -eq 0 ]
    [ "$(grep -c '^muster: history: .*/home/.local/state/muster: Permission denied; this run is not recorded$' err)" -eq 1 ]
}

@test "/dev/full for each that is delivered: 3, and the others are there" {
    jobs_of 70000
    for arguments in '--report json' '--report table' '-v --report json:/dev/full' \
        '--report table:/dev/full' '--report json:results.json'; do
        rm -f results.json
        status=0
        # shellcheck disable=SC2086 # words
        "$MUSTER" run $arguments m.ini > /dev/full 2> err || status=$?
        [ "$status" -eq 3 ]
        grep -q '^muster: \(standard output\|/dev/full\): No space left on device$' err
        [ "$("$MUSTER" history --report json | jq -c '.runs[0] | [.exit, .totals.ok]')" = "[3,$JOBS]" ]
    done
    [ "$(json .totals.ok)" = $JOBS ]
    # what is shown of jobs is no report: a run without a reader is as good as any
    "$MUSTER" run --output group m.ini > out 2> /dev/full
    grep -q "^$JOBS jobs: $JOBS ok\$" out
}
