#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# wait_for_url: jobs that wait until a URL is answered with 2xx.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
    load server
}

teardown() {
    stop_server
}

@test "a URL is waited for until it is answered with 2xx" {
    start_server
    cat > m.ini <<END
[defaults]
type = io
timeout = 20s
[job plain]
wait-for = $server/ok
[job prefixed]
wait-for = http:$server/status/204
[job later]
wait-for = $server/flaky/503/3
[job streams]
wait-for = $server/drip
END
    run --separate-stderr timeout 40 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(grep -c flaky requests)" -eq 4 ]
    [ "$(job_json streams '.wall_s < 1')" = true ]
    # 100 ms, then half as much again each time.
    [ "$(job_json later '.wall_s >= 0.47 and .wall_s < 5')" = true ]
}

@test "all else is asked again, redirects too, and the timeout says what it was" {
    start_server
    nobody=$(free_port)
    cat > m.ini <<END
[defaults]
type = io
timeout = 500ms
[job status]
wait-for = $server/status/500
[job redirect]
wait-for = $server/redirect/1
[job refused]
wait-for = http://127.0.0.1:$nobody/
[job closed]
wait-for = $server/half-header
[job silent]
wait-for = $server/silent
END
    run --separate-stderr timeout 40 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(json '[.jobs[].status] | unique | join(" ")')" = timeout ]
    [[ "$output" == *'(HTTP 500)'* ]]
    [[ "$output" == *'(HTTP 302)'* ]]
    [[ "$output" == *'(Connection refused)'* ]]
    [[ "$output" == *'(the connection was closed in the middle of the header)'* ]]
    [ "$(grep -c 'status/500' requests)" -ge 2 ]
}

@test "without libcurl the manifest is refused, with its place, and other jobs are not" {
    mkdir lib
    echo 'no library' > lib/libcurl.so.4
    printf '[job a]\ntype = io\nwait-for = http://localhost/\n' > m.ini
    LD_LIBRARY_PATH=lib muster check m.ini
    [ "$status" -eq 2 ]
    [[ "$stderr" == *'m.ini:3:12: error: wait-for: a URL needs libcurl: '*libcurl.so.4*' | '*'^~~'* ]]
    printf '[job a]\ntype = io\nwait-for = file:m.ini\n' > m.ini
    LD_LIBRARY_PATH=lib muster run m.ini
    [ "$status" -eq 0 ]
}

@test "a URL makes a service ready, and without it the service is not" {
    port=$(free_port)
    cat > m.ini <<END
[defaults]
type = io
[job server]
service = yes
ready = http://127.0.0.1:$port/
timeout = 20s
command = sleep 0.2; exec python3 -m http.server --bind 127.0.0.1 $port
[job page]
after = server
http = http://127.0.0.1:$port/m.ini
END
    run --separate-stderr timeout 40 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(job_json page .stdout)" = "$(cat m.ini)" ]
    sed -i "s|^ready = .*|&missing|; s/20s/2s/" m.ini
    run --separate-stderr timeout 40 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [[ $output == *'not ready after 2s (HTTP 404)'* ]]
    [ "$(job_json page .status)" = skipped ]
}
