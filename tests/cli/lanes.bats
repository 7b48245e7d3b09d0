#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lanes: how many jobs run at once, where, in which order, and what they find there.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
}

# N jobs of a lane that log their start and end and wait until so many of them
# run at once: "jobs N LANE TOGETHER".
jobs_together() {
    for i in $(seq "$1"); do
        cat <<END
[job j$i]
type = $2
timeout = 20s
command =
    echo start >> log
    : > up.$i
    until [ "\$(ls up.* | wc -l)" -ge $3 ]; do sleep 0.02; done
    echo end >> log
END
    done
}

@test "as many I/O jobs run at once as io-limit says, and no more" {
    { printf '[muster]\nio-limit = 5\n'; jobs_together 12 io 5; } > m.ini
    run --separate-stderr "$MUSTER" run m.ini
    [ "$status" -eq 0 ]
    [ "$(most_at_once log)" -eq 5 ]
}

@test "as many CPU jobs run at once as there are workers, and no more" {
    { printf '[muster]\ncpu-workers = 3\n'; jobs_together 9 cpu 3; } > m.ini
    run --separate-stderr "$MUSTER" run m.ini
    [ "$status" -eq 0 ]
    [ "$(most_at_once log)" -eq 3 ]
}

@test "options are stronger than the manifest's sizes" {
    { printf '[muster]\nio-limit = 1\ncpu-workers = 1\n'; jobs_together 3 io 3; } > m.ini
    run --separate-stderr "$MUSTER" run -i 3 -j 2 --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(json '.run | "\(.io_limit) \(.cpu_workers)"')" = '3 2' ]
}

@test "a full I/O lane does not hold up a CPU job" {
    {
        printf '[muster]\nio-limit = 64\n'
        for i in $(seq 64); do
            printf '[job wait%d]\ntype = io\ntimeout = 20s\n' "$i"
            echo 'command = until [ -e computed ]; do sleep 0.05; done'
        done
        printf '[job compute]\ntype = cpu\ncommand = : > computed\n'
    } > m.ini
    run --separate-stderr "$MUSTER" run m.ini
    [ "$status" -eq 0 ]
}

@test "a full CPU lane does not hold up an I/O job" {
    {
        printf '[muster]\ncpu-workers = 2\n'
        for i in 1 2 3; do
            printf '[job compute%d]\ntype = cpu\ntimeout = 20s\n' "$i"
            echo 'command = until [ -e read ]; do sleep 0.05; done'
        done
        printf '[job read]\ntype = io\ncommand = : > read\n'
    } > m.ini
    run --separate-stderr "$MUSTER" run m.ini
    [ "$status" -eq 0 ]
}

@test "many that wait and many that compute: never more than two at once of these" {
    {
        printf '[muster]\ncpu-workers = 2\nio-limit = 64\n'
        for i in $(seq 100); do
            printf '[job wait%d]\ntype = io\nexec = sleep 0.5\n' "$i"
        done
        for i in $(seq 20); do
            printf '[job burn%d]\ntype = cpu\nexec = %s/burn 0.1\n' "$i" "$CHILDREN"
        done
    } > m.ini
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    # starts and ends in the order of time
    json '.jobs[] | select(.type == "cpu") | .attempts[] |
        "\(.start_s) start", "\(.start_s + .wall_s) end"' | sort -g | cut -d ' ' -f 2 > log
    [ "$(most_at_once log)" -le 2 ]
    # one after the other it would take 52 s
    [ "$(json '.run.wall_s < 20')" = true ]
}

@test "one CPU to use makes one worker" {
    printf '[job x]\ntype = cpu\nexec = true\n' > m.ini
    cpu=$(sed -n 's/^Cpus_allowed_list:[[:blank:]]*\([0-9]*\).*/\1/p' /proc/self/status)
    run --separate-stderr taskset -c "$cpu" "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(json .run.cpu_workers)" -eq 1 ]
}

@test "a job of two cpus takes two workers, and waits until it has them" {
    cat > m.ini <<'END'
[muster]
cpu-workers = 2

[defaults]
type = cpu
command =
    echo start >> log
    echo "$MUSTER_JOB $MUSTER_WORKER $MUSTER_SLOT" >> workers
    sleep 0.1
    echo end >> log

[job a]
[job wide]
cpus = 2
command =
    [ "$(grep -c start log)" -eq "$(grep -c end log)" ] && echo alone >> log
    sleep 0.1
    [ "$(grep -c start log)" -eq "$(grep -c end log)" ] && echo "alone $MUSTER_WORKER" >> log
[job b]
END
    run --separate-stderr "$MUSTER" run m.ini
    [ "$status" -eq 0 ]
    [ "$(grep -c alone log)" -eq 2 ]
    grep -q '^alone 0$' log
}

@test "each job that runs has a slot of its own, always the lowest free one" {
    for lane in io cpu; do
        rm -f up.* slots
        {
            printf '[muster]\nio-limit = 4\ncpu-workers = 4\n'
            jobs_together 4 "$lane" 4
        } | sed 's/echo end >> log/echo "$MUSTER_SLOT" >> slots/' > m.ini
        run --separate-stderr "$MUSTER" run m.ini
        [ "$status" -eq 0 ]
        [ "$(sort slots | tr '\n' ' ')" = '0 1 2 3 ' ]
    done
}

@test "a job one after the other is always given slot 0" {
    cat > m.ini <<'END'
[defaults]
type = cpu
command = echo "$MUSTER_SLOT" >> slots
[job a]
[job b]
after = a
[job c]
after = b
END
    run --separate-stderr "$MUSTER" run -j 4 m.ini
    [ "$(cat slots)" = $'0\n0\n0' ]
}

@test "a job is told its lane, its name and the run" {
    cat > m.ini <<'END'
[defaults]
command = echo "$MUSTER_JOB $MUSTER_LANE ${MUSTER_WORKER-none} $MUSTER_SLOT $MUSTER_RUN"
[job wait]
type = io
[job compute]
type = cpu
END
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    id=$(json .run.id)
    [ "$(job_json wait .stdout)" = "wait io none 0 $id" ]
    [ "$(job_json compute .stdout)" = "compute cpu 0 0 $id" ]
}

@test "those of higher priority start first, others in the manifest's order" {
    for lane in io cpu; do
        rm -f order
        cat > m.ini <<END
[muster]
io-limit = 1
cpu-workers = 1
[defaults]
type = $lane
command = echo "\$MUSTER_JOB" >> order
[job a]
[job b]
priority = -1
[job c]
priority = 7
[job d]
END
        run --separate-stderr "$MUSTER" run m.ini
        [ "$status" -eq 0 ]
        [ "$(tr '\n' ' ' < order)" = 'c a d b ' ]
    done
}

@test "a job starts when all that it comes after have ended" {
    cat > m.ini <<'END'
[defaults]
command = echo "$MUSTER_JOB" >> order
[job last]
type = io
after = left, right
[job left]
type = io
after = first
[job right]
type = cpu
after = first
command = sleep 0.2; echo "$MUSTER_JOB" >> order
[job first]
type = cpu
END
    run --separate-stderr "$MUSTER" run m.ini
    [ "$status" -eq 0 ]
    [ "$(tr '\n' ' ' < order)" = 'first left right last ' ]
}

@test "a job whose dependency failed is skipped and names the root cause" {
    cat > m.ini <<'END'
[defaults]
type = io
exec = true
[job root]
exec = false
[job middle]
after = root
[job end]
after = middle
END
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [[ "$output" == *'because root failed'*'because root failed'* ]]
    [ "$(job_json end '"\(.status) \(.reason) \(.cause) \(.attempts | length)"')" = \
        'skipped dependency root 0' ]
}

@test "when = failure and when = always" {
    cat > m.ini <<'END'
[defaults]
type = io
exec = true
[job bad]
exec = false
allow-failure = no
[job good]
[job on-bad]
after = bad
when = failure
[job on-good]
after = good
when = failure
[job behind-on-good]
after = on-good
[job anyway]
after = bad on-good
when = always
END
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(json '[.jobs[] | "\(.name)=\(.status)/\(.reason)"] | join(" ")')" = \
        'bad=failed/exit good=ok/null on-bad=ok/null on-good=skipped/null behind-on-good=skipped/null anyway=ok/null' ]
}

@test "jobs have a session of their own, no terminal, no signals changed, and three descriptors" {
    for lane in io cpu; do
        printf '[job x]\ntype = %s\nexec = %s/show-self\n' "$lane" "$CHILDREN" > m.ini
        # a terminal and descriptor 7 round it, signals ignored and blocked
        run --separate-stderr "$MUSTER" run --report json:results.json m.ini 7<m.ini
        [ "$status" -eq 0 ]
        [ "$(job_json x .stdout)" = $'fds 0 1 2\nsession own\nnot-default\nblocked\ntty ENXIO' ]
    done
}

@test "standard input is empty: a caller's own is left alone" {
    printf '[job x]\ntype = io\nexec = cat\n[job y]\ntype = cpu\nexec = cat\n' > m.ini
    printf 'one\ntwo\n' > list
    while read -r line; do
        "$MUSTER" run -q m.ini
        echo "$line"
    done < list > seen
    cmp seen list
}

@test "standard input from a file, and from text" {
    printf 'from a file' > file
    cat > m.ini <<'END'
[defaults]
exec = cat
[job file]
type = io
stdin = file:file
[job line]
type = cpu
stdin = text:one line, no newline
[job lines]
type = io
stdin = text:a; b # c
      d

    e
END
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(json -j '.jobs[0].stdout')" = 'from a file' ]
    [ "$(json -j '.jobs[1].stdout' | od -c)" = "$(printf 'one line, no newline' | od -c)" ]
    [ "$(json -j '.jobs[2].stdout' | od -c)" = "$(printf 'a; b # c\n  d\n\ne\n' | od -c)" ]
}

@test "file: starts each attempt anew, append: adds, null drops" {
    cat > m.ini <<'END'
[defaults]
type = io
retries = 1
retry-delay = 1ms
command = echo "out $MUSTER_ATTEMPT"; echo "err $MUSTER_ATTEMPT" >&2; [ "$MUSTER_ATTEMPT" -eq 2 ]
[job file]
stdout = file:file.out
[job append]
stdout = append:append.out
stderr = null
[job apart]
stdout = null
stderr = capture
END
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(cat file.out)" = $'out 2\nerr 2' ]
    [ "$(cat append.out)" = $'out 1\nout 2' ]
    [ "$(job_json apart .stderr)" = 'err 2' ]
    [ "$(job_json apart .stdout)" = '' ]
}

@test "environment: the later layer is the stronger" {
    printf 'A=file\nB=file\nC=file\n' > vars.env
    cat > m.ini <<'END'
[vars]
A = vars
D = vars
E = vars
[env]
A = env
B = env
D = env
[job x]
type = io
env-file = vars.env
env.A = job
command = echo "$A $B $C $D $E $F"
END
    F=own C=own run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(job_json x .stdout)" = 'job file file env vars own' ]
}

@test "clear-env leaves PATH and HOME of what was inherited" {
    cat > m.ini <<'END'
[job x]
type = io
clear-env = yes
env.OWN = own
exec = env
END
    SECRET=1 HOME=/nowhere run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(job_json x .stdout | sed -n '/^MUSTER_/d; s/=.*//p' | sort | tr '\n' ' ')" = \
        'HOME OWN PATH ' ]
}

@test "a command with every odd character arrives byte for byte" {
    perl -e 'print "x" . join("", map { ";#=\"\x27%\$`\\\\[]{}" . $_ . " ; # [job y] " } 1..400)' > want
    [ "$(wc -c < want)" -gt 10240 ]
    for lane in io cpu; do
        printf '[job %s]\ntype = %s\nshell = %s/show-args\ncommand = ' $lane $lane "$CHILDREN"
        cat want
        printf '\n'
    done > m.ini
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    echo "<$(sed 's/ *$//' want)>" > expected
    for lane in io cpu; do
        json --join-output --arg name $lane '.jobs[] | select(.name == $name) | .stdout' | cmp - expected
    done
}

@test "words of exec are split as in a shell, and never expanded" {
    cat > m.ini <<END
[vars]
V = a 'b' \$HOME *
[job x]
type = io
exec = $CHILDREN/show-args 'a b' "c \"d" e\ f \$HOME * {V} x{V}y "" {{}}
END
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(job_json x .stdout)" = "<a b>
<c \"d>
<e f>
<\$HOME>
<*>
<a 'b' \$HOME *>
<xa 'b' \$HOME *y>
<>
<{}>" ]
}
