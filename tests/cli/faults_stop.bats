#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# faults_stop: nothing of a job is left behind, whatever stops it, and nothing waits for ever.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
    load faults
    survivors=
}

teardown() {
    for pid in $survivors; do kill -KILL "$pid" 2> /dev/null || true; done
}

# Four jobs of each lane that run, the keys of each on standard input, and 25 of
# each that wait for a slot.
eight_running() {
    cat > keys
    {
        printf '[muster]\nio-limit = 4\ncpu-workers = 4\n'
        for lane in io cpu; do
            for i in 1 2 3 4; do
                printf '[job %s%d]\ntype = %s\n' $lane $i $lane
                cat keys
            done
        done
        for lane in io cpu; do
            for i in $(seq 25); do
                printf '[job %s-waits%d]\ntype = %s\ncommand = : > ran\n' $lane "$i" $lane
            done
        done
    } > m.ini
}

eight_up() {
    [ "$(ls up.* 2> /dev/null | wc -l)" -eq 8 ]
}

all_cancelled() {
    [ "$(json '[.jobs[] | .status + "/" + .reason] | unique | join(" ")')" = cancelled/cancelled ]
    [ "$(json '.totals | "\(.jobs) \(.cancelled)"')" = '58 58' ]
    [ "$(grep -c ' cancelled ' out)" -eq 58 ]
    [ ! -e ran ]
}

@test "INT, TERM, HUP with 8 running and 50 waiting: gone at once when they obey, all told" {
    for signal in INT:130 TERM:143 HUP:129; do
        rm -f up.* results.json
        eight_running <<< 'command = echo $$ > "$MUSTER_JOB"; mv "$MUSTER_JOB" "up.$MUSTER_JOB"; exec sleep 100'
        start m.ini
        wait_until eight_up
        t=$(now_ms)
        kill "-${signal%:*}" "$muster"
        await "$muster"
        within_ms 2300 "$t"
        [ "$status" -eq "${signal#*:}" ]
        all_cancelled
        for pid in $(cat up.*); do gone "$pid"; done
    done
}

@test "those that ignore the stop-signal, their children and daemons are gone by kill-after" {
    eight_running <<END
command =
    $CHILDREN/daemonise "daemon.\$MUSTER_JOB" clean
    $CHILDREN/ignore-term &
    trap '' TERM
    : > "up.\$MUSTER_JOB"
    wait
    exec $CHILDREN/ignore-term
kill-after = 1s
END
    start m.ini
    wait_until eight_up
    t=$(now_ms)
    kill -TERM "$muster"
    await "$muster"
    within_ms 3500 "$t"
    [ "$status" -eq 143 ]
    all_cancelled
    for pid in $(cat daemon.*); do gone "$pid"; done
    [ "$(count_here ignore-term)" -eq 0 ]
}

@test "INT, then TERM 7.5 s later as a CI sends them: with the default kill-after all is over before" {
    eight_running <<END
exec = $CHILDREN/ignore-term
stdout = file:up
END
    sed -i 's/^stdout = file:up$/stdout = append:up/' m.ini
    start m.ini
    wait_until eval '[ "$(grep -c ready up 2> /dev/null)" -eq 8 ]'
    t=$(now_ms)
    kill -INT "$muster"
    await "$muster"
    within_ms 7500 "$t"
    [ "$status" -eq 130 ]
    all_cancelled
    [ "$(job_json io1 '.wall_s >= 5')" = true ]
}

@test "behind a signal nothing starts but what was on its way" {
    {
        printf '[muster]\nio-limit = 4\ncpu-workers = 4\n'
        for i in $(seq 2000); do
            printf '[job j%d]\ntype = %s\ncommand = echo >> log; sleep 0.01\n' "$i" \
                "$([ $((i % 2)) = 0 ] && echo io || echo cpu)"
        done
    } > m.ini
    for _ in 1 2 3; do
        rm -f log
        start m.ini
        wait_until test -s log
        kill -STOP "$muster"
        wait_until stopped "$muster"
        before=$(wc -l < log)
        kill -TERM "$muster"
        kill -CONT "$muster"
        await "$muster"
        [ "$status" -eq 143 ]
        [ "$(wc -l < log)" -le $((before + 8)) ]
        [ "$(json '[.jobs[] | select(.attempts == [])] | length')" -gt 1900 ]
        [ "$(json '[.jobs[] | select(.status != "cancelled" and .status != "ok")] | length')" = 0 ]
    done
}

@test "Ctrl-C ends a shell's loop round muster, since muster dies by the signal" {
    manifest_of_both <<< 'command = : > "up.$MUSTER_JOB"; exec sleep 100'
    cat > loop.sh <<'END'
echo $$ > shell
for i in 1 2 3; do
    "$MUSTER" m.ini > out 2> err
    echo "$i" >> rounds
done
END
    MUSTER=$MUSTER setsid env --default-signal=INT bash loop.sh &
    wait_for up.io up.cpu
    kill -INT -- "-$(cat shell)"
    await $!
    [ "$status" -eq 130 ]
    [ ! -e rounds ]
    grep -q ' cancelled ' out
}

@test "a second signal: SIGKILL to all at once, the table is printed; a third changes nothing" {
    for pair in INT:TERM:130 TERM:HUP:143 HUP:INT:129; do
        IFS=: read -r first second code <<< "$pair"
        rm -f up.* daemon.* results.json
        eight_running <<END
command =
    $CHILDREN/daemonise "daemon.\$MUSTER_JOB" clean
    trap '' TERM
    : > "up.\$MUSTER_JOB"
    $CHILDREN/ignore-term
    exec $CHILDREN/ignore-term
kill-after = 1h
END
        start m.ini
        wait_until eight_up
        kill "-$first" "$muster"
        wait_until grep -q 'a second signal kills' err
        t=$(now_ms)
        kill "-$second" "$muster"
        kill -INT "$muster" 2> /dev/null || true
        kill -TERM "$muster" 2> /dev/null || true
        await "$muster"
        within_ms 2200 "$t"
        [ "$status" -eq "$code" ]
        all_cancelled
        for pid in $(cat daemon.*); do gone "$pid"; done
        [ "$(count_here ignore-term)" -eq 0 ]
    done
}

@test "a storm of 1,000 signals of all kinds ends the run once, its table complete" {
    eight_running <<END
command = : > "up.\$MUSTER_JOB"; exec $CHILDREN/ignore-term
kill-after = 1h
END
    for _ in 1 2 3; do
        rm -f up.* results.json
        start m.ini
        wait_until eight_up
        perl -e 'for (1 .. 1000) { kill((qw(INT TERM HUP USR1))[$_ % 4], $ARGV[0]) }' "$muster"
        # the storm may have been taken for one
        kill -TERM "$muster" 2> /dev/null || true
        await "$muster"
        [[ " 130 143 129 " == *" $status "* ]]
        [ "$(json .run.exit)" -eq "$status" ]
        all_cancelled
        [ "$(count_here ignore-term)" -eq 0 ]
    done
}

@test "a signal while the manifest is read from a FIFO: nothing ran, no file is left" {
    mkdir tmp
    for signal in INT:130 TERM:143 HUP:129; do
        rm -f pipe
        mkfifo pipe
        TMPDIR=$PWD/tmp start pipe
        exec 9> pipe # it has it open now
        printf '[job x]\ntype = io\ncommand = : > ran\n' >&9
        kill "-${signal%:*}" "$muster"
        await "$muster"
        exec 9>&-
        [ "$status" -eq "${signal#*:}" ]
        [ ! -e ran ]
        [ ! -e results.json ]
        [ -z "$(ls -A tmp)" ]
    done
}

@test "a signal at any moment of a short run: its report is whole or absent, never half" {
    {
        printf '[defaults]\ncommand = :\n'
        for i in $(seq 20); do
            printf '[job j%d]\ntype = %s\n' "$i" "$([ $((i % 2)) = 0 ] && echo io || echo cpu)"
        done
    } > m.ini
    mkdir reports
    whole=0
    for i in $(seq 60); do
        rm -f reports/*
        cat > run.pl <<'END'
my $pid = fork();
if (!$pid) { exec @ARGV[1 .. $#ARGV] or exit 99 }
select undef, undef, undef, $ARGV[0] ** 2 / 10000;
kill 'TERM', $pid;
waitpid $pid, 0;
exit(($? & 127) == 15 || $? == 0 ? 0 : 1);
END
        perl run.pl "$i" "$MUSTER" run --report json:reports/r.json \
            --report table:reports/t.txt m.ini > out 2> err
        for file in reports/*; do
            case $file in
            reports/r.json) jq -e '.totals.jobs == 20' "$file" > seen && whole=$((whole + 1)) ;;
            reports/t.txt) grep -q '^20 jobs: ' "$file" ;;
            'reports/*') ;;
            *) echo "left behind: $file" >&2; false ;;
            esac
        done
    done
    [ "$whole" -gt 0 ]
}

@test "a signal after the last job has ended: the results are complete" {
    printf '[job x]\ntype = io\nexec = true\n[job y]\ntype = cpu\nexec = true\n' > m.ini
    for signal in INT:130 TERM:143 HUP:129; do
        rm -f fifo first
        mkfifo fifo
        start --report table:first --report json:fifo m.ini
        wait_for first # all has ended, the next report waits for its reader
        kill "-${signal%:*}" "$muster"
        cat fifo > got
        await "$muster"
        [ "$status" -eq "${signal#*:}" ]
        jq -e '.totals.ok == 2' got
        grep -q '^2 jobs: 2 ok$' out
    done
}

@test "under nohup, or in a script's background, ignored signals stay so; jobs have the default" {
    manifest_of_both <<< 'command = grep "^SigIgn" /proc/self/status; : > "up.$MUSTER_JOB"; until [ -e go ]; do sleep 0.02; done'
    env --ignore-signal=HUP,INT,QUIT,TERM "$MUSTER" run --report json:results.json m.ini > out 2> err &
    muster=$!
    wait_for up.io up.cpu
    for signal in HUP INT TERM; do kill -$signal "$muster"; done
    kill -USR1 "$muster" # it is taken behind those that would have ended it
    wait_until grep -q io err
    [ "$(grep -c 'stopping' err)" -eq 0 ]
    : > go
    await "$muster"
    [ "$status" -eq 0 ]
    for lane in io cpu; do
        [ "$(job_json $lane .stdout)" = $'SigIgn:\t0000000000000000' ]
    done
}

@test "a job's limit: stop-signal at it, SIGKILL at kill-after, the grandchild too, and both are told" {
    manifest_of_both <<END
command =
    exec perl -MTime::HiRes=time -e '
        \$| = 1; my \$t = time; \$SIG{TERM} = sub { printf "term %.3f\n", time - \$t };
        my \$pid = fork(); open my \$f, ">", "\$ENV{MUSTER_JOB}." . (\$pid ? "parent" : "child"); print \$f \$\$; close \$f;
        sleep 1 while 1'
stdout = file:stamps
timeout = 1s
kill-after = 1s
END
    sed -i '/type = io/,/^\[/s/file:stamps/file:stamps.io/; /type = cpu/,$s/file:stamps$/file:stamps.cpu/' m.ini
    run --separate-stderr "$MUSTER" run --output none --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(sort <<< "$stderr")" = "job cpu: timed out after 1s, killed after 1s more
job io: timed out after 1s, killed after 1s more" ]
    for lane in io cpu; do
        [ "$(job_json $lane '"\(.status) \(.reason) \(.signal) \(.exit)"')" = 'timeout timeout 9 null' ]
        [ "$(job_json $lane '.wall_s >= 2 and .wall_s < 4.2')" = true ]
        # parent and child were told once each
        [ "$(grep -c term stamps.$lane)" -eq 2 ]
        awk '$2 < 0.5 || $2 > 3 { exit 1 }' stamps.$lane
        gone "$(cat $lane.parent)"
        gone "$(cat $lane.child)"
    done
}

@test "a job has ended when its first process has, whoever holds its output; what was written is there" {
    manifest_of_both <<END
command =
    head -c 300000 /dev/zero | tr '\\0' x
    $CHILDREN/ignore-term "up.\$MUSTER_JOB" &
    echo \$! > "\$MUSTER_JOB.pid"
    until [ -e "up.\$MUSTER_JOB" ]; do sleep 0.01; done
    echo end
kill-after = 500ms
END
    # the reader of muster's own output gets its end, too
    timeout 30 "$MUSTER" run --report json m.ini 2> err | cat > results.json
    for lane in io cpu; do
        [ "$(job_json $lane '"\(.status) \(.leftover) \(.exit)"')" = 'ok 1 0' ]
        # with or without the other's "ready"
        [[ " 300004 300010 " == *" $(job_json $lane '.attempts[0].stdout_bytes') "* ]]
        job_json $lane .stdout | grep -q 'end$'
        gone "$(cat $lane.pid)"
    done
}

@test "a daemon that cleared its environment is its job's among others, at exit, limit and signal" {
    manifest_of_both <<END
exec = $CHILDREN/daemonise daemon.{WHO} clean
kill-after = 200ms
END
    {
        printf '[vars]\nWHO = x\n'
        sed '/^\[job cpu\]/,$s/{WHO}/cpu/; s/{WHO}/io/' m.ini
        printf '[job other]\ntype = io\ncommand = until [ -e seen ]; do sleep 0.02; done\n'
        printf '[job after]\ntype = io\nafter = io cpu\ncommand = for i in io cpu; do ps -p "$(cat daemon.$i)"; done; : > seen\n'
    } > exits.ini
    run --separate-stderr timeout 30 "$MUSTER" run --report json:results.json exits.ini
    [ "$status" -eq 0 ]
    for lane in io cpu; do
        [ "$(job_json $lane '"\(.status) \(.leftover)"')" = 'ok 1' ]
        gone "$(cat daemon.$lane)"
    done
    # both were gone before what comes after them began
    [ "$(job_json after .stdout | grep -c sleep)" -eq 0 ]

    sed 's/ clean$/ clean stay\ntimeout = 500ms/; /^\[job other\]/,$d' exits.ini > limit.ini
    run --separate-stderr timeout 30 "$MUSTER" run --report json:results.json limit.ini
    [ "$status" -eq 1 ]
    for lane in io cpu; do
        [ "$(job_json $lane '"\(.status) \(.leftover)"')" = 'timeout 1' ]
        gone "$(cat daemon.$lane)"
    done

    rm daemon.*
    sed 's/ clean$/ clean stay/; /^\[job other\]/,$d' exits.ini > signal.ini
    start signal.ini
    wait_until test -s daemon.io
    wait_until test -s daemon.cpu
    sleep 0.2 # TERM finds first process and daemon
    kill -TERM "$muster"
    await "$muster"
    [ "$status" -eq 143 ]
    for lane in io cpu; do
        [ "$(job_json $lane '"\(.status) \(.leftover)"')" = 'cancelled 1' ]
        gone "$(cat daemon.$lane)"
    done
}

@test "200 processes that ignore TERM, half of them daemons, are gone by kill-after" {
    manifest_of_both <<END
exec = $CHILDREN/fork-bomb 100
timeout = 1s
kill-after = 500ms
END
    run --separate-stderr timeout 60 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    for lane in io cpu; do
        [ "$(job_json $lane .status)" = timeout ]
        [ "$(job_json $lane '.wall_s < 5.5')" = true ]
    done
    [ "$(count_here fork-bomb)" -eq 0 ]
}

@test "processes that flee, each into a session of its own and a successor, are caught" {
    manifest_of_both <<END
exec = $CHILDREN/comet 10 10
timeout = 500ms
kill-after = 300ms
END
    t=$(now_ms)
    run --separate-stderr timeout 60 "$MUSTER" run --report json:results.json m.ini
    within_ms 8000 "$t"
    [ "$status" -eq 1 ]
    [ "$(json '[.jobs[].status] | join(" ")')" = 'timeout timeout' ]
    [ "$(count_here comet)" -eq 0 ]
}

@test "what cannot be killed is told, its slot is freed, and muster ends" {
    manifest_of_both '[muster]' 'io-limit = 1' 'cpu-workers = 1' <<END
command = $CHILDREN/daemonise "daemon.\$MUSTER_JOB"; exec $CHILDREN/ignore-term
timeout = 300ms
kill-after = 300ms
END
    for lane in io cpu; do
        printf '[job next-%s]\ntype = %s\nexec = true\n' $lane $lane
    done >> m.ini
    t=$(now_ms)
    status=0
    timeout 60 "$CHILDREN/refuse" kill "$MUSTER" run --output none --report json:results.json m.ini \
        > out 2> err || status=$?
    survivors=$(cat daemon.io daemon.cpu)
    within_ms 16000 "$t"
    [ "$status" -eq 1 ]
    for lane in io cpu; do
        [ "$(job_json $lane '"\(.status) \(.leftover)"')" = 'timeout 2' ]
        grep -q "^job $lane: 2 processes (pid [0-9]*, $(cat daemon.$lane)) could not be killed$" err
        [ "$(job_json next-$lane .status)" = ok ]
    done
}

@test "a job that is ok but for what it left, which cannot be killed: exit 1" {
    manifest_of_both <<END
command = $CHILDREN/daemonise "daemon.\$MUSTER_JOB"
kill-after = 100ms
END
    status=0
    timeout 60 "$CHILDREN/refuse" kill "$MUSTER" run --report json:results.json m.ini > out 2> err ||
        status=$?
    survivors=$(cat daemon.io daemon.cpu)
    [ "$status" -eq 1 ]
    for lane in io cpu; do
        [ "$(job_json $lane '"\(.status) \(.exit) \(.leftover)"')" = 'ok 0 1' ]
        grep -q "^job $lane: 1 process (pid $(cat daemon.$lane)) could not be killed$" err
    done
}

@test "TSTP to muster or to its group: the jobs stop first; CONT goes on" {
    for whom in pid group; do
        rm -f ./*.pid
        manifest_of_both <<< 'command = echo $$ > "$MUSTER_JOB.tmp"; mv "$MUSTER_JOB.tmp" "$MUSTER_JOB.pid"; until [ -e go ]; do sleep 0.02; done'
        rm -f go
        set -m # a group of its own
        start m.ini
        set +m
        wait_for io.pid cpu.pid
        if [ $whom = pid ]; then kill -TSTP "$muster"; else kill -TSTP -- "-$muster"; fi
        wait_until stopped "$muster"
        # they were told before; muster does nothing more now
        wait_until stopped "$(cat io.pid)"
        wait_until stopped "$(cat cpu.pid)"
        : > go
        if [ $whom = pid ]; then kill -CONT "$muster"; else kill -CONT -- "-$muster"; fi
        await "$muster"
        [ "$status" -eq 0 ]
    done
}

@test "neither limit, kill-after, delay nor deadline counts a pause" {
    cat > m.ini <<END
[muster]
deadline = 3s
[job limit]
type = cpu
command = : > up; sleep 0.5
timeout = 2s
[job delay]
type = io
command = [ \$MUSTER_ATTEMPT = 2 ] || { : > tried; exit 1; }
retries = 1
retry-delay = 1s
retry-jitter = 0
[job grace]
type = io
command = trap ': > term' TERM; while [ ! -e term ]; do sleep 0.02; done; sleep 0.7; exit 0
timeout = 300ms
kill-after = 2s
END
    start m.ini
    wait_for up tried term
    kill -TSTP "$muster"
    wait_until stopped "$muster"
    sleep 3.5 # longer than all of them
    kill -CONT "$muster"
    await "$muster"
    [ "$status" -eq 1 ]
    [ "$(json '[.jobs[] | "\(.name) \(.status) \(.exit)"] | join(", ")')" = \
        'limit ok 0, delay ok 0, grace timeout 0' ]
    [ "$(job_json delay '.attempts | .[1].start_s - .[0].start_s >= 4')" = true ]
}

@test "a job that others stopped is still under its limit" {
    manifest_of_both <<'END'
command = kill -STOP $$; : > ran
timeout = 500ms
kill-after = 30s
END
    run --separate-stderr timeout 20 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(json '[.jobs[] | "\(.status) \(.signal)"] | join(", ")')" = 'timeout 15, timeout 15' ]
    [ ! -e ran ]
}

@test "deadline and max-failures stop what ignores TERM and its daemons as a signal does" {
    for how in deadline:124 cancelled:1; do
        rm -f daemon.*
        manifest_of_both '[muster]' 'on-failure = cancel' <<END
command = $CHILDREN/daemonise "daemon.\$MUSTER_JOB" clean; exec $CHILDREN/ignore-term
kill-after = 300ms
END
        [ $how = deadline:124 ] || printf '[job bad]\ntype = io\ncommand = until [ -s daemon.io ] && [ -s daemon.cpu ]; do sleep 0.02; done; sleep 0.2; exit 1\n' >> m.ini
        set --
        [ $how != deadline:124 ] || set -- --deadline 1s
        run --separate-stderr timeout 30 "$MUSTER" run "$@" --report json:results.json m.ini
        [ "$status" -eq "${how#*:}" ]
        for lane in io cpu; do
            [ "$(job_json $lane '"\(.status) \(.reason)"')" = "cancelled ${how%:*}" ]
            gone "$(cat daemon.$lane)"
        done
        [ "$(count_here ignore-term)" -eq 0 ]
    done
}
