#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# faults_kill: muster is killed by SIGKILL, and nothing of its jobs is left, daemons included.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
    load faults
    # An argument that nobody else gives sleep.
    mark=$((100000 + $$))
    jobs
}

teardown() {
    kill -KILL "${muster-}" 2> /dev/null || true
    pkill -KILL -fx "sleep $mark" || true
}

# Jobs of both lanes that ignore SIGTERM and leave children and daemons, one with
# an environment and a session of its own.
jobs() {
    local i lane
    for i in 1 2 3; do
        for lane in io cpu; do
            cat << END
[job $lane$i]
type = $lane
command = trap '' TERM
    sleep $mark &
    setsid sh -c 'trap "" TERM; setsid sleep $mark & sleep $mark' &
    env -i setsid sleep $mark &
    sleep $mark
END
        done
    done > m.ini
}

alive() {
    pgrep -fx "sleep $mark" | wc -l
}

all_up() {
    [ "$(alive)" -eq 30 ]
}

# Within a second nothing lives; muster ended by the signal.
all_gone() {
    local since
    since=$(now_ms)
    while [ "$(alive)" -gt 0 ]; do
        within_ms 3000 "$since" # a second, on an idle machine
        sleep 0.02
    done
    status=0
    wait "$muster" || status=$?
    [ "$status" -eq 137 ]
}

@test "muster is killed: its jobs are gone, their children and daemons too" {
    start -j 3 m.ini
    wait_until all_up
    kill -KILL "$muster"
    all_gone
}

@test "muster's group is killed" {
    set -m # a group of its own
    start -j 3 m.ini
    set +m
    wait_until all_up
    kill -KILL -- "-$muster"
    all_gone
}

@test "the guard is killed: there is another, and the run goes on" {
    start -j 3 m.ini
    wait_until all_up
    first=$(launchers | head -n 1)
    for pid in $(launchers); do kill -KILL "$pid"; done
    another() { [ "$(launchers | head -n 1)" ] && [ "$(launchers | head -n 1)" != "$first" ]; }
    wait_until another
    [ "$(alive)" -eq 30 ]
    kill -KILL "$muster"
    all_gone
}

@test "jobs that are started just then are gone too" {
    {
        printf '[muster]\nio-limit = 4\n'
        for i in $(seq 200); do
            printf '[job j%d]\ntype = io\ncommand = sleep %d & :\nkill-after = 0\n' "$i" "$mark"
        done
    } > m.ini
    for i in 1 2 3 4 5 6 7 8; do
        start --output none m.ini
        sleep "0.0$i"
        kill -KILL "$muster"
        all_gone
    done
}

@test "the group of the run: what hides from the guard, and who left its session, is gone too" {
    # muster's own group in cgroup v2
    own=$(sed -n 's/^0:://p' /proc/self/cgroup)
    for at in /sys/fs/cgroup/unified /sys/fs/cgroup; do
        [ ! -e "$at/cgroup.procs" ] || { own=$at${own%/}; break; }
    done
    [ -e "$own/cgroup.procs" ] || own=/nonexistent
    # it took off the mark, and cannot be told by anything from what is not muster's
    cat > m.ini << END
[defaults]
command = bash -c 'ulimit -S -x 5; env -i setsid sleep $mark & :'; : > "up.\$MUSTER_JOB"; sleep $mark
[job io]
type = io
[job cpu]
type = cpu
END
    MUSTER_DEBUG=exec start m.ini
    wait_for up.io up.cpu
    four() { [ "$(alive)" -eq 4 ]; }
    wait_until four
    group=$(sed -n 's/.* group of the run: //p' err)
    if [ -n "$group" ] && ! grep -q ' clone3: ' err; then
        [ "$group" = "$own/muster-$muster-run" ]
        for pid in $(launchers) $(pgrep -fx "sleep $mark"); do
            grep -q "^0::.*/muster-$muster-run$" "/proc/$pid/cgroup"
        done
        kill -KILL "$muster"
        all_gone
        wait_until eval '[ ! -e "$group" ]'
    else
        # there can be none: a folder that is made there cannot be killed, or nobody is born in it
        if mkdir "$own/muster-0-$$"; then
            kills=$([ ! -w "$own/muster-0-$$/cgroup.kill" ] || echo yes)
            rmdir "$own/muster-0-$$"
            [ -n "$group" ] || [ -z "$kills" ]
        fi
        kill -TERM "$muster"
        await "$muster"
    fi
}

@test "where clone3 is refused, as in containers, all of it is gone too" {
    MUSTER_DEBUG=exec "$CHILDREN/refuse" clone3 "$MUSTER" run -j 3 m.ini > out 2> err &
    muster=$!
    wait_until all_up
    group=$(sed -n 's/.* group of the run: //p' err)
    kill -KILL "$muster"
    all_gone
    [ -z "$group" ] || wait_until eval '[ ! -e "$group" ]'
}

@test "the group of the run is gone when the run is" {
    printf '[job x]\ntype = io\ncommand = cat /proc/self/cgroup\n' > m.ini
    run --separate-stderr env MUSTER_DEBUG=exec "$MUSTER" run --no-history --report json:results.json m.ini
    [ "$status" -eq 0 ]
    group=$(sed -n 's/.* group of the run: //p' <<< "$stderr")
    [ -z "$group" ] || [ ! -e "$group" ]
    [ -z "$group" ] || grep -q ' clone3: ' <<< "$stderr" ||
        job_json x .stdout | grep -q "^0::.*/${group##*/}$"
}
