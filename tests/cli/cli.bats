#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# cli: verbs, options, exit statuses, and the streams that muster is given.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    printf '[job x]\ntype = io\ncommand = echo ran >> log\n' > m.ini
}

# Refused: exit 2, this sentence, and nothing has run.
refused() {
    [ "$status" -eq 2 ]
    prints ''
    says "muster: $1"
    [ ! -e log ]
}

@test "a manifest alone is run" {
    muster m.ini
    [ "$status" -eq 0 ]
    [ "$(cat log)" = ran ]
    muster run m.ini
    [ "$status" -eq 0 ]
    [ "$(wc -l < log)" -eq 2 ]
}

@test "options stand before and behind the manifest, -- ends them" {
    muster --output none m.ini --quiet
    [ "$status" -eq 0 ]
    prints ''
    mv m.ini ./-q
    muster run -q -- -q
    [ "$status" -eq 0 ]
    [ "$(wc -l < log)" -eq 2 ]
}

@test "--help is on standard output, of all and of a verb" {
    muster --help
    [ "$status" -eq 0 ]
    says ''
    [[ $output == 'usage: muster '* ]]
    [[ $output == *--quiet* ]]
    muster list --help
    [ "$status" -eq 0 ]
    [[ $output != *--quiet* ]]
}

@test "--version" {
    muster --version
    [ "$status" -eq 0 ]
    [[ $output =~ ^muster\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "nothing to do is a mistake" {
    muster
    refused 'no manifest was named (see muster --help)'
    muster run
    refused 'no manifest was named (see muster --help)'
}

@test "a wrong value is refused before anything runs" {
    muster --io-limit 0x m.ini
    refused "--io-limit: '0x' is not a number (1 or more)"
    muster --deadline=soon m.ini
    refused "--deadline: 'soon' is not a duration (such as 250ms, 30s, 5m, 1h30m)"
    muster m.ini -o all
    refused "--output: 'all' is not one of failed, group, none, live"
}

@test "an unknown option or verb comes with what was perhaps meant" {
    muster --quite m.ini
    refused "unknown option '--quite'; did you mean '--quiet'?"
    muster chekc m.ini
    refused "'chekc' is neither a verb nor a file; did you mean 'check'?"
}

@test "an option is refused where it means nothing" {
    muster list --quiet m.ini
    refused "--quiet is no option of 'list'"
}

@test "what comes later is known by name and refused" {
    for option in --executor=local; do
        muster "$option" m.ini
        refused "${option%%=*} is not supported yet"
    done
}

@test "a job that nothing bears is exit 2, with a suggestion" {
    printf '[job fetch]\ntype = io\ncommand = echo ran >> log\n' > f.ini
    muster f.ini fetsh
    [ "$status" -eq 2 ]
    [[ $stderr == *"fetsh"*"did you mean 'fetch'?"* ]]
    [ ! -e log ]
}

@test "jobs that are named and tags that are selected add up, with what they come after" {
    manifest s.ini << 'END'
[defaults]
type = cpu
command = echo "$MUSTER_JOB" >> log
[job base]
[job unit]
after = base
tags = test fast
[job docs]
tags = doc
[job deploy]
after = unit
[job spare]
[job lint]
tags = fast
END
    muster run s.ini docs spare docs
    [ "$status" -eq 0 ]
    [ "$(sort log | tr '\n' ' ')" = 'docs spare ' ]
    rm log
    muster run s.ini --select test -s doc -r json
    [ "$(sort log | tr '\n' ' ')" = 'base docs unit ' ]
    [ "$(jq -r '.jobs[].name' <<< "$output" | tr '\n' ' ')" = 'base unit docs ' ]
    muster plan -s 'doc, fast' s.ini deploy
    [ "$(sed 1d <<< "$output" | cut -d' ' -f1 | tr '\n' ' ')" = 'base unit docs deploy lint ' ]
    rm log
    muster -s fsat s.ini
    [ "$status" -eq 2 ]
    [[ $stderr == *"no job in s.ini has the tag 'fsat'; did you mean 'fast'?"* ]]
    [ ! -e log ]
}

@test "--dry-run is plan" {
    muster --dry-run m.ini
    [ "$status" -eq 0 ]
    [ ! -e log ]
    planned=$output
    muster plan m.ini
    prints "$planned"
    [[ $planned == 'JOB TYPE LANE LIMITS AFTER'* ]]
}

@test "standard input can be named once" {
    run --separate-stderr "$MUSTER" check - - < m.ini
    [ "$status" -eq 2 ]
    says "muster: standard input ('-') can be named only once"
}

@test "standard output full: the jobs run, said once, exit 3" {
    status=0
    "$MUSTER" m.ini > /dev/full 2> err || status=$?
    [ "$status" -eq 3 ]
    [ "$(cat err)" = 'muster: standard output: No space left on device' ]
    [ "$(cat log)" = ran ]
}

@test "exit 3 wins over exit 1" {
    printf '[job x]\ntype = io\ncommand = exit 1\n' > f.ini
    status=0
    "$MUSTER" f.ini > /dev/full 2> err || status=$?
    [ "$status" -eq 3 ]
}

@test "standard output closed: exit 3 where something was to be written" {
    status=0
    "$MUSTER" m.ini >&- 2> err || status=$?
    [ "$status" -eq 3 ]
    [ "$(cat err)" = 'muster: standard output: Bad file descriptor' ]
    [ "$(cat log)" = ran ]
    "$MUSTER" -q m.ini >&- 2> err
    [ ! -s err ]
}

@test "every verb tells that standard output is full" {
    for line in 'plan m.ini' 'plan -r json m.ini' 'list m.ini' 'check -v m.ini' --help --version \
        '-r json m.ini'; do
        status=0
        # shellcheck disable=SC2086
        "$MUSTER" $line > /dev/full 2> err || status=$?
        [ "$status" -eq 3 ]
        [ "$(cat err)" = 'muster: standard output: No space left on device' ]
    done
}

@test "a reader that has gone: the jobs run to their end, exit 3, no death by SIGPIPE" {
    mkfifo pipe
    { exec 3< pipe; sleep 0.1; exec 3<&-; : > closed; } &
    printf '[job x]\ntype = io\ncommand = until [ -e closed ]; do sleep 0.02; done; : > done\n' > p.ini
    status=0
    "$MUSTER" p.ini > pipe 2> err || status=$?
    [ "$status" -eq 3 ]
    [ "$(cat err)" = 'muster: standard output: Broken pipe' ]
    [ -e done ]
}

@test "standard error full or closed changes nothing" {
    printf '[job x]\ntype = io\ncommand = echo text; exit 1\n' > f.ini
    status=0
    "$MUSTER" f.ini > out 2> /dev/full || status=$?
    [ "$status" -eq 1 ]
    grep -q '^1 job: 1 failed$' out
    status=0
    "$MUSTER" f.ini > out 2>&- || status=$?
    [ "$status" -eq 1 ]
    grep -q '^1 job: 1 failed$' out
}

@test "all three streams closed: no file becomes one of them" {
    status=0
    "$MUSTER" -r json:r.json m.ini <&- >&- 2>&- || status=$?
    [ "$status" -eq 3 ]
    jq -e '.totals.ok == 1' r.json
    printf '[job x]\ntype = io\ncommand = ls -l /proc/self/fd/0 > fd0; echo text; echo text >&2\n' > fds.ini
    status=0
    "$MUSTER" -q -r json:r.json fds.ini <&- >&- 2>&- || status=$?
    [ "$status" -eq 0 ]
    [ "$(jq -r '.jobs[0].stdout' r.json)" = $'text\ntext' ]
    grep -q /dev/null fd0
}

@test "jobs have no descriptor that muster inherited" {
    printf '[job x]\ntype = io\ncommand = ls /proc/self/fd > fds\n[job y]\ntype = cpu\ncommand = ls /proc/self/fd > fds.cpu\n' > fds.ini
    "$MUSTER" -q fds.ini 7> seven 9< m.ini
    # 3 is the folder that ls reads
    [ "$(tr '\n' ' ' < fds)" = '0 1 2 3 ' ]
    [ "$(tr '\n' ' ' < fds.cpu)" = '0 1 2 3 ' ]
}

@test "an environment without anything, and a locale that is not there" {
    run --separate-stderr env -i "$MUSTER" -q --state-dir "$PWD/state" "$PWD/m.ini"
    [ "$status" -eq 0 ]
    prints ''
    says ''
    run --separate-stderr env LC_ALL=xx_XX.none "$MUSTER" "$PWD/m.ini"
    [ "$status" -eq 0 ]
    [ "$(wc -l < log)" -eq 2 ]
}

@test "numbers keep their decimal points whatever the locale" {
    run --separate-stderr env LC_ALL=de_DE.UTF-8 LANG=de_DE.UTF-8 "$MUSTER" -r json m.ini
    [ "$status" -eq 0 ]
    jq -e '.run.wall_s >= 0' <<< "$output"
}
