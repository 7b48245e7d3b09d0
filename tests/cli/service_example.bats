#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# service_example: a real server as a service, by an example.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
    load server
    PATH=$PATH:/usr/sbin
    example=$(cd "$BATS_TEST_DIRNAME/../../examples" && pwd)/service.ini
    port=$(free_port)
    home=$(mktemp -d /tmp/muster-service-XXXXXX)
    chmod 755 "$home" # nginx gives up its rights where it has some
    site=$home/site
}

teardown() {
    end_background
    rm -rf "$home"
}

nothing_is_left() {
    [ ! -e "$site" ]
    not answers "$port"
    not pgrep -f "nginx.*$site"
}

@test "nginx is up for the jobs that use it, stopped behind the last, and nothing is left" {
    muster -o group -r json:results.json -D "PORT=$port" -D "DIR=$site" "$example"
    [ "$status" -eq 0 ]
    [ "$(json '[.jobs[].status] | unique | join(" ")')" = ok ]
    [ "$(job_json home .stdout)" = Hello ]
    [[ $stderr == *'--- server: cleanup ---
11
--- on-end ---
exit status 0, 5 ok, 0 failed, '* ]]
    nothing_is_left
}

@test "only some of what needs it" {
    muster -s pages -r json:results.json -D "PORT=$port" -D "DIR=$site" "$example" home
    [ "$status" -eq 0 ]
    nothing_is_left
}

@test "after an interruption, too, and after the deadline" {
    {
        cat "$example"
        printf '[job long]\nafter = server\ntype = io\ncommand = : > using; exec sleep 100\n'
    } > m.ini
    for how in INT:130 TERM:143 --deadline=3s:124; do
        rm -f using
        case $how in --*) options=${how%:*} ;; *) options= ;; esac
        # shellcheck disable=SC2086 # one, or none
        start -o group -D "PORT=$port" -D "DIR=$site" $options m.ini
        wait_for using
        [ "$options" ] || kill "-${how%:*}" "$muster"
        await "$muster"
        [ "$status" -eq "${how#*:}" ]
        [ "$(job_json server .status)" = cancelled ]
        grep -q "^exit status ${how#*:}, " err
        nothing_is_left
    done
}
