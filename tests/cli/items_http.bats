#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# items_http: requests of items: what is sent, and a server that goes and comes again.
bats_require_minimum_version 1.5.0

load served

@test "URL, headers and body have an item's values" {
    cat > m.ini <<END
[job a]
type = io
each.x = one two
each.y = 7
http = $server/echo/{x}?y={y}
http.header.X-Item = {x}-{y}
http.body = body of {x}
timeout = 20s
END
    go
    [ "$status" -eq 0 ]
    for x in one two; do
        sent=$(job_json "a[$x,7]" .stdout)
        [[ $sent == "POST /echo/$x?y=7 HTTP/1.1"* ]]
        grep -qi "^x-item: $x-7" <<< "$sent"
        grep -qx "body of $x" <<< "$sent"
    done
}

@test "a URL that is none fails its item alone" {
    printf '%s\n' "$server/ok" 'ftp://there/' > list
    cat > m.ini <<'END'
[job a]
type = io
each.url.lines = list
http = {url}
timeout = 20s
END
    go
    [ "$status" -eq 1 ]
    [ "$(json '[.jobs[] | "\(.status) \(.reason)"] | join(", ")')" = 'ok null, failed spawn' ]
}

@test "wait-for: of whatever kind an item's own is" {
    cat > m.ini <<END
[job a]
type = io
each.t = file:m.ini tcp:localhost:$port $server/ok rubbish
wait-for = {t}
timeout = 20s
END
    go
    [ "$status" -eq 1 ]
    [ "$(json '[.jobs[] | "\(.status) \(.reason)"] | join(", ")')" = \
        'ok null, ok null, ok null, failed spawn' ]
}

@test "a server that is away for a while: its circuit opens and closes, the rate is kept, all end well" {
    cat > m.ini <<END
[limit api]
rate = 100/s
burst = 10
breaker = 3
cooldown = 300ms
[job get]
type = io
each.n.range = 1..150
http = $server/ok/{n}
limits = api
retries = 50
retry-delay = 10ms
timeout = 20s
END
    start -v m.ini
    wait_until has_lines 40 requests
    stop_server
    wait_until has_lines 5 err 'next in' # so a probe has failed
    start_server --port "$port"
    await "$muster"
    [ "$status" -eq 0 ]
    [ "$(json '[.jobs[].status] | unique | join(" ")')" = ok ]
    [ "$(json '.jobs | length')" -eq 150 ]
    [ "$(json '.totals.flaky > 0')" = true ]
    [ "$(most_in_a_second)" -le 110 ] # the rate, and its burst
    # probes, with nothing beside them
    json '.jobs[].attempts[].start_s' | sort -g |
        awk 'NR > 1 && $1 - last > 0.29 { n++ } { last = $1 } END { exit n < 1 }'
}
