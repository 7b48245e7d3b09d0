#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# reports: the table, JSON, and the files that they go to.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    manifest << 'END'
[defaults]
type = io
[job good]
command = echo text
[job bad]
type = cpu
command = exit 3
[job next]
after = bad
command = true
END
}

@test "the table: a row a job in the manifest's order, the reason, the summary" {
    muster m.ini
    [ "$status" -eq 1 ]
    [[ ${lines[0]} =~ ^JOB\ +TYPE\ +LANE\ +STATUS\ +TRIES\ +EXIT\ +WALL\ +CPU\ +RSS\ +REASON$ ]]
    [[ ${lines[1]} =~ ^good\ +io\ +io\ +ok\ +1\ +0\  ]]
    [[ ${lines[2]} =~ ^bad\ +cpu\ +cpu\ +failed\ +1\ +3\ .*exit\ 3$ ]]
    [[ ${lines[3]} =~ ^next\ +io\ +-\ +skipped\ +-\ +-\ +-\ +-\ +-\ +because\ bad\ failed$ ]]
    [[ ${lines[4]} = '3 jobs: 1 ok, 1 failed, 1 skipped' ]]
    [[ ${lines[5]} =~ ^wall\ .*one\ by\ one\ .*speed-up\ .*CPU\ .*loop\ lag\  ]]
}

@test "past 50 jobs only the rows that are not ok, but all in a file" {
    for i in $(seq 51); do printf '[job j%d]\ntype = io\nexec = true\n' "$i"; done > many.ini
    printf '[job bad]\ntype = io\nexec = false\n' >> many.ini
    muster -r table:t many.ini
    [ "$status" -eq 1 ]
    [ "$(grep -c '^j[0-9]' <<< "$output")" -eq 0 ]
    grep -q '^bad' <<< "$output"
    grep -q '^52 jobs: 51 ok, 1 failed$' <<< "$output"
    [ "$(grep -c '^j[0-9]' t)" -eq 51 ]
}

@test "json alone on standard output" {
    muster -r json m.ini
    [ "$status" -eq 1 ]
    jq -e '.schema == 1 and .run.exit == 1 and .run.manifest == "m.ini" and .run.name == "m"' <<< "$output"
    jq -e '[.jobs[] | .name + " " + .status] == ["good ok", "bad failed", "next skipped"]' <<< "$output"
    jq -e '.jobs[0] | .stdout == "text\n" and .stderr == "" and .attempts[0].stdout_bytes == 5' <<< "$output"
    jq -e '.jobs[2] | .reason == "dependency" and .cause == "bad" and .attempts == [] and .lane == null' <<< "$output"
}

@test "json: every field, in its order" {
    muster -r json m.ini
    [ "$(jq -c 'keys_unsorted' <<< "$output")" = '["muster","schema","run","totals","jobs"]' ]
    [ "$(jq -c '.run | keys_unsorted' <<< "$output")" = '["id","name","manifest","started","ended","wall_s","exit","interrupted_by","host","io_limit","cpu_workers","loop_lag_max_ms"]' ]
    [ "$(jq -c '.totals | keys_unsorted' <<< "$output")" = '["jobs","ok","failed","timeout","cancelled","skipped","cached","resumed","flaky","allowed","retries","job_wall_s","cpu_s","outputs"]' ]
    [ "$(jq -c '[.jobs[] | keys_unsorted] | unique' <<< "$output")" = '[["name","section","item","type","lane","worker","status","flaky","allowed","reason","cause","exit","signal","leftover","attempts","wait_s","wall_s","cpu_s","max_rss","stdout","stderr","outputs"]]' ]
    [ "$(jq -c '[.jobs[].attempts[] | keys_unsorted] | unique' <<< "$output")" = '[["start_s","wall_s","cpu_user_s","cpu_sys_s","max_rss","exit","signal","status","reason","stdout_bytes","stderr_bytes"]]' ]
}

@test "json is UTF-8 whatever a job prints" {
    printf '[job x]\ntype = io\ncommand = printf "a\\377\\000b\\303"\n' > odd.ini
    muster -r json:r.json odd.ini
    [ "$status" -eq 0 ]
    iconv -f UTF-8 -t UTF-8 r.json > /dev/null
    jq -e '.jobs[0].stdout == "a\ufffd\u0000b\ufffd"' r.json
}

@test "reports to files leave the table on standard output" {
    muster -r json:r.json -r table:t.txt m.ini
    [ "$status" -eq 1 ]
    [[ $output == JOB* ]]
    jq -e '.totals.jobs == 3' r.json
    grep -q '^bad' t.txt
    [ "$(ls -A | sort | tr '\n' ' ')" = 'm.ini r.json t.txt ' ]
}

@test "two reports for standard output are a mistake, wherever they are named" {
    muster -r json -r table m.ini
    [ "$status" -eq 2 ]
    prints ''
    { printf '[muster]\nreport = json\n'; cat m.ini; } > key.ini
    muster -r table key.ini
    [ "$status" -eq 2 ]
    prints ''
    [[ $stderr == *'only one report'* ]]
    muster -r table:t key.ini
    [ "$status" -eq 1 ]
    jq -e .schema <<< "$output"
}

@test "FILE is relative to the caller's folder, in the manifest to the manifest's" {
    mkdir sub
    { printf '[muster]\nreport = json:key.json\n'; cat m.ini; } > sub/m.ini
    muster -r json:option.json sub/m.ini
    [ "$status" -eq 1 ]
    [ -s sub/key.json ]
    [ -s option.json ]
    jq -e '.run.manifest == "sub/m.ini"' option.json
}

@test "a report that cannot be written: said, exit 3, the others are there" {
    muster -r json:none/r.json -r json:/dev/full -r json:r.json m.ini
    [ "$status" -eq 3 ]
    [[ $stderr == *'muster: none/r.json: No such file or directory'* ]]
    [[ $stderr == *'muster: /dev/full: No space left on device'* ]]
    [[ $output == JOB* ]]
    jq -e '.run.exit == 3' r.json
}

@test "a report replaces what was there, through a link, and keeps its mode" {
    echo old > real
    chmod 600 real
    ln -s real link
    muster -r json:link m.ini
    [ -L link ]
    jq -e .schema real
    [ "$(stat -c %a real)" = 600 ]
}

@test "a report that failed leaves the old file" {
    echo old > r.json
    chmod 555 .
    if [ "$(id -u)" -eq 0 ]; then
        # root may write anywhere: a limit on the file's size does it
        run --separate-stderr prlimit --fsize=100 "$MUSTER" -r json:r.json m.ini
    else
        muster -r json:r.json m.ini
    fi
    chmod 755 .
    [ "$status" -eq 3 ]
    [ "$(cat r.json)" = old ]
    [ "$(ls -A | tr '\n' ' ')" = 'm.ini r.json ' ]
}

@test "a FIFO and a device are written in place" {
    mkfifo fifo
    cat fifo > got &
    muster -r json:fifo m.ini
    wait
    jq -e .schema got
    [ -p fifo ]
    muster -r json:/dev/stdout -r table:/dev/null -q m.ini
    [[ $output == *'"schema":1'* ]]
}

@test "a signal while reports are written waits for them, a second one does not" {
    printf '[job x]\ntype = io\nexec = true\n' > s.ini
    mkfifo fifo
    "$MUSTER" -r table:first -r json:fifo s.ini > out &
    load events
    wait_for first # the second one waits for its reader
    kill -TERM $!
    cat fifo > got
    await $!
    [ "$status" -eq 143 ]
    jq -e '.totals.ok == 1' got
    grep -q '^1 job: 1 ok$' out
    rm first
    "$MUSTER" -r table:first -r json:fifo s.ini > out &
    wait_for first
    kill -TERM $!
    kill -HUP $!
    await $!
    [ "$status" -eq 129 ] || [ "$status" -eq 143 ]
    [ ! -s out ]
}

@test "a FIFO that nobody reads does not keep a run that a signal ends" {
    printf '[job x]\ntype = io\nexec = true\n' > s.ini
    printf '[job x]\ntype = io\ncommand = : > up; exec sleep 60\n' > long.ini
    mkfifo fifo
    load events
    "$MUSTER" -r table:first -r json:fifo s.ini > out 2> err &
    wait_for first # behind the last job
    kill -TERM $!
    await $!
    [ "$status" -eq 143 ]
    [ "$(cat err)" = 'muster: fifo: No such device or address' ]
    grep -q '^1 job: 1 ok$' out
    "$MUSTER" -r json:fifo long.ini > out 2> err &
    wait_for up # and while it runs
    kill -TERM $!
    await $!
    [ "$status" -eq 143 ]
    grep -q '^muster: fifo: No such device or address$' err
    grep -q '^1 job: 1 cancelled$' out
}

@test "colours: --color, NO_COLOR, and none on a pipe" {
    esc=$(printf '\033')
    muster m.ini
    [[ $output != *$esc* ]]
    muster --color=always m.ini
    [[ $output == *"$esc"* ]]
    muster --color=always -r table:t m.ini
    not grep -q "$esc" t
    NO_COLOR=1 muster --color=always m.ini
    [[ $output == *"$esc"* ]]
    TERM=xterm script -qec "'$MUSTER' m.ini" /dev/null > typed < /dev/null || true
    grep -q "$esc" typed
    NO_COLOR=1 TERM=xterm script -qec "'$MUSTER' m.ini" /dev/null > typed < /dev/null || true
    not grep -q "$esc" typed
    TERM=dumb script -qec "'$MUSTER' m.ini" /dev/null > typed < /dev/null || true
    not grep -q "$esc" typed
}

@test "on a narrow terminal nothing is cut" {
    printf '[job %s]\ntype = io\ncommand = exit 3\n' "$(printf 'x%.0s' $(seq 150))" > long.ini
    script -qec "stty cols 40; '$MUSTER' long.ini" /dev/null > typed < /dev/null || true
    grep -q "$(printf 'x%.0s' $(seq 150)) .*exit 3" typed
}

@test "a job in the wrong lane gets a hint" {
    printf '[job x]\ntype = cpu\nexec = sleep 0.3\n' > wait.ini
    muster wait.ini
    [ "$status" -eq 0 ]
    [[ $output == *'hint: x is marked cpu but mostly waited'*'try type = io' ]]
}

@test "plan as json" {
    { printf '[job late]\ntype = cpu\ncpus = 1\nafter = next\ntimeout = 1m30s\nretries = 2\ncommand = true\n'; cat m.ini; } > p.ini
    muster plan --report json p.ini
    [ "$status" -eq 0 ]
    [ "$(jq -c '.jobs[] | select(.name == "late")' <<< "$output")" = '{"name":"late","type":"cpu","wave":2,"after":["next"],"limits":[],"cpus":1,"timeout_s":90,"retries":2}' ]
    jq -e '[.jobs[] | select(.wave == 0) | .name] | sort == ["bad", "good"]' <<< "$output"
    jq -e '.schema == 1' <<< "$output"
    muster plan -r json:p.json p.ini
    [[ $output == JOB* ]]
    jq -e '.jobs | length == 4' p.json
}
