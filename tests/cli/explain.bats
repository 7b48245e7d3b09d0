#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# explain: why jobs waited, were tried again, or did not run.
bats_require_minimum_version 1.5.0

setup() {
    load helper
}

# What is explained, with times as T.
explained() {
    local got
    got=$(sed -n '/^--- explain ---$/,$p' <<< "$stderr" | sed '1d; s/ [0-9][0-9.]*s / T /g')
    [ "$got" = "$1" ] || differ "$1" "$got"
}

@test "what each job waited for, in manifest order, with times" {
    manifest << 'END'
[muster]
cpu-workers = 1
[limit db]
concurrency = 1
[limit api]
rate = 20/s
burst = 1
[defaults]
type = io
[job last]
after = slow quick
command = true
[job slow]
command = sleep 0.3
[job quick]
command = true
[job one]
type = cpu
command = sleep 0.1
[job two]
type = cpu
command = true
[job reads]
limits = db
command = sleep 0.1
[job writes]
limits = db
command = true
[job asks]
limits = api
command = true
[job asks-again]
limits = api
command = true
[job server]
service = yes
ready = delay:100ms
exec = sleep 100
[job client]
after = server
command = true
END
    muster --explain m.ini
    [ "$status" -eq 0 ]
    explained 'job last: waited T for slow, the last of 2
job slow: started at once
job quick: started at once
job one: started at once
job two: waited T for a CPU worker (of 1)
job reads: started at once
job writes: waited T for limit db (concurrency 1)
job asks: started at once
job asks-again: waited T for limit api (rate 20/s)
job server: started at once
job client: waited T for service server to be ready'
    [[ $output == 'JOB '* ]]
    [[ $output != *waited* ]]
}

@test "why a job was tried again, and why it did not run" {
    manifest << 'END'
[limit frail]
breaker = 1
breaker-action = fail
cooldown = 1m
[defaults]
type = io
[job flaky]
retries = 3
retry-delay = 20ms
retry-jitter = 0
command = [ "$MUSTER_ATTEMPT" -gt 2 ] || exit 5
[job bad]
limits = frail
command = sleep 0.1; false
[job refused]
limits = frail
after = bad
when = always
command = true
[job because]
after = bad
command = true
[job because-of-that]
after = because
command = true
[job wanted]
command = true
[job unwanted]
after = wanted
when = failure
command = true
[job nor-this]
after = unwanted
command = true
[job chose]
skip-exit = 77
command = exit 77
END
    muster --explain m.ini
    [ "$status" -eq 1 ]
    explained 'job flaky: tried again T after attempt 1 of 4: exit 5
job flaky: tried again T after attempt 2 of 4: exit 5
job bad: started at once
job refused: waited T for bad
job refused: not started: circuit of limit frail open
job because: skipped because bad failed
job because-of-that: skipped because bad failed
job wanted: started at once
job unwanted: skipped: when = failure, and nothing that it comes after failed
job nor-this: skipped: unwanted was, by choice
job chose: skipped: its skip-exit has 77'
}

@test "what an earlier run has done is left out, and that is said" {
    manifest << 'END'
[defaults]
type = io
[job a]
command = true
[job b]
after = a
command = [ -e good ]
END
    muster --explain m.ini
    [ "$status" -eq 1 ]
    : > good
    muster --explain --resume m.ini
    [ "$status" -eq 0 ]
    explained 'job a: left out: an earlier run has done it
job b: started at once'
}

@test "items have lines of their own, in their order, and only so many" {
    manifest << 'END'
[muster]
cpu-workers = 2
[defaults]
type = cpu
[job first]
command = sleep 0.1
[job each]
after = first
each.x.range = 3..1
command = true
END
    muster --explain m.ini
    [ "$status" -eq 0 ]
    [[ $stderr == *'job first: started at once
job each: its items waited '*' for first
job each[3]: '*'
job each[2]: '*'
job each[1]: '* ]]
    printf '[job e]\ntype = io\neach.n.range = 1..10002\nwait-for = file:.\n' > m.ini
    muster --no-history --explain m.ini
    [ "$status" -eq 0 ]
    [[ $stderr == *'2 more items are not told of' ]]
    [ "$(grep -c '^job e\[' <<< "$stderr")" -eq 10000 ]
}

@test "who was stopped, and who not started" {
    manifest << 'END'
[defaults]
type = io
[job a]
command = sleep 100
[job b]
after = a
command = true
END
    muster --deadline=200ms --explain m.ini
    [ "$status" -eq 124 ]
    explained 'job a: stopped: run deadline of 200ms passed
job b: not started: run deadline of 200ms passed'
    sed -i 's/sleep 100/kill -INT $PPID; sleep 100/' m.ini
    env --default-signal=INT "$MUSTER" --explain m.ini > out 2> err || true
    [ "$(tail -n 2 err)" = 'job a: stopped: interrupted by SIGINT
job b: not started: interrupted by SIGINT' ]
}

@test "without it nothing is explained; plan takes it as run does" {
    printf '[job a]\ntype = io\ncommand = true\n' > m.ini
    muster m.ini
    [ "$status" -eq 0 ]
    [ "$stderr" = '' ]
    muster plan --explain m.ini
    [ "$status" -eq 0 ]
    [[ $output == 'JOB TYPE LANE '* ]]
    [ "$stderr" = '' ]
    muster check --explain m.ini
    [ "$status" -eq 2 ]
}

@test "tasks wait for a process of their worker" {
    cp "$BATS_TEST_DIRNAME/worker.py" .
    manifest << 'END'
[muster]
cpu-workers = 2
[worker w]
command = exec python3 worker.py
count = 1
[defaults]
type = cpu
worker = w
[job a]
task = sleep:0.1
[job b]
task = pid:
END
    muster --explain m.ini
    [ "$status" -eq 0 ]
    explained 'job a: started at once
job b: waited T for a process of worker w (1 at once)'
}
