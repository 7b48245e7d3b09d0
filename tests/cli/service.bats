#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# service: jobs that stay up for others, until nothing needs them.
bats_require_minimum_version 1.5.0

load background

# A service `s`, of this lane, that ends well when it is told to, and writes down both.
service() {
    printf '[job s]\ntype = %s\nservice = yes\nready = file:up\ntimeout = 30s\n' "${1-io}"
    cat << 'END'
command = trap 'echo down >> log; exit 0' TERM
    echo $$ > pid; echo up >> log; : > up
    while :; do sleep 0.02; done
END
}

@test "a service is up before what comes after it, and down when all of that has ended" {
    {
        service
        printf '[job a]\ntype = cpu\nafter = s\ncommand = echo a >> log\n'
        printf '[job b]\ntype = io\nafter = a\ncommand = sleep 0.2; echo b >> log\n'
    } > m.ini
    muster -r json:results.json m.ini
    [ "$status" -eq 0 ]
    logged 'up
a
b
down'
    [ "$(job_json s '[.status, .reason, .exit] | tojson')" = '["ok",null,0]' ]
    gone "$(cat pid)"
}

@test "a line of its output makes it ready, in either lane, on standard error too" {
    for lane in io cpu; do
        rm -f log
        manifest << END
[job s]
type = $lane
service = yes
ready = line:^listening on [0-9]+\$
stderr = capture
command = echo 'listening on port'; sleep 0.2; echo 'ready' >> log; echo 'listening on 80' >&2; exec sleep 100
[job a]
type = io
after = s
command = echo a >> log
END
        muster -v m.ini
        [ "$status" -eq 0 ]
        logged 'ready
a'
        [[ $stderr == *'job s: ready after '* ]]
        [[ $stderr == *'job s: ok, '* ]]
    done
}

@test "a delay makes it ready, and without anything its start does" {
    manifest << 'END'
[defaults]
type = io
[job late]
service = yes
ready = delay:300ms
timeout = 10s
exec = sleep 100
[job at-once]
service = yes
exec = sleep 100
[job a]
after = late
command = true
[job b]
after = at-once
command = true
END
    muster -r json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(jq '[.jobs[] | select(.name == "late" or .name == "a") | .attempts[0].start_s] | .[1] - .[0] >= 0.29' results.json)" = true ]
    [ "$(job_json at-once .signal)" = 15 ]
}

@test "a port makes it ready" {
    load server
    port=$(free_port)
    manifest << END
[job s]
type = io
service = yes
ready = tcp:127.0.0.1:$port
timeout = 30s
command = sleep 0.2; exec python3 -m http.server --bind 127.0.0.1 $port
[job a]
type = io
after = s
command = python3 -c 'import socket; socket.create_connection(("127.0.0.1", $port))'
END
    muster m.ini
    [ "$status" -eq 0 ]
    not answers "$port"
}

@test "not ready in time: stopped, told why, tried again, and what comes after it is skipped" {
    manifest << END
[job s]
type = io
service = yes
ready = tcp:127.0.0.1:1
timeout = 500ms
kill-after = 200ms
retries = 1
retry-delay = 0
retry-on = timeout
command = echo x >> log; exec $CHILDREN/ignore-term
[job a]
type = io
after = s
command = : > ran
END
    muster -o none -r json:results.json m.ini
    [ "$status" -eq 1 ]
    says 'job s: not ready after 500ms (Connection refused), killed after 200ms more'
    logged 'x
x'
    [ ! -e ran ]
    [ "$(job_json s '[.status, .reason, .signal] | tojson')" = '["timeout","not-ready",9]' ]
    [ "$(job_json a '[.status, .reason, .cause] | tojson')" = '["skipped","dependency","s"]' ]
}

@test "an end before it is ready, or before it is told to, is a failure" {
    manifest << 'END'
[defaults]
type = io
[job early]
service = yes
ready = file:never
command = exit 0
[job a]
after = early
command = : > ran
[job dies]
service = yes
ready = file:up
command = : > up; until [ -e going ]; do sleep 0.02; done; exit 0
[job on]
after = dies
command = : > going; sleep 0.3; : > went-on
[job not-yet]
after = dies on
command = : > ran
[job mourner]
after = dies on
when = failure
command = : > mourned
END
    muster -r json:results.json m.ini
    [ "$status" -eq 1 ]
    [ ! -e ran ]
    [ -e went-on ] && [ -e mourned ]
    [ "$(job_json dies '[.status, .reason, .exit] | tojson')" = '["failed","exit",0]' ]
    [ "$(job_json on .status)" = ok ]
    [ "$(job_json not-yet .cause)" = dies ]
    [[ $output == *'exit 0 (a service has to stay up)'* ]]
}

@test "what nobody needs any more is not waited for" {
    manifest << 'END'
[defaults]
type = io
[job bad]
command = until [ -e up ]; do sleep 0.02; done; false
[job s]
service = yes
ready = file:never
command = : > up; exec sleep 100
[job a]
after = s bad
command = true
END
    muster -r json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(job_json s .status)" = ok ]
    [ "$(job_json a .cause)" = bad ]
}

@test "a service that is asked for alone is started, waited for and stopped" {
    {
        service
        printf '[job a]\ntype = io\nafter = s\ncommand = : > ran\n'
    } > m.ini
    muster -r json:results.json m.ini s
    [ "$status" -eq 0 ]
    logged 'up
down'
    [ ! -e ran ]
}

@test "interrupted, out of time, or after a failure: it is stopped, its cleanup runs, nothing is left" {
    for how in INT:130 TERM:143 --deadline=500ms:124 --fail-fast:1; do
        rm -rf log up pid using
        {
            service cpu
            printf 'cleanup = echo "clean $MUSTER_STATUS" >> log\n'
            printf '[job a]\ntype = io\nafter = s\ncommand = : > using; exec sleep 100\n'
            printf '[job bad]\ntype = io\nafter = s\ncommand = until [ -e using ]; do sleep 0.02; done; '
            case $how in --fail-fast*) echo false ;; *) echo exec sleep 100 ;; esac
        } > m.ini
        case $how in
        --*) start "${how%:*}" m.ini ;;
        *) start m.ini && wait_for using && kill "-${how%:*}" "$muster" ;;
        esac
        await "$muster"
        [ "$status" -eq "${how#*:}" ]
        logged 'up
down
clean cancelled'
        gone "$(cat pid)"
    done
}

@test "a run that is resumed has the services that it needs, and no others" {
    {
        printf '[defaults]\ntype = io\ncommand = echo "$MUSTER_JOB" >> log\n'
        service
        printf '[job t]\nservice = yes\ncommand = echo t >> log; exec sleep 100\n'
        printf '[job a]\nafter = s\n[job b]\nafter = a\ncommand = [ -e good ] && echo b >> log\n'
        printf '[job c]\nafter = t\n'
    } > m.ini
    muster m.ini
    [ "$status" -eq 1 ]
    rm -f log up
    : > good
    muster plan --resume m.ini
    [ "$(sed 1d <<< "$output" | cut -d' ' -f1 | tr '\n' ' ')" = 's b ' ]
    muster --resume -r json:results.json m.ini
    [ "$status" -eq 0 ]
    logged 'up
b
down'
    [ "$(json '[.jobs[] | .status] | join(" ")')" = 'ok resumed resumed ok resumed' ]
    muster --resume m.ini
    [ "$status" -eq 0 ]
    logged 'up
b
down'
}

@test "a service that ignores its stop-signal is killed, which is no failure" {
    manifest << END
[job s]
type = io
service = yes
kill-after = 200ms
ready = line:^ready$
exec = $CHILDREN/ignore-term
[job a]
type = io
after = s
command = true
END
    muster -r json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(job_json s '[.status, .signal] | tojson')" = '["ok",9]' ]
}

@test "when muster is killed, nothing of a service is left" {
    {
        printf '[job s]\ntype = io\nservice = yes\nready = file:up\n'
        printf 'command = echo $$ > pid; setsid sleep 100 & echo $! > daemon; : > up; wait\n'
        printf '[job a]\ntype = io\nafter = s\ncommand = : > using; exec sleep 100\n'
    } > m.ini
    start m.ini
    wait_for using
    kill -KILL "$muster"
    await "$muster"
    wait_until gone "$(cat pid)"
    wait_until gone "$(cat daemon)"
    rm -f up using
    sed -i 's/using; exec sleep 100/using/' m.ini
    muster --resume -r json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(json '[.jobs[] | .status] | join(" ")')" = 'ok ok' ]
}

@test "plan, list, history and show have it like any job" {
    manifest << 'END'
[job s]
type = io
service = yes
ready = line:^up$
command = echo up; exec sleep 100
[job a]
type = cpu
after = s
command = true
END
    muster list m.ini
    [ "$output" = $'s\na' ]
    muster plan --report json m.ini
    [ "$(jq -c '[.jobs[] | [.name, .wave, .after]]' <<< "$output")" = '[["s",0,[]],["a",1,["s"]]]' ]
    muster m.ini
    [ "$status" -eq 0 ]
    muster history --report json m.ini
    [ "$(jq -c '.runs[0].totals | [.ok, .jobs]' <<< "$output")" = '[2,2]' ]
    muster show --report json
    [ "$(jq -c '.jobs[0] | [.status, .reason, .signal, .stdout]' <<< "$output")" = '["ok",null,15,"up\n"]' ]
    muster show :s
    [ "$output" = up ]
}

@test "jobs that come after it have what came before it told, and do not wait for its own" {
    manifest << 'END'
[defaults]
type = io
[job before]
command = echo port=80 >> "$MUSTER_OUTPUT"
[job s]
service = yes
after = before
command = echo x=1 >> "$MUSTER_OUTPUT"; trap 'exit 0' TERM; : > up; while :; do sleep 0.02; done
ready = file:up
[job a]
after = s
command = echo "$MUSTER_OUT_before_port ${MUSTER_OUT_s_x-none}" > seen
END
    muster -r json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(cat seen)" = '80 none' ]
    [ "$(job_json s .outputs.x)" = 1 ]
}

@test "one that is up is not slow; services are stopped in reverse order" {
    manifest << 'END'
[defaults]
type = io
slow = 100ms
kill-after = 30s
[template up]
service = yes
ready = line:^up$
command =
    trap 'echo "$MUSTER_JOB" >> log; exit 0' TERM
    echo up
    while :; do sleep 0.02; done
[job base]
use = up
[job on-top]
use = up
after = base
[job a]
after = on-top
command = sleep 0.5
END
    muster m.ini
    [ "$status" -eq 0 ]
    logged 'on-top
base'
    [[ $stderr == *'job a: slow'* ]]
    [[ $stderr != *'job base'* ]]
    [[ $stderr != *'job on-top'* ]]
}

@test "items come after a service; when it dies, those that have not started do not" {
    {
        service
        printf '[job each]\ntype = cpu\nafter = s\neach.n = 1 2 3\ncommand = echo "$n" >> log\n'
    } > m.ini
    muster -j 1 m.ini
    [ "$status" -eq 0 ]
    logged 'up
1
2
3
down'
    manifest << 'END'
[defaults]
type = io
[job s]
service = yes
command = : > up; until [ -e using ]; do sleep 0.02; done
[job each]
type = cpu
after = s
each.n.range = 1..100
command = : > using; : > "ran-$n"; sleep 0.5
END
    muster -j 1 -r json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(echo ran-*)" = ran-1 ]
    [ "$(job_json 'each[1]' .status)" = ok ]
    [ "$(json '[.jobs[] | select(.cause == "s") | .status] | unique | tojson')" = '["skipped"]' ]
    [ "$(json '[.jobs[] | select(.status == "skipped")] | length')" -eq 99 ]
}
