#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# progress: how a run stands, on terminals, in logs, and where nobody wants to know.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
    export TERM=xterm-256color
    unset XTERM_VERSION TMUX
}

teardown() {
    end_background # a terminal that goes away takes what is on it with it
}

# Runs muster on a terminal of its own of that size, in the background: what it writes
# goes to `typed`, `keys` is typed, `again` makes it another size.
on_terminal() {
    "$CHILDREN/terminal" "$1" "${@:2}" > typed 2>&3 &
    terminal=$!
}

# What has been drawn last has this in it, colours apart.
drawn() {
    tail -c 3000 typed | sed 's/\x1b\[[0-9;]*m//g' | grep -qF -- "$1"
}

# What is there in the end, or so far, on a screen of so many columns.
screen() {
    python3 "$BATS_TEST_DIRNAME/screen.py" "$1" < typed > lines
    cat lines
}

# Some jobs that end once the file `go` is there, and two that have ended by then.
waiting_jobs() {
    manifest << END
[muster]
io-limit = 3
cpu-workers = 2
[defaults]
type = io
[job quick]
command = exit 0
[job bad]
after = quick
command = echo a line; exit 3
[template waits]
command = until [ -e go ]; do sleep 0.02; done$1
[job download-everything]
use = waits
[job compile]
use = waits
type = cpu
[job last]
after = compile
command = exit 0
END
}

@test "on a terminal: counts, lanes, what runs for longest; all gone in the end" {
    waiting_jobs
    on_terminal 90x24 "$MUSTER" --no-history m.ini
    wait_until drawn '2/5 done'
    drawn 'I/O 1/3 [###-------]  CPU 1/2 [#####-----]'
    drawn 's  I/O  download-everything'
    drawn 's  CPU  compile'
    grep -qF $'\e[31m1 failed\e[m' typed
    drawn '2 running  1 waiting'
    # below what was written, which is whole
    [ "$(screen 90 | head -n 2)" = $'--- bad: exit 3 ---\na line' ]
    [[ $(screen 90 | sed -n 3p) == *'2/5 done  1 failed  2 running  1 waiting'* ]]
    [ "$(screen 90 | wc -l)" -eq 6 ]
    touch go
    await $terminal
    [ "$status" -eq 1 ]
    [ "$(screen 90 | head -n 2)" = $'--- bad: exit 3 ---\na line' ]
    [[ $(screen 90 | sed -n 3p) == 'JOB '* ]]
    screen 90 > shown
    not grep -E ' done|I/O [0-9]*/|running' shown
}

@test "on a terminal: lines of jobs scroll above it, whole" {
    manifest << 'END'
[defaults]
type = io
command = for i in 1 2 3 4 5 6 7 8; do echo "$MUSTER_JOB says $i"; sleep 0.1; done
[job a]
[job b]
[job c]
END
    on_terminal 60x24 "$MUSTER" -o live -r jsonl --no-history m.ini
    await $terminal
    [ "$status" -eq 0 ]
    grep -qF ' running ' typed
    for job in a b c; do
        [ "$(screen 60 | sed -n "s/^$job | $job says //p" | tr '\n' ' ')" = '1 2 3 4 5 6 7 8 ' ]
    done
    # events go to the same terminal: they are as whole
    [ "$(tr -d '\r' < typed | grep -oE '\{"event":"[a-z-]*".*\}$' | jq -r .event | sort | uniq -c |
        awk '{ print $1 $2 }' | tr '\n' ' ')" = '3job-end 3job-start 1run-end 1run-start ' ]
    screen 60 > shown
    not grep -E 'done|CPU [0-9]' shown
}

@test "with -v each line is written at once, so that nothing is drawn amid one" {
    manifest << 'END'
[defaults]
type = io
[job tried]
retries = 1
retry-delay = 1ms
command = [ $MUSTER_ATTEMPT = 2 ]
[job leaves]
command = sleep 30 & exit 0
END
    # a pipe of which a read has what one write wrote
    python3 - "$MUSTER" << 'END' > written
import os, subprocess, sys
out, into = os.pipe2(os.O_DIRECT)
muster = subprocess.Popen([sys.argv[1], "-v", "--no-history", "m.ini"],
                          stdout=subprocess.DEVNULL, stderr=into)
os.close(into)
while part := os.read(out, 65536):
    print(part.decode().replace("\n", "$"))
sys.exit(muster.wait())
END
    grep -qx 'job tried: started, io lane, slot [0-9]*, pid [0-9]*, attempt 1 of 2\$' written
    grep -qx 'job tried: flaky, .*s\$' written
    grep -qx 'job leaves: ok, .*s, 1 left process stopped\$' written
    not grep -v '\$$' written
}

@test "on a terminal: it gets narrower, and wider again" {
    waiting_jobs
    on_terminal 100x24 "$MUSTER" --no-history m.ini
    wait_until drawn '2/5 done'
    echo 40x24 > again
    wait_until drawn $'\e[2KI/O 1/3  CPU 1/2'
    echo 70x6 > again # three lines of it are the area's
    wait_until drawn 'CPU 1/2 [#####-----]'
    touch go
    await $terminal
    [ "$status" -eq 1 ]
    grep -qF $'2/5 done  \e[31m1 failed\e[m  2 running' typed
}

@test "on a terminal: NO_COLOR draws without colours" {
    waiting_jobs
    NO_COLOR=1 on_terminal 90x24 "$MUSTER" --no-history m.ini
    wait_until drawn '1 failed  2 running'
    touch go
    await $terminal
    not grep -q $'\e\[[0-9;]*m' typed
}

@test "on a terminal: Ctrl-Z takes it away, fg brings it back" {
    waiting_jobs
    PS1='$ ' on_terminal 90x24 bash --norc --noprofile --noediting -i
    wait_until drawn '$ '
    printf '%s\n' "'$MUSTER' --no-history m.ini" > keys
    wait_until drawn '2/5 done'
    printf '\032' > keys
    wait_until drawn Stopped
    screen 90 > stopped
    not grep -qE '/5 done|I/O 1/3' stopped
    grep -qF 'a line' stopped
    before=$(wc -c < typed)
    printf 'fg\n' > keys
    back() { tail -c +"$before" typed | grep -qF '2/5 done'; }
    wait_until back
    touch go
    ended() { tail -c +"$before" typed | grep -qF '5 jobs: '; }
    wait_until ended
    printf 'exit\n' > keys
    await $terminal
    screen 90 > shown
    not grep -E '/5 done|I/O 1/3' shown
}

@test "on a terminal: nothing is drawn from the background of a shell" {
    waiting_jobs
    PS1='$ ' on_terminal 90x24 bash --norc --noprofile --noediting -i
    wait_until drawn '$ '
    printf '%s\n' "'$MUSTER' --no-history -v m.ini &" > keys
    wait_until drawn 'job compile: started'
    sleep 0.5 # there is time to draw
    touch go
    wait_until drawn '5 jobs: '
    printf 'exit\n' > keys
    await $terminal
    not grep -qE 'I/O [0-9]*/' typed
}

@test "on a terminal: Ctrl-C takes it away, and the table is there" {
    waiting_jobs
    on_terminal 90x24 "$MUSTER" --no-history m.ini
    wait_until drawn '2/5 done'
    printf '\003' > keys
    await $terminal
    [ "$status" -eq 130 ]
    screen 90 | grep -q 'stopped by SIGINT'
    screen 90 > shown
    not grep -E '/5 done|I/O [0-9]*/' shown
}

@test "on a terminal: one that is stuck holds nothing" {
    waiting_jobs
    on_terminal 90x24 sh -c "'$MUSTER' --no-history -o none m.ini > out; echo \$? > ended"
    wait_until drawn '2/5 done'
    printf '\023' > keys # ^S
    wait_until not test -e keys
    sleep 0.3 # there is time to get stuck
    touch go
    wait_for ended
    grep -q '^5 jobs: ' out
    printf '\021' > keys # ^Q
    await $terminal
}

@test "on a terminal: a name is fit for it" {
    manifest << 'END'
[job x]
type = io
timeout = 20s
command = printf '\033[2J\033]0;evil\007'; until [ -e go ]; do sleep 0.02; done; exit 1
END
    on_terminal 60x24 "$MUSTER" --no-history m.ini
    wait_until drawn 'I/O  x'
    touch go
    await $terminal
    not grep -q $'\e\[2J\|\e\]' typed
    grep -qF '\x1b[2J\x1b]0;evil\x07' typed
}

@test "where it would be in the way nothing is drawn" {
    waiting_jobs
    # one that draws in time, if it does
    sed 's/^command = until.*/command = sleep 0.5/' m.ini > long.ini
    for options in --progress=never -q; do
        on_terminal 90x24 "$MUSTER" --no-history $options long.ini
        await $terminal
        grep -qF 'a line' typed
        not grep -qF '/5 done' typed
    done
    TERM=dumb on_terminal 90x24 "$MUSTER" --no-history --progress=always long.ini
    await $terminal
    not grep -q $'\e' typed
    env -u TERM "$CHILDREN/terminal" 90x24 "$MUSTER" --no-history --color=never long.ini > typed ||
        true
    not grep -q $'\e' typed
    CI=true on_terminal 90x24 "$MUSTER" --no-history --color=never long.ini
    await $terminal
    not grep -q $'\e\|/5 done' typed
    # no terminal
    "$MUSTER" --no-history long.ini > out 2> err || true
    [ "$(cat err)" = $'--- bad: exit 3 ---\na line' ]
    not grep -q $'\e' out
}

@test "in CI: a line when nothing else was printed for a minute, and none before" {
    manifest << 'END'
[job long]
type = io
command = until [ -e go ]; do sleep 0.02; done
[job bad]
type = io
command = exit 3
END
    leaping() {
        env CLOCK_ALL=1 CLOCK_JUMP="$1" CLOCK_AFTER=500 LD_PRELOAD="$CLOCK_PRELOAD" \
            ASAN_OPTIONS="${ASAN_OPTIONS-}:verify_asan_link_order=0" "${@:2}"
    }
    told() { grep -q '^muster: [0-9]*/2 done' err; }

    CI=true leaping 61 "$MUSTER" --no-history m.ini > out 2> err &
    wait_until told
    touch go
    await $!
    [ "$status" -eq 1 ]
    [[ $(cat err) =~ ^'muster: 1/2 done, 1 failed, 1 running, '[0-9.]*'/m, 1m'[0-9]*s$ ]]
    not grep -q $'\e' err

    rm go
    leaping 61 "$MUSTER" --no-history --progress=always m.ini > out 2> err &
    wait_until told
    touch go
    await $!

    # on GitHub it is no command, and it does not speak as one
    rm go
    GITHUB_ACTIONS=true leaping 61 "$MUSTER" --no-history m.ini > out 2> err &
    wait_until told
    touch go
    await $!
    [[ $(head -n 1 err) == ::stop-commands::* ]]

    # a run that is over before
    for environment in CI=true CI=false; do
        env "$environment" "$MUSTER" --no-history m.ini > out 2> err || true
        [ ! -s err ]
    done
}

@test "cron: -q prints nothing when all went well, without environment, terminal or locale" {
    manifest << 'END'
[defaults]
type = io
[job good]
command = echo something; echo more >&2
[job tried]
retries = 1
retry-delay = 1ms
command = echo again; [ $MUSTER_ATTEMPT = 2 ]
[job optional]
allow-failure = yes
command = echo nobody cares; exit 1
[job unwanted]
skip-exit = 77
command = exit 77
END
    env -i HOME="$PWD" "$MUSTER" run -q m.ini > out 2> err < /dev/null
    [ ! -s out ]
    [ ! -s err ]
    env -i HOME="$PWD" CI=true "$MUSTER" run -q --progress=always --output=group m.ini \
        > out 2> err < /dev/null
    [ ! -s out ]
    [ ! -s err ]
    # what failed, and its output
    printf '[job bad]\ncommand = echo why; exit 3\n' >> m.ini
    env -i HOME="$PWD" "$MUSTER" run -q m.ini > out 2> err < /dev/null || status=$?
    [ "$status" -eq 1 ]
    [ "$(cat err)" = $'--- bad: exit 3 ---\nwhy' ]
    grep -q '^bad ' out
    not grep -q '^good \|^tried ' out
}

@test "an ETA from the history, of jobs that take their time" {
    manifest << 'END'
[defaults]
type = io
[job a]
command = [ -e quick ] || until [ -e go ]; do sleep 0.02; done
[job b]
after = a
command = exit 0
END
    touch quick
    "$MUSTER" m.ini > out
    sqlite3 "$XDG_STATE_HOME/muster/history.db" 'UPDATE job SET wall = 3600000000000'
    rm quick
    on_terminal 90x24 "$MUSTER" m.ini
    wait_until drawn 'ETA 1h59m'
    touch go
    await $terminal
    # without it there is nothing to go by
    rm go
    on_terminal 90x24 "$MUSTER" --no-history m.ini
    wait_until drawn '0/2 done'
    not grep -q ETA typed
    touch go
    await $terminal
}
