#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# resume: what a run of before has done is not done again, whatever became of that run.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
    load faults
    state=$XDG_STATE_HOME/muster
    cat > m.ini <<'END'
[defaults]
type = io
[job a]
command = echo a >> ran
[job b]
after = a
command = echo b >> ran; [ -e fine ]
[job c]
type = cpu
after = b
command = echo c >> ran
END
}

teardown() {
    touch go
}

# What has run since the last call, in order of names.
ran() {
    [ "$(sort ran 2> /dev/null | paste -sd ' ')" = "$1" ] || differ "$1" "$(sort ran | paste -sd ' ')"
    rm -f ran
}

last_id() {
    "$MUSTER" history -r json "$@" | jq -r '.runs[0].id'
}

# "a:ok b:resumed": how the last run's jobs ended.
ends() {
    local got
    got=$("$MUSTER" show -r json 2> /dev/null | jq -r '[.jobs[] | "\(.name):\(.status)"] | join(" ")')
    [ "$got" = "$1" ] || differ "$1" "$got"
}

@test "what succeeded is left out, the rest runs, and it says how many" {
    muster -q m.ini
    [ "$status" -eq 1 ]
    ran 'a b'
    id=$(last_id)
    touch fine
    muster run --resume --report json m.ini
    [ "$status" -eq 0 ]
    says "muster: resuming run $id: 1 of 3 jobs left out"
    ran 'b c'
    [ "$(jq -c '.totals | [.jobs, .ok, .resumed]' <<< "$output")" = '[3,2,1]' ]
    [ "$(jq -c '.jobs[0] | [.name, .status, .reason, .lane, .attempts, .wait_s, .wall_s]' <<< "$output")" = '["a","resumed",null,null,[],0,0]' ]
    # of that run nothing is left to do
    muster run --resume m.ini
    [ "$status" -eq 0 ]
    [[ $stderr == *': 3 of 3 jobs left out' ]]
    [[ $output == *'3 jobs: 3 resumed'* ]]
    ran ''
    ends 'a:resumed b:resumed c:resumed'
    # nor of the next
    muster --resume -q m.ini
    [ "$status$output$stderr" = 0 ]
    ran ''
}

@test "nothing to resume: all runs, with a note" {
    touch fine
    muster run --resume -v m.ini a
    [ "$status" -eq 0 ]
    [[ $stderr == 'muster: nothing to resume: no run of m.ini is recorded; all jobs run'* ]]
    ran a
    rm -rf "$state"
    muster run --resume -q m.ini a
    [ "$status$stderr" = 0 ]
    printf '[job no]\ntype = io\nexec = false\n' > no.ini
    "$MUSTER" -q no.ini || :
    muster run --resume no.ini
    [ "$status" -eq 1 ]
    [ "${stderr%%$'\n'*}" = "muster: nothing to resume: run $("$MUSTER" history -r json no.ini | jq -r '.runs[1].id') has settled none of these jobs; all run" ]
}

@test "a run is named by its id, or the beginning of it" {
    muster -q m.ini
    first=$(last_id)
    touch fine
    muster -q m.ini
    rm ran
    muster run --resume="$first" -q m.ini
    ran 'b c'
    muster run --resume="${first%??}" -q m.ini
    ran 'b c'
    muster run --resume -q m.ini
    ran ''
}

@test "a run that is none of the manifest's is exit 2, and nothing runs" {
    touch fine
    muster run --resume=2026 m.ini
    [ "$status" -eq 2 ]
    says 'muster: --resume: no run of m.ini is recorded; nothing was run'
    cp m.ini other.ini
    "$MUSTER" -q other.ini
    other=$(last_id)
    muster run --resume="$other" m.ini
    [ "$status" -eq 2 ]
    says "muster: --resume: run $other is none of m.ini (see muster history); nothing was run"
    "$MUSTER" -q m.ini
    "$MUSTER" -q m.ini
    last=$(last_id)
    rm ran
    muster run --resume=19990101 m.ini
    [ "$status" -eq 2 ]
    says "muster: --resume: no run '19990101' of m.ini is recorded; the last one is $last; nothing was run"
    muster run --resume=2 m.ini
    [ "$status" -eq 2 ]
    says "muster: --resume: '2' may be more than one run of m.ini (see muster history); nothing was run"
    muster run --resume= m.ini
    [ "$status" -eq 2 ]
    says "muster: --resume: '' names no run (see muster history)"
    ran ''
    [ "$(last_id)" = "$last" ]
}

@test "a job that was changed runs again, one that was moved or beside a new one does not" {
    touch fine
    "$MUSTER" -q m.ini
    rm ran
    {
        printf '[defaults]\ntype = io\n[job new]\ncommand = echo new >> ran\n'
        printf '[job c]\ntype = cpu\nafter = b\ncommand = echo c >> ran\n'
        printf '[job a]\ncommand = echo a  >> ran\n'
        printf '[job b]\nafter = a\ncommand = echo b >> ran; [ -e fine ]\n'
    } > m.ini
    muster run --resume -q m.ini
    [ "$status" -eq 0 ]
    ran 'a new'
    sed -i 's/type = cpu/type = cpu\ntimeout = 1m/' m.ini
    muster run --resume -q m.ini
    ran c
    printf '[vars]\nx = 1\n' >> m.ini
    muster run --resume -q m.ini
    ran 'a b c new'
    muster run --resume -q -D x=2 m.ini
    ran 'a b c new'
    muster run --resume -q -D x=2 m.ini
    ran ''
}

@test "what was skipped by choice is left out, and with it what comes after it" {
    cat > m.ini <<'END'
[defaults]
type = io
skip-exit = 77
[job a]
command = echo a >> ran; exit 77
[job b]
after = a
command = echo b >> ran
[job bad]
command = echo bad >> ran; exit 1
[job never]
after = bad
command = echo never >> ran
[job alarm]
after = bad
when = failure
command = echo alarm >> ran
[job odd]
allow-failure = yes
command = echo odd >> ran; exit 1
END
    muster -q m.ini
    ran 'a alarm bad odd'
    sed -i 's/echo b >>/echo B >>/' m.ini # b is another job now, which nobody wants either
    muster run --resume -q m.ini
    [ "$status" -eq 1 ]
    ran 'bad odd'
    ends 'a:resumed b:skipped bad:failed never:skipped alarm:resumed odd:failed'
}

@test "killed by SIGKILL, resumed, killed and resumed again: no job twice" {
    cat > m.ini <<'END'
[muster]
io-limit = 1
[defaults]
type = io
[job a]
command = echo a >> ran
[job b]
after = a
command = echo b >> ran; [ -e two ] || kill -KILL $PPID
[job c]
after = b
command = echo c >> ran; [ -e three ] || kill -KILL $PPID
[job d]
after = c
command = echo d >> ran
END
    "$MUSTER" -q m.ini 2> /dev/null || [ $? -eq 137 ]
    ran 'a b'
    ends 'a:ok b:cancelled c:cancelled d:cancelled'
    touch two
    "$MUSTER" run --resume -q m.ini 2> /dev/null || [ $? -eq 137 ]
    ran 'b c'
    ends 'a:resumed b:ok c:cancelled d:cancelled'
    touch three
    muster run --resume -q m.ini
    [ "$status" -eq 0 ]
    ran 'c d'
    ends 'a:resumed b:resumed c:ok d:ok'
}

@test "a signal does not make what was done undone" {
    touch fine
    "$MUSTER" -q m.ini
    cp m.ini more.ini
    printf '[job slow]\ncommand = : > up; until [ -e go ]; do sleep 0.02; done\n' >> m.ini
    start --resume m.ini
    wait_for up
    kill -TERM "$muster"
    await "$muster"
    [ "$status" -eq 143 ]
    ends 'a:resumed b:resumed c:resumed slow:cancelled'
    touch go
    rm ran
    muster run --resume -q m.ini
    [ "$status" -eq 0 ]
    ran ''
}

@test "another run of the manifest goes on: exit 75, and nothing runs; one of another does not matter" {
    printf '[job slow]\ntype = io\ncommand = : > up; until [ -e go ]; do sleep 0.02; done\n' > slow.ini
    start slow.ini
    wait_for up
    muster run --resume slow.ini
    [ "$status" -eq 75 ]
    says "muster: --resume: another run of slow.ini goes on (pid $muster); nothing was run"
    touch fine
    muster run --resume -q m.ini
    [ "$status" -eq 0 ]
    touch go
    await "$muster"
    [ "$status" -eq 0 ]
    muster run --resume slow.ini
    [ "$status" -eq 0 ]
    [[ $stderr == *': 1 of 1 job left out' ]]
}

@test "with the lock it waits for that, and resumes the run that had it" {
    printf '[job slow]\ntype = io\ncommand = : > up; until [ -e go ]; do sleep 0.02; done\n' > slow.ini
    start --lock slow.ini
    wait_for up
    "$MUSTER" run --lock --resume slow.ini > second 2>&1 &
    second=$!
    wait_until grep -q waiting second
    touch go
    await "$muster"
    await "$second"
    [ "$status" -eq 0 ]
    grep -q ': 1 of 1 job left out$' second
}

@test "nothing runs before all that a killed run has left is gone, daemons too" {
    manifest_of_both <<'END'
command =
    [ ! -e second ] || { echo second >> stamps.$MUSTER_JOB; exit; }
    setsid perl -e '$SIG{TERM} = "IGNORE"; open F, ">>", "stamps.$ARGV[0]"; select F; $| = 1; print("first\n"), select undef, undef, undef, 0.001 while 1' "$MUSTER_JOB" &
    sleep 1000
END
    start m.ini
    wait_for stamps.io stamps.cpu
    mapfile -t guards < <(launchers)
    : > second
    kill -STOP "${guards[@]}" # so that they take their time
    kill -KILL "$muster"
    "$MUSTER" run --resume -q m.ini &
    resumed=$!
    sleep 1.3 # more than a run that goes on would be waited for
    [ "$(cat stamps.* | sort -u)" = first ]
    kill -CONT "${guards[@]}"
    await "$resumed"
    [ "$status" -eq 0 ]
    for lane in io cpu; do
        [ "$(tail -n 1 stamps.$lane)" = second ]
        [ "$(grep -c second stamps.$lane)" -eq 1 ]
    done
}

@test "plan --resume shows what would run" {
    "$MUSTER" -q m.ini || :
    muster plan --resume m.ini
    [ "$status" -eq 0 ]
    [[ $stderr == *': 1 of 3 jobs left out' ]]
    [ "$(awk 'NR > 1 { print $1 }' <<< "$output" | paste -sd ' ')" = 'b c' ]
    muster run -n --resume -r json m.ini
    [ "$(jq -c '[.jobs[] | [.name, .wave]]' <<< "$output")" = '[["b",0],["c",1]]' ]
    rm -rf "$state"
    touch fine
    "$MUSTER" -q m.ini
    muster plan --resume -r json m.ini
    [ "$(jq -c .jobs <<< "$output")" = '[]' ]
}

@test "a history that cannot be read: exit 3, and nothing runs" {
    "$MUSTER" -q m.ini || :
    head -c 20000 /dev/urandom > "$state/history.db"
    rm -f "$state"/history.db-* ran
    muster run --resume m.ini
    [ "$status" -eq 3 ]
    says "muster: history: $state/history.db: it is damaged; without it a new one is begun; nothing was run"
    ran ''
}

@test "a state folder that is none, or has something else in it: exit 3, with its path, and nothing runs" {
    printf '[job x]\ntype = io\ncommand = : > ran\n' > m.ini
    refused() { # WORDS [OPTION...]
        local words=$1
        shift
        run --separate-stderr "$MUSTER" run --resume "$@" m.ini
        [ "$status" -eq 3 ]
        says "muster: --resume: $words; nothing was run"
        [ ! -e ran ]
    }
    XDG_STATE_HOME=/proc/nope refused '/proc/nope/muster: No such file or directory'
    : > file
    refused "$PWD/file: Not a directory" --state-dir "$PWD/file"
    mkdir -p folder/presence link
    refused 'folder/presence: Is a directory' --state-dir folder
    ln -s nowhere link/presence
    refused 'link/presence: is a symbolic link' --state-dir link
}

@test "with --no-history it resumes, and is itself not recorded" {
    touch fine
    "$MUSTER" -q m.ini a
    rm ran
    id=$(last_id)
    muster run --resume --no-history -q m.ini
    ran 'b c'
    [ "$(last_id)" = "$id" ]
}

@test "killed at random moments and resumed: nothing lost, nothing twice, nothing beside itself" {
    run --separate-stderr env SEED="$$" RESUME_RUNS=12 RESUME_JOBS=60 bash "$SOURCE/tests/torture/resume.bash"
    echo "$output" >&2
    [ "$status" -eq 0 ]
}
