#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# items: many jobs from one section: where they come from, what they are called and are given.
bats_require_minimum_version 1.5.0

load background

# The jobs of a run by the JSON report on standard output, as "NAME STATUS" in its order.
jobs() {
    jq -r '.jobs[] | "\(.name) \(.status)"' <<< "$output"
}

@test "a list makes a job of each value, named and numbered" {
    manifest <<'END'
[job a]
type = io
each.x = one "two three" '' {{x}}
command = echo "$x|$MUSTER_ITEM|$MUSTER_INDEX|$MUSTER_JOB|${MUSTER_ITEMS-none}"
END
    muster run -r json m.ini
    [ "$status" -eq 0 ]
    is "$(jq -r '.jobs[] | "\(.section) \(.item) \(.stdout)"' <<< "$output")" \
        'a one one|one|0|a[one]|none

a two three two three|two three|1|a[two three]|none

a  ||2|a[]|none

a {x} {x}|{x}|3|a[{x}]|none'
    [ "$(jq .totals.jobs <<< "$output")" = 4 ]
}

@test "axes multiply, the last one fastest, and combinations can be left out" {
    manifest <<'END'
[job a]
type = cpu
each.os = linux bsd
each.v.range = 08..10
each.exclude = os=bsd,v=09 v=10
exec = echo {v}.{os} {M}
[vars]
M = no
END
    muster run -r json m.ini
    [ "$status" -eq 0 ]
    is "$(jobs)" 'a[linux,08] ok
a[linux,09] ok
a[bsd,08] ok'
    is "$(jq -r '.jobs[].stdout' <<< "$output" | tr -s '\n')" '08.linux no
09.linux no
08.bsd no'
}

@test "ranges go up and down, padded and in steps" {
    manifest <<'END'
[defaults]
type = io
command = true
[job a]
each.x.range = 1..10..4
[job b]
each.x.range = 3..1
[job c]
each.x.range = -01..1
END
    muster run -r json m.ini
    is "$(jq -r '[.jobs[].item] | join(" ")' <<< "$output")" '1 5 9 3 2 1 -01 000 001'
}

@test "a glob gives names as the pattern writes them, in the order of their bytes" {
    mkdir -p src/sub
    touch src/b.c src/a.c src/Z.c src/é.c src/.hidden.c src/sub/a.c src/a.h
    manifest <<'END'
[job a]
type = io
each.f.glob = src/*.c
exec = cat {f}
[job b]
type = io
each.f.glob = */*/*.c
command = true
END
    output=$(cd src && "$MUSTER" run -r json ../m.ini)
    is "$(jobs)" 'a[src/Z.c] ok
a[src/a.c] ok
a[src/b.c] ok
a[src/é.c] ok
b[src/sub/a.c] ok'
}

@test "lines of a file are items: whole, empty, equal, with CR LF and without an end" {
    printf 'a b \n\nsame\r\nsame\n-rf\nlast' > list
    manifest_of_lines 'command = printf "%s,%s;" "$MUSTER_INDEX" "$x" > "out.$MUSTER_INDEX"'
    muster run -r json m.ini
    [ "$status" -eq 0 ]
    is "$(jq -c '[.jobs[].item]' <<< "$output")" '["a b ","","same","same","-rf","last"]'
    is "$(cat out.?)" '0,a b ;1,;2,same;3,same;4,-rf;5,last;'
}

@test "any byte but NUL arrives as it is, by the environment and as a word" {
    # A line each for 1 to 255 but LF; CR is only a line's end before LF.
    for i in $(seq 1 255); do
        [ "$i" -eq 10 ] || printf "x\\$(printf %03o "$i")y\n"
    done > list
    manifest <<'END'
[job env]
type = io
each.x.lines = list
command = printf '%s\n' "$x" > "env.$MUSTER_INDEX"
[job word]
type = io
each.x.lines = list
exec = sh -c 'printf "%s\n" "$1" > "word.$MUSTER_INDEX"' sh {x}
[job batch]
type = io
each.x.lines = list
batch = 100
command = printf '%s\n' "$@" > "batch.$MUSTER_INDEX"; cat "$MUSTER_ITEMS" > "items.$MUSTER_INDEX"
END
    muster run m.ini -r json
    [ "$status" -eq 0 ]
    for i in $(seq 0 253); do cat "env.$i"; done | cmp - list
    for i in $(seq 0 253); do cat "word.$i"; done | cmp - list
    cat batch.0 batch.1 batch.2 | cmp - list
    cat items.0 items.1 items.2 | cmp - list
}

@test "nothing in an item is ever run" {
    printf '%s\n' '$(touch run1)' '`touch run2`' '"; touch run3; "' "'; touch run4; '" \
        '| touch run5' '{x}' '../../x' '-n' '; touch run6 #' > list
    manifest <<'END'
[defaults]
type = io
each.x.lines = list
[job a]
command = printf '%s\n' "$x" $x >> out
[job b]
exec = echo {x} a{x}b
env.A = {x}
stdin = text:{x}
[job c]
batch = 4
command = echo "$@" > /dev/null
[job d]
batch = 4
exec = echo {x}
END
    muster run m.ini -o none
    [ "$status" -eq 0 ]
    run ls
    [[ $output != *run* ]]
}

@test "a NUL in a line is an error with its place" {
    printf 'one\nt\0o\n' > list
    manifest_of_lines 'command = true'
    muster run m.ini
    [ "$status" -eq 2 ]
    [[ $stderr == *"list:2:2' is a NUL; no item can have one"* ]]
    # Seen only when it is read: what came before has run.
    mkfifo fifo
    sed -i s/list/fifo/ m.ini
    cat list > fifo &
    muster run -r json m.ini
    [ "$status" -eq 1 ]
    is "$(jobs)" 'a[one] ok
a failed'
    [ "$(jq -r '.jobs[1].reason' <<< "$output")" = spawn ]
    wait
}

@test "a FIFO is followed: each job starts as its line comes" {
    mkfifo list
    manifest_of_lines 'command = : > "seen.$x"'
    for i in 1 2 3; do
        echo "$i"
        wait_for "seen.$i" || echo "late$i"
    done > list &
    muster run -r json m.ini
    [ "$status" -eq 0 ]
    is "$(jobs)" 'a[1] ok
a[2] ok
a[3] ok'
    wait
}

@test "standard input gives items, and jobs do not get it" {
    manifest <<'END'
[job a]
type = io
each.x.lines = -
command = read -r y; echo "$x:$y"
END
    output=$(printf '1\n2\n' | "$MUSTER" run -r json m.ini)
    is "$(jq -r '.jobs[].stdout' <<< "$output" | tr -s '\n')" '1:
2:'
    printf 'x\n3\n4' > in
    output=$({ read -r skipped; "$MUSTER" run -r json m.ini; } < in)
    is "$(jobs)" 'a[3] ok
a[4] ok'
    run --separate-stderr bash -c '"$MUSTER" run - < m.ini'
    [ "$status" -eq 2 ]
    [[ $stderr == *'each.x.lines: the manifest itself is standard input'* ]]
}

@test "an inner axis of lines begins anew for each value of the outer one" {
    printf 'x\ny\n' > list
    manifest <<'END'
[job a]
type = io
each.n = 1 2
each.l.lines = list
command = true
[job b]
type = io
each.n = 1 2
each.l.lines = -
command = true
END
    output=$(printf 'p\nq' | "$MUSTER" run -r json m.ini)
    is "$(jq -r '[.jobs[].item] | join(" ")' <<< "$output")" \
        '1,x 1,y 2,x 2,y 1,p 1,q 2,p 2,q'
}

@test "a batch has so many items, but for the last" {
    manifest <<'END'
[job a]
type = io
each.x = 1 2 "3 4" 5 6
batch = 2
command = echo "$0 $# $* $MUSTER_INDEX ${x-none} ${MUSTER_ITEM-none}"; cat "$MUSTER_ITEMS"; echo "$MUSTER_ITEMS" >> files
[job b]
type = io
each.x.range = 1..3
batch = 2
exec = printf %s; begin {x} {x} end
END
    muster run -r json m.ini
    [ "$status" -eq 0 ]
    is "$(jobs)" 'a[#0] ok
a[#1] ok
a[#2] ok
b[#0] ok
b[#1] ok'
    is "$(jq -r '.jobs[] | .stdout' <<< "$output" | tr -s '\n')" 'muster 2 1 2 0 none none
1
2
muster 2 3 4 5 1 none none
3 4
5
muster 1 6 2 none none
6
begin;1;2;1;2;end;
begin;3;3;end;'
    while read -r file; do [ ! -e "$file" ]; done < files
}

@test "no items: a warning, a skipped row, and all is well" {
    : > list
    manifest <<'END'
[job a]
type = io
each.x.lines = list
command = true
[job b]
type = io
each.x.glob = *.none
command = true
[job c]
type = io
each.x = 1
each.exclude = x=1
command = true
[job after]
type = io
after = a
command = true
[job always]
type = io
after = a
when = always
command = true
END
    muster run -r json m.ini
    [ "$status" -eq 0 ]
    is "$(sort <<< "$stderr")" 'muster: warning: job a has no items
muster: warning: job b has no items
muster: warning: job c has no items'
    is "$(jobs)" 'a skipped
b skipped
c skipped
after skipped
always ok'
    is "$(jq -c '[.jobs[:4][] | .reason]' <<< "$output")" '[null,null,null,null]'
}

@test "after a section: all of its items; after one of them: that one" {
    manifest <<'END'
[muster]
io-limit = 1
[job a]
type = io
each.x.range = 1..4
command = echo "a$x" >> log; test "$x" != 3
[job all]
type = io
after = a
when = always
command = echo all >> log
[job two]
type = io
after = a[2]
priority = 1
command = echo two >> log
[job three]
type = io
after = "a[3]"
command = echo three >> log
[job good]
type = io
after = a
command = echo good >> log
END
    muster run --no-history -r json m.ini
    [ "$status" -eq 1 ]
    is "$(cat log)" 'a1
a2
two
a3
a4
all'
    is "$(jq -r '.jobs[] | select(.cause) | "\(.name) \(.status) \(.reason) \(.cause)"' \
        <<< "$output")" 'three skipped dependency a[3]
good skipped dependency a[3]'
}

@test "an item that a list has not is only found at its end" {
    echo 1 > list
    manifest_of_lines 'command = true' '[job b]' 'type = io' 'after = a[2]' 'command = true'
    muster run -r json m.ini
    [ "$status" -eq 1 ]
    is "$(jobs)" 'a[1] ok
b skipped'
}

@test "a[*] pairs items by their values, without a barrier" {
    manifest <<'END'
[template t]
type = io
each.x = 1 2 3
[job a]
use = t
command = case $x in 3) until [ -e c.1 ]; do sleep 0.02; done; exit 1 ;; esac
timeout = 20s
[job b]
use = t
after = a[*]
command = true
[job c]
use = t
after = b[*]
command = : > "c.$x"
END
    muster run -r json m.ini
    [ "$status" -eq 1 ]
    is "$(jq -r '.jobs[] | "\(.name) \(.status) \(.cause)"' <<< "$output")" 'a[1] ok null
a[2] ok null
a[3] failed null
b[1] ok null
b[2] ok null
b[3] skipped a[3]
c[1] ok null
c[2] ok null
c[3] skipped a[3]'
}

@test "a pipe feeds both ends of a pair" {
    manifest <<'END'
[template t]
type = io
each.x.lines = -
[job a]
use = t
command = true
[job b]
use = t
after = a[*]
command = echo "$x"
END
    output=$(seq 3 | "$MUSTER" run -r json m.ini)
    is "$(jq -r '[.jobs[] | select(.section == "b") | .stdout] | join("")' <<< "$output")" '1
2
3'
}

@test "axes stand in any value that may differ" {
    mkdir d1 d2
    echo in1 > d1/in
    echo in2 > d2/in
    printf 'E=f1\n' > e1
    printf 'E=f2\n' > e2
    manifest <<'END'
[vars]
V = v
x = shadowed
[job a]
type = io
each.x = 1 2
each.t = 1s 5s
dir = d{x}
stdin = file:d{x}/in
stdout = append:out.{x}
env.A = {V}-{x}-{{x}}-{t}
env-file = e{x}
timeout = {t}
retries = {x}
command = read -r l; echo "$(basename "$PWD") $l $A $E $x $MUSTER_ATTEMPTS"
END
    muster run m.ini
    [ "$status" -eq 0 ]
    is "$(sort out.1 out.2)" 'd1 in1 v-1-{x}-1s f1 1 2
d1 in1 v-1-{x}-5s f1 1 2
d2 in2 v-2-{x}-1s f2 2 3
d2 in2 v-2-{x}-5s f2 2 3'
}

@test "a value that does not do fails its item" {
    printf '2s\nsoon\n' > list
    manifest_of_lines 'timeout = {x}' 'command = true'
    muster run m.ini
    [ "$status" -eq 1 ]
    [[ $output == *'a[2s]'*ok* ]]
    [[ $output == *"a[soon] "*failed*" timeout: 'soon' is not a duration"* ]]
}

@test "a value with an axis in it is another job's, too, where a variable has the name" {
    manifest <<'END'
[vars]
x = variable
[defaults]
type = io
env.A = {x}!
retries = {x}
[job a]
each.x = 1 2
command = echo "$A $MUSTER_ATTEMPTS"
[job b]
retries = 0
command = echo "$A"
[job c]
env.A = own
each.x = 3
command = echo "$A"
END
    muster run -r json m.ini
    [ "$status" -eq 0 ]
    is "$(jq -r '[.jobs[].stdout] | join("")' <<< "$output")" '1! 2
2! 3
variable!
own'
}

@test "axes are weaker than [env] and stronger than [vars]" {
    manifest <<'END'
[vars]
x = vars
y = vars
[env]
y = env
[job a]
type = io
each.x = axis
each.y = axis
command = echo "$x $y"
END
    muster run -r json m.ini
    [ "$(jq -r '.jobs[0].stdout' <<< "$output")" = 'axis env' ]
}

@test "an axis of a stronger layer takes the place of a weaker one's" {
    manifest <<'END'
[defaults]
type = io
command = true
each.x = 1 2
each.y = 9
[template t]
each.x.range = 5..6
[job a]
[job b]
use = t
[job c]
use = t
each.y = 7 8
END
    muster run -r json m.ini
    is "$(jq -r '[.jobs[].name] | join(" ")' <<< "$output")" \
        'a[1,9] a[2,9] b[5,9] b[6,9] c[5,7] c[5,8] c[6,7] c[6,8]'
}

@test "items that did not start are cancelled, each by its name" {
    manifest <<'END'
[muster]
cpu-workers = 1
[job a]
type = cpu
each.x.range = 1..4
command = test "$x" -lt 2
[job b]
type = io
after = a
each.x = p q
command = true
END
    muster run -x -r json m.ini
    [ "$status" -eq 1 ]
    is "$(jq -r '.jobs[] | "\(.name) \(.status) \(.reason) \(.cause)"' <<< "$output")" \
        'a[1] ok null null
a[2] failed exit null
a[3] cancelled cancelled a[2]
a[4] cancelled cancelled a[2]
b[p] skipped dependency a[2]
b[q] skipped dependency a[2]'
}

@test "an interruption ends a run whose list is still open" {
    mkfifo list
    manifest_of_lines 'command = : > "up.$x"; sleep 60'
    { echo one; exec sleep 60; } > list 3>&- &
    start m.ini
    wait_for up.one
    kill -TERM "$muster"
    await "$muster"
    [ "$status" -eq 143 ]
    output=$(cat results.json)
    is "$(jobs)" 'a[one] cancelled
a cancelled'
}

@test "past 50 jobs only those items are listed that are not ok, but all in a file" {
    manifest <<'END'
[job a]
type = io
each.x.range = 1..80
command = test "$x" -ne 70
END
    muster run m.ini -r table:all -r json:out.json
    [ "$status" -eq 1 ]
    [[ $output == *$'\na[70]'* ]]
    [ "$(grep -c '^a\[' <<< "$output")" = 1 ]
    [ "$(grep -c '^a\[' all)" = 80 ]
    [ "$(jq '.jobs | length' out.json)" = 80 ]
    is "$(jq -r '[.jobs[].item] | join(" ")' out.json)" "$(seq 80 | paste -sd ' ')"
}

@test "JOB may be an item, with what it comes after" {
    manifest <<'END'
[template t]
type = io
each.x = 1 2 3
command = true
[job a]
use = t
[job b]
use = t
after = a[*]
[job c]
type = io
after = a[2] b
command = true
END
    muster run -r json m.ini 'b[3]'
    is "$(jobs)" 'a[3] ok
b[3] ok'
    # what is left of one is left of it alone
    muster run -r json m.ini 'b[3]' a
    is "$(jobs)" 'a[1] ok
a[2] ok
a[3] ok
b[3] ok'
    muster run -r json m.ini 'b[4]'
    [ "$status" -eq 2 ]
    says "muster: job 'b' has no item '4'
muster: m.ini: 1 error, nothing was run"
    muster list m.ini
    prints 'a
b
c'
    muster plan m.ini
    prints 'JOB TYPE LANE LIMITS AFTER
a   io   io   each x -
b   io   io   each x a[*]
c   io   io   -      a[2] b'
}

@test "--select takes whole sections, and of those before them what these come after" {
    manifest <<'END'
[defaults]
type = io
command = true
[job a]
each.x = 1 2 3
[job b]
each.x.range = 1..7
batch = 3
tags = some
exec = echo {x}
[job c]
after = a[2]
tags = some
[job d]
after = b[#1]
tags = other
END
    muster run -r json -s some m.ini
    is "$(jobs)" 'a[2] ok
b[#0] ok
b[#1] ok
b[#2] ok
c ok'
    muster run -r json -s other m.ini
    is "$(jobs)" 'b[#1] ok
d ok'
    muster run m.ini 'b[#3]'
    [ "$status" -eq 2 ]
    says "muster: job 'b' has no item '#3'
muster: m.ini: 1 error, nothing was run"
    muster plan -r json m.ini
    is "$(jq -c '.jobs[] | [.name, .wave, .after]' <<< "$output")" '["a",0,[]]
["b",0,[]]
["c",1,["a[2]"]]
["d",1,["b[#1]"]]'
}

@test "equal lines are told apart by their index, for a resumed run too" {
    printf 'x\nx\nx\n' > list
    manifest_of_lines 'command = echo "$MUSTER_INDEX" >> ran; [ "$MUSTER_INDEX" -ne 1 ] || [ -e good ]'
    muster run m.ini
    [ "$status" -eq 1 ]
    : > good
    muster run --resume -r json m.ini
    [ "$status" -eq 0 ]
    [[ $stderr == 'muster: resuming run '*': left out 2 items that it settled, unless changed' ]]
    is "$(jobs)" 'a[x] resumed
a[x] ok
a[x] resumed'
    is "$(sort ran | paste -sd ' ')" '0 1 1 2'
    muster show
    [[ $output == *'3 jobs: 1 ok, 2 resumed'* ]]
}

@test "a killed run's items are known to the next" {
    manifest <<'END'
[muster]
cpu-workers = 1
[job a]
type = cpu
each.x.range = 1..4
command = echo "$x" >> ran; [ "$x" -ne 3 ] || [ -e good ] || { sleep 0.5; kill -KILL "$(cat pid)"; sleep 5; }
END
    sh -c 'echo $$ > pid; exec "$MUSTER" run m.ini' > /dev/null 2>&1 || true
    : > good
    printf '[job b]\ntype = io\ncommand = true\n' >> m.ini
    muster run --resume -r json m.ini
    [ "$status" -eq 0 ]
    [[ $stderr == *': 0 of 1 job without items left out, and 2 items that it settled, unless changed' ]]
    is "$(jobs)" 'a[1] resumed
a[2] resumed
a[3] ok
a[4] ok
b ok'
    is "$(cat ran)" '1
2
3
3
4'
    muster run --resume -r json m.ini
    [[ $stderr == *': 1 of 1 job without items left out, and 4 items that it settled, unless changed' ]]
    is "$(jq -c .totals.resumed <<< "$output")" 5
}

@test "outputs of items: for those after all of them, after one, after the same values" {
    manifest <<'END'
[job a]
type = io
each.x = one two
command = echo "n=$MUSTER_INDEX" > "$MUSTER_OUTPUT"

[job b]
type = io
each.x = one two
after = a[*]
command = env | grep ^MUSTER_OUT_; echo "m=10" > "$MUSTER_OUTPUT"

[job one]
type = io
after = a[two]
command = env | grep ^MUSTER_OUT_

[job all]
type = io
after = b
command = env | grep ^MUSTER_OUT_ | sort
END
    muster run -r json m.ini
    [ "$status" -eq 0 ]
    is "$(jq -r '.jobs[] | "\(.name) \(.outputs | tojson) \(.stdout)"' <<< "$output")" \
        'a[one] {"n":"0"} 
a[two] {"n":"1"} 
b[one] {"m":"10"} MUSTER_OUT_a_one__n=0

b[two] {"m":"10"} MUSTER_OUT_a_two__n=1

one {} MUSTER_OUT_a_two__n=1

all {} MUSTER_OUT_a_one__n=0
MUSTER_OUT_a_two__n=1
MUSTER_OUT_b_one__m=10
MUSTER_OUT_b_two__m=10'
    is "$(jq -c .totals.outputs <<< "$output")" '{"n":1,"m":20}'
}

@test "each item that was started has its own cleanup, the last one first" {
    manifest <<'END'
[muster]
on-failure = continue
[job a]
type = cpu
each.x = one two
dir = {x}
command = echo "run $x" >> ../log; [ "$x" = one ]
cleanup = echo "clean $x $MUSTER_STATUS $(basename "$PWD") $MUSTER_JOB" >> ../log
[job b]
type = io
after = a
when = always
command = echo b >> log
END
    mkdir one two
    muster run -j 1 m.ini
    [ "$status" -eq 1 ]
    is "$(cat log)" 'run one
run two
b
clean two failed two a[two]
clean one ok one a[one]'
}

@test "a section that is not wanted: all of its items are skipped by choice" {
    seq 2000 > list
    manifest_of_lines 'exec = false' 'after = z' 'when = failure' \
        '[job z]' 'type = io' 'command = true'
    muster run m.ini
    [ "$status" -eq 0 ]
    [[ $output == *'2001 jobs: 1 ok, 2000 skipped'* ]]
}
