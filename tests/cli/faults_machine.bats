#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# faults_machine: where the machine has no more to give, jobs wait, and what cannot run says why.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
    load faults
    public=
}

teardown() {
    remove_public_folder
}

# "$1" jobs of each lane that note that they ran: many N COMMAND.
many() {
    for i in $(seq "$1"); do
        printf '[job io%d]\ntype = io\ncommand = %s\n[job cpu%d]\ntype = cpu\ncommand = %s\n' \
            "$i" "$2" "$i" "$2"
    done
}

@test "32 descriptors: 64 jobs of each lane run, 64 at once wanted; a lane is told once" {
    spare_sanitizers
    for lane in io cpu; do
        {
            printf '[muster]\nio-limit = 64\ncpu-workers = 64\n'
            many 64 'sleep 0.05' | sed -n "/^\[job $lane/,/^command/p"
        } > m.ini
        run --separate-stderr bash -c "ulimit -n 32; exec timeout 60 '$MUSTER' run --report json:results.json m.ini"
        [ "$status" -eq 0 ]
        [ "$(json .totals.ok)" = 64 ]
        [ "$(grep -c 'open files: limit 32, .* at once narrowed from 64 to [0-9]*$' <<< "$stderr")" -eq 1 ]
        [ "$(wc -l <<< "$stderr")" -eq 1 ]
    done
}

@test "both lanes at once, and streams apart, under 32 descriptors" {
    spare_sanitizers
    {
        printf '[muster]\nio-limit = 64\ncpu-workers = 64\n[defaults]\nstderr = capture\n'
        many 64 'echo out; echo err >&2'
    } > m.ini
    run --separate-stderr bash -c "ulimit -n 32; exec timeout 100 '$MUSTER' run --report json:results.json m.ini"
    [ "$status" -eq 0 ]
    [ "$(json '[.jobs[] | select(.stdout == "out\n" and .stderr == "err\n" and .status == "ok")] | length')" = 128 ]
}

@test "with any number of descriptors all jobs run, or none and exit 3 with a sentence" {
    spare_sanitizers
    for lane in io cpu; do
        printf '[muster]\nio-limit = 8\ncpu-workers = 8\n' > m.ini
        many 8 'echo >> ran' | sed -n "/^\[job $lane/,/^command/p" >> m.ini
        one=0
        for n in $(echo 4 5 6; seq 8 2 40); do
            : > ran
            status=0
            # Without those of bats and make, which would be in the loader's way.
            bash -c "ulimit -n $n; exec timeout 60 '$MUSTER' run m.ini" \
                > out 2> err 3>&- 4>&- 5>&- || status=$?
            if [ "$status" -eq 0 ]; then
                [ "$(wc -l < ran)" -eq 8 ]
                one=$((one + 1))
            else
                echo "$lane $n: $status" >&2
                [ ! -s ran ]
                [ "$status" -eq 3 ]
                grep -q '^muster: .*; nothing was run$' err
            fi
        done
        [ "$one" -gt 4 ]
    done
}

@test "the soft limit is raised for muster and given back to the jobs of both lanes" {
    {
        printf '[muster]\nio-limit = 40\n'
        for i in $(seq 40); do
            printf '[job j%d]\ntype = io\ncommand = ulimit -Sn; : > up.%d; until [ "$(ls up.* | wc -l)" -eq 40 ]; do sleep 0.05; done\n' "$i" "$i"
        done
        printf '[job cpu]\ntype = cpu\ncommand = ulimit -Sn; ulimit -Hn\n'
    } > m.ini
    hard=$(ulimit -Hn)
    run --separate-stderr bash -c "ulimit -Sn 50; exec timeout 60 '$MUSTER' run --report json:results.json m.ini"
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [ "$(json '[.jobs[] | select(.name != "cpu") | .stdout] | unique | join("")')" = 50 ]
    [ "$(job_json cpu .stdout)" = "50"$'\n'"$hard" ]
}

no_tasks() {
    count_tasks
    [ "$tasks" -eq 0 ]
}

# Runs muster as the user of as_user with room for so many tasks beside those
# that run already: with_tasks N OPTION...
with_tasks() {
    local n=$1
    shift
    # ThreadSanitizer has a thread of its own
    ! ldd "$MUSTER" | grep -q libtsan || n=$((n + 1))
    # one that is just about to go would be room for one more
    if [ "$(id -u)" -eq 0 ]; then wait_until no_tasks; else count_tasks; fi
    as_user bash -c "ulimit -u $((n + tasks)); exec \"\$0\" \"\$@\"" "$MUSTER" "$@"
}

@test "room for 20 processes: 64 of 64 run, none is left, and it is told once" {
    spare_sanitizers
    public_folder
    for lane in io cpu; do
        printf '[muster]\nio-limit = 64\ncpu-workers = 64\n' > m.ini
        # none that forks: it would meet the limit itself
        many 64 "exec sleep 0.05" | sed -n "/^\[job $lane/,/^command/p" >> m.ini
        run --separate-stderr with_tasks 20 run --report json:results.json m.ini
        [ "$status" -eq 0 ]
        [ "$(json '.totals | "\(.ok) \(.retries)"')" = '64 0' ]
        [ "$(json '[.jobs[] | select((.attempts | length) != 1)] | length')" = 0 ]
        [ "$(grep -c 'processes: .* narrowed from 64 to [0-9]*$' <<< "$stderr")" -eq 1 ]
        if [ "$(id -u)" -eq 0 ]; then wait_until no_tasks; fi
    done
}

@test "room for no process at all: after half a minute jobs fail by it, and retry-on = spawn holds" {
    spare_sanitizers
    public_folder
    manifest_of_both <<'END'
command = : > ran
END
    printf '[job again]\ntype = io\ncommand = : > ran\nretries = 1\nretry-delay = 10ms\nretry-on = spawn\n' >> m.ini
    # not even for muster's own threads
    run --separate-stderr with_tasks 1 run --report json:results.json m.ini
    [ "$status" -eq 3 ]
    [ "$stderr" = 'muster: Resource temporarily unavailable; nothing was run' ]
    # for those, but no more
    run --separate-stderr with_tasks 3 run --report json:results.json m.ini
    [ ! -e ran ]
    [ "$status" -eq 1 ]
    [ "$(json '[.jobs[] | "\(.status) \(.reason) \(.exit)"] | unique | join(", ")')" = 'failed spawn null' ]
    [ "$(job_json again '.attempts | length')" = 2 ]
    [[ "$output" == *'cannot be started: Resource temporarily unavailable'* ]]
}

@test "what cannot be run is told with its path and the error in words, in both lanes" {
    printf '#!/no/such/interpreter -x\n' > bad
    printf '#!/bin/sh\r\necho text\r\n' > dos
    printf 'text without a first line that says what it is\n' > text
    # an ELF header for another machine: 68000
    { printf '\177ELF\002\001\001\0\0\0\0\0\0\0\0\0\002\0\004\0\001\0\0\0'; head -c 100 /dev/zero; } > m68k
    printf '#!/bin/sh\n' > later
    chmod +x bad dos text m68k later
    mkdir folder later.d
    {
        printf '[defaults]\nafter = first\n[job first]\ntype = io\nafter =\ncommand = rm later; rmdir later.d\n'
        for lane in io cpu; do
            for name in missing bad dos text m68k later folder; do
                printf '[job %s-%s]\ntype = %s\nexec = ./%s a b\n' $name $lane $lane $name
            done
            printf '[job nowhere-%s]\ntype = %s\nexec = no-such-program-anywhere\n' $lane $lane
            printf '[job no-dir-%s]\ntype = %s\ndir = later.d\nexec = true\n' $lane $lane
            printf '[job no-stdin-%s]\ntype = %s\nstdin = file:missing\nexec = cat\n' $lane $lane
            printf '[job no-stdout-%s]\ntype = %s\nstdout = file:missing/out\nexec = true\n' $lane $lane
            printf '[job no-shell-%s]\ntype = %s\nshell = ./missing -c\ncommand = true\n' $lane $lane
            printf '[job 126-%s]\ntype = %s\ncommand = ./folder\n' $lane $lane
            printf '[job 127-%s]\ntype = %s\ncommand = ./missing\n' $lane $lane
            printf '[job fine-%s]\ntype = %s\nexec = true\n' $lane $lane
        done
    } > m.ini
    run --separate-stderr "$MUSTER" run --output none --report json:results.json \
        --report table:table.txt m.ini
    [ "$status" -eq 1 ]
    for lane in io cpu; do
        says_why() { # NAME PATTERN: its row ends so, its reason is spawn, it has no exit status
            grep -q "^$1-$lane  *$lane  *$lane  *failed  *1  *-  *.*$2\$" table.txt || {
                grep -e "^$1-$lane" table.txt >&2
                return 1
            }
            [ "$(job_json "$1-$lane" '"\(.status) \(.reason) \(.exit) \(.signal)"')" = \
                'failed spawn null null' ]
        }
        says_why missing "not found: $PWD/missing"
        says_why bad "bad interpreter '/no/such/interpreter' of $PWD/bad: No such file or directory"
        says_why dos "bad interpreter '/bin/sh\\\\r' of $PWD/dos: No such file or directory"
        says_why text "cannot be executed: $PWD/text: Exec format error"
        says_why m68k "cannot be executed: $PWD/m68k: Exec format error"
        says_why later "not found: $PWD/later"
        says_why folder "$PWD/folder: \(Permission denied\|Is a directory\)"
        says_why nowhere "not found: no-such-program-anywhere"
        says_why no-dir "cannot enter folder: $PWD/later.d: No such file or directory"
        says_why no-stdin "cannot open stdin: $PWD/missing: No such file or directory"
        says_why no-stdout "cannot open stdout: $PWD/missing/out: No such file or directory"
        says_why no-shell "not found: $PWD/missing"
        grep -q "^126-$lane .* 126 .*exit 126 (cannot be executed)$" table.txt
        grep -q "^127-$lane .* 127 .*exit 127 (command not found)$" table.txt
        [ "$(job_json fine-$lane .status)" = ok ]
    done
}

@test "what cannot be run is told by check beforehand, in both lanes" {
    printf '#!/bin/sh\n' > not-executable
    for lane in io cpu; do
        for keys in 'exec = ./missing' 'exec = ./not-executable' 'exec = .' 'exec = no-such-program' \
            $'dir = missing\nexec = true' $'stdin = file:missing\nexec = true' \
            $'env-file = missing\nexec = true' $'stdout = file:missing/x\nexec = true'; do
            printf '[job fine]\ntype = io\ncommand = : > ran\n[job x]\ntype = %s\n%s\n' $lane "$keys" > m.ini
            for verb in check run; do
                run --separate-stderr "$MUSTER" $verb m.ini
                [ "$status" -eq 2 ]
                [[ "$stderr" =~ ^m\.ini:6:[0-9]+:\ error:\  ]]
                [ ! -e ran ]
            done
        done
    done
}

# A word of so many bytes.
word() {
    head -c "$1" /dev/zero | tr '\0' w
}

@test "an argument or variable longer than the kernel takes is an error of check, with both numbers" {
    for lane in io cpu; do
        for key in "exec = true $(word 140012)" "command = $(word 131072)" \
            "$(printf 'exec = true\nenv.LONG = %s' "$(word 140007)")"; do
            printf '[job fine]\ntype = io\ncommand = : > ran\n[job x]\ntype = %s\n%s\n' $lane "$key" > m.ini
            "$MUSTER" check m.ini > out 2> err && status=0 || status=$?
            cut -c 1-300 err >&2
            [ "$status" -eq 2 ]
            grep -q '^m.ini:[67]:[0-9]*: error: .*13107[12]' err
            "$MUSTER" run m.ini > out 2> err && status=0 || status=$?
            [ "$status" -eq 2 ]
            [ ! -e ran ]
        done
        # the longest that there may be
        printf '[job x]\ntype = %s\nexec = printf %%s%s\n' $lane "$(word 131069)" > m.ini
        "$MUSTER" run m.ini
        printf '[job x]\ntype = %s\ncommand = :%s\n' $lane "$(word 131070)" > m.ini
        "$MUSTER" run m.ini > out 2> err || true
        grep -q 'exit 127' out
    done
}

@test "arguments and environment too long together: that job fails and says so, others run" {
    manifest_of_both <<< 'exec = true'
    for i in $(seq 30); do
        printf 'env.V%d = %s\n' "$i" "$(word 100000)"
    done >> m.ini
    run --separate-stderr bash -c "ulimit -s 8192; exec '$MUSTER' run --report json:results.json m.ini"
    [ "$status" -eq 1 ]
    [ "$(job_json io .status)" = ok ]
    [ "$(job_json cpu '"\(.status) \(.reason) \(.exit)"')" = 'failed spawn null' ]
    [[ "$output" == *'Argument list too long'* ]]
}

@test "a variable that is too long in an env-file that another job makes: its job fails, others run" {
    manifest_of_both <<< 'command = : > "ran.$MUSTER_JOB"'
    {
        printf '[job make]\ntype = io\ncommand = { printf LONG=; head -c 140007 /dev/zero | tr "\\0" w; echo; } > late.env\n'
        for lane in io cpu; do
            printf '[job late-%s]\ntype = %s\nafter = make\nenv-file = late.env\nexec = true\n' $lane $lane
        done
    } >> m.ini
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(json .totals.ok)" = 3 ]
    for lane in io cpu; do
        [ "$(job_json late-$lane '"\(.status) \(.reason)"')" = 'failed spawn' ]
    done
    [ "$(grep -c "cannot use env-file: $PWD/late.env:1: this is longer than the kernel takes (131071 bytes)" <<< "$output")" -eq 2 ]
}
