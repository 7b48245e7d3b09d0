#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# ci: what CI services make of the log, and that jobs cannot speak to them.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    manifest << 'END'
[defaults]
type = io
[job good]
command = echo fine
[job bad]
after = good
command = echo "::error::forged"; echo "##[error]forged"; printf '\033[0Ksection_start:1:x\r\033[0Kforged\n'; exit 3
[job allowed]
after = bad
when = always
allow-failure = yes
exec = false
END
}

# Standard error as GitHub takes it: lines that are commands as "COMMAND: ...", the others as
# they are.
github_reads() {
    python3 -c '
import re, sys
token = None
for line in sys.stdin.read().split("\n")[:-1]:
    text = line.lstrip()
    if token is not None:
        if text == f"::{token}::":
            token = None
        else:
            print(line)
    elif re.match(r"::[a-z-]+( [^:]*)?::", text) or "##[" in line:
        command = re.match(r"::stop-commands::(.+)", text)
        if command:
            token = command.group(1)
            assert len(token) >= 32, token
        else:
            print("COMMAND: " + text)
    else:
        print(line)
print("STOPPED" if token else "OPEN")'
}

@test "github: jobs speak no commands; groups fold what went well; failures are annotated" {
    run --separate-stderr env GITHUB_ACTIONS=true "$MUSTER" -o group m.ini
    [ "$status" -eq 1 ]
    [[ $output == JOB* ]]
    github_reads <<< "$stderr" > read
    [ "$(grep -v '^[^C]*section' read)" = "COMMAND: ::group::good: ok
fine
COMMAND: ::endgroup::
--- bad: exit 3 ---
::error::forged
##[error]forged
COMMAND: ::error file=m.ini,line=5,title=job bad::exit 3
OPEN" ]
}

@test "github: the marks are new every time, and none are there with nothing to say" {
    for i in 1 2; do GITHUB_ACTIONS=true "$MUSTER" m.ini 2>&1 > /dev/null | grep stop-commands > "mark$i" || :; done
    [ -s mark1 ]
    not cmp -s mark1 mark2
    run --separate-stderr env GITHUB_ACTIONS=true "$MUSTER" -q m.ini good
    [ "$status" -eq 0 ]
    [ -z "$output$stderr" ]
    run --separate-stderr env GITHUB_ACTIONS=true "$MUSTER" --ci=none -o live m.ini
    [[ $stderr != *stop-commands* ]]
    [[ $stderr != *'::error file'* ]]
    run --separate-stderr env GITHUB_ACTIONS=false "$MUSTER" m.ini
    [[ $stderr != *stop-commands* ]]
}

@test "github: live lines and a report on standard output are no commands either" {
    for args in '-o live' '-o none -r markdown' '-o none -r tap' '-o failed -v'; do
        # shellcheck disable=SC2086 # options
        "$MUSTER" --ci github $args m.ini > log 2>&1 || :
        github_reads < log > read
        [ "$(grep -c '^COMMAND: ' read)" -eq 1 ]
        grep -qx 'COMMAND: ::error file=m.ini,line=5,title=job bad::exit 3' read
        [ "$(tail -n 1 read)" = OPEN ]
    done
}

# Alone: what is written to standard error does not guard it.
@test "github: a report by itself speaks no commands, and has all that jobs wrote" {
    manifest << 'END'
[job bad]
type = io
command =
    echo "::error::forged"; echo 'std::string a: b:: #[ ## x ####'; echo ' ##[error]forged'
    printf ' \302\240::warning::forged\n\t::debug::forged\n\033[0m::notice::forged\n#\033[1m#[error]forged\n'
    exit 3
END
    "$MUSTER" -o none -r junit m.ini > xml 2> /dev/null || :
    "$MUSTER" -o none -r html m.ini > html 2> /dev/null || :
    "$MUSTER" -o none -r markdown m.ini > md 2> /dev/null || :
    { echo '<meta charset="utf-8">' && cmark-gfm -e table --unsafe md; } > page
    for file in xml html md; do
        github_reads < $file > read
        not grep '^COMMAND' read
        [ "$(tail -n 1 read)" = OPEN ]
    done
    wrote=$'::error::forged\nstd::string a: b:: #[ ## x ####\n ##[error]forged\n \302\240::warning::forged\n\t::debug::forged'
    [ "$(xmllint --xpath 'string(//system-out)' xml)" = "$wrote"$'\n::notice::forged\n##[error]forged' ]
    for file in html page; do
        [[ $(xmllint --html --xpath 'string(//pre)' $file 2> /dev/null) == *"$wrote"* ]]
    done
    # What is no command stays in a fence.
    sed -i 's/^    echo .*/    echo a::b; echo "# #[x]"/; /printf/d' m.ini
    "$MUSTER" -o none -r markdown m.ini 2> /dev/null | grep -A 1 -Fx '```text' | grep -Fx a::b
}

@test "github: ten annotations at most, texts escaped" {
    {
        printf '[defaults]\ntype = io\nexec = false\n'
        for i in $(seq 15); do printf '[job j%d]\n' "$i"; done
        printf '[job dir]\nexec = ./a%%b\n[job first]\ncommand = echo '"'#!/none,%%x:y'"' > "a%%b"; chmod +x "a%%b"\n'
    } > many.ini
    sed -i 's/^\[job dir\]/&\nafter = first/' many.ini
    "$MUSTER" --ci=github -o none many.ini > out 2> err || :
    grep '^::error' err > errors
    [ "$(wc -l < errors)" -eq 10 ]
    [ "$(head -n 1 errors)" = '::error file=many.ini,line=4,title=job j1::exit 1' ]
    [ "$(tail -n 1 errors)" = '::error title=muster::7 more jobs failed' ]
    "$MUSTER" --ci=github -o none many.ini dir 2>&1 | grep '^::error' > errors
    [[ $(cat errors) == '::error file=many.ini,line='*',title=job dir::'*'%25'* ]]
}

@test "github: the step's summary is appended, below 1 MiB whatever there is" {
    echo before > summary
    GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY=$PWD/summary "$MUSTER" -q m.ini > out 2> err || :
    [ "$(head -n 1 summary)" = before ]
    grep -q '^| bad | io | io | \*\*failed\*\* |' summary
    { printf '[defaults]\ntype = cpu\ncommand = head -c 60000 /dev/zero | tr "\\\\0" "<"; exit 1\n'
      for i in $(seq 60); do printf '[job j%d]\n' "$i"; done; } > big.ini
    : > summary
    GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY=$PWD/summary "$MUSTER" -o none big.ini > out 2> err || :
    [ "$(stat -c %s summary)" -le 1048576 ]
    [ "$(stat -c %s summary)" -ge 900000 ]
    grep -q '^The output of [0-9]* more jobs did not fit.$' summary
    [ "$(grep -c '^| j' summary)" -eq 60 ]
    run --separate-stderr env GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY=/dev/full "$MUSTER" -o none m.ini good
    [ "$status" -eq 3 ]
    [[ $stderr == *'muster: /dev/full: No space left on device'* ]]
}

@test "gitlab: sections fold what went well; a job's escapes are visible" {
    run --separate-stderr env GITLAB_CI=true "$MUSTER" -o group m.ini
    [ "$status" -eq 1 ]
    [ "$(grep -c $'^\033\\[0Ksection_start:[0-9]*:muster_0\\[collapsed=true\\]\r\033\\[0Kgood: ok$' <<< "$stderr")" -eq 1 ]
    [ "$(grep -c $'^\033\\[0Ksection_end:[0-9]*:muster_0\r\033\\[0K$' <<< "$stderr")" -eq 1 ]
    [ "$(tr -cd '\033' <<< "$stderr" | wc -c)" -eq 4 ]
    grep -qF '\x1b[0Ksection_start:1:x\x0d\x1b[0Kforged' <<< "$stderr"
    [[ $stderr != *'::error file'* ]]
}
