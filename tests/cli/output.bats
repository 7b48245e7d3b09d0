#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# output: what of the jobs' output is shown, where, and what -q and -v make of it.
bats_require_minimum_version 1.5.0

setup() {
    load helper
}

@test "failed: the last 50 lines of a job that failed, when it fails; nothing of others" {
    manifest << 'END'
[defaults]
type = io
[job good]
command = echo never shown
[job bad]
command = seq 100; exit 3
END
    muster m.ini
    [ "$status" -eq 1 ]
    says "--- bad: exit 3 (last 50 lines) ---
$(seq 51 100)"
    [[ $output != *shown* ]]
}

@test "failed: a short output has no such words, a last line without end gets one" {
    manifest << 'END'
[job bad]
type = cpu
command = printf 'a\nb'; exit 1
[job more]
type = io
after = bad
when = always
command = echo c; exit 2
END
    "$MUSTER" m.ini > out 2> err || true
    [ "$(cat err)" = $'--- bad: exit 1 ---\na\nb\n--- more: exit 2 ---\nc' ]
}

@test "failed: of the last attempt only, and of a job that timed out" {
    manifest << 'END'
[defaults]
type = io
[job tried]
retries = 2
retry-delay = 10ms
command = echo attempt $MUSTER_ATTEMPT; exit 1
[job late]
after = tried
when = always
timeout = 200ms
command = echo before the end; sleep 20
END
    muster m.ini
    [ "$status" -eq 1 ]
    says '--- tried: exit 1 ---
attempt 3
job late: timed out after 200ms
--- late: timeout ---
before the end'
}

@test "failed: what is apart comes standard output first" {
    manifest << 'END'
[job bad]
type = io
stderr = capture
command = echo second >&2; echo first; exit 1
END
    muster m.ini
    says $'--- bad: exit 1 ---\nfirst\nsecond'
}

@test "stdout and stderr in one pipe keep their order" {
    manifest << 'END'
[job bad]
type = io
command = for i in 1 2 3; do echo out $i; echo err $i >&2; done; exit 1
END
    muster m.ini
    says $'--- bad: exit 1 ---\nout 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3'
}

@test "what a job writes elsewhere is not shown" {
    manifest << 'END'
[job bad]
type = io
stdout = file:out
stderr = null
command = echo to file; echo to nowhere >&2; exit 1
END
    muster m.ini
    [ "$status" -eq 1 ]
    says ''
    [ "$(cat out)" = 'to file' ]
}

@test "group: each job's output whole, never mixed" {
    for i in 1 2 3 4 5 6 7 8; do
        printf '[job j%d]\ntype = %s\ncommand = for i in $(seq 80); do echo "%d $(seq -s. 200)"; done\n' \
            "$i" "$([ $((i % 2)) = 0 ] && echo io || echo cpu)" "$i"
    done > m.ini
    "$MUSTER" -o group m.ini > out 2> err
    [ "$(grep -c '^--- j[1-8]: ok ---$' err)" -eq 8 ]
    [ "$(wc -l < err)" -eq 648 ]
    # behind each header 80 whole lines of that very job
    awk -v want="$(seq -s. 200)" '
        /^---/ { job = substr($2, 2, 1); next }
        $1 != job || $2 != want { wrong = 1 }
        END { exit wrong }' err
}

@test "group, by the manifest's key, and the option over it" {
    printf '[muster]\noutput = group\n[job x]\ntype = io\ncommand = echo text\n' > m.ini
    muster m.ini
    says $'--- x: ok ---\ntext'
    muster -o failed m.ini
    says ''
}

@test "none: nothing" {
    printf '[job x]\ntype = io\ncommand = echo text; exit 1\n' > m.ini
    muster --output=none m.ini
    [ "$status" -eq 1 ]
    says ''
}

@test "the last byte of every job is there" {
    for i in $(seq 300); do
        printf '[job j%d]\ntype = %s\ncommand = echo line of %d\n' "$i" \
            "$([ $((i % 2)) = 0 ] && echo io || echo cpu)" "$i"
    done > m.ini
    "$MUSTER" -o group m.ini > out 2> err
    [ "$(grep -c '^line of' err)" -eq 300 ]
}

@test "an output larger than memory is shown and counted to the byte" {
    printf '[job x]\ntype = cpu\ncommand = seq 200000\n' > m.ini
    "$MUSTER" -o group -r json:r.json m.ini > out 2> err
    seq 200000 > want
    sed 1d err | cmp - want
    [ "$(jq '.jobs[0].attempts[0].stdout_bytes' r.json)" -eq "$(wc -c < want)" ]
    [ "$(jq -j '.jobs[0].stdout' r.json)" = "$(tail -c 65536 want)" ]
}

@test "a very large output is shown to the byte on a file, at a file's end and on a pipe" {
    printf '[job x]\ntype = io\ncommand = seq 6000000\n' > m.ini
    seq 6000000 > want
    "$MUSTER" -o group -r json:r.json m.ini > out 2> err
    sed 1d err | cmp - want
    [ "$(jq '.jobs[0].attempts[0].stdout_bytes' r.json)" -eq "$(wc -c < want)" ]
    [ "$(jq -j '.jobs[0].stdout' r.json)" = "$(tail -c 65536 want)" ]
    echo before > err
    "$MUSTER" -o group m.ini > out 2>> err
    sed 1,2d err | cmp - want
    "$MUSTER" -o group m.ini 2>&1 > out | sed 1d | cmp - want
}

@test "no room for a job's output: it goes on, what is lost is marked, exit 3" {
    printf '[job x]\ntype = cpu\ncommand = seq 200000; : > done\n' > m.ini
    run --separate-stderr prlimit --fsize=100000 "$MUSTER" -r json m.ini
    [ "$status" -eq 3 ]
    [ -e done ]
    jq -e '.run.exit == 3 and .jobs[0].status == "ok"' <<< "$output"
    jq -e '.jobs[0].stdout | endswith("[output lost: File too large]\n")' <<< "$output"
    says 'muster: output of job x: File too large'
}

@test "a line that never ends is not shown without an end" {
    printf '[job x]\ntype = cpu\ncommand = head -c 3000000 /dev/zero | tr "\\0" x; exit 1\n' > m.ini
    "$MUSTER" m.ini > out 2> err || true
    [ "$(wc -c < err)" -lt 1100000 ]
    [ "$(wc -c < err)" -gt 1000000 ]
}

@test "bytes are not changed on a pipe" {
    printf '[job x]\ntype = io\ncommand = printf "\\033[31m\\377\\r\\n"; exit 1\n' > m.ini
    "$MUSTER" m.ini > out 2> err || true
    sed 1d err > got
    printf '\033[31m\377\r\n' | cmp - got
}

@test "on a terminal control characters are made visible" {
    printf '[job x]\ntype = io\ncommand = printf "\\033[31m\\r\\n"; exit 1\n' > m.ini
    script -qec "'$MUSTER' --color=never m.ini" /dev/null > typed < /dev/null || true
    grep -qF '\x1b[31m\x0d' typed
    ! grep -q "$(printf '\033')\\[31m" typed
}

@test "-q: no word when all went well" {
    printf '[job x]\ntype = io\ncommand = echo text\n[job may]\ntype = io\nallow-failure = yes\ncommand = echo text; exit 1\n' > m.ini
    muster -q m.ini
    [ "$status" -eq 0 ]
    prints ''
    says ''
    muster -q -o group m.ini
    prints ''
    says ''
}

@test "-q: a report that was asked for is written all the same" {
    printf '[job x]\ntype = io\ncommand = true\n' > m.ini
    muster -q -r json m.ini
    jq -e '.totals.ok == 1' <<< "$output"
    muster -q -r json:r.json m.ini
    prints ''
    jq -e '.totals.ok == 1' r.json
}

@test "-q: after a failure the failed rows and their output" {
    manifest << 'END'
[defaults]
type = io
[job good]
command = echo quiet
[job bad]
command = echo loud; exit 3
END
    muster -q m.ini
    [ "$status" -eq 1 ]
    says $'--- bad: exit 3 ---\nloud'
    [[ $output == *$'\n'bad* ]]
    [[ $output != *$'\n'good* ]]
}

@test "-v: a line for every start, retry and end" {
    manifest << 'END'
[job first]
type = cpu
retries = 1
retry-delay = 10ms
command = [ $MUSTER_ATTEMPT = 2 ]
[job second]
type = io
after = first
command = exit 3
[job third]
type = io
after = second
command = true
END
    muster -v m.ini
    [ "$status" -eq 1 ]
    got=$(sed -E 's/pid [0-9]+/pid N/; s/[0-9.]+s$/Ts/' <<< "$stderr")
    [ "$got" = 'job first: started, cpu lane, slot 0, pid N, attempt 1 of 2
job first: attempt 1 of 2: exit 1, next in Ts
job first: started, cpu lane, slot 0, pid N, attempt 2 of 2
job first: flaky, Ts
job second: started, io lane, slot 0, pid N
job second: failed: exit 3, Ts
job third: skipped: because second failed' ] || differ '' "$got"
}
