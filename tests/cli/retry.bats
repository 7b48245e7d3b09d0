#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# retry: what is tried again, when, and how often.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
}

@test "a job that succeeds at a later attempt is ok and flaky" {
    for lane in io cpu; do
        cat > m.ini <<END
[job x]
type = $lane
command = [ "\$MUSTER_ATTEMPT" -eq 2 ]
retries = 3
retry-delay = 10ms
END
        run --separate-stderr "$MUSTER" run --report json:results.json m.ini
        [ "$status" -eq 0 ]
        [[ "$output" == *' flaky '* ]]
        [ "$(job_json x .status)" = ok ]
        [ "$(job_json x .flaky)" = true ]
        [ "$(job_json x '[.attempts[].exit] | join(" ")')" = '1 0' ]
        [ "$(json .totals.flaky)" = 1 ]
        [ "$(json .totals.retries)" = 1 ]
    done
}

@test "after its last retry a job is failed, with the last attempt's exit" {
    cat > m.ini <<'END'
[job x]
type = io
command = exit "$MUSTER_ATTEMPT"
retries = 2
retry-delay = 10ms
END
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(job_json x .status)" = failed ]
    [ "$(job_json x .exit)" = 3 ]
    [ "$(job_json x '.attempts | length')" = 3 ]
}

@test "a job sees which attempt it is, and how many it may have" {
    cat > m.ini <<'END'
[job x]
type = io
command = echo "$MUSTER_ATTEMPT/$MUSTER_ATTEMPTS" >> seen; exit 1
retries = 1
retry-delay = 10ms
END
    run --separate-stderr "$MUSTER" run m.ini
    [ "$(cat seen)" = $'1/2\n2/2' ]
}

@test "retry-on names the exit statuses that are tried again" {
    cat > m.ini <<'END'
[defaults]
type = io
retries = 2
retry-delay = 10ms
retry-on = exit:10-12,75

[job again]
command = exit 11

[job never]
command = exit 13
END
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(job_json again '.attempts | length')" = 3 ]
    [ "$(job_json never '.attempts | length')" = 1 ]
}

@test "retry-on tells timeout, signal and exit apart" {
    cat > m.ini <<'END'
[defaults]
type = io
retries = 1
retry-delay = 10ms
timeout = 300ms

[job timeout-timeout]
exec = sleep 100
retry-on = timeout

[job timeout-signal]
exec = sleep 100
retry-on = signal

[job signal-signal]
command = kill -KILL $$
retry-on = signal

[job signal-exit]
command = kill -KILL $$
retry-on = exit:1-255
END
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(json '[.jobs[] | .attempts | length] | join(" ")')" = '2 1 2 1' ]
}

@test "a program that could not be started is tried again where retry-on has spawn" {
    cat > m.ini <<'END'
[defaults]
type = io
retries = 1
retry-delay = 10ms
after = first

[job first]
exec = true
after =

[job spawn]
exec = ./not-there
retry-on = spawn

[job exit]
exec = ./not-there
retry-on = exit:1-255
END
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(job_json spawn '.attempts | length')" = 2 ]
    [ "$(job_json spawn .reason)" = spawn ]
    [ "$(job_json spawn .exit)" = null ]
    [ "$(job_json exit '.attempts | length')" = 1 ]
}

@test "delays grow by retry-backoff up to retry-max-delay" {
    cat > m.ini <<'END'
[job x]
type = io
exec = false
retries = 3
retry-delay = 100ms
retry-backoff = 3
retry-max-delay = 400ms
retry-jitter = 0
END
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    # between an attempt's end and the next one's start: at least 100, 300, 400 ms
    [ "$(job_json x '[.attempts as $a | range(3) |
        $a[. + 1].start_s - $a[.].start_s - $a[.].wall_s] |
        .[0] >= 0.0999 and .[1] >= 0.2999 and .[2] >= 0.3999 and .[2] < 3')" = true ]
}

@test "a job that waits for its next attempt holds no slot" {
    cat > m.ini <<'END'
[muster]
io-limit = 1

[job again]
type = io
command = echo "again $MUSTER_ATTEMPT" >> order; [ -e other ]
priority = 1
retries = 50
retry-delay = 100ms
retry-backoff = 1

[job other]
type = io
command = echo other >> order; : > other
END
    run --separate-stderr "$MUSTER" run m.ini
    [ "$status" -eq 0 ]
    [ "$(head -n 1 order)" = 'again 1' ]
}

@test "an attempt starts only when all of the one before is gone" {
    for lane in io cpu; do
        rm -f pid overlap
        cat > m.ini <<END
[job x]
type = $lane
command =
    [ ! -e pid ] || ! kill -0 "\$(cat pid)" 2>/dev/null || : > overlap
    rm -f pid
    $CHILDREN/daemonise pid
    exit 1
retries = 2
retry-delay = 1ms
kill-after = 100ms
END
        run --separate-stderr timeout 30 "$MUSTER" run m.ini
        [ "$status" -eq 1 ]
        [ -e pid ]
        [ ! -e overlap ]
    done
}

@test "max-retries is one budget for all jobs" {
    {
        printf '[muster]\nmax-retries = 5\n[defaults]\ntype = io\nexec = false\nretries = 3\nretry-delay = 1ms\n'
        for i in 1 2 3 4 5 6 7 8; do
            printf '[job j%d]\n' "$i"
        done
    } > m.ini
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(json .totals.retries)" = 5 ]
    [ "$(json '[.jobs[].attempts | length] | add')" = 13 ]
    [ "$(json '[.jobs[].reason] | unique | join(" ")')" = exit ]
}

@test "neither ok-exit nor skip-exit is tried again" {
    cat > m.ini <<'END'
[defaults]
type = io
retries = 3
retry-delay = 1ms

[job ok]
command = exit 4
ok-exit = 4

[job nothing]
command = exit 77
skip-exit = 77
END
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(json '[.jobs[] | .status, (.attempts | length)] | join(" ")')" = 'ok 1 skipped 1' ]
}

@test "ok-exit replaces the default: 0 is a failure then" {
    printf '[job x]\ntype = io\nexec = true\nok-exit = 3\n' > m.ini
    run --separate-stderr "$MUSTER" run m.ini
    [ "$status" -eq 1 ]
}

@test "a signal ends the wait for the next attempt" {
    cat > m.ini <<'END'
[job x]
type = io
command = : > tried; exit 1
retries = 9
retry-delay = 1h
retry-max-delay = 1h
END
    "$MUSTER" run --report json:results.json m.ini > out 2> err &
    muster=$!
    wait_for tried
    sleep 0.2 # its end has to be seen; too short a wait only tests the other case
    kill -TERM "$muster"
    await "$muster"
    [ "$status" -eq 143 ]
    [ "$(job_json x .status)" = cancelled ]
}
