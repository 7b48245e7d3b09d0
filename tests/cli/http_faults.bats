#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# http_faults: servers without manners; what of it is told, and which class of retry-on it is.
bats_require_minimum_version 1.5.0

load served

# fails URL WORDS STATUS: no whole answer comes, for that reason; the class is `http`.
fails() {
    cat > m.ini <<END
[defaults]
type = io
http = $1
timeout = 20s
retries = 1
retry-delay = 1ms
[job other]
retry-on = http:100-599 timeout signal spawn exit:0-255
[job class]
retry-on = http
END
    run --separate-stderr timeout 60 "$MUSTER" run --report table --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [[ "$output" == *"$2"* ]] || differ "$2" "$output"
    for job in other class; do
        [ "$(job_json $job '.status, .reason, .exit' | tr '\n' ' ')" = 'failed http null ' ]
        [ "$(job_json $job '.attempts[0].http_status')" = "$3" ]
    done
    [ "$(job_json other '.attempts | length')" = 1 ]
    [ "$(job_json class '.attempts | length')" = 2 ]
}

@test "a port that nobody listens at" {
    fails "http://127.0.0.1:$(free_port)/" 'no answer: Connection refused' null
}

@test "a name that does not resolve" {
    fails http://no-such-name.invalid/ 'no answer: Could not resolve host: no-such-name.invalid' null
}

@test "a connection that is closed in mid-header" {
    fails "$server/half-header" 'the connection was closed in the middle of the header' 200
}

@test "something that is no HTTP" {
    fails "$server/rubbish" 'no answer: ' null
}

@test "a chunk that is none" {
    fails "$server/bad-chunk" 'no whole answer: ' 200
    [ "$(job_json other .stdout)" = good ]
}

@test "a body that is shorter than was said" {
    fails "$server/short" 'no whole answer: ' 200
    [ "$(job_json other .stdout)" = 'only so much' ]
}

@test "a redirect loop" {
    fails "$server/loop" 'Maximum (10) redirects followed' 302
}

@test "a server that is silent, and one that drips, run into the timeout" {
    cat > m.ini <<END
[defaults]
type = io
timeout = 1500ms
[job silent]
http = $server/silent
[job drip]
http = $server/drip
END
    run --separate-stderr timeout 60 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    for job in silent drip; do
        [ "$(job_json $job '.status, .reason' | tr '\n' ' ')" = 'timeout timeout ' ]
        [ "$(job_json $job '.wall_s >= 1.5 and .wall_s < 4')" = true ]
    done
    [ "$(job_json drip .stdout)" = .. ]
}

@test "a status is retried where http:LIST has it" {
    cat > m.ini <<END
[defaults]
type = io
retries = 3
retry-delay = 1ms
retry-on = http:429,5xx
[job over]
http = $server/flaky/503/2
[job never]
http = $server/status/404
END
    run --separate-stderr timeout 60 "$MUSTER" run -v --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(job_json over '.flaky, (.attempts | length)' | tr '\n' ' ')" = 'true 3 ' ]
    [ "$(job_json over .stdout)" = 'at last' ]
    [ "$(job_json over '[.attempts[].http_status] | join(" ")')" = '503 503 200' ]
    [ "$(job_json never '.attempts | length')" = 1 ]
    [[ "$stderr" == *'job over: attempt 1 of 4: HTTP 503 Not Now, next in'* ]]
}

@test "Retry-After is heeded, as far as retry-max-delay goes" {
    cat > m.ini <<END
[defaults]
type = io
retries = 1
retry-delay = 1ms
[job heeded]
http = $server/flaky/503/1?1
[job bounded]
http = $server/flaky/429/1?3600
retry-max-delay = 300ms
END
    run --separate-stderr timeout 60 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(job_json heeded '.attempts[1].start_s - .attempts[0].start_s | . >= 1 and . < 3')" = true ]
    [ "$(job_json bounded '.attempts[1].start_s - .attempts[0].start_s | . >= 0.3 and . < 2')" = true ]
}

@test "1 GiB is captured whole, in bounded memory, and the loop does not wait for the disk" {
    cat > m.ini <<END
[job big]
type = io
http = $server/bytes/1073741824
timeout = 100s
END
    "$MUSTER" run --no-history --report json:results.json m.ini > out 2> err &
    pid=$!
    wait_until test -s requests
    most=0
    while rss=$(sed -n 's/^VmHWM:[[:blank:]]*\([0-9]*\).*/\1/p' "/proc/$pid/status" 2>/dev/null) &&
        [ "$rss" ]; do
        most=$rss
        sleep 0.05
    done
    await $pid
    [ "$status" -eq 0 ]
    [ "$(job_json big '.attempts[0].stdout_bytes')" = 1073741824 ]
    [[ "$(job_json big .stdout)" == *0123456789abcde ]]
    case $(ldd "$MUSTER") in *libasan* | *libtsan*) ;; *) [ "$most" -lt 48000 ] ;; esac
}

@test "a file that cannot be written fails the job" {
    printf '[job a]\ntype = io\nhttp = %s/bytes/200000\nstdout = file:/dev/full\n' "$server" > m.ini
    muster run --report table --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(job_json a .reason)" = http ]
    [[ "$output" == *'/dev/full: No space left on device'* ]]
}

@test "descriptors and connections do not pile up" {
    {
        printf '[defaults]\ntype = io\n'
        for i in $(seq 100); do
            for path in ok short loop half-header bad-chunk status/500; do
                printf '[job %s.%s]\nhttp = %s/%s\n' "${path%/*}" "$i" "$server" "$path"
            done
        done
        printf '[job last]\ncommand = ls /proc/%s/fd | wc -l\n' '$(sed -n "s/^PPid:.//p" /proc/$$/status)'
        printf 'priority = -1\n'
    } > m.ini
    run --separate-stderr timeout 60 "$MUSTER" run -i 4 --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(json .totals.ok)" = 101 ]
    [ "$(job_json last '.stdout | tonumber < 60')" = true ]
}

@test "with a rate and a breaker, a server that goes and comes back costs no job" {
    # Its port has to be the same again.
    cat > m.ini <<END
[limit api]
rate = 200/s
burst = 20
breaker = 5
cooldown = 200ms
[defaults]
type = io
limits = api
http = $server/ok
timeout = 20s
retries = 20
retry-delay = 50ms
retry-max-delay = 500ms
END
    for i in $(seq 600); do printf '[job w%s]\n' "$i"; done >> m.ini
    MUSTER_DEBUG=sched start m.ini
    wait_until has_lines 100 requests
    stop_server
    wait_until has_lines 3 err 'its circuit opens' # behind two probes again
    start_server --port "$port"
    await "$muster"
    [ "$status" -eq 0 ]
    [ "$(json .totals.ok)" = 600 ]
    [ "$(json '.totals.flaky >= 5')" = true ]
    # All that were open, 5 in a row and some probes: not one for each job that waited.
    [ "$(json '.totals.retries < 150')" = true ]
    [ "$(most_in_a_second)" -le 221 ] # what the rate gives, and the burst
}

@test "items under a rate and a breaker, while the server stops and comes back: all end ok" {
    cat > m.ini <<END
[limit api]
rate = 100/s
burst = 10
breaker = 3
cooldown = 100ms
[job get]
type = io
each.N.range = 1..150
http = $server/ok?{N}
limits = api
timeout = 20s
retries = 1000
retry-delay = 50ms
retry-backoff = 1
END
    MUSTER_DEBUG=sched start --report jsonl:events.jsonl m.ini
    wait_until has_lines 20 events.jsonl job-end
    stop_server
    wait_until grep -q 'circuit opens' err
    start_server --port "$port"
    await "$muster"
    [ "$status" -eq 0 ]
    [ "$(json '.totals | "\(.jobs) \(.ok)"')" = '150 150' ]
    [ "$(most_in_a_second)" -le 112 ] # what the bucket is filled with, and holds
}
