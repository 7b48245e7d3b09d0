#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# timeout: a job's time limit, how it is stopped, and that nothing of it stays.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
}

@test "a job that obeys ends by its stop-signal, as timeout" {
    for lane in io cpu; do
        cat > m.ini <<END
[job slow]
type = $lane
exec = sleep 100
timeout = 200ms
END
        run --separate-stderr "$MUSTER" run --report json:results.json m.ini
        [ "$status" -eq 1 ]
        [ "$(job_json slow .status)" = timeout ]
        [ "$(job_json slow .reason)" = timeout ]
        [ "$(job_json slow .exit)" = null ]
        [ "$(job_json slow .signal)" = 15 ]
        [ "$(job_json slow '.wall_s >= 0.2 and .wall_s < 3')" = true ]
    done
}

@test "a job that ignores the stop-signal is killed after kill-after, and one line says so" {
    for lane in io cpu; do
        cat > m.ini <<END
[job x]
type = $lane
exec = $CHILDREN/ignore-term
timeout = 1s
kill-after = 1s
END
        run --separate-stderr "$MUSTER" run --output none --report json:results.json m.ini
        [ "$status" -eq 1 ]
        [ "$stderr" = 'job x: timed out after 1s, killed after 1s more' ]
        [ "$(job_json x .status)" = timeout ]
        [ "$(job_json x .signal)" = 9 ]
        [ "$(job_json x '.wall_s >= 2 and .wall_s < 4')" = true ]
    done
}

@test "the row of a killed job says why" {
    cat > m.ini <<END
[job x]
type = io
exec = $CHILDREN/ignore-term
timeout = 100ms
kill-after = 100ms
END
    run --separate-stderr "$MUSTER" run m.ini
    [ "$status" -eq 1 ]
    [[ "$output" == *timeout*SIGKILL*'timed out after 100ms, killed after 100ms more'* ]]
}

@test "exit 0 within kill-after is a timeout all the same, and kill-after is not waited out" {
    for lane in io cpu; do
        cat > m.ini <<END
[job x]
type = $lane
exec = $CHILDREN/exit-on-term
timeout = 200ms
kill-after = 60s
END
        run --separate-stderr timeout 20 "$MUSTER" run --report json:results.json m.ini
        [ "$status" -eq 1 ]
        [ "$(job_json x .status)" = timeout ]
        [ "$(job_json x .exit)" = 0 ]
    done
}

@test "a grandchild that ignores the stop-signal is killed with the job" {
    for lane in io cpu; do
        rm -f up pid
        cat > m.ini <<END
[job x]
type = $lane
command = $CHILDREN/ignore-term up & echo \$! > pid; wait
timeout = 500ms
kill-after = 300ms
END
        run --separate-stderr "$MUSTER" run m.ini
        [ "$status" -eq 1 ]
        [ -e up ]
        gone "$(cat pid)"
    done
}

@test "a daemon in a session of its own is gone when the limit has passed" {
    for lane in io cpu; do
        cat > m.ini <<END
[job x]
type = $lane
exec = $CHILDREN/daemonise pid stay
timeout = 500ms
kill-after = 200ms
END
        run --separate-stderr "$MUSTER" run --report json:results.json m.ini
        [ "$status" -eq 1 ]
        [ "$(job_json x .status)" = timeout ]
        gone "$(cat pid)"
    done
}

@test "stop-signal says which signal comes first" {
    cat > m.ini <<'END'
[job x]
type = io
command =
    trap 'echo int; exit 9' INT
    while :; do sleep 0.05; done
timeout = 300ms
stop-signal = INT
END
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(job_json x .status)" = timeout ]
    [ "$(job_json x .exit)" = 9 ]
    [ "$(job_json x .stdout)" = int ]
}

@test "a stopped process is made to go on, so that it hears the stop-signal" {
    cat > m.ini <<'END'
[job x]
type = io
command =
    trap 'exit 9' TERM
    kill -STOP $$
    while :; do sleep 0.05; done
timeout = 300ms
kill-after = 30s
END
    run --separate-stderr timeout 20 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(job_json x .exit)" = 9 ]
}

@test "a limit of 0 is none" {
    cat > m.ini <<'END'
[defaults]
timeout = 100ms

[job x]
type = io
exec = sleep 0.4
timeout = 0
END
    run --separate-stderr "$MUSTER" run m.ini
    [ "$status" -eq 0 ]
}

@test "the limit is of one attempt: each has its own" {
    cat > m.ini <<'END'
[job x]
type = io
command = [ "$MUSTER_ATTEMPT" -eq 3 ] || exec sleep 100
timeout = 300ms
retries = 2
retry-delay = 10ms
END
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(job_json x '[.attempts[].status] | join(" ")')" = 'timeout timeout ok' ]
}

@test "a job ends with its first process, though a child holds its output open" {
    for lane in io cpu; do
        cat > m.ini <<END
[job x]
type = $lane
exec = $CHILDREN/fork-and-exit pid
END
        run --separate-stderr timeout 20 "$MUSTER" run --report json:results.json m.ini
        [ "$status" -eq 0 ]
        [ "$(job_json x .status)" = ok ]
        [ "$(job_json x .leftover)" = 1 ]
        [ "$(job_json x .stdout)" = 'before the exit' ]
        gone "$(cat pid)"
    done
}

@test "a daemon that a job left behind is stopped and counted" {
    for lane in io cpu; do
        cat > m.ini <<END
[job x]
type = $lane
exec = $CHILDREN/daemonise pid
kill-after = 200ms
END
        run --separate-stderr timeout 20 "$MUSTER" run --report json:results.json m.ini
        [ "$status" -eq 0 ]
        [ "$(job_json x .leftover)" = 1 ]
        gone "$(cat pid)"
    done
}

@test "a fork bomb is gone after kill-after" {
    cat > m.ini <<END
[job x]
type = io
exec = $CHILDREN/fork-bomb 100
timeout = 1s
kill-after = 500ms
END
    run --separate-stderr timeout 30 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(job_json x .status)" = timeout ]
    [ "$(count_here fork-bomb)" -eq 0 ]
}
