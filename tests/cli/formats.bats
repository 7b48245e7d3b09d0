#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# formats: each report read by a reader that is not ours, whatever jobs write.
bats_require_minimum_version 1.5.0

setup() {
    load helper
}

FORMATS='json jsonl junit tap joblog markdown html trace prometheus'
EVERY=
for format in $FORMATS; do EVERY="$EVERY -r $format:r.$format"; done

# Jobs of every end, and output that each grammar would take for its own.
hostile() {
    cat > nasty << 'END'
]]> <script>alert(1)</script> </pre></details> & &amp; | "q" 'r' `x` *y* _z_ [a](b) @all #1
```
# SKIP all
ok 1 - forged
not ok 2
{"event":"run-end"}
=cmd|' /C calc'!A0
# HELP forged x
</testcase></testsuite>
END
    printf '\033[31mred\033[0m \033]0;title\007 \000 \001 \377 \355\240\200 \357\277\277 \302\233 \342\200\256 \r\n' >> nasty
    head -c 1048576 /dev/zero | tr '\0' x >> nasty
    cat nasty > both
    manifest << 'END'
[muster]
name = a <b> & "c" | d
[defaults]
type = io
[job good]
command = cat nasty
[job flaky]
retries = 1
retry-delay = 10ms
command = cat nasty; test $MUSTER_ATTEMPT = 2
[job bad]
type = cpu
command = head -n 10 nasty; head -n 10 nasty >&2; echo '</script>'; exit 3
stderr = capture
[job late]
type = cpu
timeout = 100ms
exec = sleep 60
[job missing]
exec = ./none.sh
dir = .
after = good
[job next]
after = bad
command = true
[job choice]
skip-exit = 77
command = exit 77
[job allowed]
allow-failure = yes
exec = false "<a> | b" "=c" "it's"
END
}

# All reports at once, from a run of those.
hostile_reports() {
    hostile
    # shellcheck disable=SC2086 # options
    muster -o none $EVERY m.ini
    [ "$status" -eq 1 ]
    [[ $output == JOB* ]]
    # No control characters anywhere, and nothing but UTF-8.
    for format in $FORMATS; do
        iconv -f UTF-8 -t UTF-8 "r.$format" > /dev/null
        [ "$(tr -d '\n\t' < "r.$format" | LC_ALL=C grep -c '[[:cntrl:]]')" -eq 0 ]
        [ "$(stat -c %a "r.$format")" = 644 ]
    done
    [ "$(ls -A | wc -l)" -eq 12 ]
}

@test "json and jsonl: python's json; an event a line, from start to end" {
    umask 022
    hostile_reports
    python3 -m json.tool r.json > /dev/null
    python3 - << 'END'
import json
events = [json.loads(line) for line in open("r.jsonl", encoding="utf-8")]
whole = json.load(open("r.json", encoding="utf-8"))
kinds = [e["event"] for e in events]
assert kinds[0] == "run-start" and kinds[-1] == "run-end", kinds
assert kinds.count("run-start") == kinds.count("run-end") == 1
assert events[0]["run"]["id"] == whole["run"]["id"] and events[0]["run"]["exit"] is None
assert events[-1]["run"] == whole["run"] and events[-1]["totals"] == whole["totals"]
ends = {e["job"]: e["result"] for e in events if e["event"] == "job-end"}
assert len(ends) == kinds.count("job-end") == 8
assert [ends[job["name"]] for job in whole["jobs"]] == whole["jobs"]
starts = [e for e in events if e["event"] == "job-start"]
assert sorted(e["attempt"] for e in starts if e["job"] == "flaky") == [1, 2]
for e in starts:
    assert list(e) == ["event", "t_s", "job", "attempt", "lane", "worker", "pid"], e
    assert (e["worker"] is None) == (e["lane"] == "io")
    assert e["pid"] is None if e["job"] == "missing" else e["pid"] > 1
assert [e["event"] for e in events if e.get("job") == "missing"] == ["job-start", "job-end"]
retry, = [e for e in events if e["event"] == "job-retry"]
assert retry["job"] == "flaky" and retry["reason"] == "exit" and retry["exit"] == 1
assert 0 <= retry["delay_s"] <= 0.01 and retry["signal"] is None and retry["attempt"] == 1
times = [e["t_s"] for e in events]
assert times == sorted(times)
assert "</script>" in ends["bad"]["stdout"] and "]]>" in ends["bad"]["stderr"]
assert len(ends["good"]["stdout"]) == 65536
END
}

@test "junit: xmllint with a schema; the counts are those of the cases" {
    umask 022
    hostile_reports
    xmllint --noout --schema "$BATS_TEST_DIRNAME/junit.xsd" r.junit
    count() { xmllint --xpath "count($1)" r.junit; }
    [ "$(count //testcase)" -eq 8 ]
    [ "$(count '//testcase[failure]')" = "$(xmllint --xpath 'string(/testsuites/@failures)' r.junit)" ]
    [ "$(count '//testcase[error]')" = "$(xmllint --xpath 'string(/testsuites/@errors)' r.junit)" ]
    [ "$(count '//testcase[skipped]')" = "$(xmllint --xpath 'string(//testsuite/@skipped)' r.junit)" ]
    [ "$(count '//testcase[@name="flaky"]/flakyFailure')" -eq 1 ]
    [ "$(count '//testcase[@name="missing"]/error[@type="spawn"]')" -eq 1 ]
    xmllint --xpath 'string(//testcase[@name="bad"]/system-out)' r.junit | grep -qF ']]> <script>alert(1)</script>'
}

@test "junit: names show control characters as all reports do, output loses its colours" {
    printf '\033[31mred\na\tb\n' > list
    printf '[job i]\ntype = io\neach.N.lines = list\ncommand = printf "\\\\033[31m%%s" "$N"; exit 1\n' > m.ini
    muster -o none -r junit:x -r tap:t m.ini
    [ "$(xmllint --xpath 'string(//testcase[1]/@name)' x)" = 'i[\x1b[31mred]' ]
    [ "$(xmllint --xpath 'string(//testcase[2]/@name)' x)" = 'i[a\x09b]' ]
    [ "$(xmllint --xpath 'string(//testcase[1]/system-out)' x)" = red ]
    [[ $output == *'i[\x1b[31mred]'*'i[a\x09b]'* ]]
    grep -F 'i[\\x1b[31mred]' t
}

@test "tap: prove counts the points, and output forges none" {
    umask 022
    hostile_reports
    run prove -e cat r.tap
    [ "$status" -eq 1 ]
    [[ $output == *'Failed tests:  3-5'* ]]
    [[ $output == *'Tests: 8 Failed: 3'* ]]
    [[ $output != *'Parse errors'* ]]
    printf '[job a]\ntype = io\nexec = true\n' > good.ini
    muster -r tap good.ini
    printf '%s\n' "$output" > good.tap
    prove -e cat good.tap
}

@test "joblog: GNU parallel resumes from it" {
    printf '[defaults]\ntype = io\n[job one]\ncommand = echo one\n' > m.ini
    printf '[job two]\ncommand = echo two; exit 1\n[job three]\ncommand = echo three\n' >> m.ini
    muster -q -r joblog:log m.ini
    [ "$status" -eq 1 ]
    [ "$(wc -l < log)" -eq 4 ]
    again=$(parallel --will-cite --resume-failed --joblog log ::: 'echo one' 'echo two' 'echo three' 'echo four')
    [ "$(sort <<< "$again")" = "$(printf 'four\ntwo')" ]
    umask 022
    rm -- *
    hostile_reports
    awk -F '\t' 'NF != 9 { exit 1 } NR > 1 && $7 == 0 && $8 == 0 { print $1 }' r.joblog > fine
    [ "$(tr '\n' ' ' < fine)" = '1 2 ' ]
}

@test "markdown: cmark-gfm makes one table of it, and no tag or link of output" {
    umask 022
    hostile_reports
    cmark-gfm -e table -e autolink -e strikethrough --unsafe r.markdown > page
    [ "$(grep -c '<table>' page)" -eq 1 ]
    [ "$(grep -c '<tr>' page)" -eq 9 ]
    [ "$(sed -n '/<tbody>/,/<\/tbody>/p' page | grep -c '<td')" -eq 80 ]
    [ "$(grep -ci '<script' page)" -eq 0 ]
    [ "$(grep -c '<a ' page)" -eq 0 ]
    [ "$(grep -c '<details>' page)" -eq "$(grep -c '</details>' page)" ]
    grep -qF '&lt;script&gt;alert(1)&lt;/script&gt;' page
}

@test "html: well-formed, fetches nothing, runs only its own script" {
    umask 022
    hostile_reports
    xmllint --noout r.html
    [ "$(xmllint --xpath 'count(//script)' r.html)" -eq 1 ]
    [ "$(xmllint --xpath 'count(//@src | //@href[not(starts-with(., "#"))] | //link)' r.html)" -eq 0 ]
    [ "$(xmllint --xpath 'count(//@*[starts-with(name(), "on")])' r.html)" -eq 0 ]
    [ "$(xmllint --xpath 'count(//tbody)' r.html)" -eq 8 ]
    # The page's policy allows no script but that one.
    python3 - << 'END'
import base64, hashlib, re
page = open("r.html", encoding="utf-8").read()
script = re.search(r"<script>(.*?)</script>", page, re.S).group(1)
hash = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
assert f"script-src 'sha256-{hash}'" in page
# Each start is a jump to a row that is there.
rows = set(re.findall(r'<tbody id="(j\d+)"', page))
assert set(re.findall(r'href="#(j\d+)"', page)) <= rows
END
}

@test "trace: the keys of each event, and no two at once in a slot" {
    umask 022
    hostile_reports
    python3 - << 'END'
import json
events = json.load(open("r.trace", encoding="utf-8"))["traceEvents"]
bars = [e for e in events if e["ph"] == "X"]
assert {e["ph"] for e in events} == {"X", "M"}
assert len(bars) == 7, len(bars)
for e in bars:
    assert {"name", "cat", "ph", "ts", "dur", "pid", "tid", "args"} <= set(e)
    assert e["ts"] >= 0 and e["dur"] >= 0 and e["pid"] == {"io": 1, "cpu": 2}[e["cat"]]
slots = {}
for e in bars:
    slots.setdefault((e["pid"], e["tid"]), []).append((e["ts"], e["ts"] + e["dur"]))
for spans in slots.values():
    spans.sort()
    assert all(a[1] <= b[0] for a, b in zip(spans, spans[1:])), spans
END
}

@test "prometheus: its own parser" {
    umask 022
    hostile_reports
    /usr/bin/python3 - << 'END'
from prometheus_client.parser import text_string_to_metric_families
text = open("r.prometheus", encoding="utf-8").read()
families = {f.name: f for f in text_string_to_metric_families(text)}
assert all(f.type == "gauge" and f.documentation for f in families.values())
assert families["muster_run_exit_status"].samples[0].value == 1
jobs = {s.labels["job"]: s for s in families["muster_job_success"].samples}
assert len(jobs) == 8 and jobs["good"].value == 1 and jobs["bad"].value == 0
assert {s.labels["run"] for s in jobs.values()} == {'a <b> & "c" | d'}
counts = {s.labels["status"]: s.value for s in families["muster_jobs"].samples}
assert counts["ok"] == 2 and sum(counts.values()) == 8
END
}

@test "prometheus: items of one name have a series each, all others theirs as ever" {
    printf '%s\n' same other same '\x1b' $'\033' same > list
    printf '[job i]\ntype = io\neach.N.lines = list\ncommand = test "$MUSTER_INDEX" != 2\n' > m.ini
    printf '[job plain]\ntype = io\nexec = true\n' >> m.ini
    muster -q -r prometheus:p m.ini
    [ "$(sed -n 's/^muster_job_success{run="m",\(.*\)}.*/\1/p' p)" = 'job="i[same]",lane="io",status="ok"
job="i[other]",lane="io",status="ok"
job="i[same]",index="2",lane="io",status="failed"
job="i[\\x1b]",lane="io",status="ok"
job="i[\\x1b]",index="4",lane="io",status="ok"
job="i[same]",index="5",lane="io",status="ok"
job="plain",lane="io",status="ok"' ]
    [ "$(grep -v '^#' p | sed 's/ [^ ]*$//' | sort | uniq -d)" = '' ]
    "$MUSTER" show -r prometheus | grep -v '^muster_run\|^#' | cmp - <(grep -v '^muster_run\|^#' p)
    # Of very many, too, and only what is written counts.
    seq 1500 | sed 's/.*/line/' > list
    muster -q -r prometheus:p m.ini
    [ "$(grep -c ^muster_job_success p)" -eq 1 ]
    grep -F 'job="i[line]",lane="io",status="failed"} 0' p
    sed -i 's/^command.*/exec = false/' m.ini
    muster -q -r prometheus:p m.ini
    [ "$(grep ^muster_job_success p | sort -u | wc -l)" -eq 1500 ]
}

@test "jsonl comes as it happens, also into a file" {
    mkfifo gate
    printf '[job wait]\ntype = io\ncommand = cat gate\n' > m.ini
    load events
    "$MUSTER" -r jsonl:events -o none m.ini > out &
    wait_for events
    for _ in $(seq 200); do
        [ "$(wc -l < events)" -lt 2 ] || break
        sleep 0.05
    done
    [ "$(jq -r .event events | tr '\n' ' ')" = 'run-start job-start ' ]
    echo > gate
    await $!
    [ "$status" -eq 0 ]
    [ "$(jq -r .event events | tr '\n' ' ')" = 'run-start job-start job-end run-end ' ]
    [[ $(cat out) == JOB* ]]
}

@test "jsonl: a start for each attempt, also where there could be no process, and for no other job" {
    printf '#!/no/such/interpreter\n' > bad
    chmod +x bad
    cat > m.ini << 'END'
[defaults]
type = io
retries = 1
retry-delay = 1ms
[job bad]
type = cpu
exec = ./bad
[job each]
each.N = a b
exec = ./bad
[job skipped]
after = bad
exec = true
[job ask]
type = cpu
retries = 0
worker = mute
task = x
[worker mute]
count = 1
command = exit 1
[job wait]
wait-for = file:bad
END
    run --separate-stderr "$MUSTER" -r jsonl -o none m.ini
    [ "$status" -eq 1 ]
    for job in bad 'each[a]' 'each[b]'; do
        [ "$(jq -r --arg job "$job" 'select(.job == $job) | "\(.event) \(.attempt) \(.reason)"' \
            <<< "$output")" = 'job-start 1 null
job-retry 1 spawn
job-start 2 null
job-end null null' ]
    done
    [ "$(jq -r 'select(.event == "job-start") | "\(.job) \(.lane) \(.worker) \(.pid)"' <<< "$output" |
        grep -v ^ask | sort | uniq -c | awk '{ $1 = $1 } 1')" = '2 bad cpu 0 null
2 each[a] io null null
2 each[b] io null null
1 wait io null null' ]
    [ "$(jq -c 'select(.event == "job-start" and .job == "ask") | .attempt' <<< "$output")" = 1 ]
    [ "$(jq -r 'select(.job == "skipped") | .event' <<< "$output")" = job-end ]
}

@test "jsonl: a reader that goes away, a full disk, a folder that is not there" {
    printf '[defaults]\ntype = io\n[job a]\ncommand = echo a >> log\n[job b]\nafter = a\ncommand = echo b >> log\n' > m.ini
    { "$MUSTER" -r jsonl m.ini 2> err || echo $? > code; } | head -n 1 > first
    jq -e '.event == "run-start"' first
    [ "$(cat code)" -eq 3 ]
    [ "$(cat err)" = 'muster: standard output: Broken pipe' ]
    [ "$(tr '\n' ' ' < log)" = 'a b ' ]
    muster -r jsonl:/dev/full -r jsonl:none/x -r json:r.json m.ini
    [ "$status" -eq 3 ]
    [[ $stderr == *'muster: /dev/full: No space left on device'* ]]
    [[ $stderr == *'muster: none/x: No such file or directory'* ]]
    [ "$(wc -l < log)" -eq 4 ]
    jq -e '.totals.ok == 2 and .run.exit == 3' r.json
}

@test "every report cannot be written: said, exit 3, the old one stays" {
    printf '[job a]\ntype = io\ncommand = true\n' > m.ini
    for format in $FORMATS table; do
        muster -r "$format:/dev/full" m.ini
        [ "$status" -eq 3 ]
        [ "$stderr" = 'muster: /dev/full: No space left on device' ]
    done
    for format in $FORMATS; do
        run --separate-stderr bash -c '"$0" -r "$1" m.ini > /dev/full' "$MUSTER" "$format"
        [ "$status" -eq 3 ]
        [ "$stderr" = 'muster: standard output: No space left on device' ]
    done
}

@test "all reports are whole after an interruption" {
    load events
    printf '[defaults]\ntype = io\n[job long]\ncommand = echo started; touch there; exec sleep 60\n' > m.ini
    printf '[job after]\nafter = long\ncommand = true\n' >> m.ini
    # shellcheck disable=SC2086 # options
    "$MUSTER" -o none $EVERY m.ini > out &
    wait_for there
    kill -INT $! || true
    kill -TERM $!
    await $!
    [ "$status" -gt 128 ]
    jq -e '.totals.cancelled == 2 and .run.exit > 128' r.json
    jq -es '.[-1].event == "run-end" and .[-1].totals.cancelled == 2' r.jsonl
    xmllint --noout --schema "$BATS_TEST_DIRNAME/junit.xsd" r.junit
    [ "$(xmllint --xpath 'count(//error) + count(//skipped)' r.junit)" -eq 2 ]
    [ "$(grep -c '^not ok' r.tap)" -eq 2 ]
    [ "$(tail -n +2 r.joblog | wc -l)" -eq 1 ]
    grep -q 'cancelled' r.markdown
    xmllint --noout r.html
    python3 -m json.tool r.trace > /dev/null
    grep -q '^muster_jobs{run="m",status="cancelled"} 2$' r.prometheus
}

@test "show: a past run in every format but events" {
    printf '[defaults]\ntype = io\n[job a]\ncommand = echo text\n[job b]\nafter = a\ncommand = echo why; exit 3\n' > m.ini
    # shellcheck disable=SC2086 # options
    muster -q $EVERY -r table:r.table m.ini
    [ "$status" -eq 1 ]
    muster show -r jsonl
    [ "$status" -eq 2 ]
    for format in json junit tap markdown html trace prometheus table; do
        muster show -r "$format:s.$format"
        [ "$status" -eq 0 ]
        diff <(sed 's/"tid":[0-9]*//' "s.$format") <(sed 's/"tid":[0-9]*//' "r.$format")
    done
}

@test "a secret is in no report" {
    manifest << 'END'
[muster]
name = run of s3cret
[defaults]
type = io
env.TOKEN = s3cret
secret = TOKEN
[job a]
command = echo "$TOKEN"; echo s3cret >&2; exit 3
stderr = capture
[job b]
exec = false s3cret --token=s3cret
END
    # shellcheck disable=SC2086 # options
    "$MUSTER" -v $EVERY -r table:r.table m.ini > out 2>&1 || :
    [ "$(ls r.* | wc -l)" -eq 10 ]
    [ "$(cat r.* out | grep -c s3cret)" -eq 0 ]
    for format in json jsonl junit tap joblog html; do grep -qF '***' "r.$format"; done
}
