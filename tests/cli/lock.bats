#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lock: never two runs of one manifest at once.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
    cat > m.ini <<'END'
[job x]
type = io
command =
    echo begin >> log
    : > up
    until [ -e go ]; do sleep 0.02; done
    echo end >> log
END
}

teardown() {
    touch go # whatever a failed test has left running ends
    # shellcheck disable=SC2086 # ids
    [ -z "${guards-}" ] || kill -CONT $guards 2> /dev/null || true
}

# A run in the background that has the lock: $holder.
hold() {
    "$MUSTER" run --lock -q "$@" m.ini > holder.out 2>&1 &
    holder=$!
    wait_for up
}

let_go() {
    touch go
    await "$holder"
    [ "$status" -eq 0 ]
}

# A run in the background that waits for the lock: $waiter.
wait_behind() {
    env --default-signal=INT,QUIT "$MUSTER" run --lock "$@" > waiter.out 2> waiter.err &
    waiter=$!
    wait_until grep -q 'waiting' waiter.err
}

runs() {
    grep -c begin log
}

@test "fail: exit 75, with whom it is held by, and nothing has run" {
    hold
    muster run --lock=fail --report json:results.json m.ini
    [ "$status" -eq 75 ]
    prints ''
    says "muster: m.ini: another run holds the lock (pid $holder); nothing was run"
    [ ! -e results.json ]
    let_go
    [ "$(runs)" -eq 1 ]
    muster run --lock=fail m.ini
    [ "$status" -eq 0 ]
    [ "$(runs)" -eq 2 ]
}

@test "skip: exit 0 with a note, and without one when quiet" {
    hold
    muster run --lock=skip m.ini
    [ "$status" -eq 0 ]
    prints ''
    says "muster: m.ini: another run holds the lock (pid $holder); skipped"
    muster run --lock=skip -q m.ini
    [ "$status" -eq 0 ]
    prints ''
    says ''
    let_go
    [ "$(runs)" -eq 1 ]
}

@test "wait: the second run begins when the first has ended" {
    hold
    wait_behind m.ini
    [ "$(cat waiter.err)" = "muster: m.ini: another run holds the lock (pid $holder); waiting" ]
    [ "$(runs)" -eq 1 ]
    let_go
    await "$waiter"
    [ "$status" -eq 0 ]
    [ "$(cat log)" = $'begin\nend\nbegin\nend' ]
    grep -q '1 job: 1 ok' waiter.out
}

@test "the deadline counts from when the lock is had" {
    hold
    wait_behind --deadline 1s --report json:results.json m.ini
    sleep 1.2 # the lock is had later than that
    let_go
    await "$waiter"
    [ "$status" -eq 0 ]
    [ "$(json '.run.wall_s < 1')" = true ]
}

@test "a signal ends the wait, and muster by it" {
    hold
    for signal in INT:130 TERM:143 HUP:129; do
        wait_behind m.ini
        kill "-${signal%:*}" "$waiter"
        await "$waiter"
        [ "$status" -eq "${signal#*:}" ]
        [ "$(wc -l < waiter.err)" -eq 1 ]
    done
    let_go
    [ "$(runs)" -eq 1 ]
}

@test "many that wait run one after the other" {
    touch go
    for i in 1 2 3 4 5 6; do
        "$MUSTER" run --lock -q m.ini 2>> said &
        pids="$pids $!"
    done
    for pid in $pids; do
        await "$pid"
        [ "$status" -eq 0 ]
    done
    [ "$(uniq log | wc -l)" -eq 12 ]
    [ "$(paste -sd ' ' log)" = "$(printf 'begin end %.0s' 1 2 3 4 5 6 | sed 's/ $//')" ]
}

@test "killed, the holder holds it no more" {
    hold
    kill -KILL "$holder"
    await "$holder"
    [ "$status" -eq 137 ]
    touch go
    run timeout 60 "$MUSTER" run --lock -q m.ini
    [ "$status" -eq 0 ]
}

@test "killed, the holder's lock is not free before its jobs are gone" {
    mark=$((200000 + $$))
    cat > m.ini <<END
[job x]
type = io
command =
    env -i setsid sleep $mark &
    sleep $mark & # the first process alone is the kernel's to kill
    : > up
    wait
END
    hold
    # The guard, held up in what it does when muster is gone.
    guards=$(cat /proc/"$holder"/task/*/children | tr ' ' '\n' | while read -r pid; do
        [ "$(cat "/proc/$pid/comm")" != muster-launch ] || echo "$pid"
    done)
    kill -STOP $guards
    kill -KILL "$holder"
    await "$holder"
    [ "$(pgrep -cfx "sleep $mark")" -gt 0 ]
    muster run --lock=fail m.ini
    [ "$status" -eq 75 ]
    printf '[job x]\ntype = io\ncommand = pgrep -fx "sleep %s" > beside || :\n' "$mark" > m.ini
    wait_behind m.ini
    kill -CONT $guards
    await "$waiter"
    [ "$status" -eq 0 ]
    [ ! -s beside ]
}

@test "no job has the lock, nor a daemon that outlives muster" {
    cat > m.ini <<'END'
[job x]
type = io
command =
    ls -l /proc/self/fd > fds
    setsid sleep 300 &
    echo $! > pid
    : > up
    wait
END
    hold
    run ! grep -F .lock fds
    kill -KILL "$holder"
    await "$holder"
    printf '[job x]\ntype = io\nexec = true\n' > m.ini
    # its guard has it until it has looked for what is left
    run timeout 60 "$MUSTER" run --lock=wait m.ini
    [ "$status" -eq 0 ]
    kill -KILL "$(cat pid)" || true
}

@test "it is of the real path, not of the name" {
    mkdir sub
    ln -s ../m.ini sub/link.ini
    printf '[muster]\nname = m\n' | cat - m.ini > other.ini
    hold
    cd sub
    muster run --lock=fail link.ini
    [ "$status" -eq 75 ]
    cd ..
    touch go
    muster run --lock=fail other.ini
    [ "$status" -eq 0 ]
    let_go
}

@test "standard input goes by the run's name" {
    { printf '[muster]\nname = one\n'; cat m.ini; } > one.ini
    "$MUSTER" run --lock -q - < one.ini &
    holder=$!
    wait_for up
    run --separate-stderr "$MUSTER" run --lock=fail - < one.ini
    [ "$status" -eq 75 ]
    says "muster: <stdin>: another run holds the lock (pid $holder); nothing was run"
    touch go
    sed 's/name = one/name = two/' one.ini > two.ini
    run --separate-stderr "$MUSTER" run --lock=fail - < two.ini
    [ "$status" -eq 0 ]
    await "$holder"
    [ "$status" -eq 0 ]
}

@test "the key of the manifest, and the option over it" {
    { printf '[muster]\nlock = skip\n'; cat m.ini; } > n.ini
    mv n.ini m.ini
    "$MUSTER" run -q m.ini &
    holder=$!
    wait_for up
    muster run m.ini
    [ "$status" -eq 0 ]
    [[ $stderr == *skipped ]]
    muster run --lock=fail m.ini
    [ "$status" -eq 75 ]
    touch go
    muster run --lock=no -q m.ini
    [ "$status" -eq 0 ]
    await "$holder"
    [ "$status" -eq 0 ]
    [ "$(runs)" -eq 2 ]
}

@test "a manifest that is wrong waits for nothing" {
    hold
    printf '[job x]\ntype = io\n' > m.ini
    muster run --lock m.ini
    [ "$status" -eq 2 ]
    let_go
}

@test "the lock is in the state folder, for its owner alone" {
    touch go
    muster run --lock -q --no-history m.ini
    [ "$(ls "$XDG_STATE_HOME/muster" | sed 's/-[0-9a-f]\{16\}\./-HASH./')" = m.ini-HASH.lock ]
    [ "$(stat -c %a "$XDG_STATE_HOME/muster" "$XDG_STATE_HOME/muster"/*.lock)" = $'700\n600' ]
    muster run --lock -q --no-history --state-dir here/there m.ini
    [ "$status" -eq 0 ]
    [ "$(ls here/there)" = "$(ls "$XDG_STATE_HOME/muster")" ]
    run env -u XDG_STATE_HOME HOME="$PWD/home" "$MUSTER" run --lock -q --no-history m.ini
    [ "$status" -eq 0 ]
    [ "$(ls home/.local/state/muster)" = "$(ls here/there)" ]
}

@test "without a place for it nothing runs, exit 3" {
    run --separate-stderr env -u XDG_STATE_HOME HOME=nowhere "$MUSTER" run --lock m.ini
    [ "$status" -eq 3 ]
    says 'muster: lock: there is no XDG_STATE_HOME and no home folder (see --state-dir); nothing was run'
    : > file
    muster run --lock --state-dir file/x m.ini
    [ "$status" -eq 3 ]
    says 'muster: lock: file/x: Not a directory; nothing was run'
    [ ! -e log ]
}

@test "a lock file that is a link or a FIFO is refused" {
    touch go
    muster run --lock -q --state-dir s m.ini
    lock=$(echo s/*.lock)
    rm log "$lock"
    ln -s "$PWD/elsewhere" "$lock"
    muster run --lock --state-dir s m.ini
    [ "$status" -eq 3 ]
    says "muster: lock: $lock: is a symbolic link; nothing was run"
    [ ! -e elsewhere ]
    rm "$lock"
    mkfifo "$lock"
    muster run --lock --state-dir s m.ini
    [ "$status" -eq 3 ]
    says "muster: lock: $lock: is no plain file of this user alone; nothing was run"
    [ ! -e log ]
}
