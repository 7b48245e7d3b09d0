#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# check: what is known before anything starts, and that nothing does.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
}

good() {
    printf '[job a]\ntype = io\nexec = true\n[job b]\ntype = cpu\nafter = a\nexec = true\n'
}

# A manifest of one job with these further lines has an error that contains $1.
expect_error() {
    printf '%s\n' '[job x]' 'type = io' "${@:2}" > m.ini
    run --separate-stderr "$MUSTER" check m.ini
    [ "$status" -eq 2 ]
    [ -z "$output" ]
    if [[ "$stderr" != m.ini:*"error: $1"* ]]; then
        echo "$stderr" >&2
        return 1
    fi
}

@test "a good manifest: exit 0 and no word" {
    good > m.ini
    run --separate-stderr "$MUSTER" check m.ini
    [ "$status" -eq 0 ]
    [ -z "$output$stderr" ]
}

@test "-q changes nothing, and takes -v back" {
    good > m.ini
    run --separate-stderr "$MUSTER" check -v -q m.ini
    [ "$status" -eq 0 ]
    [ -z "$output$stderr" ]
}

@test "-v: a line for each manifest" {
    good > one.ini
    good > two.ini
    run --separate-stderr "$MUSTER" check -v one.ini two.ini
    [ "$status" -eq 0 ]
    [ "$output" = $'one.ini: 2 jobs, ok\ntwo.ini: 2 jobs, ok' ]
}

@test "all errors at once, in the file's order, with place and mark, and nothing runs" {
    cat > m.ini <<'END'
[job fetch]
type = io
command = : > ran
timeout = 30x
retrys = 3
[job other]
type = disk
command = : > ran
END
    for verb in check run plan list; do
        run --separate-stderr "$MUSTER" $verb m.ini
        [ "$status" -eq 2 ]
        [ -z "$output" ]
        [ ! -e ran ]
        [[ "$stderr" == "m.ini:4:11: error: timeout: '30x' is not a duration (such as 250ms, 30s, 5m, 1h30m)
    4 | timeout = 30x
      |           ^~~
m.ini:5:1: error: unknown key 'retrys' in [job fetch]; did you mean 'retries'?"*m.ini:7:8:\ error:*"muster: m.ini: 3 errors, nothing was run" ]]
    done
}

@test "one bad manifest of several: exit 2, and the others are checked" {
    good > good.ini
    printf '[job x]\n' > bad.ini
    run --separate-stderr "$MUSTER" check -v bad.ini good.ini
    [ "$status" -eq 2 ]
    [[ "$output" == 'bad.ini: '*$' errors\ngood.ini: 2 jobs, ok' ]]
    [[ "$stderr" == *bad.ini:1:* ]]
}

@test "a manifest on standard input" {
    run --separate-stderr bash -c "printf '[job x]\ntype = oi\nexec = true\n' | '$MUSTER' check -"
    [ "$status" -eq 2 ]
    [[ "$stderr" == '<stdin>:2:8: error: '* ]]
    good > m.ini
    run --separate-stderr bash -c "'$MUSTER' check -v - m.ini < m.ini"
    [ "$status" -eq 0 ]
    [ "$output" = $'<stdin>: 2 jobs, ok\nm.ini: 2 jobs, ok' ]
}

@test "a manifest that is not there, or is a folder" {
    run --separate-stderr "$MUSTER" check nowhere.ini
    [ "$status" -eq 2 ]
    [[ "$stderr" == *nowhere.ini*'No such file or directory'* ]]
    run --separate-stderr "$MUSTER" check .
    [ "$status" -eq 2 ]
    [[ "$stderr" == *directory* ]]
}

@test "no jobs at all" {
    : > m.ini
    run --separate-stderr "$MUSTER" check m.ini
    [ "$status" -eq 2 ]
}

@test "files that must be there" {
    expect_error "dir: " 'exec = true' 'dir = gone'
    expect_error "env-file: " 'exec = true' 'env-file = gone'
    expect_error "stdin: " 'exec = true' 'stdin = file:gone'
    expect_error "stdout: " 'exec = true' 'stdout = file:gone/out'
    expect_error "exec: " 'exec = no-such-program-here'
    expect_error "exec: " 'exec = ./gone'
}

@test "where another job could make them, it is a warning" {
    cat > m.ini <<'END'
[job make]
type = io
exec = true
[job use]
type = io
after = make
exec = ./gone
[job in]
type = io
after = make
exec = true
dir = later
END
    run --separate-stderr "$MUSTER" check m.ini
    [ "$status" -eq 0 ]
    [[ "$stderr" == *'m.ini:7:8: warning: exec: '*'m.ini:12:7: warning: dir: '* ]]
    [[ "$stderr" != *error* ]]
}

@test "a manifest that others may write to is told" {
    good > m.ini
    chmod 0666 m.ini
    run --separate-stderr "$MUSTER" check m.ini
    [ "$status" -eq 0 ]
    [[ "$stderr" == *'is writable by others (mode 0666)'* ]]
}

@test "more cpus than workers, and none" {
    printf '[muster]\ncpu-workers = 2\n[job x]\ntype = cpu\nexec = true\ncpus = 3\n' > m.ini
    run --separate-stderr "$MUSTER" check m.ini
    [ "$status" -eq 2 ]
    [[ "$stderr" == *'m.ini:6:8: error: cpus: '* ]]
    run --separate-stderr "$MUSTER" check -j 3 m.ini
    [ "$status" -eq 0 ]
}

@test "a command that the kernel would not take" {
    {
        printf '[job x]\ntype = io\ncommand = : '
        head -c 131072 /dev/zero | tr '\0' x
        printf '\n'
    } > m.ini
    run --separate-stderr "$MUSTER" check m.ini
    [ "$status" -eq 2 ]
    [[ "$stderr" == *'error: command: '*131071* ]]
}

@test "a circle is shown whole" {
    printf '[defaults]\ntype = io\nexec = true\n[job a]\nafter = b\n[job b]\nafter = c\n[job c]\nafter = a\n' > m.ini
    run --separate-stderr "$MUSTER" check m.ini
    [ "$status" -eq 2 ]
    [[ "$stderr" == *'a after b after c after a'* ]]
}

@test "a name that nothing bears, with what was perhaps meant" {
    printf '[defaults]\ntype = io\nexec = true\n[job fetch]\n[job b]\nafter = fetsch\n' > m.ini
    run --separate-stderr "$MUSTER" check m.ini
    [ "$status" -eq 2 ]
    [[ "$stderr" == "m.ini:6:9: error: "*"fetsch"*"did you mean 'fetch'?"* ]]
}

@test "what is not supported yet is refused by name" {
    expect_error "'inputs' is not supported yet" 'exec = true' 'inputs = x.c'
    run --separate-stderr "$MUSTER" run --executor=local m.ini
    [ "$status" -eq 2 ]
    [[ "$stderr" == *'--executor is not supported yet'* ]]
}

@test "variables: --define is the stronger, an undeclared one is an error" {
    cat > m.ini <<END
[vars]
WHO = manifest
[job x]
type = io
exec = $CHILDREN/show-args {WHO}
END
    run --separate-stderr "$MUSTER" run -D 'WHO=a $(touch ran) {WHO}' --report json m.ini
    [ "$status" -eq 0 ]
    [ "$(jq -r '.jobs[0].stdout' <<< "$output")" = '<a $(touch ran) {WHO}>' ]
    [ ! -e ran ]
    sed -i 's/{WHO}/{HWO}/' m.ini
    run --separate-stderr "$MUSTER" check m.ini
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"m.ini:5:"*"'HWO'"* ]]
}

@test "a value is never run by a shell, whatever it is" {
    for value in '$(touch ran)' '`touch ran`' '; touch ran' "'; touch ran; '" '"; touch ran; "' \
        $'\ntouch ran\n' '-rf' '| touch ran'; do
        cat > m.ini <<'END'
[vars]
V = x
[template T]
type = io
env.E = {V}
stdin = text:{V}
[job a]
use = T
command = printf '%s' "$V" "$E"; cat
[job b]
use = T
exec = printf %s {V}
[job c]
use = T
shell = /bin/sh -c
command = true
END
        run --separate-stderr "$MUSTER" run -D "V=$value" --report json:results.json m.ini
        [ "$status" -eq 0 ]
        [ ! -e ran ]
        # a newline ends standard input that has several lines
        end=
        [[ "$value" != *$'\n'* ]] || end=$'\n'
        printf '%s' "$value" "$value" "$value" "$end" > want
        json -j '.jobs[0].stdout' | cmp - want
    done
}

@test "names that steer the loader or the shell are no variables" {
    for name in PATH IFS ENV BASH_ENV LD_PRELOAD MUSTER_JOB; do
        good > m.ini
        run --separate-stderr "$MUSTER" check -D "$name=x" m.ini
        [ "$status" -eq 2 ]
        [[ "$stderr" == *"$name"* ]]
    done
}

@test "include: the sections of another file, paths relative to their own" {
    mkdir sub
    cat > sub/more.ini <<'END'
[muster]
io-limit = 7
[job more]
type = io
exec = pwd
END
    printf '[muster]\ninclude = sub/more.ini\ncpu-workers = 3\n[job own]\ntype = io\nexec = pwd\n' > m.ini
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(json '.run | "\(.io_limit) \(.cpu_workers)"')" = '7 3' ]
    [ "$(job_json more .stdout)" = "$PWD/sub" ]
    [ "$(job_json own .stdout)" = "$PWD" ]
}

@test "layers: job over later template over earlier one over defaults, key by key" {
    cat > m.ini <<END
[defaults]
type = io
env.A = defaults
env.B = defaults
env.C = defaults
env.D = defaults
command = false
[template one]
env.B = one
env.C = one
env.D = one
[template two]
env.C = two
env.D = two
exec = $CHILDREN/show-args a b
[job x]
use = one, two
env.D = job
command = echo "\$A \$B \$C \$D"
[job y]
use = one two
END
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(job_json x .stdout)" = 'defaults one two job' ]
    [ "$(job_json y .stdout)" = $'<a>\n<b>' ]
}

@test "plan: lanes, limits and order; nothing starts" {
    cat > m.ini <<'END'
[job last]
type = cpu
cpus = 2
after = first
timeout = 30s
retries = 3
command = : > ran
[job first]
type = io
command = : > ran
END
    for verb in 'plan' 'run -n' 'run --dry-run'; do
        run --separate-stderr "$MUSTER" $verb -j 2 m.ini
        [ "$status" -eq 0 ]
        [ ! -e ran ]
        [[ "${lines[0]}" =~ ^JOB\ +TYPE\ +LANE\ +LIMITS\ +AFTER ]]
        [[ "${lines[1]}" =~ ^first\  ]]
        [[ "${lines[2]}" =~ ^last\ +cpu\ +cpu\ .*30s.*\ first$ ]]
    done
    run --separate-stderr "$MUSTER" plan --report json -j 2 m.ini
    [ "$(jq -c '[.schema, (.jobs[] | [.name, .type, .wave, .after, .limits, .cpus, .timeout_s, .retries])]' <<< "$output")" = \
        '[1,["first","io",0,[],[],1,0,0],["last","cpu",1,["first"],[],2,30,3]]' ]
}

@test "list: the names, in the manifest's order" {
    good > m.ini
    run --separate-stderr "$MUSTER" list m.ini
    [ "$status" -eq 0 ]
    [ "$output" = $'a\nb' ]
}

@test "jobs named on the command line run with what they come after, and no others" {
    { good; printf '[job fetch]\ntype = io\nexec = false\n'; } > m.ini
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini b
    [ "$status" -eq 0 ]
    [ "$(json '[.jobs[].name] | join(" ")')" = 'a b' ]
    run --separate-stderr "$MUSTER" run m.ini fetsch
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"'fetsch'"*"did you mean 'fetch'?"* ]]
    [[ "$stderr" == *'nothing was run' ]]
}

@test "a manifest can be a command of its own" {
    { echo '#!/usr/bin/env -S muster run'; good; } > m
    chmod +x m
    ln -s "$MUSTER" muster
    PATH=$PWD:$PATH run --separate-stderr ./m --report json
    [ "$status" -eq 0 ]
    [ "$(jq .totals.ok <<< "$output")" = 2 ]
}

@test "an env-file that a job before makes is read at the start" {
    cat > m.ini <<'END'
[defaults]
type = io
[job make]
command = echo GREETING=hello > made.env; printf '# fine\nA=b\nnot a line\nnor this\n' > broken.env
[job use]
after = make
env-file = made.env
env.OWN = own
command = echo "$GREETING $OWN" > seen
[job broken]
after = make
env-file = broken.env
command = true
[job missing]
after = make
env-file = never.env
command = true
END
    run --separate-stderr "$MUSTER" run --report json:r.json m.ini
    [ "$status" -eq 1 ]
    [ "$(cat seen)" = "hello own" ]
    [ "$(jq -r '.jobs[] | select(.name == "broken") | .reason' r.json)" = spawn ]
    [[ "$output" == *"cannot use env-file: $PWD/broken.env:3: a line is NAME=value"* ]]
    [[ "$output" == *"cannot use env-file: $PWD/never.env: No such file"* ]]
}

@test "a relative PATH is searched from each job's own folder" {
    for d in one two; do
        mkdir -p $d/bin
        printf '#!/bin/sh\necho %s\n' $d > $d/bin/tool
        chmod +x $d/bin/tool
    done
    printf '[defaults]\ntype = io\nenv.PATH = bin:/usr/bin\n[job a]\ndir = one\nexec = tool\n[job b]\ndir = two\nexec = tool\n' > m.ini
    run --separate-stderr "$MUSTER" run --report json m.ini
    [ "$status" -eq 0 ]
    [ "$(jq -r '.jobs[].stdout' <<< "$output")" = $'one\n\ntwo' ]
}
