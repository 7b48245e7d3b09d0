#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tasks: persistent workers: who does what, what comes of it, and what they do wrong.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
    cp "$BATS_TEST_DIRNAME/worker.py" .
    printf '[muster]\ncpu-workers = 2\n[worker w]\ncommand = exec python3 worker.py\n' > head
    printf '[defaults]\ntype = cpu\nworker = w\n' > defaults
}

teardown() {
    end_background
}

# A manifest of tasks, NAME=TASK, on one worker unless $count says more; run, with a report.
tasks() {
    local each
    {
        cat head
        [ -z "${worker-}" ] || printf '%s\n' "$worker"
        echo "count = ${count-1}"
        cat defaults
        [ -z "${common-}" ] || printf '%s\n' "$common"
        for each; do
            printf '[job %s]\ntask = %s\n' "${each%%=*}" "${each#*=}"
        done
    } > m.ini
    go
}

# "STATUS REASON EXIT" of each job.
outcomes() {
    json '[.jobs[] | "\(.status) \(.reason) \(.exit)"] | unique | join(", ")'
}

reason_of() {
    sed -n "s/^$1 .* \(its worker .*\)/\1/p" <<< "$output"
}

@test "tasks go to one process after another, which is started for the first and kept" {
    tasks a=pid: b=pid: c=pid:
    [ "$status" -eq 0 ]
    [ "$(json '[.jobs[].stdout | split(" ")[0]] | unique | length')" = 1 ]
    [ "$(json '[.jobs[].stdout | split(" ")[1]] | join(" ")')" = '1 2 3' ]
    [ "$(json '[.jobs[] | .type, .lane] | unique | join(" ")')" = cpu ]
    [ "$(job_json a '.attempts[0].max_rss > 1000000')" = true ]
}

@test "without a task no process of a worker is started" {
    cat > m.ini <<END
[worker w]
command = touch started; cat
[job a]
type = io
command = true
END
    muster run m.ini
    [ "$status" -eq 0 ]
    [ ! -e started ]
}

@test "count bounds the processes, and the tasks at once; the lane bounds them too" {
    count=2 tasks a='touch:a wait-for:b' b='touch:b wait-for:a' c=pid: d=pid:
    [ "$status" -eq 0 ]
    [ "$(json '[.jobs[:2][].worker] | sort | join(" ")')" = '0 1' ]
    muster plan m.ini
    [[ "$output" == *'worker w'* ]]
    muster run --explain m.ini
    [[ "$stderr" == *'for a process of worker w (2 at once)'* ]]
    muster plan --report json m.ini
    [ "$(jq -c '.jobs[0].limits' <<< "$output")" = '[]' ]
    count=9 tasks a='touch:1 wait-for:2' b='touch:2 wait-for:1' c=pid:
    [ "$status" -eq 0 ]
    count=1 tasks a=sleep:0.05 b=sleep:0.05 c=sleep:0.05
    [ "$(json '[.jobs[].attempts[0] | .start_s, .start_s + .wall_s] | . == sort')" = true ]
}

@test "the request: id, task and env, on one line; the worker's own environment" {
    cat > m.ini <<END
[vars]
V = "quoted" \\ {{é}}
[env]
E = of all
[worker w]
command = exec python3 worker.py
count = 1
[job a]
type = cpu
worker = w
retries = 2
env.OWN = line 1
  line 2
task = request: {V}
  and more
[job b]
type = cpu
worker = w
after = a
env.OWN = 1
task = own-env:OWN
[job c]
type = cpu
worker = w
task = own-env:V
[job d]
type = cpu
worker = w
task = own-env:MUSTER_OUTPUT
[job e]
type = cpu
worker = w
task = own-env:E
END
    mkdir there
    cd there
    run --separate-stderr "$MUSTER" run --report json:results.json ../m.ini
    [ "$status" -eq 0 ]
    job_json a .stdout > request
    [ "$(printf %s "$(< request)" | wc -l)" = 0 ]
    [ "$(jq -r .task request)" = $'request: "quoted" \\ {é}\nand more' ]
    [ "$(jq -r '.env.OWN' request)" = $'line 1\nline 2' ]
    [ "$(jq -r '.env | .MUSTER_JOB, .MUSTER_ATTEMPT, .MUSTER_ATTEMPTS, .MUSTER_LANE' request |
        tr '\n' ' ')" = 'a 1 3 cpu ' ]
    [ "$(jq -c 'keys_unsorted' request)" = '["id","task","env"]' ]
    [ "$(job_json b .stdout)" = '(none)' ]
    [ "$(job_json c .stdout)" = '"quoted" \ {é}' ]
    [ "$(job_json d .stdout)" = '(none)' ]
    [ "$(job_json e .stdout)" = 'of all' ]
}

@test "a worker is run in the manifest's folder, by the run's shell" {
    mkdir sub
    cp worker.py sub
    printf '[muster]\nshell = /bin/sh -euc\n[worker w]\ncommand = false; touch wrong\n' > sub/m.ini
    printf '[worker v]\ncommand = exec python3 worker.py\n' >> sub/m.ini
    printf '[job a]\ntype = cpu\nworker = v\ntask = cwd:\n' >> sub/m.ini
    printf '[job b]\ntype = cpu\nworker = w\ntask = cwd:\n' >> sub/m.ini
    run --separate-stderr "$MUSTER" run --report json:results.json sub/m.ini
    [ "$status" -eq 1 ]
    [ "$(job_json a .stdout)" = "$(cd sub && pwd -P)" ]
    [ "$(job_json b .reason)" = lost ]
    [ ! -e sub/wrong ]
}

@test "exit, output and standard error are the task's" {
    tasks a='err:oops exit:3' b=fine c='err-bytes:200000 bytes:300000' d=bytes:0
    [ "$status" -eq 1 ]
    [ "$(job_json a '.status, .reason, .exit' | tr '\n' ' ')" = 'failed exit 3 ' ]
    [ "$(job_json a .stdout)" = $'oops\nerr:oops exit:3' ]
    [ "$(job_json a .stderr)" = '' ]
    [ "$(job_json b .stdout)" = fine ]
    [ "$(job_json c '.attempts[0].stdout_bytes')" = 500000 ]
    [ "$(job_json c '.stdout | test("^x{65536}$")')" = true ]
    [ "$(job_json d '.attempts[0].stdout_bytes')" = 0 ]
    common='stderr = capture' tasks a='err:oops exit:3' b='err-bytes:200000 bytes:300000' c=fine
    [ "$(job_json a '.stdout, .stderr' | tr '\n' ' ')" = 'err:oops exit:3 oops  ' ]
    [ "$(job_json b '.attempts[0] | .stdout_bytes, .stderr_bytes' | tr '\n' ' ')" = '300000 200000 ' ]
    [ "$(job_json c '.stdout, .stderr' | tr '\n' ' ')" = 'fine  ' ]
}

@test "ok-exit, skip-exit and allow-failure are of its exit status" {
    common='ok-exit = 3' tasks a=exit:3
    [ "$status" -eq 0 ]
    common='skip-exit = 77' tasks a=exit:77
    [ "$(outcomes)" = 'skipped null 77' ]
    common='allow-failure = yes' tasks a=exit:1
    [ "$status" -eq 0 ]
}

@test "streams go to files, or nowhere" {
    cat head defaults - > m.ini <<END
[job a]
task = err:oops one
stdout = file:out
stderr = append:err
[job b]
task = err:more two
stdout = null
stderr = append:err
after = a
[job c]
task = err:both bytes:100000
stdout = file:both
[job d]
task = three
stdout = file:/dev/full
END
    go
    [ "$status" -eq 1 ]
    [ "$(cat out)" = 'err:oops one' ]
    [ "$(cat err)" = $'oops\nmore' ]
    [ "$(wc -c < both)" = 100005 ]
    [ "$(head -n 1 both)" = both ]
    [ "$(job_json a '.stdout, .attempts[0].stdout_bytes' | tr '\n' ' ')" = ' 0 ' ]
    [ "$(job_json d .reason)" = lost ]
    [[ "$output" == *'stdout: /dev/full: No space left on device'* ]]
}

@test "a worker that dies loses its task alone, with the reason, and is replaced" {
    tasks a=kill:9 b=pid: c=quit:3 d=pid: e=quit:0 f=kill:11
    [ "$status" -eq 1 ]
    [ "$(job_json a '.status, .reason, .exit, .signal' | tr '\n' ' ')" = 'failed lost null 9 ' ]
    [ "$(reason_of a)" = 'its worker died: SIGKILL' ]
    [ "$(reason_of c)" = 'its worker died: exit 3' ]
    [ "$(reason_of e)" = 'its worker died: exit 0' ]
    [[ "$(reason_of f)" == 'its worker died: SIGSEGV'* ]]
    [ "$(json '[.jobs[1, 3].status] | join(" ")')" = 'ok ok' ]
    [ "$(json '.jobs[1, 3].stdout | split(" ")[1]' | tr '\n' ' ')" = '1 1 ' ]
}

@test "a worker that cannot be run loses each task" {
    printf '[worker w]\ncommand = no-such-program\n' > head
    tasks a=x b=y
    [ "$status" -eq 1 ]
    [ "$(outcomes)" = 'failed lost null' ]
    [ "$(reason_of a)" = 'its worker died: exit 127 (command not found)' ]
    printf '[muster]\nshell = /no/shell -c\n[worker w]\ncommand = cat\n' > head
    tasks a=x b=y
    [ "$(outcomes)" = 'failed spawn null' ]
    [[ "$output" == *'not found: /no/shell'* ]]
}

@test "rubbish, a wrong id, two answers, one that is too long: the task is lost, others are not" {
    tasks a=say:hello b=other-id: c=twice: d=bytes:2000000 e='say:{"id":1} x' f='close-out: hang:' \
        g='say:{"protocol":2}' z=fine
    [ "$status" -eq 1 ]
    [ "$(reason_of a)" = 'its worker gave no JSON object: hello' ]
    [ "$(reason_of b)" = 'its worker gave an answer to no request' ]
    [ "$(reason_of c)" = 'its worker gave more than an answer' ]
    [ "$(reason_of d)" = 'its worker gave an answer longer than 1 MiB' ]
    [ "$(reason_of e)" = "its worker gave an answer without an 'exit' from 0 to 255" ]
    [ "$(reason_of f)" = 'its worker closed its standard output' ]
    [ "$(reason_of g)" = 'its worker gave a greeting in protocol 2, where 1 is spoken' ]
    [ "$(json '[.jobs[:7][].reason] | unique | join(" ")')" = lost ]
    [ "$(job_json z .status)" = ok ]
    tasks a=bytes:1000000
    [ "$status" -eq 0 ]
}

@test "an answer that comes again later is nobody's" {
    tasks a=once-more: b=fine c=fine
    [ "$status" -eq 0 ]
    [ "$(job_json a .stdout)" = first ]
    [ "$(job_json b .stdout)" = fine ]
}

@test "an answer that comes again, and is long, does not hide the next one" {
    cat > worker.py <<'END'
import json, sys
last = ""
for line in sys.stdin:
    text = "" if last else "x" * 100000
    answer = json.dumps({"id": json.loads(line)["id"], "exit": 0, "output": text}) + "\n"
    sys.stdout.write(last + answer)
    sys.stdout.flush()
    last = answer
END
    common='timeout = 20s' tasks a=x b=y
    [ "$status" -eq 0 ]
}

@test "a greeting may come, and blank lines" {
    printf '%s\n' 'import sys' 'print("{\"protocol\": 1, \"more\": 2}\n\n", flush=True)' \
        > greeting.py
    cat worker.py >> greeting.py
    mv greeting.py worker.py
    tasks a='say: pid:' b=pid:
    [ "$status" -eq 0 ]
    [ "$(json '[.jobs[].stdout | split(" ")[1]] | join(" ")')" = '1 2' ]
}

@test "timeout: the worker is stopped and replaced; the next task has its own time" {
    cat head - defaults > m.ini <<END
count = 1
[template hurried]
timeout = 500ms
kill-after = 100ms
END
    cat >> m.ini <<END
[job cold]
use = hurried
task = hang:
[job next]
task = pid:
[job warm]
use = hurried
task = err:here hang:
[job again]
task = pid:
[job deaf]
use = hurried
task = deaf: hang:
[job last]
task = pid:
END
    go
    [ "$status" -eq 1 ]
    [ "$(job_json cold '.status, .reason, .exit' | tr '\n' ' ')" = 'timeout timeout null ' ]
    [ "$(job_json warm '.status, .signal, .stdout' | tr '\n' ' ')" = 'timeout 15 here  ' ]
    [ "$(job_json deaf '.status, .signal' | tr '\n' ' ')" = 'timeout 9 ' ]
    [[ "$output" == *'timed out after 500ms, killed after 100ms more'* ]]
    [ "$(json '[.jobs[1, 3, 5] | .status, .stdout[-1:]] | join(" ")')" = 'ok 1 ok 1 ok 1' ]
}

@test "timeout of a task whose worker died before it read it, and is being started again" {
    cat > idle.py <<'END'
import fcntl, os, struct, termios, time
if os.path.exists("asked"):
    os.execvp("python3", ["python3", "worker.py"])
os.read(0, 65536)
os.write(1, b'{"id":1,"exit":0}\n')
while struct.unpack("i", fcntl.ioctl(0, termios.FIONREAD, b"    "))[0] == 0:
    time.sleep(0.01)
open("asked", "w").close()
while not os.path.exists("go"):
    time.sleep(0.01)
END
    sed 's/worker\.py/idle.py/' head > m.ini
    cat - defaults >> m.ini <<< 'count = 1'
    printf 'timeout = 2s\n[job %s]\ntask = pid:\n' a >> m.ini
    printf '[job %s]\ntask = pid:\n' b c >> m.ini
    "$MUSTER" run --report jsonl:events --report json:results.json m.ini > /dev/null 2>&1 &
    wait_for asked
    pkill -STOP -P $! -x muster-launch
    touch go
    wait_until grep -q '"timeout"' events
    pkill -CONT -P $! -x muster-launch
    await $!
    [ "$status" -eq 1 ]
    [ "$(json '[.jobs[].status] | join(" ")')" = 'ok timeout ok' ]
}

@test "retry-on: each way to fail is of its class" {
    # CLASS TASK: it is tried again.
    while read -r class task; do
        common=$'retries = 1\nretry-delay = 0\ntimeout = 10s\nretry-on = '$class tasks a="$task"
        [ "$(job_json a '.attempts | length')" = 2 ]
        common=$'retries = 1\nretry-delay = 0\nretry-on = http signal spawn exit:1-2' tasks a="$task"
        [ "$(job_json a '.attempts | length')" = 1 ]
    done <<END
lost kill:9
lost say:hello
exit:3 exit:3
any quit:0
END
    common=$'retries = 1\nretry-delay = 0\ntimeout = 100ms\nretry-on = timeout' tasks a=hang:
    [ "$(job_json a '.attempts | length')" = 2 ]
}

@test "tasks = N and max-memory: a worker is replaced when it has had enough" {
    worker='tasks = 2' tasks a=pid: b=pid: c=pid: d=pid: e=pid:
    [ "$status" -eq 0 ]
    [ "$(json '[.jobs[].stdout | split(" ")[1]] | join(" ")')" = '1 2 1 2 1' ]
    worker='max-memory = 60M' tasks a=pid: b='keep:100 pid:' c=pid:
    [ "$(json '[.jobs[].stdout | split(" ")[1]] | join(" ")')" = '1 2 1' ]
}

@test "a worker that does not leave gets its own stop-signal, not that of the next task" {
    cat - worker.py > stays.py <<'END'
import atexit, os, signal, time
def leave(number, frame):
    with open("signals", "a") as signals:
        signals.write("%d " % number)
    os._exit(0)
for number in signal.SIGINT, signal.SIGTERM:
    signal.signal(number, leave)
atexit.register(lambda: time.sleep(1000))
END
    mv stays.py worker.py
    worker='tasks = 1' common='stop-signal = INT' tasks a=pid: b=pid:
    [ "$status" -eq 0 ]
    [ "$(< signals)" = '15 15 ' ]
}

@test "CPU time and peak memory are of each task" {
    tasks a=burn:0.2 b=fill:100 c=burn:0 d=sleep:0.01
    [ "$status" -eq 0 ]
    [ "$(job_json a '.cpu_s >= 0.2')" = true ]
    [ "$(job_json b '.max_rss > 100000000')" = true ]
    [ "$(job_json c '.cpu_s < 0.1')" = true ]
    [ "$(job_json d '.max_rss < 100000000')" = true ]
    printf '[worker w]\ncommand = python3 worker.py; true\n' > head # below a shell
    tasks a=burn:0.2 b=fill:100
    [ "$(job_json a '.cpu_s >= 0.2')" = true ]
    [ "$(job_json b '.max_rss > 100000000')" = true ]
}

@test "a worker that does not read holds nobody up" {
    cat > m.ini <<END
[muster]
cpu-workers = 2
[worker deaf]
command = sleep 1000
[job a]
type = cpu
worker = deaf
timeout = 1s
task = $(head -c 300000 /dev/zero | tr '\0' x)
[job b]
type = cpu
command = touch b
END
    go
    [ "$status" -eq 1 ]
    [ "$(job_json a .status)" = timeout ]
    [ "$(job_json b .status)" = ok ]
    [ "$(json '.run.loop_lag_max_ms < 500')" = true ]
}

@test "a long task arrives whole" {
    cat head defaults > m.ini
    printf '[job a]\ntask = %s\n' "$(head -c 400000 /dev/zero | tr '\0' x)" >> m.ini
    go
    [ "$status" -eq 0 ]
    [ "$(job_json a '.attempts[0].stdout_bytes')" = 400000 ]
}

@test "MUSTER_OUTPUT of a task, and those of jobs before, are told" {
    cat head defaults - > m.ini <<END
[job a]
task = tell:n=42
[job b]
after = a
task = env:MUSTER_OUT_a_n
[job c]
task = tell:PATH=x
END
    go
    [ "$status" -eq 1 ]
    [ "$(job_json a .outputs.n)" = 42 ]
    [ "$(job_json b .stdout)" = 42 ]
    [ "$(job_json c '.status, .reason' | tr '\n' ' ')" = 'failed exit ' ]
}

@test "secrets are masked in task and answer, and handed over as they are" {
    cat head defaults - > m.ini <<END
[job a]
env.TOKEN = hunter2
secret = TOKEN
task = env:TOKEN err:hunter2
[job b]
task = say:hunter2
END
    run --separate-stderr "$MUSTER" run -v -o group --log-dir logs --report json:results.json \
        --report joblog:joblog m.ini
    [ "$(job_json a .stdout)" = $'***\n***' ]
    [[ "$output" == *'its worker gave no JSON object: ***'* ]]
    ! grep -r hunter2 logs results.json joblog state <<< "$output$stderr" || false
}

@test "history: an ended task is resumed, a lost one runs again" {
    tasks a='sleep:0.3 fine' b='touch:ran kill:9'
    [ "$status" -eq 1 ]
    [[ "$output" != *hint:* ]] # of a task no other lane is possible
    muster show
    [[ "$output" == *'its worker died: SIGKILL'* && "$output" != *hint:* ]]
    sed -i 's/ kill:9$//' m.ini
    go --resume
    [ "$status" -eq 0 ]
    [ "$(json '[.jobs[].status] | join(" ")')" = 'resumed ok' ]
    run --separate-stderr "$MUSTER" show
    [[ "$output" == *' ok '* ]]
}

@test "the workers' processes are gone with the run, whatever they do at their end" {
    printf 'import atexit, time\natexit.register(lambda: open("left", "w").close())\n' > left.py
    cat worker.py >> left.py
    mv left.py worker.py
    count=2 tasks a='touch:1 wait-for:2 pid:' b='touch:2 wait-for:1 child: pid:'
    [ "$status" -eq 0 ]
    [ -e left ] # it was let go by the end of its input
    for pid in $(json '.jobs[].stdout | split(" ")[0]') "$(cat child)"; do gone "$pid"; done
}

@test "TERM, a deadline, SIGKILL to muster: no worker is left" {
    { cat head; echo 'count = 2'; cat defaults; } > m.ini
    cat >> m.ini <<END
[job a]
task = err:first pid:
[job b]
after = a
task = child: touch:hangs hang:
END
    for how in TERM KILL; do
        rm -f hangs
        start --report jsonl:events m.ini
        wait_for hangs
        wait_until has_lines 2 events '"job-start".*"pid"'
        pids=$(jq -r 'select(.event == "job-start") | .pid' events)
        kill -$how "$muster"
        await "$muster"
        [ "$status" -eq $((128 + $(kill -l $how))) ]
        for pid in $pids "$(cat child)"; do wait_until gone "$pid"; done
    done
    sed -i '1a deadline = 1s' m.ini
    go
    [ "$status" -eq 124 ]
    [ "$(job_json b '.status, .reason' | tr '\n' ' ')" = 'cancelled deadline ' ]
}

@test "workers that are killed at random: each task has an answer or a reason, none two" {
    cat head defaults > m.ini
    sed -i '/^\[defaults/i count = 2' m.ini
    echo 'retry-on = lost' >> m.ini
    for i in $(seq 300); do printf '[job j%d]\ntask = sleep:0.01 %d\n' "$i" "$i"; done >> m.ini
    start m.ini
    while kill -0 "$muster" 2>/dev/null; do
        pkill -KILL -P "$muster" -x python3 || true
        sleep "0.$((RANDOM % 3))5"
    done
    [ "$(json '.jobs | length')" = 300 ]
    [ "$(json '[.jobs[] | select(.status == "ok" and .stdout != "sleep:0.01 " + .name[1:])] | length')" = 0 ]
    [ "$(json '[.jobs[] | select(.status != "ok" and .reason != "lost")] | length')" = 0 ]
    [ "$(json .totals.ok)" -gt 0 ]
    [ "$(json .totals.failed)" -gt 0 ] # a worker works nearly always: some were hit
}
