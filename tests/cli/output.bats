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

@test "live: whole lines as they come, names padded to the widest, a half line marked" {
    mkfifo gate
    manifest << 'END'
[defaults]
type = io
[job a]
command = echo one; printf 'tw'; cat gate; printf 'o\n\nhalf'
[job longer]
stderr = capture
command = echo out; echo err >&2; exit 3
END
    load events
    "$MUSTER" -o live m.ini > out 2> err &
    for _ in $(seq 200); do
        [ "$(grep -c . err)" -lt 3 ] || break
        sleep 0.05
    done
    [ "$(sort err)" = "$(printf 'a      | one\nlonger | err\nlonger | out')" ]
    echo > gate
    await $!
    [ "$status" -eq 1 ]
    [ "$(tail -n 4 err)" = "$(printf 'a      | tw\na      | o\na      | \na      | half [no newline]')" ]
    [ "$(wc -l < err)" -eq 7 ]
    grep -q '^longer .* exit 3$' out
}

@test "live: no line of eight writers is damaged" {
    manifest << 'END'
[defaults]
type = cpu
command = for i in 1 2 3 4 5 6 7 8 9 10; do head -c 65535 /dev/zero | tr '\0' "$C"; echo; done
END
    for i in a b c d e f g h; do printf '[job %s]\nenv.C = %s\n' $i $i; done >> m.ini
    "$MUSTER" -j 8 -o live m.ini 2> err > out
    [ "$(wc -l < err)" -eq 80 ]
    [ "$(tr -s a-h < err | grep -cE '^([a-h]) \| \1$')" -eq 80 ]
    [ "$(awk '{ print length }' err | sort -u)" = 65539 ]
}

@test "live: attempts before the last too, escapes visible on a terminal, with -q only what failed" {
    manifest << 'END'
[job flaky]
type = io
retries = 1
retry-delay = 10ms
command = printf 'try %s \033[31m\r\n' "$MUSTER_ATTEMPT"; test "$MUSTER_ATTEMPT" = 2
END
    muster -o live m.ini
    says "$(printf 'flaky | try 1 \033[31m\r\nflaky | try 2 \033[31m\r')"
    TERM=xterm script -qec "'$MUSTER' -o live m.ini" /dev/null > typed < /dev/null
    grep -qF 'flaky | try 1 \x1b[31m\x0d' typed
    muster -o live -q m.ini
    [ -z "$output$stderr" ]
    { printf '[muster]\noutput = live\n'; cat m.ini; } > key.ini
    muster key.ini
    [[ $stderr == 'flaky | try 1 '* ]]
}

@test "--log-dir: a file for each attempt and stream, and a list of them" {
    manifest << 'END'
[defaults]
type = io
[job a]
command = printf 'x\000\377'
[job b]
retries = 1
retry-delay = 10ms
stderr = capture
command = echo "out $MUSTER_ATTEMPT"; echo "err $MUSTER_ATTEMPT" >&2; test "$MUSTER_ATTEMPT" = 2
[job quiet]
type = cpu
exec = true
[job elsewhere]
stdout = file:there
command = echo there
END
    mkdir sub
    mv m.ini sub
    muster -l logs sub/m.ini
    [ "$status" -eq 0 ]
    [ "$(ls logs | tr '\n' ' ')" = 'a.1.log b.1.err.log b.1.log b.2.err.log b.2.log index.tsv quiet.1.log ' ]
    printf 'x\000\377' | cmp - logs/a.1.log
    [ "$(cat logs/b.1.log logs/b.1.err.log logs/b.2.log logs/b.2.err.log)" = "$(printf 'out 1\nerr 1\nout 2\nerr 2')" ]
    [ ! -s logs/quiet.1.log ]
    [ "$(head -n 1 logs/index.tsv)" = "$(printf 'FILE\tJOB\tATTEMPT\tSTREAM\tBYTES')" ]
    grep -qx "$(printf 'b.2.err.log\tb\t2\tstderr\t6')" logs/index.tsv
    # In the manifest, relative to its folder; and what was there is replaced.
    { printf '[muster]\nlog-dir = kept\n'; cat sub/m.ini; } > sub/key.ini
    muster -q sub/key.ini
    muster -q sub/key.ini
    [ "$(ls sub/kept | wc -l)" -eq 7 ]
    printf 'x\000\377' | cmp - sub/kept/a.1.log
}

@test "--log-dir: a log grows while its job runs; the output is exact however much there is" {
    mkfifo gate
    printf '[job a]\ntype = io\ncommand = echo first; cat gate; seq 2000000\n' > m.ini
    load events
    "$MUSTER" -l logs m.ini > out &
    for _ in $(seq 200); do
        [ "$(cat logs/a.1.log 2> /dev/null)" != first ] || break
        sleep 0.05
    done
    [ "$(cat logs/a.1.log)" = first ]
    echo > gate
    await $!
    [ "$status" -eq 0 ]
    cmp logs/a.1.log <(echo first; echo; seq 2000000)
}

@test "--log-dir: a folder that cannot be, a full disk" {
    printf '[job a]\ntype = io\ncommand = touch ran; head -c 300000 /dev/zero\n' > m.ini
    muster -l none/logs m.ini
    [ "$status" -eq 3 ]
    says 'muster: none/logs: No such file or directory; nothing was run'
    muster -l m.ini m.ini
    [ "$status" -eq 3 ]
    [ ! -e ran ]
    run --separate-stderr prlimit --fsize=100000 "$MUSTER" --no-history -l logs m.ini
    [ "$status" -eq 3 ]
    [[ $stderr == *'muster: logs: File too large'* ]]
    [ -e ran ]
}

@test "slow: a running job is pointed out, once an attempt, and not with -q" {
    manifest << 'END'
[defaults]
type = io
slow = 200ms
[job long]
retries = 1
retry-delay = 10ms
command = echo "at work"; until [ -e "go$MUSTER_ATTEMPT" ]; do sleep 0.02; done; test "$MUSTER_ATTEMPT" = 2
[job other]
type = cpu
slow = 1h
command = until [ -e go2 ]; do sleep 0.02; done
END
    load events
    "$MUSTER" m.ini > out 2> err &
    for attempt in 1 2; do
        for _ in $(seq 200); do
            [ "$(wc -l < err)" -lt "$attempt" ] || break
            sleep 0.05
        done
        touch "go$attempt"
    done
    await $!
    [ "$status" -eq 0 ]
    [ "$(grep -cE '^job long: slow, running for [0-9.]+s(: at work)?$' err)" -eq 2 ]
    [ "$(wc -l < err)" -eq 2 ]
    printf '[job a]\ntype = cpu\nslow = 20ms\ncommand = sleep 0.3\n' > q.ini
    muster -q q.ini
    [ -z "$output$stderr" ]
}
