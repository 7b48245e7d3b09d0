#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# signals: to muster: what becomes of the jobs, the reports and muster itself.
bats_require_minimum_version 1.5.0

load background

# Two jobs that run, one in each lane, and one in each that waits for a slot.
two_running() {
    cat > m.ini <<END
[muster]
io-limit = 1
cpu-workers = 1
[job io]
type = io
${1:-command = : > io.up; exec sleep 100}
[job cpu]
type = cpu
${2:-command = : > cpu.up; exec sleep 100}
[job io-waits]
type = io
command = : > ran
[job cpu-waits]
type = cpu
command = : > ran
[job anyway]
type = io
after = io
when = always
command = : > ran
END
}

@test "INT, TERM and HUP: everything is cancelled, every report complete, and muster dies by it" {
    for signal in INT:130 TERM:143 HUP:129; do
        rm -f io.up cpu.up results.json
        two_running
        start m.ini
        wait_for io.up cpu.up
        kill "-${signal%:*}" "$muster"
        await "$muster"
        [ "$status" -eq "${signal#*:}" ]
        [ ! -e ran ]
        [ "$(json .run.interrupted_by)" = "SIG${signal%:*}" ]
        [ "$(json .run.exit)" = "${signal#*:}" ]
        [ "$(json '[.jobs[].status] | unique | join(" ")')" = cancelled ]
        [ "$(json '[.jobs[].reason] | unique | join(" ")')" = cancelled ]
        [ "$(job_json io .signal)" = 15 ]
        [ "$(grep -c 'cancelled' out)" -ge 5 ]
    done
}

@test "it truly ends by the signal, not by an exit status that looks like it" {
    two_running
    cat > die.pl <<'END'
my $pid = fork();
if (!$pid) { open STDOUT, '>', '/dev/null'; exec @ARGV or exit 99 }
until (-e 'io.up' && -e 'cpu.up') { select undef, undef, undef, 0.02 }
kill 'INT', $pid;
waitpid $pid, 0;
print $? & 127, " ", $? >> 8, "\n";
END
    run --separate-stderr timeout 20 perl die.pl "$MUSTER" run m.ini
    [ "$output" = '2 0' ]
}

@test "a job that exits 0 when it is stopped is cancelled all the same" {
    two_running "exec = $CHILDREN/exit-on-term io.up" "exec = $CHILDREN/exit-on-term cpu.up"
    start m.ini
    wait_for io.up cpu.up
    kill -TERM "$muster"
    await "$muster"
    [ "$status" -eq 143 ]
    [ "$(job_json io '"\(.status) \(.exit)"')" = 'cancelled 0' ]
    [ "$(job_json cpu '"\(.status) \(.exit)"')" = 'cancelled 0' ]
}

@test "jobs that ignore the stop-signal are killed after kill-after" {
    two_running "exec = $CHILDREN/ignore-term io.up
kill-after = 500ms" "exec = $CHILDREN/ignore-term cpu.up
kill-after = 500ms"
    start m.ini
    wait_for io.up cpu.up
    kill -TERM "$muster"
    await "$muster"
    [ "$status" -eq 143 ]
    [ "$(job_json io .signal)" = 9 ]
    [ "$(job_json cpu .signal)" = 9 ]
    [ "$(count_here ignore-term)" -eq 0 ]
}

@test "a second signal kills at once" {
    two_running "exec = $CHILDREN/ignore-term io.up
kill-after = 1h" "exec = $CHILDREN/ignore-term cpu.up
kill-after = 1h"
    start m.ini
    wait_for io.up cpu.up
    kill -INT "$muster"
    sleep 0.2 # so that the two are not one
    kill -INT "$muster"
    await "$muster"
    [ "$status" -eq 130 ]
    [ "$(json '[.jobs[].status] | unique | join(" ")')" = cancelled ]
    [ "$(count_here ignore-term)" -eq 0 ]
    [ -s out ]
}

@test "a storm of signals is one or two of them" {
    two_running "exec = $CHILDREN/ignore-term io.up
kill-after = 1h" "exec = $CHILDREN/ignore-term cpu.up
kill-after = 1h"
    start m.ini
    wait_for io.up cpu.up
    # one alone would leave it waiting for an hour
    until gone "$muster"; do
        for _ in $(seq 100); do kill -TERM "$muster" 2>/dev/null || true; done
    done
    await "$muster"
    [ "$status" -eq 143 ]
    [ "$(json '[.jobs[].status] | unique | join(" ")')" = cancelled ]
}

@test "QUIT kills at once" {
    two_running "exec = $CHILDREN/ignore-term io.up
kill-after = 1h" "exec = $CHILDREN/ignore-term cpu.up
kill-after = 1h"
    start m.ini
    wait_for io.up cpu.up
    kill -QUIT "$muster"
    await "$muster"
    [ "$status" -gt 128 ]
    [ "$(count_here ignore-term)" -eq 0 ]
}

@test "daemons of running jobs are gone, too" {
    two_running "exec = $CHILDREN/daemonise io.up stay
kill-after = 200ms" "exec = $CHILDREN/daemonise cpu.up stay
kill-after = 200ms"
    start m.ini
    wait_for io.up cpu.up
    wait_until test -s io.up
    wait_until test -s cpu.up
    kill -TERM "$muster"
    await "$muster"
    [ "$status" -eq 143 ]
    gone "$(cat io.up)"
    gone "$(cat cpu.up)"
}

@test "a signal that was ignored at the start stays ignored, and jobs have its default" {
    cat > m.ini <<END
[job x]
type = io
command = : > up; until [ -e go ]; do sleep 0.02; done
[job self]
type = cpu
exec = $CHILDREN/show-self
END
    (trap '' HUP INT; exec "$MUSTER" run --report json:results.json m.ini > out 2> err) &
    muster=$!
    wait_for up
    kill -HUP "$muster"
    kill -INT "$muster"
    sleep 0.1
    : > go
    await "$muster"
    [ "$status" -eq 0 ]
    [ "$(job_json self .stdout | grep '^not-default')" = not-default ]
}

@test "TSTP stops the jobs and muster, CONT goes on, and no limit counts the pause" {
    cat > m.ini <<'END'
[defaults]
command = echo $$ > "$MUSTER_JOB.pid.tmp"; mv "$MUSTER_JOB.pid.tmp" "$MUSTER_JOB.pid"; sleep 0.5
timeout = 2s
[job io]
type = io
[job cpu]
type = cpu
END
    start m.ini
    wait_for io.pid cpu.pid
    kill -TSTP "$muster"
    wait_until stopped "$muster"
    wait_until stopped "$(cat io.pid)"
    wait_until stopped "$(cat cpu.pid)"
    sleep 2.5 # longer than the limit
    kill -CONT "$muster"
    await "$muster"
    [ "$status" -eq 0 ]
    [ "$(json '[.jobs[].status] | join(" ")')" = 'ok ok' ]
}

@test "USR1 lists what is running" {
    two_running 'command = echo io says hello; : > io.up; exec sleep 100' \
        'command = echo cpu says hello; : > cpu.up; exec sleep 100'
    start m.ini
    wait_for io.up cpu.up
    # what a job has said may be on its way yet
    listed() {
        kill -USR1 "$muster"
        grep -q 'io says hello' err && grep -q 'cpu says hello' err
    }
    wait_until listed
    kill -TERM "$muster"
    await "$muster"
    [ "$status" -eq 143 ]
}

@test "USR1 before the first start asks for nothing, and ends nothing" {
    mkfifo pipe
    printf '[job x]\ntype = io\ncommand = : > ran\n' > m.ini
    "$MUSTER" run - < pipe > out 2> err &
    muster=$!
    exec 9> pipe # it reads its manifest now
    wait_until grep -q '^SigCgt:.*[2367abef]..$' "/proc/$muster/status" # 10 is its bit
    kill -USR1 "$muster"
    cat m.ini >&9
    exec 9>&-
    await "$muster"
    [ "$status" -eq 0 ]
    [ -e ran ]
}

@test "no thread but the main one takes signals, those that write output files neither" {
    two_running 'command = "$CHILDREN/flood" 200000 80; : > io.up; exec sleep 100' \
        'command = : > cpu.up; exec sleep 100'
    start m.ini
    wait_for io.up cpu.up
    local task blocked threads=0 ours=$((0xa4207)) # HUP INT QUIT, USR1, TERM, CONT, TSTP
    for task in "/proc/$muster/task/"*; do
        [ "${task##*/}" -ne "$muster" ] || continue
        threads=$((threads + 1))
        blocked=$(awk '/^SigBlk/ { print $2 }' "$task/status")
        [ $((0x$blocked & ours)) -eq "$ours" ]
    done
    [ "$threads" -ge 4 ]
    kill -TERM "$muster"
    await "$muster"
    [ "$status" -eq 143 ]
}

@test "a signal before the first start: nothing has run" {
    mkfifo pipe
    printf '[job x]\ntype = io\ncommand = : > ran\n' > m.ini
    env --default-signal=INT "$MUSTER" run - < pipe > out 2> err &
    muster=$!
    exec 9> pipe # it reads its manifest now
    kill -TERM "$muster"
    exec 9>&-
    await "$muster"
    [ "$status" -eq 143 ]
    [ ! -e ran ]
}

@test "muster killed by SIGKILL takes its jobs' processes with it" {
    two_running
    start m.ini
    wait_for io.up cpu.up
    children=$(cat /proc/"$muster"/task/*/children) # the launchers too
    [ "$(wc -w <<< "$children")" -ge 2 ]
    kill -KILL "$muster"
    await "$muster"
    [ "$status" -eq 137 ]
    for pid in $children; do
        wait_until gone "$pid"
    done
}

@test "a job that kills muster is treated as any other sender" {
    cat > m.ini <<'END'
[job x]
type = io
command = kill -TERM $PPID; exec sleep 100
END
    run --separate-stderr timeout 20 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 143 ]
    [ "$(job_json x .status)" = cancelled ]
}

@test "a pause is no lag of the loop" {
    two_running
    start m.ini
    wait_for io.up cpu.up
    kill -TSTP "$muster"
    wait_until stopped "$muster"
    sleep 1 # so long a pause would show
    kill -CONT "$muster"
    wait_until grep -q "^State:[[:blank:]]*[RS]" "/proc/$muster/status"
    kill -TERM "$muster"
    await "$muster"
    [ "$(json '.run.loop_lag_max_ms < 900')" = true ]
}
