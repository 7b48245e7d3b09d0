#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# http: what an HTTP job sends, what becomes of the answer, and what counts as success.
bats_require_minimum_version 1.5.0

load served

# A manifest of one job `a`, with the lines given; run, with a report.
one() {
    printf '%s\n' '[job a]' 'type = io' 'timeout = 30s' "$@" > m.ini
    run --separate-stderr timeout 60 "$MUSTER" run --report json:results.json m.ini
}

@test "the answer's body is the output, and no process is started" {
    one "http = $server/ok"
    [ "$status" -eq 0 ]
    [ "$(job_json a .stdout)" = fine ]
    [ "$(job_json a '.exit, .signal, .reason, .worker' | sort -u)" = null ]
    [ "$(job_json a '.lane, .status' | tr '\n' ' ')" = 'io ok ' ]
    [ "$(job_json a '.attempts[0] | .http_status, .stdout_bytes, .max_rss' | tr '\n' ' ')" = '200 5 0 ' ]
    [ "$(job_json a '.attempts[0].http.status_line')" = 'HTTP/1.1 200 OK' ]
    [ "$(job_json a '.attempts[0].http | .received_bytes == 5 and .sent_bytes == 0 and
        .lookup_s > 0 and .connect_s >= .lookup_s and .first_byte_s > .connect_s and
        .tls_s == null')" = true ]
}

@test "the history keeps status, sizes and times of each attempt" {
    one "http = $server/missing" 'retries = 1' 'retry-delay = 0'
    [ "$status" -eq 1 ]
    attempts='[.jobs[].attempts[] | {http_status, http}]'
    muster show --report json
    [ "$(jq -c "$attempts" <<< "$output")" = "$(jq -c "$attempts" results.json)" ]
    one 'http = http://127.0.0.1:1/' # there is no answer
    muster show --report json
    [ "$(jq -c "$attempts" <<< "$output")" = "$(jq -c "$attempts" results.json)" ]
    one 'wait-for = file:m.ini'
    muster show --report json
    [ "$(jq -c '.jobs[0].attempts[0] | has("http")' <<< "$output")" = false ]
}

@test "method, headers and body are sent as they stand" {
    cat > m.ini <<END
[vars]
TOKEN = t0ken
[defaults]
type = io
http.header.X-First = weak
http.header.X-Second = kept {TOKEN}
[job get]
http = $server/echo?a=b%20c
http.header.x-first = strong
http.header.Accept =
[job post]
http = $server/echo
http.body =
  {"a": 1}
  two
http.header.Content-Type = application/json
[job put]
http = $server/echo
http.method = PUT
http.body =
[job delete]
http = $server/echo
http.method = DELETE
[job head]
http = $server/ok
http.method = HEAD
[job file]
http = $server/echo
http.body-file = m.ini
END
    run --separate-stderr timeout 60 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    sent=$(job_json get .stdout)
    [[ "$sent" == 'GET /echo?a=b%20c HTTP/1.1'$'\n'* ]]
    [[ "$sent" == *$'\n''x-first: strong'* ]]
    [[ "$sent" == *$'\n''X-Second: kept t0ken'* ]]
    [[ "$sent" == *$'\n''User-Agent: muster/'* ]]
    [[ "$sent" != *Accept:* ]]
    [[ "$sent" != *weak* ]]
    sent=$(job_json post .stdout)
    [[ "$sent" == 'POST /echo HTTP/1.1'* ]]
    [[ "$sent" == *'Content-Type: application/json'* ]]
    [[ "$sent" == *$'\n\n''{{"a": 1}'$'\n''two' ]] || [[ "$sent" == *$'\n\n''{"a": 1}'$'\n''two' ]]
    [[ "$(job_json put .stdout)" == 'PUT /echo HTTP/1.1'*'Content-Length: 0'* ]]
    [[ "$(job_json delete .stdout)" == 'DELETE /echo HTTP/1.1'* ]]
    [ "$(job_json head .stdout)" = '' ]
    [[ "$(job_json file .stdout)" == 'POST /echo'*"$(tail -n 2 m.ini)" ]]
}

@test "a large body is sent from its file, and again after a redirect that asks for it" {
    head -c 3000000 /dev/urandom > body
    sum=$(od -An -v -tu1 -w1 body | awk '{ n += $1 } END { print n }')
    cat > m.ini <<END
[defaults]
type = io
timeout = 60s
http.body-file = body
[job once]
http = $server/sum
[job again]
http = $server/repeat
END
    run --separate-stderr timeout 60 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(job_json once .stdout)" = "$sum" ]
    [ "$(job_json again .stdout)" = 3000000 ]
    [ "$(job_json again '.attempts[0].http.redirects')" = 1 ]
}

@test "the body goes to a file, to the end of one, or nowhere" {
    printf 'before\n' > end
    printf 'before, and longer than what follows\n' > whole
    cat > m.ini <<END
[defaults]
type = io
[job whole]
http = $server/ok
stdout = file:whole
[job end]
http = $server/ok
stdout = append:end
[job nowhere]
http = $server/bytes/100000
stdout = null
[job large]
http = $server/bytes/1000000
stdout = file:large
END
    run --separate-stderr timeout 60 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(cat whole)" = fine ]
    [ "$(cat end)" = "before"$'\n'"fine" ]
    [ "$(stat -c %s large)" -eq 1000000 ]
    [ "$(json '[.jobs[] | .stdout, .attempts[0].stdout_bytes] | unique | tojson')" = '[0,""]' ]
    # A missing folder is seen beforehand, else when the request would begin.
    printf '[job a]\ntype = io\nhttp = %s/ok\nstdout = file:gone/x\n[job b]\ntype = io\nexec = true\n' \
        "$server" > m.ini
    muster run m.ini
    [ "$status" -eq 2 ]
    printf 'after = b\n' | sed -i '4r /dev/stdin' m.ini
    muster run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(job_json a .reason)" = spawn ]
}

@test "http.expect says which statuses are success, and the reason which one came" {
    cat > m.ini <<END
[defaults]
type = io
[job default]
http = $server/status/404
[job expected]
http = $server/status/404
http.expect = 200 404
[job class]
http = $server/status/418
http.expect = 4xx
[job unexpected]
http = $server/ok
http.expect = 204
END
    run --separate-stderr timeout 60 "$MUSTER" run --report table --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(json '[.jobs[] | .status] | join(" ")')" = 'failed ok ok failed' ]
    [ "$(job_json default '.reason, .exit, .attempts[0].http_status' | tr '\n' ' ')" = 'http null 404 ' ]
    [[ "$output" == *'HTTP 404 Because'* ]]
    [[ "$output" == *'HTTP 200 OK'* ]]
    [[ "$stderr" == *'status 404'* ]] # the body of what failed is shown
}

@test "redirects are followed, ten of them, or as http.follow has it" {
    cat > m.ini <<END
[defaults]
type = io
[job ten]
http = $server/redirect/10
[job eleven]
http = $server/redirect/11
[job none]
http = $server/redirect/1
http.follow = 0
[job two]
http = $server/redirect/3
http.follow = 2
[job away]
http = $server/to-file
END
    run --separate-stderr timeout 60 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(json '[.jobs[] | .status] | join(" ")')" = 'ok failed failed failed failed' ]
    [ "$(job_json ten '.attempts[0] | .http_status, .http.redirects' | tr '\n' ' ')" = '200 10 ' ]
    [ "$(job_json none '.attempts[0].http_status')" = 302 ]
    [[ "$output" == *'Maximum (10) redirects followed'* ]]
    [[ "$(job_json away .stdout)" != *root:* ]]
}

@test "http.user is a variable of the job that holds name and password" {
    printf 'CRED=me:pass:word\n' > env
    cat > m.ini <<END
[defaults]
type = io
http = $server/login/me:pass:word
http.user = CRED
[job file]
env-file = env
[job wrong]
env.CRED = me:other
[job unset]
END
    run --separate-stderr env -u CRED timeout 60 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(job_json file .status)" = ok ]
    [ "$(job_json wrong '.reason, .attempts[0].http_status' | tr '\n' ' ')" = 'http 401 ' ]
    [ "$(job_json unset .reason)" = spawn ]
    [[ "$output" == *"http.user: the variable 'CRED' is not set"* ]]
    [[ "$output$stderr$(cat results.json)" != *pass:word* ]]
    CRED=me:pass:word muster run m.ini unset
    [ "$status" -eq 0 ]
}

@test ".netrc and proxies are used as curl would" {
    # The proxy sees the whole URL, which our server knows as an unknown path.
    printf 'machine 127.0.0.1 login me password word\n' > .netrc
    printf '[job a]\ntype = io\nhttp = %s/login/me:word\n' "$server" > m.ini
    HOME=$PWD muster run m.ini
    [ "$status" -eq 0 ]
    printf '[job a]\ntype = io\nhttp = http://nowhere.invalid/ok\nhttp.expect = 404\n' > m.ini
    http_proxy=$server muster run m.ini
    [ "$status" -eq 0 ]
    grep -qxF 'GET http://nowhere.invalid/ok HTTP/1.1' requests
}

@test "connections are kept, and many requests are at once" {
    {
        printf '[defaults]\ntype = io\nhttp = %s/ok\n' "$server"
        for i in $(seq 500); do printf '[job w%s]\n' "$i"; done
    } > m.ini
    "$MUSTER" run -i 8 --report json:results.json m.ini > out 2> err &
    pid=$!
    await $pid
    [ "$status" -eq 0 ]
    [ "$(json .totals.ok)" = 500 ]
    # Those that had to connect took some time for it.
    [ "$(json '[.jobs[].attempts[0].http.connect_s | select(. > 0)] | length <= 40')" = true ]
}

@test "a signal, a deadline and fail-fast end requests at once" {
    cat > m.ini <<END
[defaults]
type = io
[job silent]
http = $server/silent
[job drip]
http = $server/drip
stdout = file:drips
[job bad]
type = cpu
command = until [ "\$(cat drips)" ]; do sleep 0.05; done; exit 3
END
    run --separate-stderr timeout 30 "$MUSTER" run -x --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(json '[.jobs[].status] | join(" ")')" = 'cancelled cancelled failed' ]
    [[ "$(cat drips)" == .* ]]
    rm drips
    run --separate-stderr timeout 30 "$MUSTER" run --deadline 1s m.ini silent drip
    [ "$status" -eq 124 ]
    rm drips
    "$MUSTER" run m.ini silent drip > out 2> err &
    wait_until test -s drips
    kill -TERM $!
    await $!
    [ "$status" -eq 143 ]
}

@test "the sample of muster(5)" {
    sed -n '/sample http.ini/,/^\.Ed/p' "$SOURCE/man/muster.5" | sed '/^\./d' |
        sed "s/:8080/:$port/" > http.ini
    muster run http.ini
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [ "$(cat items.json)" = '[]' ]
    [ "$(cut -d' ' -f1,2 requests | tr '\n' ' ')" = 'GET /items?since=yesterday POST /notes ' ]
}

@test "secrets in URLs, headers and answers are masked wherever they show" {
    cat > m.ini <<END
[vars]
TOKEN = hunter2hunter2
[defaults]
type = io
secret = TOKEN CRED
http.header.Authorization = Bearer {TOKEN}
retries = 1
retry-delay = 1ms
[job echo]
http = $server/echo?key={TOKEN}
[job status]
http = $server/echo?key={TOKEN}
http.expect = 500
[job name]
http = http://{TOKEN}.invalid/
[job wait]
wait-for = http://{TOKEN}.invalid/
timeout = 200ms
[job user]
http = $server/login/me:swordfish1
http.user = CRED
http.header.Authorization =
END
    export CRED=me:swordfish1
    run --separate-stderr timeout 60 "$MUSTER" run -v --report table --report json:results.json \
        --report joblog:joblog --report jsonl:jsonl --output group m.ini
    [ "$status" -eq 1 ]
    [[ "$(job_json echo .stdout)" == 'GET /echo?key=*** HTTP/1.1'*'Bearer ***'* ]]
    [[ "$output" == *'Could not resolve host: ***.invalid'* ]]
    shown=$output$stderr$(cat results.json joblog jsonl)
    for verb in plan show; do
        muster $verb $([ $verb = show ] || echo m.ini)
        shown+=$output$stderr
    done
    shown+=$(sqlite3 "$XDG_STATE_HOME/muster/history.db" .dump)
    [[ "$shown" != *hunter2* ]]
    [[ "$shown" != *swordfish1* ]]
}
