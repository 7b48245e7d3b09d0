#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bounds: what the kernel holds a job's processes to.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
}

@test "max-cpu-time: SIGXCPU, in words, of a program and of what a shell runs" {
    cat > m.ini <<END
[defaults]
max-cpu-time = 1s
[job program]
type = cpu
exec = $CHILDREN/burn 20
[job shell]
type = io
command = $CHILDREN/burn 20; exit \$?
[job waits]
type = io
exec = sleep 1.2
END
    run --separate-stderr timeout 60 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(job_json program '"\(.status) \(.reason) \(.signal)"')" = 'failed signal 24' ]
    [ "$(job_json shell '"\(.status) \(.reason) \(.exit)"')" = 'failed exit 152' ]
    [ "$(job_json waits .status)" = ok ]
    [[ $output == *'SIGXCPU (max-cpu-time 1s)'* ]]
    [[ $output == *'exit 152 (SIGXCPU: max-cpu-time 1s)'* ]]
}

@test "max-cpu-time: who ignores SIGXCPU is killed, and told why" {
    cat > m.ini <<END
[job x]
type = cpu
max-cpu-time = 900ms
command = trap '' XCPU; exec $CHILDREN/burn 20
END
    run --separate-stderr timeout 60 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(job_json x '"\(.reason) \(.signal)"')" = 'signal 9' ]
    [[ $output == *'SIGKILL (max-cpu-time 900ms)'* ]]
}

@test "max-file-size: no file grows past it, muster's capture is none" {
    cat > m.ini <<'END'
[defaults]
type = io
max-file-size = 64K
[job captured]
exec = head -c 1000000 /dev/zero
[job to-file]
exec = head -c 1000000 /dev/zero
stdout = file:one
[job by-itself]
command = head -c 1000000 /dev/zero > two; exit $?
[job exact]
command = head -c 65536 /dev/zero > three
END
    muster run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(job_json captured '"\(.status) \(.attempts[0].stdout_bytes)"')" = 'ok 1000000' ]
    [ "$(job_json to-file '"\(.reason) \(.signal)"')" = 'signal 25' ]
    [ "$(job_json by-itself '"\(.reason) \(.exit)"')" = 'exit 153' ]
    [ "$(job_json exact .status)" = ok ]
    [ "$(stat -c %s one two three | uniq)" = 65536 ]
    [[ $output == *'SIGXFSZ (max-file-size 64.0K)'* ]]
}

@test "max-open-files: soft and hard, over what jobs get else, in both lanes" {
    cat > m.ini <<'END'
[defaults]
exec = sh -c 'ulimit -Sn; ulimit -Hn'
[job io]
type = io
max-open-files = 40
[job cpu]
type = cpu
max-open-files = 40
[job more]
type = io
max-open-files = 150
[job too-much]
type = io
max-open-files = 1000000000
[job plain]
type = io
END
    run --separate-stderr bash -c 'ulimit -Sn 100; ulimit -Hn 200
        "$MUSTER" run --report json:results.json m.ini'
    [ "$status" -eq 0 ]
    [ "$(job_json io .stdout)" = $'40\n40' ]
    [ "$(job_json cpu .stdout)" = $'40\n40' ]
    [ "$(job_json more .stdout)" = $'150\n150' ]
    [ "$(job_json too-much .stdout)" = $'200\n200' ] # a bound, no grant
    [ "$(job_json plain .stdout)" = $'100\n200' ]
}

# The kernel's OOM killer where there is a memory cgroup to be had, else the address space.
@test "max-memory: of all processes of a job, or of each" {
    cat > m.ini <<END
[defaults]
type = cpu
max-memory = 48M
[job too-much]
exec = $CHILDREN/burn 0 200
[job by-shell]
type = io
command = $CHILDREN/burn 0 200; exit \$?
[job enough]
exec = $CHILDREN/burn 0 20
[job free]
max-memory = 4G
exec = $CHILDREN/burn 0 100
[job together]
retries = 1
retry-delay = 0
command = for i in 1 2 3 4; do $CHILDREN/burn 0.5 20 & all="\$all \$!"; done
    for one in \$all; do wait \$one || exit; done
[job kind]
type = io
command = cat /proc/self/cgroup; ulimit -v
END
    run --separate-stderr timeout 60 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(job_json enough .status) $(job_json free .status)" = 'ok ok' ]
    if job_json kind .stdout | grep -q /muster-; then
        job_json kind .stdout | grep -qx unlimited
        [ "$(job_json too-much '"\(.reason) \(.exit) \(.signal)"')" = 'oom null 9' ]
        [ "$(job_json by-shell '"\(.reason) \(.exit) \(.signal)"')" = 'oom 137 null' ]
        [ "$(job_json together '"\(.reason) \(.attempts | length)"')" = 'oom 2' ]
        [[ $output == *'out of memory (max-memory 48.0M)'* ]]
    else
        job_json kind .stdout | grep -qx 49152
        [ "$(job_json too-much '"\(.reason) \(.exit)"')" = 'exit 1' ]
        [ "$(job_json by-shell '"\(.reason) \(.exit)"')" = 'exit 1' ]
        [ "$(job_json together .status)" = ok ]
    fi
}

@test "max-memory: hardly any is the job's trouble alone" {
    cat > m.ini <<END
[defaults]
type = io
[job none]
max-memory = 1
exec = true
[job other]
exec = true
END
    run --separate-stderr timeout 60 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(job_json none .status)" = failed ]
    [[ "$(job_json none .reason)" =~ ^(oom|signal|spawn)$ ]]
    [ "$(job_json other .status)" = ok ]
    says ''
}

@test "no memory group stays, nor one of a muster that was killed" {
    cat > m.ini <<'END'
[job x]
type = io
max-memory = 1G
command =
    cat /proc/self/cgroup > groups
    echo $$ > pid
    : > up
    [ -e done ] || exec sleep 20
END
    "$MUSTER" run -q m.ini &
    muster=$!
    wait_for up
    kill -KILL "$muster"
    await "$muster"
    wait_until gone "$(cat pid)"
    touch done
    muster run m.ini
    [ "$status" -eq 0 ]
    [ -z "$(find /sys/fs/cgroup -name "muster-$muster-*" 2>/dev/null)" ]
    group=$(sed -n 's|.*/\(muster-.*\)|\1|p' groups)
    [ -z "$group" ] || [ -z "$(find /sys/fs/cgroup -name "$group" 2>/dev/null)" ]
}

@test "jobs are offered to the OOM killer before muster" {
    own=$(cat /proc/self/oom_score_adj)
    printf '[job x]\ntype = io\ncommand = cat /proc/self/oom_score_adj > adj\n' > m.ini
    muster run m.ini
    [ "$status" -eq 0 ]
    [ "$(cat adj)" -eq $((own < 500 ? own + 500 : 1000)) ]
}

@test "plan shows them" {
    cat > m.ini <<'END'
[job x]
type = io
exec = true
timeout = 1m
max-memory = 2G
max-cpu-time = 10s
max-open-files = 64
max-file-size = 1G
END
    muster plan m.ini
    [ "$status" -eq 0 ]
    [[ $output == *' timeout 1m, max-memory 2.0G, max-cpu-time 10s, max-open-files 64, max-file-size 1.0G '* ]]
}
