#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# manuals: the samples of muster(1), muster(5) and README run, and print what they say.
#
# A comment in the source of a page says what the display that follows it is:
# "sample FILE" a file of that name, "session STATUS" commands (behind "$ ")
# with their output, the last of which ends with STATUS. Figures differ from
# run to run: they are compared as N, and columns as one blank.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    man=$(cd "$BATS_TEST_DIRNAME/../../man" && pwd)
}

# Puts a page's displays into files: samples by their names, the sessions as
# session.1, session.2, … with their status in the first line.
extract() {
    awk '
        /^\.\\" sample / { file = $3 }
        /^\.\\" session / { file = "session." ++sessions; print $3 > file }
        /^\.Bd -literal/ { if (file != "") inside = 1; next }
        /^\.Ed/ { inside = 0; file = "" }
        inside {
            sub(/^\\&/, "")
            gsub(/\\e/, "\\")
            print > file
        }' "$1"
}

# What differs between runs: figures, the widths of columns, hints and what took
# longest (on a busy machine); and blank lines.
blur() {
    sed -E 's/[0-9]+(\.[0-9]+)?(ms|[smhKMG%]+)?/N/g; s/N([smh]N)+/N/g; s/CPUs?/CPU/g
        s/[[:blank:]]+/ /g; s/ $//; /^$/d; /^(hint|longest): /d'
}

# Runs a session as a terminal would show it; $1 is its file.
replay() {
    local want line said
    ln -sf "$MUSTER" muster
    want=$(head -n 1 "$1")
    status=0
    tail -n +2 "$1" | while IFS= read -r line; do
        case $line in
        '$ '*)
            printf '%s\n' "$line"
            status=0
            said=$(PATH=$PWD:$PATH sh -c "${line#\$ }" 2>&1 < /dev/null) || status=$?
            [ -z "$said" ] || printf '%s\n' "$said"
            echo "$status" > "$1.status"
            ;;
        esac
    done > "$1.got"
    [ "$(cat "$1.status")" = "$want" ]
    diff <(tail -n +2 "$1" | blur) <(blur < "$1.got")
}

# Runs all sessions of a page; there is at least one.
replay_all() {
    local session
    extract "$man/$1"
    [ -e session.1 ]
    for session in session.*; do
        echo "$session of $1" >&2
        replay "$session"
    done
}

@test "muster(1): the sessions of the examples" {
    replay_all muster.1
}

@test "muster(5): the sessions" {
    replay_all muster.5
}

@test "muster(5): each sample manifest runs well, and wrong.ini does not" {
    extract "$man/muster.5"
    count=0
    rm http.ini # needs a server, which http.bats has
    for sample in *.ini; do
        run --separate-stderr "$MUSTER" run "$sample"
        if [ "$sample" = wrong.ini ]; then
            [ "$status" -eq 2 ]
        elif [ "$status" -ne 0 ] || [ -n "$stderr" ]; then
            printf '%s: exit %d\n%s\n%s\n' "$sample" "$status" "$output" "$stderr" >&2
            return 1
        fi
        count=$((count + 1))
    done
    [ "$count" -ge 5 ]
}

@test "README: the commands of the tour print what it shows" {
    ln -s "$man/../examples" examples
    # a command is indented by two blanks and a dollar; its output by two blanks
    { echo 0; sed -n '/^  \$ /,/^[^ ]/ { s/^  //p; /^$/p }' "$man/../README"; } > session.readme
    replay session.readme
}

@test "both pages are clean" {
    [ -z "$(mandoc -T lint -W warning "$man/muster.1" "$man/muster.5")" ]
}
