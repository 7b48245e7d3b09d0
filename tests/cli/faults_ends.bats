#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# faults_ends: however a job ends, its row is exact and the others go on; what it is given is exact.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
    load faults
}

# The signals that end a process that does not mind them.
deadly() {
    local sig
    for sig in $(seq 64); do
        case $sig in
        17 | 18 | 19 | 20 | 21 | 22 | 23 | 28) ;; # CHLD to TTOU, URG, WINCH
        *) echo "$sig" ;;
        esac
    done
}

@test "each exit status and each signal in one run of both lanes, every row exact" {
    {
        for lane in io cpu; do
            printf '[template %s]\ntype = %s\n' $lane $lane
            for i in $(seq 0 255); do
                printf '[job exit-%s-%d]\nuse = %s\ncommand = exit %d\n' $lane "$i" $lane "$i"
            done
            for i in $(deadly); do
                printf '[job signal-%s-%d]\nuse = %s\nexec = %s/die-by %d\n' $lane "$i" $lane "$CHILDREN" "$i"
            done
        done
    } > m.ini
    run --separate-stderr "$MUSTER" run --output none --report json:results.json m.ini
    [ "$status" -eq 1 ]
    n=$(($(deadly | wc -l) * 2))
    [ "$(json '.totals | "\(.jobs) \(.ok) \(.failed)"')" = "$((512 + n)) 2 $((510 + n))" ]
    [ "$(json '[.jobs[] | select(
        (if .exit != null then "exit-\(.type)-\(.exit)" else "signal-\(.type)-\(.signal)" end) != .name or
        (.exit != null and .signal != null) or .lane != .type or (.attempts | length) != 1 or
        .reason != (if .exit == 0 then null elif .exit != null then "exit" else "signal" end))] | length')" = 0 ]
}

@test "256 and 65,536 failures are exit 1, and their count is right" {
    {
        printf '[defaults]\nok-exit = 1\n'
        for i in $(seq 256); do
            printf '[job j%d]\ntype = %s\nexec = true\n' "$i" "$([ $((i % 2)) = 0 ] && echo io || echo cpu)"
        done
    } > m.ini
    run --separate-stderr "$MUSTER" run --output none --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(json .totals.failed)" = 256 ]

    # programs that are gone when they are to be run cost little
    printf '#!/bin/sh\n' > gone
    chmod +x gone
    {
        printf '[job first]\ntype = io\ncommand = rm gone\n[defaults]\nexec = ./gone\n'
        perl -e 'printf "[job j%d]\nafter = first\ntype = %s\n", $_, $_ % 2 ? "io" : "cpu" for 1 .. 65536'
    } > m.ini
    run --separate-stderr "$MUSTER" run --output none --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(json '.totals | "\(.ok) \(.failed)"')" = '1 65536' ]
    grep -q '^65537 jobs: 1 ok, 65536 failed$' <<< "$output"
}

@test "a core dump is noted where there is one" {
    # what the machine itself says of such an end
    core=$(cd "$BATS_TEST_TMPDIR" && ulimit -c unlimited 2> /dev/null
        perl -e 'if (!fork) { kill SEGV => $$; sleep 9 } wait; print $? & 128' 2> /dev/null)
    manifest_of_both <<'END'
command = mkdir $MUSTER_JOB && cd $MUSTER_JOB && ulimit -c unlimited 2> /dev/null; kill -SEGV $$
END
    run --separate-stderr bash -c "ulimit -c unlimited 2> /dev/null; exec '$MUSTER' run --output none --report json:results.json m.ini"
    [ "$status" -eq 1 ]
    for lane in io cpu; do
        [ "$(job_json $lane '"\(.reason) \(.signal)"')" = 'signal 11' ]
    done
    if [ "$core" = 128 ]; then
        [ "$(grep -c 'SIGSEGV (core dumped)$' <<< "$output")" -eq 2 ]
    else
        [ "$(grep -c 'SIGSEGV$' <<< "$output")" -eq 2 ]
    fi
}

@test "a job that kills its own group, closes everything, or stops itself harms only itself" {
    for lane in io cpu; do
        cat > m.ini <<END
[defaults]
type = $lane
kill-after = 200ms
[job group-term]
command = kill -TERM 0; sleep 100
[job group-kill]
command = sleep 100 & kill -KILL 0; sleep 100
[job closes]
exec = $CHILDREN/half-close 300
[job stops]
command = kill -STOP \$\$
timeout = 500ms
[job not-muster]
command = trap '' TERM; kill -KILL -\$PPID 2> /dev/null; exit 5
[job fine]
command = sleep 0.5; echo fine
END
        run --separate-stderr timeout 30 "$MUSTER" run -i 8 -j 8 --output none --report json:results.json m.ini
        [ "$status" -eq 1 ]
        [ "$(json '[.jobs[] | "\(.name) \(.status) \(.exit) \(.signal)"] | join(", ")')" = \
            'group-term failed null 15, group-kill failed null 9, closes failed 3 null, stops timeout null 15, not-muster failed 5 null, fine ok 0 null' ]
        [ "$(job_json fine .stdout)" = fine ]
        [ "$(job_json closes .stdout)" = closing ]
    done
}

@test "a job that sends muster TERM, INT or HUP cancels the run as any other sender" {
    for signal in TERM:143 INT:130 HUP:129; do
        for lane in io cpu; do
            cat > m.ini <<END
[job killer]
type = $lane
command = until [ -e up ]; do sleep 0.02; done; kill -${signal%:*} \$PPID; exec sleep 100
[job other]
type = io
command = : > up; exec sleep 100
END
            rm -f up
            start m.ini
            await "$muster"
            [ "$status" -eq "${signal#*:}" ]
            [ "$(json '[.jobs[].status] | unique | join(" ")')" = cancelled ]
            [ "$(job_json killer .signal)" = 15 ]
        done
    done
}

@test "the caller's list is not read: neither by muster nor by a job, not even a closed one" {
    manifest_of_both <<'END'
command = wc -c; readlink /proc/self/fd/0
END
    printf 'one\ntwo\nthree\n' > list
    while read -r line; do
        "$MUSTER" run -q --report json:results.json m.ini
        [ "$(json '[.jobs[].stdout] | unique | join("")')" = $'0\n/dev/null' ]
        echo "$line"
    done < list > seen
    cmp seen list
    { read -r line; "$MUSTER" run -q m.ini; cat; } < list > rest
    [ "$(cat rest)" = $'two\nthree' ]
    # a manifest from standard input, which the jobs do not see either
    { printf '[defaults]\n' ; cat m.ini; } | "$MUSTER" run -q --report json:results.json -
    [ "$(json '[.jobs[].stdout] | unique | join("")')" = $'0\n/dev/null' ]
    "$MUSTER" run -q --report json:results.json m.ini <&-
    [ "$(json '[.jobs[].stdout] | unique | join("")')" = $'0\n/dev/null' ]
}

# Every byte from 1 to 255.
all_bytes() {
    perl -e 'print pack "C*", 1 .. 255'
}

@test "each byte from 1 to 255 arrives in a word of exec, a variable and the inherited environment" {
    manifest_of_both '[vars]' 'V = x' <<'END'
exec = perl show.pl {V}
env.E = {V}
END
    cat > show.pl <<'END'
$ENV{word} = $ARGV[0];
for (qw(word V E INHERITED)) {
    open my $f, '>', "$ENV{MUSTER_JOB}.$_";
    print $f $ENV{$_};
}
END
    all_bytes > want
    perl -e 'open my $f, "<", "want"; local $/; $ENV{INHERITED} = <$f>;
        exec @ARGV, "-D", "V=$ENV{INHERITED}", "m.ini"' "$MUSTER" run
    for lane in io cpu; do
        for place in word V E INHERITED; do
            cmp want $lane.$place
        done
    done
}

@test "each byte but the newline arrives from an env-file, alone and among others" {
    # raw to the end of the line: CR too is of the value
    perl -e 'for (1 .. 9, 11 .. 255) { printf "B%d=%s\n", $_, chr; printf "M%d=a%sb\n", $_, chr }' > bytes.env
    if "$MUSTER" check <(printf '[job x]\ntype = io\nenv-file = %s\nexec = true\n' "$PWD/bytes.env") 2> err; then
        manifest_of_both <<'END'
env-file = bytes.env
exec = perl -e 'for (1 .. 9, 11 .. 255) { print "wrong: $_\n" if $ENV{"B$_"} ne chr or $ENV{"M$_"} ne "a" . chr() . "b" } print "all\n"'
END
        run --separate-stderr "$MUSTER" run --report json:results.json m.ini
        [ "$status" -eq 0 ]
        [ "$(json '[.jobs[].stdout] | unique | join("")')" = all ]
    else
        cat err >&2
        false
    fi
}

@test "byte 0 is refused with its place; an empty value is one empty argument" {
    printf '[job x]\ntype = io\nexec = echo a\0b\n' > m.ini
    run --separate-stderr "$MUSTER" run m.ini
    [ "$status" -eq 2 ]
    [[ "$stderr" == *m.ini:3:14:\ error:* ]]
    manifest_of_both '[vars]' 'E =' <<END
exec = $CHILDREN/show-args {E} "" a{E}b
env.X = {E}
END
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(json '[.jobs[].stdout] | unique | join("")')" = $'<>\n<>\n<ab>' ]
}

@test "names: 200 bytes and leading dots are one job each, nothing else is a name" {
    long=$(printf 'n%.0s' $(seq 200))
    for lane in io cpu; do
        printf '[job %s]\ntype = %s\nexec = true\n[job x..y]\ntype = %s\nexec = true\n' "$long" $lane $lane > m.ini
        run --separate-stderr "$MUSTER" run --report json:results.json m.ini
        [ "$status" -eq 0 ]
        [ "$(json '.jobs[0].name')" = "$long" ]
        for name in a/b .. ../x . -x -rf "n$long" 'a b' 'a;b' '$(x)'; do
            printf '[job %s]\ntype = %s\nexec = true\n' "$name" $lane > bad.ini
            run --separate-stderr "$MUSTER" run bad.ini
            [ "$status" -eq 2 ]
            [[ "$stderr" == bad.ini:1:*error:* ]]
        done
    done
}

@test "attempt after attempt: none begins before all of the last one is gone, daemons too" {
    manifest_of_both <<END
command =
    for pid in \$(cat "pids.\$MUSTER_JOB" 2> /dev/null); do ! kill -0 "\$pid" 2> /dev/null || : > overlap; done
    $CHILDREN/daemonise "daemon.\$MUSTER_JOB" clean
    cat "daemon.\$MUSTER_JOB" >> "pids.\$MUSTER_JOB"
    $CHILDREN/ignore-term & echo \$! >> "pids.\$MUSTER_JOB"
    exit 1
retries = 4
retry-delay = 1ms
kill-after = 50ms
END
    run --separate-stderr timeout 60 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ ! -e overlap ]
    for lane in io cpu; do
        [ "$(job_json $lane '"\(.attempts | length) \(.leftover)"')" = '5 10' ]
        [ "$(wc -l < pids.$lane)" -eq 10 ]
        # each attempt begins behind the last one's end
        [ "$(job_json $lane '[.attempts as $a | range(4) | $a[. + 1].start_s >= $a[.].start_s + $a[.].wall_s] | all')" = true ]
    done
}

@test "TERM while jobs wait for their next attempt ends them at once" {
    manifest_of_both <<'END'
command = : > "tried.$MUSTER_JOB"; exit 1
retries = 9
retry-delay = 1h
retry-max-delay = 1h
END
    start -v m.ini
    wait_until eval '[ "$(grep -c "attempt 1 of 10: exit 1" err)" -eq 2 ]'
    t=$(now_ms)
    kill -TERM "$muster"
    await "$muster"
    within_ms 2200 "$t"
    [ "$status" -eq 143 ]
    [ "$(json '[.jobs[] | "\(.status) \(.attempts | length)"] | unique | join(" ")')" = 'cancelled 1' ]
}

@test "the budget of retries is exact however many jobs fail at once" {
    {
        printf '[muster]\nmax-retries = 37\nio-limit = 50\ncpu-workers = 8\n[defaults]\nexec = false\nretries = 3\nretry-delay = 1ms\n'
        for i in $(seq 50); do printf '[job io%d]\ntype = io\n[job cpu%d]\ntype = cpu\n' "$i" "$i"; done
    } > m.ini
    for _ in 1 2 3 4 5; do
        run --separate-stderr "$MUSTER" run --output none --report json:results.json m.ini
        [ "$status" -eq 1 ]
        [ "$(json '"\(.totals.retries) \([.jobs[].attempts | length] | add)"')" = '37 137' ]
    done
}

# Runs words where process ids come again at once: all from some 300 on, in a
# namespace of its own, where that is allowed; else as they stand. Sets $few.
with_few_ids() {
    local namespace
    few=
    for namespace in -p -Urp; do
        if unshare $namespace -f --kill-child --mount-proc \
            sh -c 'echo 300 > /proc/sys/kernel/ns_last_pid' 2> /dev/null; then
            few=yes
            run --separate-stderr unshare $namespace -f --kill-child --mount-proc sh -c '
                perl -e "$1" & again=$!
                shift
                "$@"
                status=$?
                kill $again
                exit $status' sh 'for (;;) {
                    open(my $last, ">", "/proc/sys/kernel/ns_last_pid") or die;
                    print $last 300;
                    close $last or die;
                    select undef, undef, undef, 0.002;
                }' "$@"
            return
        fi
    done
    run --separate-stderr "$@"
}

@test "process ids that come again at once: no signal meets another job" {
    {
        printf '[muster]\nio-limit = 16\ncpu-workers = 4\n[defaults]\nkill-after = 20ms\n'
        for i in $(seq 120); do
            for lane in io cpu; do
                printf '[job quick-%s%d]\ntype = %s\ncommand = echo $$ >> pids\n' $lane "$i" $lane
                case $((i % 12)) in
                1 | 7) printf '[job leaves-%s%d]\ntype = %s\ncommand = echo $$ >> pids; sleep 60 & :\n' $lane "$i" $lane ;;
                2) printf '[job late-%s%d]\ntype = %s\ntimeout = 20ms\ncommand = trap "" TERM; echo $$ >> pids; while :; do sleep 0.01; done\n' $lane "$i" $lane ;;
                3) printf '[job long-%s%d]\ntype = %s\ncommand = echo $$ >> pids; sleep 0.2\n' $lane "$i" $lane ;;
                esac
            done
        done
    } > m.ini
    with_few_ids "$MUSTER" run --output none --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(json '.jobs[] | (.name | sub("-.*"; "")) as $kind |
        "\($kind) \(.status) \(if $kind == "leaves" then .leftover else .exit end)"' |
        sort | uniq -c | sed 's/^ *//')" = '20 late timeout null
40 leaves ok 1
20 long ok 0
240 quick ok 0' ]
    # each was given to several jobs
    [ -z "$few" ] || [ "$(sort -u pids | wc -l)" -le $(($(wc -l < pids) / 2)) ]
}
