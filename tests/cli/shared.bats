#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shared: limits that several jobs share.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
}

teardown() {
    [ -z "${server:-}" ] || kill "$server"
}

# A server that fails so many times; what it saw is in served, how to ask it in request.
serve() {
    "$CHILDREN/flaky-server" "$1" port > served 3>&- &
    server=$!
    wait_for port
    request="exec 5<>/dev/tcp/127.0.0.1/$(cat port)
    printf 'GET / HTTP/1.0\r\n\r\n' >&5
    read -r _ code _ <&5
    [ \"\$code\" = 200 ]"
}

@test "concurrency: no more at once, of both lanes together" {
    {
        printf '[muster]\ncpu-workers = 4\n[limit three]\nconcurrency = 3\n'
        printf '[defaults]\nlimits = three\ntimeout = 20s\ncommand =\n'
        printf '    %s\n' 'echo start >> log' ': > up.$MUSTER_JOB' \
            'until [ "$(ls up.* | wc -l)" -ge 3 ]; do sleep 0.02; done' 'echo end >> log'
        for i in 1 2 3 4 5 6; do
            printf '[job io%d]\ntype = io\n[job cpu%d]\ntype = cpu\n' $i $i
        done
    } > m.ini
    run --separate-stderr "$MUSTER" run m.ini
    [ "$status" -eq 0 ]
    [ "$(most_at_once log)" -eq 3 ]
    [ "$(grep -c end log)" -eq 12 ]
}

@test "a job that waits for a limit lets others pass that do not want it" {
    cat > m.ini <<'END'
[muster]
io-limit = 2
[limit lock]
concurrency = 1
[defaults]
type = io
limits = lock
timeout = 20s
[job first]
command = until [ -e passed ]; do sleep 0.02; done
[job second]
exec = true
[job third]
exec = true
[job free]
limits =
command = : > passed
END
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(json '[.jobs[] | {key: .name, value: .attempts[0].start_s}] | from_entries |
        .free < .second and .second < .third')" = true ]
}

@test "rate and burst: kept in every second, over all attempts, and used up" {
    {
        printf '[limit fifty]\nrate = 50/s\nburst = 10\n[limit five]\nconcurrency = 5\n'
        printf '[defaults]\ntype = io\nlimits = fifty five\n'
        printf 'retries = 1\nretry-delay = 1ms\ncommand = [ "$MUSTER_ATTEMPT" = 2 ]\n'
        printf '[job j%d]\n' $(seq 150)
    } > m.ini
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    json '.jobs[].attempts[].start_s' | sort -g > starts
    [ "$(wc -l < starts)" -eq 300 ]
    # the most starts in a second; the last of them after (300 - 10) / 50 s
    awk '{ t[NR] = $1; while (t[NR] - t[first + 1] > 1) first++
            if (NR - first > most) most = NR - first }
        END { print most, t[NR] - t[1] > "seen"; exit !(most <= 60 &&
            t[NR] - t[1] > 5.8 * 0.95 && t[NR] - t[1] < 5.8 * 1.05) }' starts || {
        cat seen >&2
        return 1
    }
}

@test "breaker: opens, one probe each cooldown, closes; all that waited end well" {
    serve 5
    {
        printf '[limit api]\nconcurrency = 1\nbreaker = 3\ncooldown = 400ms\n'
        printf '[defaults]\ntype = io\nlimits = api\nretries = 20\nretry-delay = 1ms\n'
        printf 'shell = /bin/bash -c\ncommand = %s\n' "$request"
        printf '[job j%d]\n' 1 2 3 4 5 6
    } > m.ini
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(json '[.jobs[].status] | unique | join(" ")')" = ok ]
    # five failures, of which the fourth and fifth were probes, and each job once well
    [ "$(cut -d ' ' -f 2 served | uniq -c | tr -s ' \n' ' ')" = ' 5 503 6 200 ' ]
    awk 'NR > 1 { print NR, $1 - last > "gaps" } { last = $1 }
        NR >= 4 && NR <= 6 { bad += $1 - before < 400 } { before = $1 }
        END { exit bad }' served || { cat gaps served >&2; return 1; }
    [ "$(json '[.jobs[].attempts | length] | add')" -eq 11 ]
}

@test "breaker-action = fail: what waits fails at once, without an attempt" {
    cat > m.ini <<'END'
[limit api]
concurrency = 1
breaker = 2
breaker-action = fail
[defaults]
type = io
limits = api
retries = 1
retry-delay = 1ms
exec = false
[job a]
[job b]
[job c]
type = cpu
[job after-c]
after = c
limits =
[job apart]
limits =
exec = true
END
    run --separate-stderr "$MUSTER" run --report table:table --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(json '[.jobs[] | "\(.status) \(.reason) \(.cause) \(.attempts | length)"] | join(", ")')" = \
        'failed breaker null 1, failed breaker null 1, failed breaker null 0, skipped dependency c 0, ok null null 1' ]
    grep -Eq '^c +cpu +- +failed +- .* circuit of limit api open$' table
    grep -Eq '^after-c .* because c failed$' table
}

@test "two limits at once are both kept, and no job waits in a circle" {
    {
        printf '[muster]\nio-limit = 40\n[limit a]\nconcurrency = 2\n[limit b]\nconcurrency = 1\n'
        printf '[defaults]\ntype = io\ncommand = for l in $L; do echo start >> $l; done; sleep 0.01; '
        printf 'for l in $L; do echo end >> $l; done\n'
        for i in $(seq 15); do
            printf '[job ab%d]\nenv.L = a b\nlimits = a b\n' "$i"
            printf '[job ba%d]\nenv.L = b\nlimits = b\n[job a%d]\nenv.L = a\nlimits = a\n' "$i" "$i"
        done
    } > m.ini
    run --separate-stderr timeout 60 "$MUSTER" run m.ini
    [ "$status" -eq 0 ]
    [ "$(most_at_once a)" -eq 2 ]
    [ "$(most_at_once b)" -eq 1 ]
    [ "$(grep -c start a)" -eq 30 ]
}

@test "a signal and a deadline end what waits for a limit" {
    cat > m.ini <<'END'
[limit hourly]
rate = 1/h
[defaults]
type = io
limits = hourly
command = : > up; sleep 60
[job a]
[job b]
END
    run --separate-stderr "$MUSTER" run --deadline 0.5s --report json:results.json m.ini
    [ "$status" -eq 124 ]
    [ "$(json '[.jobs[] | "\(.status) \(.reason) \(.attempts | length)"] | join(", ")')" = \
        'cancelled deadline 1, cancelled deadline 0' ]
    rm up
    "$MUSTER" run --report json:results.json m.ini 3>&- > /dev/null 2>&1 &
    pid=$!
    wait_for up
    kill -TERM "$pid"
    await "$pid"
    [ "$status" -eq 143 ]
    [ "$(json '[.jobs[] | "\(.status) \(.reason) \(.attempts | length)"] | join(", ")')" = \
        'cancelled cancelled 1, cancelled cancelled 0' ]
}

@test "plan shows the limits, and check refuses what nobody bears" {
    printf '[limit net]\nrate = 1/s\n[limit db]\nconcurrency = 1\n[job a]\ntype = io\nexec = true\nlimits = db net\n' > m.ini
    run --separate-stderr "$MUSTER" plan m.ini
    [ "$status" -eq 0 ]
    [[ "$output" == *'a   io   io   limit net, limit db -'* ]]
    run --separate-stderr "$MUSTER" plan --report json m.ini
    [ "$(jq -c '.jobs[0].limits' <<< "$output")" = '["net","db"]' ]
    sed -i 's/db net/bd net/' m.ini
    run --separate-stderr "$MUSTER" check m.ini
    [ "$status" -eq 2 ]
    [[ "$stderr" == "m.ini:8:10: error: limits: no limit 'bd'"* ]]
}

@test "memory: reserved as a whole, and never more than the machine has" {
    # in parts of what muster may use at most: the machine's and its cgroup's
    total=$(awk '/^MemTotal:/ { printf "%.0f", $2 * 1024 }' /proc/meminfo)
    {
        printf '[muster]\nio-limit = 8\n[defaults]\ntype = io\nmemory = %d\n' $((total * 3 / 10))
        printf 'command = echo start >> log; sleep 0.1; echo end >> log\n'
        printf '[job j%d]\n' 1 2 3 4 5 6 7
    } > m.ini
    run --separate-stderr "$MUSTER" run m.ini
    [ "$status" -eq 0 ]
    [ "$(most_at_once log)" -le 3 ]
    [ "$(grep -c end log)" -eq 7 ]
    printf '[job x]\ntype = io\nexec = true\nmemory = %d\n' $((total * 2)) > m.ini
    run --separate-stderr "$MUSTER" check m.ini
    [ "$status" -eq 2 ]
    [[ "$stderr" == 'm.ini:4:10: error: memory: '*' is more than this machine grants ('*')'* ]]
}
