#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# cleanup: what is run behind jobs and runs: `cleanup`, `on-end`.
bats_require_minimum_version 1.5.0

load background

@test "cleanups run in reverse order of the starts, behind all that comes after, however that ended" {
    manifest << 'END'
[defaults]
type = cpu
cleanup = echo "clean $MUSTER_JOB: $MUSTER_STATUS" >> log
[job a]
command = echo a >> log
[job b]
after = a
command = echo b >> log; exit 3
[job never]
after = b
command = echo never >> log
[job c]
after = never
when = always
cleanup = echo "clean c" >> log
command = echo c >> log
END
    muster -r json:results.json m.ini
    [ "$status" -eq 1 ]
    logged 'a
b
c
clean c
clean b: failed
clean a: ok'
    [ "$(json '[.jobs[].attempts | length] | join(" ")')" = '1 1 0 1' ]
}

@test "of jobs that start together the one before in the manifest is cleaned up last" {
    for i in 1 2 3 4 5; do
        manifest << 'END'
[defaults]
type = io
command = :
cleanup = echo "$MUSTER_JOB" >> log
[job a]
[job b]
[job c]
[job d]
[job each]
each.n = 1 2 3
END
        muster m.ini
        [ "$status" -eq 0 ]
        logged 'each[3]
each[2]
each[1]
d
c
b
a'
        rm log
    done
}

@test "a cleanup does not wait for jobs without one" {
    manifest << 'END'
[job a]
type = io
command = true
cleanup = : > cleaned
[job long]
type = io
command = until [ -e cleaned ]; do sleep 0.02; done
END
    timeout 60 "$MUSTER" m.ini
}

@test "a cleanup has the job's shell, folder, environment and no more of it" {
    mkdir sub
    manifest << 'END'
[vars]
V = var
[job a]
type = cpu
dir = sub
shell = /bin/bash -c
env.X = x y
env.MUSTER_STATUS = mine
stdin = text:input
stdout = file:out
exec = true
retries = 3
secret = X
cleanup = [[ $V = var ]] && echo "$X $PWD $MUSTER_STATUS $MUSTER_JOB $MUSTER_ATTEMPT $MUSTER_LANE $MUSTER_WORKER" > seen
    cat >> seen
    echo "on a pipe: $X"
    exit 3
END
    muster m.ini
    [ "$(cat sub/seen)" = "x y $PWD/sub ok a 1 io " ]
    [ ! -s sub/out ]
    [[ $stderr == *"job a: cleanup failed: exit 3"*"--- a: cleanup failed ---"*"on a pipe: ***"* ]]
}

@test "a failed cleanup is told and fails the run, and the row stays" {
    manifest << 'END'
[job a]
type = io
command = true
cleanup = echo why; exit 4
END
    muster -r json m.ini
    [ "$status" -eq 1 ]
    says "job a: cleanup failed: exit 4
--- a: cleanup failed ---
why"
    [ "$(jq -c '[.run.exit, .jobs[0].status, .jobs[0].exit]' <<< "$output")" = '[1,"ok",0]' ]
    muster -q -o none m.ini
    [ "$status" -eq 1 ]
    says 'job a: cleanup failed: exit 4'
}

@test "output of cleanups and on-end: with group, and a line each with --verbose" {
    manifest << 'END'
[muster]
on-end = echo 'at the end'
[job a]
type = io
command = echo job
cleanup = echo cleaned
END
    muster -o group m.ini
    says '--- a: ok ---
job
--- a: cleanup ---
cleaned
--- on-end ---
at the end'
    muster -v m.ini
    [[ $stderr == *'job a: cleanup ok
muster: on-end ok' ]]
    muster m.ini
    says ''
}

@test "a cleanup has the job's timeout" {
    manifest << END
[job a]
type = io
timeout = 300ms
kill-after = 200ms
command = true
cleanup = $CHILDREN/ignore-term
END
    muster -o none m.ini
    [ "$status" -eq 1 ]
    says 'job a: cleanup failed: timed out after 300ms, killed after 200ms more'
}

@test "after an interruption cleanups and on-end run, for what was started" {
    for signal in INT:130 TERM:143 HUP:129; do
        rm -f log up.* results.json
        manifest << 'END'
[muster]
on-end = echo "end $MUSTER_STATUS $MUSTER_OK $MUSTER_FAILED" >> log
[defaults]
type = io
[template c]
cleanup = echo "clean $MUSTER_JOB $MUSTER_STATUS" >> log
[job first]
use = c
command = : > up.first
[job second]
use = c
after = first
command = : > up.second; exec sleep 100
[job gate]
after = first
command = until [ -e up.second ]; do sleep 0.02; done
[job third]
use = c
after = gate
command = : > up.third; exec sleep 100
[job never]
use = c
after = second
command = : > up.never
[job anyway]
after = third
when = always
command = : > up.anyway
END
        start m.ini
        wait_for up.second up.third
        kill "-${signal%:*}" "$muster"
        await "$muster"
        [ "$status" -eq "${signal#*:}" ]
        logged "clean third cancelled
clean second cancelled
clean first ok
end ${signal#*:} 2 0"
        [ ! -e up.never ]
        [ ! -e up.anyway ]
        [ "$(json .run.exit)" = "${signal#*:}" ]
    done
}

@test "after the deadline, and after cancel and drain, they run as well" {
    manifest << 'END'
[muster]
on-end = echo "end $MUSTER_STATUS" >> log
[job a]
type = io
command = exec sleep 100
cleanup = echo "clean $MUSTER_STATUS" >> log
END
    muster --deadline 300ms m.ini
    [ "$status" -eq 124 ]
    logged 'clean cancelled
end 124'
    for mode in cancel drain; do
        rm -f log up
        manifest << END
[muster]
on-failure = $mode
[job a]
type = io
command = until [ -e up ]; do sleep 0.02; done; exit 3
[job b]
type = cpu
command = : > up; [ $mode = cancel ] && exec sleep 100; true
cleanup = echo "clean \$MUSTER_STATUS" >> log
END
        muster m.ini
        [ "$status" -eq 1 ]
        [ "$mode" = cancel ] && logged 'clean cancelled' || logged 'clean ok'
    done
}

@test "a hanging cleanup has 30 s after an interruption; a second signal kills it, nothing is left" {
    manifest << END
[muster]
on-end = : > ended
[defaults]
type = io
[job first]
command = : > first
cleanup = : > cleaned
[job a]
after = first
command = : > up; exec sleep 100
cleanup = : > cleaning; $CHILDREN/ignore-term & echo \$! > pid; wait
END
    start m.ini
    wait_for up
    kill -TERM "$muster"
    wait_for cleaning pid
    # that it runs may be news to muster yet
    listed() { kill -USR1 "$muster" && grep -q 'muster: cleanup of job a: running for' err; }
    wait_until listed
    kill -TERM "$muster"
    await "$muster"
    [ "$status" -eq 143 ]
    grep -qx 'muster: 1 cleanup is not run' err
    grep -qx 'job a: cleanup failed: SIGKILL' err
    gone "$(cat pid)"
    [ ! -e cleaned ]
    [ ! -e ended ]
    [ "$(job_json a .status)" = cancelled ]
}

@test "a signal while only cleanups are left lets them end" {
    manifest << 'END'
[job a]
type = io
command = true
cleanup = : > cleaning; until [ -e go ]; do sleep 0.02; done; : > cleaned
END
    start m.ini
    wait_for cleaning
    kill -INT "$muster"
    wait_until grep -q 'SIGINT: cleaning up; a second signal kills that' err
    : > go
    await "$muster"
    [ "$status" -eq 130 ]
    [ -e cleaned ]
    [ "$(job_json a .status)" = ok ]
}

@test "what a cleanup leaves running is stopped" {
    manifest << END
[job a]
type = io
command = true
cleanup = $CHILDREN/daemonise pid clean
END
    muster m.ini
    [ "$status" -eq 0 ]
    gone "$(cat pid)"
}

@test "on-end is told how it went, and its own failure changes nothing" {
    mkdir sub
    manifest sub/m.ini << 'END'
[muster]
on-end = pwd > where
    echo "$MUSTER_STATUS $MUSTER_OK $MUSTER_FAILED" > seen
    case $MUSTER_WALL in *[!0-9.]* | '') ;; *) echo wall >> seen ;; esac
    echo 'no mail'; exit 5
shell = /bin/bash -c
[job good]
type = cpu
command = true
[job late]
type = io
timeout = 200ms
command = sleep 100
[job bad]
type = io
command = false
[job allowed]
type = io
allow-failure = yes
command = false
[job skipped]
type = io
after = bad
command = true
END
    muster sub/m.ini
    [ "$status" -eq 1 ]
    [ "$(cat sub/where)" = "$PWD/sub" ]
    [ "$(cat sub/seen)" = '1 1 2
wall' ]
    [[ $stderr == *'muster: on-end failed: exit 5
--- on-end failed ---
no mail'* ]]
    manifest << 'END'
[muster]
on-end = exit 5
[job a]
type = io
command = true
END
    muster m.ini
    [ "$status" -eq 0 ]
    says 'muster: on-end failed: exit 5'
}

@test "on-end is not run where nothing was" {
    printf '[muster]\non-end = : > ended\n[job a]\ntype = io\ncommand = true\nafter = b\n' > m.ini
    muster m.ini
    [ "$status" -eq 2 ]
    muster plan m.ini
    [ ! -e ended ]
}

@test "few descriptors: cleanups have room beside the jobs" {
    {
        printf '[defaults]\ntype = io\ncommand = true\ncleanup = echo x >> log\n'
        for i in $(seq 40); do printf '[job j%d]\n' "$i"; done
    } > m.ini
    (ulimit -n 32 && timeout 60 "$MUSTER" --no-history -q m.ini) 2> err
    [ "$(wc -l < log)" -eq 40 ]
}
