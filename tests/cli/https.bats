#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# https: certificates made here, trusted by http.ca-file, and refused without.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
    load server
}

teardown() {
    stop_server
}

# certificate NAME ADDRESS: NAME.pem and its key, signed by itself.
certificate() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$1" \
        -addext "subjectAltName = $2" -keyout "$1.key" -out "$1.pem" 2> openssl.log
}

@test "a certificate is verified by http.ca-file, and refused without" {
    certificate ours IP:127.0.0.1
    certificate other IP:127.0.0.1
    start_server --cert ours.pem --key ours.key
    cat > m.ini <<END
[defaults]
type = io
timeout = 20s
http = https://127.0.0.1:$port/ok
retries = 1
retry-delay = 1ms
[job trusted]
http.ca-file = ours.pem
[job unknown]
retry-on = http
[job another]
http.ca-file = other.pem
retry-on = http:100-599
END
    run --separate-stderr timeout 60 "$MUSTER" run --report table --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(json '[.jobs[] | .status] | join(" ")')" = 'ok failed failed' ]
    [ "$(job_json trusted .stdout)" = fine ]
    [ "$(job_json trusted '.attempts[0].http | .tls_s > .connect_s and .first_byte_s > .tls_s')" = true ]
    [ "$(job_json unknown '.reason, .attempts[0].http_status, (.attempts | length)' |
        tr '\n' ' ')" = 'http null 2 ' ]
    [ "$(job_json another '.attempts | length')" = 1 ]
    [[ "$output" == *'no answer: SSL certificate problem: self-signed certificate'* ]]
}

@test "a certificate of another host is refused" {
    certificate elsewhere DNS:elsewhere.example
    start_server --cert elsewhere.pem --key elsewhere.key
    cat > m.ini <<END
[job a]
type = io
timeout = 20s
http = https://127.0.0.1:$port/ok
http.ca-file = elsewhere.pem
END
    muster run --report table --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(job_json a .reason)" = http ]
    [[ "$output" == *"no answer: SSL: no alternative certificate subject name matches target"* ]]
}

@test "a server without TLS, and one that wants it" {
    certificate ours IP:127.0.0.1
    start_server
    plain=$port
    plain_pid=$server_pid
    start_server --cert ours.pem --key ours.key
    cat > m.ini <<END
[defaults]
type = io
timeout = 20s
[job tls]
http = https://127.0.0.1:$plain/ok
[job plain]
http = http://127.0.0.1:$port/ok
END
    muster run --report table --report json:results.json m.ini
    kill "$plain_pid"
    [ "$status" -eq 1 ]
    [ "$(json '[.jobs[] | .reason] | join(" ")')" = 'http http' ]
}
