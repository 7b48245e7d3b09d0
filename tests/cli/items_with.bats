#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# items_with: items together with what else a job may have.
bats_require_minimum_version 1.5.0

load background

@test "limits: concurrency, and a rate of which each item takes a token" {
    manifest <<'END'
[limit three]
concurrency = 3
[limit rate]
rate = 20/s
burst = 2
[defaults]
type = io
each.x.range = 1..12
[job a]
limits = three
timeout = 20s
command =
    echo start >> log; : > "up.$x"
    until [ "$(ls up.* | wc -l)" -ge 3 ]; do sleep 0.02; done; echo end >> log
[job b]
limits = rate three
command = true
END
    go
    [ "$status" -eq 0 ]
    is "$(most_at_once log)" 3
    is "$(grep -c end log)" 12
    # (12 - 2) / 20 s from the first to the last
    [ "$(json '[.jobs[] | select(.section == "b") | .attempts[0].start_s] | max - min > 0.4')" = true ]
}

@test "breaker: what is refused fails by its item's name" {
    manifest <<'END'
[limit api]
concurrency = 1
breaker = 2
breaker-action = fail
[job a]
type = io
each.x.range = 1..5
limits = api
command = [ "$x" -lt 2 ]
END
    go
    [ "$status" -eq 1 ]
    is "$(json '[.jobs[] | "\(.item) \(.status) \(.reason) \(.attempts | length)"] | join(", ")')" \
        '1 ok null 1, 2 failed exit 1, 3 failed exit 1, 4 failed breaker 0, 5 failed breaker 0'
}

@test "memory: reserved by each item" {
    total=$(awk '/^MemTotal:/ { printf "%.0f", $2 * 1024 }' /proc/meminfo)
    {
        printf '[job a]\ntype = io\neach.x.range = 1..7\nmemory = %d\n' $((total * 3 / 10))
        printf 'command = echo start >> log; sleep 0.1; echo end >> log\n'
    } > m.ini
    go
    [ "$status" -eq 0 ]
    [ "$(most_at_once log)" -le 3 ]
    is "$(grep -c end log)" 7
}

@test "cpus: the weight of a section is that of each of its items" {
    manifest <<'END'
[muster]
cpu-workers = 3
[job wide]
type = cpu
each.n = 1 2
cpus = 2
command = echo start >> log; echo start >> log; sleep 0.1; echo end >> log; echo end >> log
[job thin]
type = cpu
each.n = 1 2 3
command = echo start >> log; sleep 0.1; echo end >> log
END
    go
    [ "$status" -eq 0 ]
    [ "$(most_at_once log)" -le 3 ]
    is "$(grep -c end log)" 7
}

@test "type = auto: an item that computes counts in the CPU lane" {
    manifest <<END
[muster]
cpu-workers = 1
[job a]
type = auto
each.x = wait burn
command = if [ \$x = burn ]; then exec $CHILDREN/burn 2; else exec sleep 0.7; fi
[job next]
type = cpu
exec = true
END
    go --report table:table
    [ "$status" -eq 0 ]
    is "$(json '.jobs[] | "\(.name) \(.type) \(.lane)"')" 'a[wait] auto io
a[burn] auto cpu
next cpu cpu'
    grep -Eq '^a\[burn\] +auto +auto→cpu +ok ' table
}

@test "wait-for: each item waits for its own" {
    manifest <<'END'
[defaults]
type = io
timeout = 20s
each.x = one two
[job wait]
wait-for = file:up.{x}
[job make]
command = [ "$x" = one ] || until [ -e seen ]; do sleep 0.02; done; : > "up.$x"
[job then]
after = wait[*]
command = : > seen; echo "$x"
END
    go
    [ "$status" -eq 0 ]
    is "$(json '[.jobs[] | select(.section == "then") | .stdout] | join("")')" 'one
two'
}

@test "slow: by its value, with the name of the item" {
    manifest <<'END'
[job a]
type = io
each.t = 100ms 1h
slow = {t}
command = echo "at $t"; until [ -e go ]; do sleep 0.02; done
END
    "$MUSTER" m.ini > out 2> err &
    wait_until grep -q slow err
    : > go
    await $!
    [ "$status" -eq 0 ]
    grep -Eq '^job a\[100ms\]: slow, running for [0-9.]+s: at 100ms$' err
    is "$(grep -c slow err)" 1
}

@test "retries: an item's own, and between attempts it holds no place" {
    manifest <<'END'
[muster]
io-limit = 1
[job a]
type = io
each.x = one two
retries = 2
retry-delay = 300ms
retry-jitter = 0
command = echo "$x $MUSTER_ATTEMPT" >> log; [ "$x$MUSTER_ATTEMPT" != one1 ]
END
    go
    [ "$status" -eq 0 ]
    is "$(cat log)" 'one 1
two 1
one 2'
    is "$(json '.jobs[] | "\(.name) \(.flaky) \(.attempts | length)"')" 'a[one] true 2
a[two] false 1'
}

@test "log-dir: a file for each item, by its name, an escape for each odd byte" {
    long=$(printf 'x%.0s' $(seq 300))
    printf '%s\n' one '../a b' é "$long" > list
    manifest_of_lines 'stderr = capture' 'command = echo "$x"; echo "err $MUSTER_INDEX" >&2'
    muster -l logs m.ini
    [ "$status" -eq 0 ]
    is "$(ls logs | grep -v xxx)" 'a%5B%C3%A9%5D.1.err.log
a%5B%C3%A9%5D.1.log
a%5B..%2Fa%20b%5D.1.err.log
a%5B..%2Fa%20b%5D.1.log
a%5Bone%5D.1.err.log
a%5Bone%5D.1.log
index.tsv'
    is "$(cat logs/a%5B..%2Fa%20b%5D.1.log)" '../a b'
    is "$(cat logs/a%5Bone%5D.1.err.log)" 'err 0'
    is "$(cat logs/*xxx*.1.log)" "$long"
    is "$(sed 1d logs/index.tsv | cut -f 2 | sort -u | wc -l)" 4
}

@test "equal lines: the log of each, and of each the output in the history" {
    printf 'x\nx\n' > list
    manifest_of_lines 'command = echo "this is $MUSTER_INDEX"'
    muster -l logs m.ini
    [ "$status" -eq 0 ]
    is "$(cat logs/*.log | sort)" 'this is 0
this is 1'
    [ -e logs/a%5Bx%5D.1.log ]
    [ "$(echo logs/a%5Bx%5D%23[01].1.log | wc -w)" -eq 1 ]
    # by another run they are replaced
    muster -l logs m.ini
    is "$(sed 1d logs/index.tsv | cut -f 1 | sort -u | wc -l)" 2
    is "$(cat $(sed '1d; s/\t.*//; s,^,logs/,' logs/index.tsv) | sort)" 'this is 0
this is 1'
    is "$("$MUSTER" show -r json | jq -r '[.jobs[].stdout] | join("")')" 'this is 0
this is 1'
}

@test "history: a run's items are shown as they were told, and an item's output" {
    manifest <<'END'
[job a]
type = io
each.x = one two
command = echo "out $x"; echo "n=1" > "$MUSTER_OUTPUT"; [ "$x" = one ]
[job none]
type = io
each.x.glob = *.none
command = true
[job b]
type = io
after = a
command = true
END
    go
    [ "$status" -eq 1 ]
    muster show -r json
    is "$(jq -S 'del(.run)' <<< "$output")" "$(jq -S 'del(.run)' results.json)"
    muster show
    grep -q '^b .*because a\[two\] failed$' <<< "$output"
    muster show ':a[two]'
    prints 'out two'
    muster show ':a'
    [ "$status" -eq 2 ]
    muster history -r json
    is "$(jq -c '.runs[0].totals | [.jobs, .ok, .failed, .skipped]' <<< "$output")" '[4,1,1,2]'
}

@test "secrets: masked where an item's values have them, in names too" {
    manifest <<'END'
[muster]
log-dir = logs
[env]
PW = concealed-word
[defaults]
type = io
secret = PW FILED
[job a]
each.x = one two-concealed-word
env-file = {x}.env
command = echo "$x $FILED"; [ "$x" = one ]
[job b]
each.x = one two-concealed-word
after = a[*]
command = true
END
    echo 'FILED=filed-one' > one.env
    echo 'FILED=filed-two' > two-concealed-word.env
    for mode in 'live -v' group failed; do
        # shellcheck disable=SC2086 # words
        MUSTER_DEBUG=all muster run -o $mode m.ini
        [ "$status" -eq 1 ]
        grep -q '^b\[two-\*\*\*\] .*because a\[two-\*\*\*\] failed$' <<< "$output"
        [[ $output$stderr != *concealed* ]]
        [[ $output$stderr != *filed-* ]]
    done
    for format in json jsonl junit tap joblog markdown html trace prometheus; do
        muster run -r $format m.ini
        [ "$status" -eq 1 ]
        [ -n "$output" ]
        [[ $output$stderr != *concealed* ]]
        [[ $output$stderr != *filed-* ]]
    done
    muster run -r json m.ini
    is "$(jq -r '.jobs[] | "\(.name) \(.item) \(.stdout)"' <<< "$output" | tr -s '\n')" 'a[one] one one ***
a[two-***] two-*** two-*** ***
b[one] one 
b[two-***] two-*** '
    muster show
    [[ $output != *concealed* ]]
    is "$(grep -rl -e concealed -e filed- logs "$XDG_STATE_HOME")" ''
    run ls logs
    [[ $output != *concealed* ]]
}

@test "jobserver = pipe: the makes of items share the workers" {
    {
        printf 'all: %s\n%s:\n' "$(seq -s ' ' -f 't%g' 4)" "$(seq -s ' ' -f 't%g' 4)"
        printf '\t@echo start >> log; sleep 0.1; echo end >> log\n'
    } > Makefile
    manifest <<'END'
[muster]
cpu-workers = 2
[job a]
type = cpu
each.x = 1 2 3
jobserver = pipe
exec = make -s
END
    go
    [ "$status" -eq 0 ]
    is "$(most_at_once log)" 2
    is "$(grep -c end log)" 12
}

@test "a deadline ends a list that goes on for ever, and its cleanups run" {
    manifest <<'END'
[job a]
type = io
each.x.range = 1..1000000000
command = [ "$x" -lt 3 ] || { : > up; sleep 60; }
cleanup = echo "$MUSTER_STATUS" >> log
END
    go -i 2 --deadline 2s
    [ "$status" -eq 124 ]
    is "$(sort log | uniq -c | tr -s ' ')" ' 2 cancelled
 2 ok'
    is "$(json '[.jobs[].status] | unique | join(" ")')" 'cancelled ok'
}
