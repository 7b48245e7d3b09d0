#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# pty: jobs that are given a terminal.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
}

# A job of both lanes with this in it; a report of how it went.
both_lanes() {
    {
        printf '[defaults]\npty = yes\n'
        cat
        printf '[job io]\ntype = io\n[job cpu]\ntype = cpu\n'
    } > m.ini
    muster --no-history -r json:results.json -o none "$@" m.ini
}

@test "standard output and error are a terminal, standard input is none, nor is there another" {
    both_lanes << 'END'
command = for fd in 0 1 2; do [ -t $fd ] && echo $fd; done; stty size <&1; (: < /dev/tty) 2>&1
END
    for lane in io cpu; do
        [ "$(job_json $lane .stdout | head -n 3)" = $'1\n2\n24 80' ]
        job_json $lane .stdout | grep -q '/dev/tty'
        [ "$(job_json $lane .status)" = failed ]
    done
    both_lanes <<< "exec = $CHILDREN/show-self"
    [ "$(job_json io .stdout)" = $'fds 0 1 2\nsession own\nnot-default\nblocked\ntty ENXIO' ]
}

@test "captured apart, each is a terminal of its own, and what is not captured is none" {
    both_lanes << 'END'
stderr = capture
command = [ -t 1 ] && echo out; [ -t 2 ] && echo err >&2
END
    for lane in io cpu; do
        [ "$(job_json $lane .stdout)" = out ]
        [ "$(job_json $lane .stderr)" = err ]
        [ "$(job_json $lane '.attempts[0].stderr_bytes')" -eq 4 ]
    done
    both_lanes << 'END'
stdout = file:out
stderr = capture
command = [ -t 1 ] || echo none; [ -t 2 ] && echo err >&2
END
    [ "$(cat out)" = none ]
    [ "$(job_json io .stderr)" = err ]
}

@test "every byte arrives as it was written, the last of many, too" {
    both_lanes << 'END'
command = printf '\001\002\003\004\177\021\023\032\r\n\n'; seq 100000; printf 'no end'
END
    for lane in io cpu; do
        [ "$(job_json $lane '.attempts[0].stdout_bytes')" -eq $((11 + 588895 + 6)) ]
        [[ $(job_json $lane .stdout) == *$'99999\n100000\nno end' ]]
    done
    "$MUSTER" --no-history -l logs -o none m.ini > out
    { printf '\001\002\003\004\177\021\023\032\r\n\n'; seq 100000; printf 'no end'; } > want
    cmp want logs/io.1.log
    cmp want logs/cpu.1.log
}

@test "what a job leaves behind is stopped and counted, limits hold" {
    both_lanes << 'END'
command = sleep 100 & setsid sleep 100 & echo left
END
    for lane in io cpu; do
        [ "$(job_json $lane '.status, .leftover, .stdout')" = $'ok\n2\nleft' ]
    done
    both_lanes << 'END'
timeout = 300ms
kill-after = 200ms
command = trap '' TERM HUP; echo begun; while :; do sleep 0.1; done
END
    for lane in io cpu; do
        [ "$(job_json $lane '.status, .stdout')" = $'timeout\nbegun' ]
    done
    # one that closes it goes on without
    both_lanes << 'END'
command = echo first; exec > /dev/null 2>&1; sleep 0.2; exit 3
END
    [ "$(job_json io '.exit, .stdout')" = $'3\nfirst' ]
}

@test "a secret is masked" {
    both_lanes << 'END'
secret = KEY
env.KEY = hidden-value
command = echo "it is $KEY"; printf 'hidden-'; sleep 0.05; echo value
END
    [ "$(job_json io .stdout)" = $'it is ***\n***' ]
}

@test "colours and progress survive on a terminal, other sequences do not" {
    manifest << 'END'
[job a]
type = io
pty = yes
command = printf '\033[32mgreen\033[m\n'; printf ' 10%%\r100%%\n'; printf '\033[2J\033[1mbold\n'
END
    for mode in live group; do
        TERM=xterm "$CHILDREN/terminal" 80x24 "$MUSTER" --no-history -o $mode m.ini > typed
        grep -qF $'\e[32mgreen\e[m' typed
        grep -qF '100%' typed
        not grep -qF ' 10%' typed
        grep -qF $'\\x1b[2J\e[1mbold' typed
        not grep -qF $'\e[2J' typed
        NO_COLOR=1 TERM=xterm "$CHILDREN/terminal" 80x24 "$MUSTER" --no-history --progress=never \
            -o $mode m.ini > typed
        grep -q green typed
        not grep -q $'\e' typed
    done
    # elsewhere nothing is changed
    "$MUSTER" --no-history -o group m.ini > out 2> err
    grep -qF $' 10%\r100%' err
    grep -qF $'\e[32mgreen\e[m' err
}

@test "it is as wide as muster's own" {
    manifest << 'END'
[job a]
type = io
pty = yes
command = stty size <&1
END
    "$CHILDREN/terminal" 132x43 "$MUSTER" --no-history -o group m.ini > typed
    grep -q '^43 132' typed
}
