#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# history: every run is recorded, whatever becomes of it, and can be shown again.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
    load faults
    state=$XDG_STATE_HOME/muster
    cat > m.ini <<'END'
[job good]
type = cpu
command = echo fine; echo hm >&2

[job bad]
type = io
command = printf 'no\nend'; exit 3

[job after]
type = io
after = bad
exec = true
END
}

teardown() {
    touch go
    [ ! -d full ] || umount full || :
}

# A manifest of one job that runs until there is a file `go`.
slow() {
    printf '[job x]\ntype = io\ncommand = echo began; : > up; until [ -e go ]; do sleep 0.02; done\n' > slow.ini
}

# The ids of runs as history has them, newest first.
ids() {
    "$MUSTER" history -r json "$@" | jq -r '.runs[].id'
}

sql() {
    sqlite3 -bail "$state/history.db" "$@"
}

@test "a run is recorded: history lists it, in a table and in JSON" {
    "$MUSTER" -q -r json:results.json m.ini || :
    muster history
    [ "$status" -eq 0 ]
    says ''
    [ "$(head -n 1 <<< "$output")" = 'RUN                       STARTED             STATUS JOBS OK FAILED  WALL NAME' ]
    [[ $(tail -n 1 <<< "$output") =~ ^[0-9]{8}T[0-9]{9}-[0-9a-f]{6}\ [0-9-]{10}\ [0-9:]{8}\ failed\ +3\ +1\ +1\ [0-9.]+s\ m$ ]]
    [ "$(wc -l <<< "$output")" -eq 2 ]
    muster history --report json
    [ "$status" -eq 0 ]
    [ "$(jq -c '.schema, (.runs | length), (.runs[0] | keys_unsorted)' <<< "$output")" = '1
1
["id","name","manifest","started","wall_s","exit","totals"]' ]
    diff <(jq -S '.runs[0]' <<< "$output") \
        <(jq -S '(.run | {id, name, manifest, started, wall_s, exit}) + {totals}' results.json)
}

@test "ids sort by time, those of one second too" {
    for i in 1 2 3 4 5 6; do "$MUSTER" -q m.ini good; done
    [ "$(ids | wc -l)" -eq 6 ]
    ids | sort -rc
}

@test "show prints a run as it was printed, to the byte" {
    "$MUSTER" m.ini > printed 2> /dev/null || :
    "$MUSTER" show > shown
    diff printed shown
    id=$(ids)
    "$MUSTER" show "${id:0:18}" | diff printed -
    "$MUSTER" run -r table:all m.ini good > /dev/null 2>&1
    "$MUSTER" show "$id" | diff printed - # not the last any more
    "$MUSTER" show -r table:again > shown
    diff all again
    diff all shown
}

@test "show --report json is what the run's own report was" {
    "$MUSTER" -q -r json:then.json m.ini > /dev/null 2>&1 || :
    "$MUSTER" show --report json > now.json
    diff <(jq -S . then.json) <(jq -S . now.json)
    [ "$(jq -r '.jobs[1].stdout' now.json)" = $'no\nend' ]
    # and a file beside the table
    muster show -r json:file.json
    [[ $output == *'3 jobs: 1 ok, 1 failed, 1 skipped'* ]]
    diff now.json file.json
}

@test "show has all formats but jsonl; in joblog names stand for the commands" {
    "$MUSTER" -q -r joblog:ran m.ini good || :
    for format in table json junit tap joblog markdown html trace prometheus; do
        muster show -r "$format:shown.$format"
        [ "$status" -eq 0 ]
        [ -s "shown.$format" ]
    done
    diff <(sed '2,$s/[^\t]*$/good/' ran) shown.joblog
    muster show -r jsonl
    [ "$status" -eq 2 ]
    says "muster: --report: 'jsonl' is no format of 'show'"
}

@test "more than fifty jobs: only what is not ok is shown again, too" {
    {
        for i in $(seq 60); do printf '[job j%d]\ntype = io\nexec = true\n' "$i"; done
        printf '[job bad]\ntype = cpu\nexec = false\n'
    } > many.ini
    "$MUSTER" many.ini > printed 2> /dev/null || :
    "$MUSTER" show | diff printed -
}

@test "a job's output, each stream where it belongs, byte for byte" {
    cat > out.ini <<'END'
[job apart]
type = io
stderr = capture
command = perl -e 'print map chr, 0 .. 255; print STDERR map chr, reverse 0 .. 255'
[job together]
type = cpu
command = printf 'a\n'; printf 'b\n' >&2; printf 'c'
[job none]
type = io
command = :
[job elsewhere]
type = io
stdout = file:there
command = echo there
END
    "$MUSTER" -q out.ini
    "$MUSTER" show :apart > out 2> err
    perl -e 'print map chr, 0 .. 255' | cmp - out
    perl -e 'print map chr, reverse 0 .. 255' | cmp - err
    "$MUSTER" show --raw "$(ids):apart" 2> /dev/null | cmp - out
    "$MUSTER" show :together > out 2> err
    [ "$(cat out; echo .)" = $'a\nb\nc.' ]
    [ ! -s err ]
    for job in none elsewhere; do
        muster show ":$job"
        [ "$status" -eq 0 ]
        prints ''
        says ''
    done
}

@test "output past what fits into memory is there whole, from a folder of any file system" {
    cat > big.ini <<'END'
[job big]
type = cpu
command = seq 2000000
[job edge]
type = io
command = head -c 65536 /dev/zero
[job over]
type = io
command = head -c 65537 /dev/zero
END
    for tmp in "$PWD" /dev/shm; do
        TMPDIR=$tmp "$MUSTER" -q big.ini
        "$MUSTER" show :big | cmp - <(seq 2000000)
        "$MUSTER" show :edge | cmp - <(head -c 65536 /dev/zero)
        "$MUSTER" show :over | cmp - <(head -c 65537 /dev/zero)
    done
    # two runs, two large outputs each
    [ "$(find "$state/output" -type f | wc -l)" -eq 4 ]
    [ -z "$(find "$state" -type f ! -perm 600)$(find "$state" -type d ! -perm 700)" ]
}

@test "the last attempt's output is kept" {
    printf '[job x]\ntype = io\nretries = 2\nretry-delay = 0\ncommand = echo "$MUSTER_ATTEMPT"; exit 1\n' > m.ini
    "$MUSTER" -q m.ini > /dev/null 2>&1 || :
    muster show :x
    prints 3
    [ "$("$MUSTER" show -r json | jq -c '[.jobs[0].attempts[].status]')" = '["failed","failed","failed"]' ]
}

@test "on a terminal control characters are made visible, but for --raw" {
    printf '[job x]\ntype = io\ncommand = printf "\\033[31mred\\303\\274\\n"\n' > m.ini
    "$MUSTER" -q m.ini
    run script -qec "'$MUSTER' show :x" /dev/null < /dev/null
    [ "$output" = $'\\x1b[31mred\xc3\xbc\r' ]
    run script -qec "'$MUSTER' show --raw :x" /dev/null < /dev/null
    [ "$output" = $'\e[31mred\xc3\xbc\r' ]
}

@test "what nothing bears is exit 2, with a suggestion" {
    muster show
    [ "$status" -eq 2 ]
    says 'muster: no run is recorded'
    "$MUSTER" -q m.ini > /dev/null 2>&1 || :
    "$MUSTER" -q m.ini > /dev/null 2>&1 || :
    id=$(ids | head -n 1)
    muster show :baad
    [ "$status" -eq 2 ]
    says "muster: run $id has no job 'baad'; did you mean 'bad'?"
    muster show 1999
    [ "$status" -eq 2 ]
    says "muster: no run '1999' is recorded (see muster history)"
    muster show "${id:0:2}"
    [ "$status" -eq 2 ]
    says "muster: '${id:0:2}' may be more than one run (see muster history)"
    prints ''
}

@test "history of one manifest, wherever it is called from and however it is named" {
    cp m.ini n.ini
    mkdir folder
    ln -s ../m.ini folder/link.ini
    "$MUSTER" -q m.ini good
    "$MUSTER" -q n.ini good
    (cd folder && "$MUSTER" -q link.ini good)
    "$MUSTER" -q - good < m.ini
    [ "$(ids | wc -l)" -eq 4 ]
    [ "$(ids m.ini | wc -l)" -eq 2 ]
    [ "$(cd folder && ids ../n.ini | wc -l)" -eq 1 ]
    [ "$(ids - | wc -l)" -eq 1 ]
    rm m.ini
    [ "$(ids m.ini | wc -l)" -eq 1 ] # by the name that it was given
    muster history gone.ini
    [ "$status" -eq 0 ]
    prints ''
    says "muster: no run of 'gone.ini' is recorded"
}

@test "with nothing recorded history prints nothing, and makes nothing" {
    muster history
    [ "$status" -eq 0 ]
    prints ''
    says ''
    [ "$("$MUSTER" history -r json | jq -c .)" = '{"schema":1,"runs":[]}' ]
    [ ! -e "$state" ]
}

@test "--keep: older runs of that manifest go, with their output, and no others" {
    printf '[job x]\ntype = io\ncommand = seq 20000\n' > n.ini
    "$MUSTER" -q m.ini good
    for i in 1 2 3 4 5; do
        "$MUSTER" -q --keep 3 n.ini
    done
    [ "$(ids n.ini | wc -l)" -eq 3 ]
    [ "$(ids m.ini | wc -l)" -eq 1 ]
    [ "$(ls "$state/output" | sort)" = "$(ids n.ini | sort)" ]
    [ "$(sql 'SELECT count(*) FROM job, attempt USING (run, seq)')" -eq 4 ]
    "$MUSTER" -q --keep 1 n.ini
    [ "$(ids n.ini | wc -l)" -eq 1 ]
    "$MUSTER" show :x | cmp - <(seq 20000)
}

@test "without --keep the last hundred runs stay, and not one more" {
    printf '[job x]\ntype = io\nexec = true\n' > n.ini
    "$MUSTER" -q n.ini
    sql "WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n WHERE i < 300)
        INSERT INTO run (name, title, manifest, manifest_key, host, cpus, io_limit, cpu_workers, deadline, started, jobs)
        SELECT 'old-' || i, title, manifest, manifest_key, host, 1, 1, 1, 0, 0, 0 FROM run, n"
    "$MUSTER" -q n.ini
    [ "$(ids | wc -l)" -eq 100 ]
    [ "$(sql 'SELECT name FROM run ORDER BY id LIMIT 1')" = old-202 ]
    for i in 1 2 3; do
        "$MUSTER" -q n.ini
        [ "$(ids | wc -l)" -eq 100 ]
    done
}

@test "--no-history leaves no trace" {
    muster run --no-history -q m.ini good
    [ "$status" -eq 0 ]
    [ ! -e "$state" ]
}

@test "--state-dir: another place, in run, history and show" {
    muster run --state-dir here/deep -q m.ini good
    [ "$status" -eq 0 ]
    [ "$(stat -c %a here/deep)" = 700 ]
    [ "$(stat -c %a here/deep/history.db)" = 600 ]
    [ ! -e "$state" ]
    [ "$(ids --state-dir here/deep | wc -l)" -eq 1 ]
    [ "$("$MUSTER" show --state-dir here/deep :good)" = $'fine\nhm' ]
}

@test "a run that goes on is shown as far as it is" {
    slow
    cat >> slow.ini <<'END'
[job quick]
type = cpu
command = echo done already
END
    "$MUSTER" -q slow.ini &
    pid=$!
    wait_for up
    wait_until eval '[ "$("$MUSTER" show -r json 2> /dev/null | jq -r ".jobs[1].status")" = ok ]'
    muster show
    [ "$status" -eq 0 ]
    [[ $stderr == 'muster: run '*' goes on' ]]
    muster history
    [[ $output == *' running '* ]]
    [ "$("$MUSTER" history -r json | jq -c '.runs[0] | [.wall_s, .exit, .totals.ok]')" = '[null,null,1]' ]
    wait_until eval '[ "$("$MUSTER" show :quick)" = "done already" ]'
    touch go
    await "$pid"
    [ "$status" -eq 0 ]
    [[ $("$MUSTER" history) == *' ok '* ]]
    [ -z "$(find "$state" -name '*.ends')" ]
}

@test "killed by SIGKILL: what had ended is there, the rest is lost" {
    slow
    cat >> slow.ini <<'END'
[job first]
type = cpu
exec = true
[job second]
type = cpu
after = first
command = : > second
END
    "$MUSTER" -q slow.ini &
    pid=$!
    wait_for up
    wait_for second
    kill -KILL "$pid"
    await "$pid"
    [ "$status" -eq 137 ]
    muster show -r json
    [ "$status" -eq 0 ]
    [[ $stderr == 'muster: run '*' was lost: muster was killed before its end' ]]
    [ "$(jq -c '[.jobs[] | [.name, .status, .reason]][:2]' <<< "$output")" = '[["x","cancelled","lost"],["first","ok",null]]' ]
    [ "$(jq -c '.run.exit, .run.ended' <<< "$output")" = $'null\nnull' ]
    [[ $("$MUSTER" history) == *' lost '* ]]
    # the next run changes nothing about it
    touch go
    "$MUSTER" -q slow.ini
    [ "$(ids | wc -l)" -eq 2 ]
    [ "$("$MUSTER" history | awk 'NR > 1 { print $4 }' | paste -sd ' ')" = 'ok lost' ]
}

@test "what a dependent has seen as ok is recorded, however soon it kills muster" {
    cat > kill.ini <<'END'
[job first]
type = io
exec = true
[job killer]
type = io
after = first
command = kill -KILL "$PPID"
END
    for i in $(seq 20); do
        rm -rf "$state" # the first run of all has most to do
        "$MUSTER" -q kill.ini > /dev/null 2>&1 || :
        [ "$("$MUSTER" show -r json 2> /dev/null | jq -r '.jobs[0].status')" = ok ]
    done
}

@test "an interrupted run is recorded with all its jobs" {
    slow
    env --default-signal=TERM "$MUSTER" -q slow.ini > out 2>&1 &
    pid=$!
    wait_for up
    kill -TERM "$pid"
    await "$pid"
    [ "$status" -eq 143 ]
    [[ $("$MUSTER" history) == *' SIGTERM '* ]]
    "$MUSTER" show | grep -vE '^(lanes|longest):' > shown # which -q leaves out
    diff <(grep -v '^muster:' out | sed -n '/^JOB/,$p') shown
    [ "$("$MUSTER" show :x)" = began ]
}

@test "two runs at once, and eight, are all recorded" {
    for i in $(seq 8); do
        printf '[defaults]\ntype = cpu\n[job a]\ncommand = seq 100\n[job b]\nafter = a\ncommand = seq %d\n' "$i" > "m$i.ini"
        "$MUSTER" -q "m$i.ini" &
        pids[i]=$!
    done
    for i in $(seq 8); do
        await "${pids[i]}"
        [ "$status" -eq 0 ]
    done
    [ "$(ids | wc -l)" -eq 8 ]
    [ "$("$MUSTER" history -r json | jq '[.runs[] | select(.exit == 0 and .totals.ok == 2)] | length')" -eq 8 ]
    for i in $(seq 8); do
        "$MUSTER" show "$(ids "m$i.ini"):b" | cmp - <(seq "$i")
    done
}

# The run goes as if there were no history, and one sentence says so.
warned() {
    muster run -r json:results.json m.ini good
    [ "$status" -eq "${2-0}" ]
    [ "$(jq -r '.totals.ok' results.json)" -eq 1 ]
    [ "$stderr" = "muster: history: $1" ] || differ "muster: history: $1" "$stderr"
}

@test "a damaged database, or none at all in its place: a warning, and the run goes on" {
    "$MUSTER" -q m.ini good
    head -c 20000 /dev/urandom > "$state/history.db"
    rm -f "$state"/history.db-*
    warned "$state/history.db: it is damaged; without it a new one is begun; this run is not recorded"
    muster history
    [ "$status" -eq 3 ]
    says "muster: history: $state/history.db: it is damaged; without it a new one is begun"
    rm "$state/history.db"
    mkdir "$state/history.db"
    warned "$state/history.db: Is a directory; this run is not recorded"
    rmdir "$state/history.db"
    ln -s /etc/passwd "$state/history.db"
    warned "$state/history.db: it is no regular file; this run is not recorded"
}

@test "a database whose middle is damaged ends the recording, not the run" {
    for i in $(seq 30); do "$MUSTER" -q m.ini good; done
    sql 'PRAGMA wal_checkpoint(TRUNCATE)' > /dev/null
    size=$(stat -c %s "$state/history.db")
    dd if=/dev/urandom of="$state/history.db" bs=4096 seek=2 count=$((size / 4096 - 2)) conv=notrunc status=none
    muster run -q m.ini good
    [ "$status" -eq 0 ]
    [[ $stderr == "muster: history: $state/history.db: it is damaged"*'recorded' ]]
}

@test "a database of a newer version is left alone" {
    "$MUSTER" -q m.ini good
    sql 'PRAGMA user_version = 99'
    warned "$state/history.db: it was made by a newer muster; this run is not recorded"
    [ "$(sql 'SELECT count(*) FROM run')" -eq 1 ]
    muster show
    [ "$status" -eq 3 ]
    says "muster: history: $state/history.db: it was made by a newer muster"
}

@test "a database that another process has locked for good: jobs start at once, the run ends" {
    "$MUSTER" -q m.ini good
    (echo 'BEGIN EXCLUSIVE;'; touch locked; until [ -e go ]; do sleep 0.05; done) | sql &
    wait_for locked
    sleep 0.3 # until sqlite3 has read it
    printf '[job good]\ntype = io\ncommand = date +%%s%%N > ran\n' > m.ini
    begin=$(date +%s%N)
    warned "$state/history.db: another process has it locked; this run is not recorded"
    [ $(($(cat ran) - begin)) -lt 3000000000 ]
    touch go
}

@test "a database that is locked for a while is waited for" {
    "$MUSTER" -q m.ini good
    (echo 'BEGIN EXCLUSIVE;'; touch locked; sleep 1.5; echo 'COMMIT;') | sql &
    wait_for locked
    sleep 0.3
    muster run -q m.ini good
    [ "$status" -eq 0 ]
    says ''
    [ "$(ids | wc -l)" -eq 2 ]
}

@test "nobody reads that a job is ok before it is recorded" {
    "$MUSTER" -q m.ini good
    (echo 'BEGIN EXCLUSIVE;'; touch locked; until [ -e go ]; do sleep 0.02; done; echo 'COMMIT;') | sql &
    wait_for locked
    sleep 0.3
    printf '[job good]\ntype = io\ncommand = : > ran; until [ -e go ]; do sleep 0.02; done\n[job soon]\ntype = io\nexec = true\n' > m.ini
    "$MUSTER" -v m.ini 2> err &
    wait_for ran
    sleep 0.5 # `soon` has ended long ago
    [ ! -s err ] || ! grep -q 'job soon: ok' err
    touch go
    wait $!
    grep -q '^job soon: ok' err
    [ "$(ids | wc -l)" -eq 2 ]
}

@test "no state folder can be: a warning, and the run goes on" {
    mkdir home
    : > file
    XDG_STATE_HOME=$PWD/file warned "$PWD/file/muster: Not a directory; this run is not recorded"
    # no home either
    run --separate-stderr env -i HOME=nowhere "$MUSTER" run -r json:results.json m.ini good
    [ "$status" -eq 0 ]
    says 'muster: history: there is no XDG_STATE_HOME and no home folder (see --state-dir); this run is not recorded'
    run --separate-stderr env -i HOME=nowhere "$MUSTER" history
    [ "$status" -eq 3 ]
    # HOME alone is enough
    run --separate-stderr env -i HOME="$PWD/home" "$MUSTER" run -q m.ini good
    [ "$status" -eq 0 ]
    says ''
    [ -e home/.local/state/muster/history.db ]
}

@test "a home that cannot be written: a warning, and the run goes on" {
    mkdir home
    if [ "$(id -u)" -eq 0 ]; then
        mount -t tmpfs -o ro,size=64k none home
        why='Read-only file system'
    else
        chmod 500 home
        why='Permission denied'
    fi
    run --separate-stderr env -u XDG_STATE_HOME HOME="$PWD/home" "$MUSTER" run -r json:results.json m.ini good
    umount home 2> /dev/null || chmod 700 home
    [ "$status" -eq 0 ]
    says "muster: history: $PWD/home/.local/state/muster: $why; this run is not recorded"
}

@test "another user's database is not touched" {
    [ "$(id -u)" -eq 0 ] || return 0
    "$MUSTER" -q m.ini good
    chown 1:1 "$state/history.db"
    warned "$state/history.db: it belongs to another user; this run is not recorded"
}

@test "a full disk: the run goes on to its end, and exit 3 tells that its record is not there" {
    [ "$(id -u)" -eq 0 ] || return 0
    mkdir full
    mount -t tmpfs -o size=1m none full
    printf '[job x]\ntype = io\ncommand = seq 400000\n[job y]\ntype = cpu\nafter = x\nexec = true\n' > m.ini
    run --separate-stderr "$MUSTER" run --state-dir full -r json:results.json m.ini
    [ "$status" -eq 3 ]
    [ "$(jq -r .totals.ok results.json)" -eq 2 ]
    [ "$(jq -r .run.exit results.json)" -eq 3 ]
    says 'muster: history: output of job x: No space left on device'
    # the rest is recorded, and says what is missing
    run --separate-stderr "$MUSTER" show --state-dir full :x
    [ "$status" -eq 0 ]
    says 'muster: output of job x was lost: No space left on device'
    [ "$("$MUSTER" history --state-dir full -r json | jq -c '[.runs[0].exit, .runs[0].totals.ok]')" = '[3,2]' ]
    # not even room for that
    dd if=/dev/zero of=full/ballast bs=4k status=none 2> /dev/null || :
    run --separate-stderr "$MUSTER" run --state-dir full -r json:results.json m.ini
    [ "$status" -eq 3 ]
    [ "$(jq -r .totals.ok results.json)" -eq 2 ]
    [[ $stderr == 'muster: history: '*': No space left on device; '*'not recorded' ]]
    # a fresh folder on it
    run --separate-stderr "$MUSTER" run --state-dir full/new -r json:results.json m.ini
    [ "$status" -eq 3 ]
    [ "$(jq -r .totals.ok results.json)" -eq 2 ]
    [ "$(wc -l <<< "$stderr")" -eq 1 ]
}

@test "a report that cannot be delivered changes the recorded exit status" {
    muster run -r json:/dev/full m.ini good
    [ "$status" -eq 3 ]
    [ "$("$MUSTER" history -r json | jq '.runs[0].exit')" -eq 3 ]
    [[ $("$MUSTER" history) == *' undelivered '* ]]
}

@test "show and history say when they cannot deliver" {
    "$MUSTER" -q m.ini good
    for verb in history show 'show :good'; do
        # shellcheck disable=SC2086 # words
        run --separate-stderr bash -c "'$MUSTER' $verb > /dev/full"
        [ "$status" -eq 3 ]
        says 'muster: standard output: No space left on device'
    done
}

@test "jobs have none of the history's descriptors" {
    printf '[defaults]\ntype = io\n[job a]\nexec = %s/show-self\n[job b]\nafter = a\nexec = %s/show-self\n' "$CHILDREN" "$CHILDREN" > m.ini
    "$MUSTER" -q m.ini
    for job in a b; do
        [[ $("$MUSTER" show ":$job") == *'fds 0 1 2'* ]]
    done
}

@test "few descriptors: jobs come first" {
    spare_sanitizers
    for i in $(seq 10); do printf '[job j%d]\ntype = io\ncommand = seq 2000\n' "$i"; done > m.ini
    for n in 14 18 20 24 28 32 40; do
        rm -rf "$state"
        run --separate-stderr bash -c "ulimit -n $n; exec timeout 60 '$MUSTER' run -q -r json:results.json m.ini"
        if [ "$status" -eq 0 ]; then
            [ "$(jq .totals.ok results.json)" -eq 10 ]
            [ "$("$MUSTER" history -r json | jq '.runs[0].totals.ok')" -eq 10 ]
            [[ $stderr != *history* ]]
        else
            [ "$status" -eq 3 ]
        fi
    done
}
