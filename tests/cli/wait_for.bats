#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# wait_for: jobs that wait for a port, a socket, a file or a URL, without a process.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
    load server
}

teardown() {
    stop_server
}

@test "a port, a socket and a file are waited for until they are there" {
    nobody=$(free_port)
    cat > listen.py <<END
import os, socket, time
time.sleep(0.5)
a = socket.socket(); a.bind(("127.0.0.1", $nobody)); a.listen()
b = socket.socket(socket.AF_UNIX); b.bind("here.sock"); b.listen()
os.mkdir("here")
while not os.path.exists("seen"): time.sleep(0.05)
END
    cat > m.ini <<END
[defaults]
type = io
timeout = 30s
[job port]
wait-for = tcp:localhost:$nobody
[job socket]
wait-for = unix:here.sock
[job file]
wait-for = file:here
[job make]
command = python3 listen.py
[job then]
after = port socket file
command = touch seen
END
    run --separate-stderr timeout 40 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    for job in port socket file; do
        [ "$(job_json $job .status)" = ok ]
        [ "$(job_json $job '.exit, .reason, .worker' | sort -u)" = null ]
        [ "$(job_json $job '.lane')" = io ]
        [ "$(job_json $job '.wall_s >= 0.4')" = true ]
        [ "$(job_json $job '.attempts[0].max_rss')" = 0 ]
    done
}

@test "a timeout says what the last answer was, and counts as one" {
    nobody=$(free_port)
    cat > m.ini <<END
[job port]
type = io
wait-for = tcp:127.0.0.1:$nobody
timeout = 300ms
[job file]
type = io
wait-for = file:never
timeout = 300ms
END
    run --separate-stderr timeout 30 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(job_json port '.status, .reason, .exit, .signal' | tr '\n' ' ')" = 'timeout timeout null null ' ]
    [ "$(job_json port '.wall_s >= 0.3 and .wall_s < 3')" = true ]
    [[ "$output" == *'timed out after 300ms (Connection refused)'* ]]
    [[ "$output" == *'timed out after 300ms (No such file or directory)'* ]]
}

@test "each attempt has its own timeout, and is retried as any" {
    cat > m.ini <<'END'
[job file]
type = io
wait-for = file:here
timeout = 300ms
retries = 5
retry-delay = 10ms
retry-on = timeout
[job make]
type = io
command = sleep 0.5; touch here
END
    run --separate-stderr timeout 30 "$MUSTER" run -v --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(job_json file .flaky)" = true ]
    [ "$(job_json file '.attempts | length >= 2')" = true ]
    [ "$(job_json file '.attempts[0].status')" = timeout ]
    [[ "$stderr" == *'job file: started, io lane, slot 0, attempt 1 of 6'$'\n'* ]]
}

@test "it takes a slot of the I/O lane, and thousands wait at once" {
    {
        printf '[defaults]\ntype = io\ntimeout = 20s\n'
        for i in $(seq 2000); do printf '[job w%s]\nwait-for = file:here\n' "$i"; done
        printf '[job make]\ncommand = touch here\npriority = -1\n'
    } > m.ini
    run --separate-stderr timeout 60 "$MUSTER" run -i 2001 --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(json .totals.ok)" = 2001 ]
    rm here
    run --separate-stderr timeout 60 "$MUSTER" run -i 1 --deadline 1s m.ini
    [ "$status" -eq 124 ]
    [ ! -e here ]
}

@test "a signal ends it at once, also while a name is looked up" {
    cat > m.ini <<'END'
[job file]
type = io
wait-for = file:never
[job name]
type = io
wait-for = tcp:never.invalid:80
[job silence]
type = io
wait-for = tcp:192.0.2.1:80
END
    "$MUSTER" run -v --report json:results.json m.ini 2> log &
    wait_until grep -q 'job silence: started' log
    kill -TERM $!
    await $!
    [ "$status" -eq 143 ]
    [ "$(json '[.jobs[].status] | unique | join(" ")')" = cancelled ]
    [ "$(json '.run.wall_s < 5')" = true ]
}

@test "fail-fast stops what waits" {
    cat > m.ini <<'END'
[job wait]
type = io
wait-for = file:never
[job bad]
type = cpu
command = exit 3
END
    run --separate-stderr timeout 30 "$MUSTER" run -x --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(job_json wait '.status, .reason, .cause' | tr '\n' ' ')" = 'cancelled cancelled bad ' ]
}

@test "descriptors stay what they were" {
    nobody=$(free_port)
    for i in $(seq 20); do
        printf '[job w%s]\ntype = io\nwait-for = tcp:localhost:%s\ntimeout = 2s\n' "$i" "$nobody"
    done > m.ini
    "$MUSTER" run m.ini > out 2> err &
    pid=$!
    sleep 0.5 # some attempts
    before=$(ls "/proc/$pid/fd" | wc -l)
    sleep 1 # and some more
    after=$(ls "/proc/$pid/fd" | wc -l)
    await $pid
    [ "$status" -eq 1 ]
    [ "$after" -le $((before + 20)) ]
}
