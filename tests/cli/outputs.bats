#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# outputs: what a job writes to $MUSTER_OUTPUT is in the results and in the jobs after it.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
    load faults
    mkdir "$BATS_TEST_TMPDIR/tmp"
    TMPDIR=$(cd -P "$BATS_TEST_TMPDIR/tmp" && pwd)
    export TMPDIR
}

# Nothing is left of the run's folder.
left_nothing() {
    [ -z "$(ls -A "$TMPDIR")" ] || { ls -lAR "$TMPDIR" >&2; return 1; }
}

outputs() {
    job_json "$1" '.outputs | tojson'
}

@test "strings of the job, numbers of the run, variables of those after it, in both lanes" {
    manifest <<'END'
[job first]
type = io
command = printf 'n=1\ntext=a b  "c"\n# no\n\nn=3\nempty=\n' > "$MUSTER_OUTPUT"
[job build.x-1]
type = cpu
after = first
command = echo n=2.5 > "$MUSTER_OUTPUT"; env | grep ^MUSTER_OUT_ | sort
[job end]
type = io
after = build.x-1
command = env | grep ^MUSTER_OUT_ | sort
[job aside]
type = io
command = env | grep -c ^MUSTER_OUT_
ok-exit = 1
END
    muster run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(outputs first)" = '{"n":"3","text":"a b  \"c\"","empty":""}' ]
    [ "$(outputs build.x-1)" = '{"n":"2.5"}' ]
    [ "$(outputs end)" = '{}' ]
    [ "$(json '.totals.outputs | tojson')" = '{"n":5.5}' ]
    [ "$(job_json build.x-1 .stdout)" = 'MUSTER_OUT_first_empty=
MUSTER_OUT_first_n=3
MUSTER_OUT_first_text=a b  "c"' ]
    [ "$(job_json end .stdout)" = 'MUSTER_OUT_build_x_1_n=2.5
MUSTER_OUT_first_empty=
MUSTER_OUT_first_n=3
MUSTER_OUT_first_text=a b  "c"' ]
    [ "$(job_json aside .stdout)" = 0 ]
    left_nothing
}

@test "only what an attempt told that succeeded; each has a file of its own" {
    manifest_of_both <<'END'
retries = 2
retry-delay = 1ms
command = [ ! -e "$MUSTER_OUTPUT" ] && echo "of=$MUSTER_ATTEMPT" >> "$MUSTER_OUTPUT" && [ "$MUSTER_ATTEMPT" = 3 ]
END
    cat >> m.ini <<'END'
[job fails]
type = io
allow-failure = yes
command = echo of=100 > "$MUSTER_OUTPUT"; exit 1
[job skips]
type = io
skip-exit = 77
command = echo of=100 > "$MUSTER_OUTPUT"; exit 77
[job late]
type = io
allow-failure = yes
timeout = 100ms
command = echo of=100 > "$MUSTER_OUTPUT"; sleep 10
[job end]
type = io
after = io cpu fails late
command = env | grep ^MUSTER_OUT_ | sort
END
    muster run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(json '.totals.outputs | tojson')" = '{"of":6}' ]
    [ "$(job_json end .stdout)" = 'MUSTER_OUT_cpu_of=3
MUSTER_OUT_io_of=3' ]
    [ "$(outputs fails)" = '{}' ]
    left_nothing
}

@test "written late, by a grandchild, a daemon, by way of another name" {
    manifest_of_both <<'END'
command = (sleep 0.1; echo a=1 > "$MUSTER_OUTPUT.new"; mv "$MUSTER_OUTPUT.new" "$MUSTER_OUTPUT") & wait; : > "$MUSTER_OUTPUT.other"
END
    muster run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(outputs io)$(outputs cpu)" = '{"a":"1"}{"a":"1"}' ]
    left_nothing
}

@test "what cannot be used fails the job, with words" {
    n=0
    while IFS=@ read -r command words; do
        n=$((n + 1))
        manifest_of_both <<< "command = $command"
        muster run --report json:results.json --report table m.ini
        [ "$status" -eq 1 ]
        for lane in io cpu; do
            [ "$(job_json $lane '[.status, .reason, .exit, .outputs] | tojson')" = '["failed","exit",0,{}]' ]
        done
        [ "$(grep -c "exit 0, but its MUSTER_OUTPUT is of no use: $words\$" <<< "$output")" = 2 ]
        left_nothing
    done <<'END'
echo a=1 > $MUSTER_OUTPUT; echo b >> $MUSTER_OUTPUT@line 2: a line is name=value
printf 'a=\0' > $MUSTER_OUTPUT@line 1: a NUL byte cannot be in the environment
echo PATH=/x > $MUSTER_OUTPUT@line 1: cannot be a variable: it steers the loader or the shell
echo LD_PRELOAD=x > $MUSTER_OUTPUT@line 1: cannot be a variable: it steers the loader or the shell
echo MUSTER_RUN=x > $MUSTER_OUTPUT@line 1: cannot be a variable: names in MUSTER_ are muster's own
{ printf a=; head -c 65535 /dev/zero | tr '\0' x; } > $MUSTER_OUTPUT@line 1: a line has at most 64 KiB
yes a=1 | head -c 1048577 > $MUSTER_OUTPUT@it has more than 1 MiB
truncate -s 10T $MUSTER_OUTPUT@it has more than 1 MiB
mkfifo $MUSTER_OUTPUT@it is no regular file
mkdir -p $MUSTER_OUTPUT/a/b@it is no regular file
ln -s /etc/passwd $MUSTER_OUTPUT@it is a symbolic link
ln -s /dev/zero $MUSTER_OUTPUT@it is a symbolic link
ln -s /nowhere $MUSTER_OUTPUT@it is a symbolic link
END
    [ "$n" -eq 13 ]
    # a job that failed anyway failed for its own reason
    manifest_of_both <<< 'command = echo b > $MUSTER_OUTPUT; exit 3'
    muster run m.ini
    [ "$(grep -c ' exit 3$' <<< "$output")" = 2 ]
    left_nothing
}

@test "the folder is private, of a name of its own each time, and gone after every end" {
    manifest_of_both <<'END'
command = stat -c '%a %u' "${MUSTER_OUTPUT%/*}"; echo "${MUSTER_OUTPUT%/*}"; echo a=1 > "$MUSTER_OUTPUT"; : > up.$MUSTER_LANE; while [ ! -e end ]; do sleep 0.02; done
END
    : > end
    muster run --report json:results.json m.ini
    [ "$(job_json io .stdout | head -n 1)" = "700 $(id -u)" ]
    one=$(job_json io .stdout | sed -n 2p)
    [ "$(job_json cpu .stdout | sed -n 2p)" = "$one" ]
    [[ "$one" == "$TMPDIR"/* ]]
    left_nothing
    muster run --report json:results.json m.ini
    [ "$(job_json io .stdout | sed -n 2p)" != "$one" ]
    left_nothing
    rm end
    for signal in TERM INT HUP KILL; do
        rm -f up.*
        start m.ini
        wait_for up.io up.cpu
        [ -n "$(ls -A "$TMPDIR")" ]
        kill -s $signal "$muster"
        await "$muster"
        [ "$status" -gt 128 ]
        # its guard removes it where it could not
        wait_until left_nothing
    done
}

@test "a folder in one of the usual places where there is none in TMPDIR" {
    manifest_of_both <<< 'command = echo "<$MUSTER_OUTPUT>"'
    export TMPDIR=$PWD/none
    MUSTER_OUTPUT=outer muster run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [[ "$(job_json io .stdout)" == '</'*/muster-*'>' ]]
    [[ "$(job_json io .stdout)" != *outer* ]]
}

@test "two jobs that tell the same variable: those after both cannot start" {
    manifest <<'END'
[defaults]
type = io
[job a]
command = echo b_c=1 > "$MUSTER_OUTPUT"
[job a_b]
command = echo c=1 > "$MUSTER_OUTPUT"
[job after-a]
after = a
command = echo "$MUSTER_OUT_a_b_c"
[job both]
after = after-a a_b
command = true
[job end]
after = both
when = always
command = true
END
    muster run --report json:results.json --report table m.ini
    [ "$status" -eq 1 ]
    [ "$(job_json after-a .stdout)" = 1 ]
    for job in both end; do
        [ "$(job_json $job '[.status, .reason, .exit] | tojson')" = '["failed","spawn",null]' ]
        grep -q "^$job .* cannot be started: MUSTER_OUT_a_b_c is an output of both 'a' and 'a_b'\$" <<< "$output"
    done
    left_nothing
}

@test "a secret told to others: masked in what they print, whole in what they get" {
    manifest <<'END'
[defaults]
type = io
secret = TOKEN MUSTER_OUT_login_session
env.TOKEN = hunter2
[job login]
command = printf 'token=%s\nsession=just-made\n' "$TOKEN" > "$MUSTER_OUTPUT"
[job use]
after = login
command = echo "$MUSTER_OUT_login_token $MUSTER_OUT_login_session"; [ "$MUSTER_OUT_login_token $MUSTER_OUT_login_session" = 'hunter2 just-made' ]
END
    muster run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(job_json use .stdout)" = '*** ***' ]
    [ "$(outputs login)" = '{"token":"***","session":"***"}' ]
    not grep -q 'hunter2\|just-made' results.json
}

@test "the history keeps it, for show, history and the jobs of a resumed run" {
    manifest <<'END'
[defaults]
type = io
[job first]
command = echo once >> ran; printf 'n=2\nwords=a = b\n' > "$MUSTER_OUTPUT"
[job second]
after = first
command = echo n=1.5 > "$MUSTER_OUTPUT"; [ -e fine ]
[job third]
after = second
command = env | grep ^MUSTER_OUT_ | sort
END
    muster run -q m.ini
    [ "$status" -eq 1 ]
    muster show --report json
    [ "$(jq -c '.jobs[0].outputs, .jobs[1].outputs, .totals.outputs' <<< "$output")" = '{"n":"2","words":"a = b"}
{}
{"n":2}' ]
    muster history --report json
    [ "$(jq -c '.runs[0].totals.outputs' <<< "$output")" = '{"n":2}' ]
    for round in 1 2 3; do # resumed, and the run that was
        [ "$round" -lt 2 ] || : > fine
        muster run -q --resume --report json:results.json m.ini
        [ "$(job_json first '[.status, .outputs] | tojson')" = '["resumed",{"n":"2","words":"a = b"}]' ]
    done
    [ "$status" -eq 0 ]
    [ "$(json '.totals.outputs | tojson')" = '{"n":3.5}' ]
    [ "$(json '[.jobs[].status] | join(" ")')" = 'resumed resumed resumed' ]
    sed -i 's/| sort$/| sort # again/' m.ini
    muster run -q --resume --report json:results.json m.ini
    [ "$(job_json third .stdout)" = 'MUSTER_OUT_first_n=2
MUSTER_OUT_first_words=a = b
MUSTER_OUT_second_n=1.5' ]
    [ "$(wc -l < ran)" -eq 1 ]
}

@test "a job that told a secret runs again in a resumed run: the history has only its mask" {
    manifest <<'END'
[defaults]
type = io
secret = MUSTER_OUT_login_session
[job login]
command = echo once >> ran; echo session=s3ss10n-4711 > "$MUSTER_OUTPUT"
[job use]
after = login
command = [ "$MUSTER_OUT_login_session" = s3ss10n-4711 ] && [ -e fine ]
END
    export XDG_STATE_HOME=$PWD/state
    muster run -q m.ini
    [ "$status" -eq 1 ]
    not grep -rqF s3ss10n-4711 state
    muster show --report json
    [ "$(jq -c '.jobs[0].outputs' <<< "$output")" = '{"session":"***"}' ]
    : > fine
    muster run -q --resume --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(json '[.jobs[].status] | join(" ")')" = 'ok ok' ]
    [ "$(wc -l < ran)" -eq 2 ]
}

@test "three thousand jobs of which some tell something, in a chain and side by side" {
    perl -e 'print "[defaults]\ntype = io\n";
        for (0 .. 999) {
            print "[job j$_]\n", $_ ? "after = j" . ($_ - 1) . "\n" : "",
                $_ % 100 ? "exec = true\n" : "command = echo n=1 > \$MUSTER_OUTPUT; env | grep -c MUSTER_OUT_\nok-exit = 0 1\n";
        }
        for (0 .. 1999) {
            print "[job s$_]\n", $_ % 10 ? "exec = true\n" : "command = echo n=1 > \$MUSTER_OUTPUT\n";
        }
        print "[job all]\nafter = ", join(" ", map { "s$_" } 0 .. 1999), "\ncommand = env | grep -c MUSTER_OUT_\n"' > m.ini
    muster run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(json .totals.outputs.n)" = 210 ]
    [ "$(job_json all .stdout)" = 200 ]
    [ "$(job_json j900 .stdout)" = 9 ]
    left_nothing
}
