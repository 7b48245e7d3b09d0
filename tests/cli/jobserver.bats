#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# jobserver: below a make, and with makes below.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
    export MUSTER CHILDREN
}

# A makefile with so many recipes that log and sleep.
recipes() {
    printf 'all: %s\n%s:\n' "$(seq -s ' ' -f 't%g' "$1")" "$(seq -s ' ' -f 't%g' "$1")"
    printf '\t@echo start >> log; sleep 0.2; echo end >> log\n'
}

# A manifest with so many CPU jobs that do the same.
jobs_that_log() {
    printf '[defaults]\ntype = cpu\ncommand = echo start >> log; sleep 0.2; echo end >> log\n'
    printf '[job j%d]\n' $(seq "$1")
}

# Tokens in a pipe as a make makes it, at descriptor 8.
make_tokens() {
    mkfifo tokens
    exec 8<> tokens
    printf '%s' "$1" >&8
}

tokens_left() {
    dd iflag=nonblock bs=64 count=1 <&8 2>/dev/null | fold -w 1 | sort | tr -d '\n'
}

@test "below make -j2: what make and muster run together is never more than two at once" {
    { printf '[muster]\ncpu-workers = 4\n'; jobs_that_log 6; } > m.ini
    { recipes 4; printf 'all: m\nm:\n\t+@"$$MUSTER" run -q m.ini\n'; } > Makefile
    run make -j2
    echo "$output" >&2
    [ "$status" -eq 0 ]
    [ "$(most_at_once log)" -eq 2 ]
    [ "$(grep -c end log)" -eq 10 ]
    [[ "$output" != *INTERNAL* ]] # make's word for tokens that are missing
}

@test "each token goes back, the byte that it was, also on SIGTERM, failure and SIGINT" {
    make_tokens abcd
    export MAKEFLAGS=' -j9 --jobserver-auth=97,98 --jobserver-auth=8,8' # the last one counts
    { printf '[muster]\ncpu-workers = 8\n'; jobs_that_log 12; } > m.ini
    run --separate-stderr "$MUSTER" run m.ini
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [ "$(most_at_once log)" -eq 5 ] # these four and the one that muster has
    [ "$(tokens_left)" = abcd ]
    printf abcd >&8
    run --separate-stderr "$MUSTER" run -x -j 8 - <<< '[job bad]
type = cpu
command = sleep 0.2; false
[job long]
type = cpu
command = sleep 60'
    [ "$status" -eq 1 ]
    [ "$(tokens_left)" = abcd ]
    printf abcd >&8
    for sig in TERM INT; do
        rm -f up.*
        printf '[defaults]\ntype = cpu\ncommand = : > up.$MUSTER_JOB; sleep 60\n[job a]\n[job b]\n[job c]\n' > long.ini
        env --default-signal=INT "$MUSTER" run -j 8 long.ini 3>&- > /dev/null 2>&1 &
        pid=$!
        wait_for up.a up.b up.c
        kill -$sig "$pid"
        await "$pid"
        [ "$status" -gt 128 ]
        [ "$(tokens_left)" = abcd ]
        printf abcd >&8
    done
}

@test "the named form: a pipe by its path" {
    make_tokens xyz
    { printf '[muster]\ncpu-workers = 8\n'; jobs_that_log 8; } > m.ini
    MAKEFLAGS=" -j4 --jobserver-auth=fifo:$PWD/tokens" run --separate-stderr "$MUSTER" run m.ini
    [ "$status" -eq 0 ]
    [ "$(most_at_once log)" -eq 4 ]
    [ "$(tokens_left)" = xyz ]
}

@test "only the CPU lane keeps to the tokens" {
    make_tokens ''
    {
        printf '[job cpu1]\ntype = cpu\ntimeout = 20s\ncommand = until [ -e io2 ]; do sleep 0.02; done\n'
        printf '[job cpu2]\ntype = cpu\nexec = true\n'
        printf '[job io%d]\ntype = io\ncommand = : > "$MUSTER_JOB"\n' 1 2
    } > m.ini
    MAKEFLAGS=' -j1 --jobserver-auth=8,8' run --separate-stderr "$MUSTER" run -j 2 --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(json '[.jobs[] | {key: .name, value: .attempts[0]}] | from_entries |
        .cpu2.start_s >= .cpu1.start_s + .cpu1.wall_s - 0.01')" = true ]
}

@test "jobs that are not served see nothing of make's jobserver" {
    make_tokens ab
    printf '[job x]\ntype = cpu\ncommand = echo "<$MAKEFLAGS><$MFLAGS>"; %s/show-self\n' "$CHILDREN" > m.ini
    MAKEFLAGS='k -j4 --jobserver-auth=8,8' MFLAGS='-k -j4 --jobserver-auth=8,8' \
        run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [[ "$(job_json x .stdout)" == $'<k><-k>\nfds 0 1 2\n'* ]]
}

@test "a jobserver that make has closed is told, and done without" {
    printf '[job x]\ntype = cpu\nexec = true\n' > m.ini
    MAKEFLAGS=' -j4 --jobserver-auth=97,98' run --separate-stderr "$MUSTER" run m.ini
    [ "$status" -eq 0 ]
    [[ "$stderr" == "muster: make's jobserver is closed"*"'+'"* ]]
    MAKEFLAGS=" -j4 --jobserver-auth=fifo:$PWD/gone" run --separate-stderr "$MUSTER" run m.ini
    [ "$status" -eq 0 ]
    [[ "$stderr" == "muster: make's jobserver: No such file"* ]]
}

@test "jobserver = pipe: a make in a job shares the workers with the other jobs" {
    recipes 8 > Makefile
    {
        printf '[muster]\ncpu-workers = 3\n'
        jobs_that_log 4
        printf '[job make]\njobserver = pipe\ncommand = make\n'
    } > m.ini
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(most_at_once log)" -eq 3 ]
    [ "$(grep -c end log)" -eq 12 ]
    [ -z "$(job_json make .stdout | grep -i jobserver)" ]
    # alone it gets all of them
    rm log
    printf '[muster]\ncpu-workers = 3\n[job make]\ntype = cpu\njobserver = pipe\nexec = make\n' > m.ini
    run --separate-stderr "$MUSTER" run m.ini
    [ "$status" -eq 0 ]
    [ "$(most_at_once log)" -eq 3 ]
}

@test "a real make of real sources beside other CPU jobs: never more than two compilers" {
    mkdir bin build
    cat > bin/cc <<END
#!/bin/sh
echo start >> "$PWD/log"
${COMPILE:-cc -std=c11 -D_GNU_SOURCE -I$BATS_TEST_DIRNAME/../../src} "\$@"
status=\$?
echo end >> "$PWD/log"
exit \$status
END
    chmod +x bin/cc
    cat > Makefile <<END
SOURCES := \$(wildcard $(cd "$BATS_TEST_DIRNAME/../../src/base" && pwd)/*.c)
OBJECTS := \$(patsubst %.c,build/%.o,\$(notdir \$(SOURCES)))
VPATH := \$(sort \$(dir \$(SOURCES)))
all: \$(OBJECTS)
build/%.o: %.c
	$PWD/bin/cc -c -o \$@ \$<
END
    cat > m.ini <<END
[muster]
cpu-workers = 2
[defaults]
type = cpu
[job make]
jobserver = pipe
exec = make --no-print-directory
[job compile1]
exec = $PWD/bin/cc -c -o compile1.o $BATS_TEST_DIRNAME/../../src/plan/plan.c
[job compile2]
exec = $PWD/bin/cc -c -o compile2.o $BATS_TEST_DIRNAME/../../src/plan/vars.c
END
    run --separate-stderr "$MUSTER" run m.ini
    echo "$stderr" >&2
    [ "$status" -eq 0 ]
    [ "$(most_at_once log)" -eq 2 ]
    [ "$(grep -c end log)" -gt 12 ]
}

@test "jobserver = pipe: descriptors 3 and 4, and MAKEFLAGS behind the job's own" {
    cat > m.ini <<END
[muster]
cpu-workers = 2
[job x]
type = cpu
jobserver = pipe
env.MAKEFLAGS = --no-print-directory
command = echo "\$MAKEFLAGS"; exec $CHILDREN/show-self
[job plain]
type = cpu
command = echo "<\$MAKEFLAGS>"; exec $CHILDREN/show-self
END
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [[ "$(job_json x .stdout)" == $'--no-print-directory -j2 --jobserver-auth=3,4\nfds 0 1 2 3 4\n'* ]]
    [[ "$(job_json plain .stdout)" == $'<>\nfds 0 1 2\n'* ]]
}

@test "jobserver = fifo: a named pipe in a private folder, which is gone afterwards" {
    cat > m.ini <<'END'
[muster]
cpu-workers = 2
[job x]
type = cpu
jobserver = fifo
shell = /bin/bash -c
command =
    fifo=${MAKEFLAGS##*fifo:}
    [ -p "$fifo" ] && stat -c %a "$(dirname "$fifo")"
    exec 5<> "$fifo"
    read -r -N 1 -t 10 -u 5 token && echo "token $token"
    read -r -N 1 -t 0.3 -u 5 more || echo 'no more'
    printf %s "$token" >&5
END
    run --separate-stderr env TMPDIR="$PWD" "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(job_json x .stdout)" = $'700\ntoken +\nno more' ]
    [ -z "$(ls -d muster-jobs-* 2>/dev/null)" ]
}

@test "tokens that a killed job had are there again for the next" {
    cat > m.ini <<'END'
[muster]
cpu-workers = 3
[defaults]
type = cpu
[job thief]
jobserver = pipe
shell = /bin/bash -c
timeout = 0.5s
kill-after = 0
allow-failure = yes
command = read -r -N 2 -u 3 tokens; sleep 60
[job log]
type = io
after = thief
exec = true
[job a]
after = log
command = echo start >> log; sleep 0.3; echo end >> log
[job b]
after = log
command = echo start >> log; sleep 0.3; echo end >> log
[job c]
after = log
command = echo start >> log; sleep 0.3; echo end >> log
END
    run --separate-stderr timeout 60 "$MUSTER" run m.ini
    [ "$status" -eq 0 ]
    [ "$(most_at_once log)" -eq 3 ]
}

@test "below a make a served job gets make's own tokens" {
    make_tokens ab
    recipes 6 > Makefile
    printf '[job make]\ntype = cpu\njobserver = pipe\nexec = make\n' > m.ini
    MAKEFLAGS=" -j3 --jobserver-auth=fifo:$PWD/tokens" run --separate-stderr "$MUSTER" run -j 4 m.ini
    [ "$status" -eq 0 ]
    [ "$(most_at_once log)" -eq 3 ]
    tokens=$(tokens_left) # make puts back its own bytes
    [ "${#tokens}" -eq 2 ]
}

@test "check: only a cpu job can share its workers" {
    printf '[defaults]\njobserver = pipe\n[job a]\ntype = io\nexec = true\n[job b]\ntype = cpu\nexec = true\n' > m.ini
    run --separate-stderr "$MUSTER" check m.ini
    [ "$status" -eq 0 ]
    printf '[job a]\ntype = io\nexec = true\njobserver = fifo\n' > m.ini
    run --separate-stderr "$MUSTER" check m.ini
    [ "$status" -eq 2 ]
    [[ "$stderr" == "m.ini:4:13: error: jobserver: job 'a' has to be cpu"* ]]
}
