#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# secret: what is named secret shows in nothing that muster prints or stores.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
    load faults
}

# Whether a value is in no file here but those named, nor in what was printed.
nowhere() {
    local value=$1 found
    shift
    found=$(grep -rlF "${@/#/--exclude=}" -- "$value" .) || true
    [ -z "$found" ] || { echo "$value is in $found" >&2; return 1; }
    [[ "$output$stderr" != *"$value"* ]]
}

@test "a value shows in no output, report, reason or plan, wherever it comes from" {
    manifest <<'END'
[muster]
name = run of {IN_VARS}
report = json:results.json
[vars]
IN_VARS = var-value
[env]
IN_ENV = env-value
[defaults]
secret = INHERITED IN_VARS IN_ENV IN_FILE IN_JOB DEFINED
[job io]
type = io
env-file = values.env
env.IN_JOB = job-value
command = echo "$INHERITED $IN_VARS $IN_ENV $IN_FILE $IN_JOB $DEFINED"; exit 3
[job cpu]
type = cpu
stderr = capture
secret =
command = echo "inherited-value var-value env-value" >&2; echo "file-value job-value defined-value"; exit 4
[job gone]
type = io
after = io
when = failure
dir = {IN_VARS}
command = true
END
    echo 'IN_FILE=file-value' > values.env
    export XDG_STATE_HOME=$PWD/state # with the rest
    for mode in failed group none; do
        for extra in -v -q; do
            INHERITED=inherited-value MUSTER_DEBUG=all \
                muster run $extra -o $mode -D DEFINED=defined-value --report table m.ini
            [ "$status" -eq 1 ]
            [ "$(json .run.name)" = 'run of ***' ]
            [ "$(job_json io .stdout)" = '*** *** *** *** *** ***' ]
            [ "$(job_json cpu .stderr)" = '*** *** ***' ]
            [ "$(job_json cpu .stdout)" = '*** *** ***' ]
            [[ "$output" == *'cannot enter folder: '*'/***: No such file'* ]]
            for value in inherited var env file job defined; do
                nowhere "$value-value" m.ini values.env
            done
        done
    done
    muster show :cpu
    [ "$output$stderr" = '*** *** ****** *** ***' ]
    for what in history show 'show :io'; do
        # shellcheck disable=SC2086 # words
        muster $what
        [ "$status" -eq 0 ]
        for value in inherited var env file job defined; do
            nowhere "$value-value" m.ini values.env
        done
    done
    INHERITED=inherited-value muster plan -D DEFINED=defined-value m.ini
    [ "$status" -eq 0 ]
    for value in inherited var env file job defined; do
        nowhere "$value-value" m.ini values.env
    done
}

@test "prefixes, overlaps, several lines, empty values, nothing else" {
    manifest <<'END'
[defaults]
type = io
secret = SHORT LONG OVER LINES EMPTY
env.SHORT = pass
env.LONG = password
env.OVER = wordy
env.EMPTY =
env.LINES =
 one
   two
 three
[job x]
command = cat text
END
    printf 'pass password passwordy wordy passpass word one\n  two\nthree\none\n  two\n***' > text
    muster run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(job_json x '.stdout | tojson')" = '"*** *** *** *** ****** word ***\none\n  two\n***"' ]
    [ "$(job_json x '.attempts[0].stdout_bytes')" = "$(wc -c < text)" ]
}

@test "a value in two writes, in single bytes, cut off at the end" {
    manifest_of_both '[env]' 'TOKEN = abcdef' <<'END'
secret = TOKEN
command = for c in x a b c d e f y a b c; do printf %s $c; sleep 0.02; done; printf def; printf abcde
END
    muster run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    for lane in io cpu; do
        [ "$(job_json $lane .stdout)" = 'x***y***abcde' ]
        [ "$(job_json $lane '.attempts[0].stdout_bytes')" = 19 ]
    done
}

@test "many values over the borders of 64 KiB, in memory and in the file behind it" {
    manifest_of_both <<'END'
secret = TOKEN
command = cat text
END
    # some megabytes of lines of all lengths
    perl -e 'for $n (0 .. 9000) { print "x" x ($n * 7 % 997), "The-Secret", $n % 5 ? "" : "\n" }' > text
    TOKEN=The-Secret muster run -o group --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(job_json io '.attempts[0].stdout_bytes')" = "$(wc -c < text)" ]
    for lane in io cpu; do
        sed -n "/^--- $lane: ok ---\$/,/^--- [^$lane]/p" <<< "$stderr" | grep -v '^---' > got
        sed 's/The-Secret/***/g' text | cmp - got
        [ "$(job_json $lane '.stdout[-4000:]')" = "$(sed 's/The-Secret/***/g' text | tail -c 4000)" ]
    done
}

@test "an env-file that a job before makes" {
    manifest <<'END'
[defaults]
type = io
secret = TOKEN
[job make]
command = echo TOKEN=made-just-now > late.env
[job use]
after = make
env-file = late.env
stderr = capture
command = echo "it is $TOKEN"; echo "$TOKEN!" >&2
[job other]
after = make
command = echo no secret
END
    muster run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(job_json use .stdout)" = 'it is ***' ]
    [ "$(job_json use .stderr)" = '***!' ]
    [ "$(job_json other .stdout)" = 'no secret' ]
}

@test "a report that cannot be written, a program that cannot be run: their names are masked" {
    manifest <<'END'
[muster]
report = json:{TOKEN}/r.json
[vars]
TOKEN = hidden
[defaults]
secret = TOKEN
type = io
[job first]
command = true
[job x]
after = first
exec = ./{TOKEN}
END
    muster run m.ini
    [ "$status" -eq 3 ]
    [[ "$stderr" == *'muster: '*'/***/r.json: No such file or directory' ]]
    [[ "$output" == *'not found: '*'/***'* ]]
    nowhere hidden m.ini
}

@test "what runs shows its last line masked" {
    manifest <<'END'
[job x]
type = io
secret = TOKEN
command = echo "last $TOKEN"; : > up; while [ ! -e end ]; do sleep 0.02; done
END
    export TOKEN=for-nobody
    start m.ini
    wait_for up
    told() { kill -USR1 "$muster" && sleep 0.05 && grep -q 'last \*\*\*$' err; }
    wait_until told
    : > end
    await "$muster"
    [ "$status" -eq 0 ]
    ! grep -q for-nobody err
}

@test "no core file of muster where there are secrets; of a job as before" {
    manifest_of_both <<'END'
secret = TOKEN
command = grep 'core file' /proc/self/limits; : > up.$MUSTER_LANE; while [ ! -e end ]; do sleep 0.02; done
END
    # a sanitizer would lower it before muster can
    export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}disable_coredump=0"
    export TSAN_OPTIONS="${TSAN_OPTIONS:+$TSAN_OPTIONS:}disable_coredump=0"
    ulimit -S -c 7
    before=$(grep 'core file' /proc/self/limits)
    core() { grep 'core file' "/proc/$1/limits"; }
    [ -n "$before" ]
    start m.ini
    wait_for up.io up.cpu
    [[ "$(core "$muster")" == 'Max core file size'*' 0 '* ]]
    for launcher in $(pgrep -P "$muster" muster-launch); do
        [[ "$(core "$launcher")" == 'Max core file size'*' 0 '* ]]
    done
    : > end
    await "$muster"
    [ "$status" -eq 0 ]
    [ "$(job_json io .stdout)" = "$before" ]
    [ "$(job_json cpu .stdout)" = "$before" ]

    rm end up.*
    sed -i '/^secret/d' m.ini
    start m.ini
    wait_for up.io up.cpu
    [ "$(core "$muster")" = "$before" ]
    : > end
    await "$muster"
}

@test "files that a job writes itself are its own affair" {
    manifest <<'END'
[defaults]
type = io
secret = TOKEN
env.TOKEN = mine
[job file]
stdout = file:out1
command = echo "$TOKEN"
[job append]
stdout = append:out2
command = echo "$TOKEN"
END
    muster run m.ini
    [ "$status" -eq 0 ]
    [ "$(cat out1 out2)" = $'mine\nmine' ]
}
