#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# faults_output: no byte of a job's output is lost or mixed, and none that muster owes is missed.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
    load faults
}

GIB=1073741824

# muster's own peak of memory in KiB as the job "$1" found it.
peak_kib() {
    job_json "$1" .stdout | awk '/^VmHWM/ { print $2 }'
}

@test "1 GiB without a newline: memory stays flat, the count is exact, the end is kept" {
    for lane in io cpu; do
        cat > m.ini <<END
[defaults]
type = $lane
[job idle]
command = cat /proc/\$PPID/status
[job flood]
after = idle
exec = $CHILDREN/flood $GIB
[job then]
after = flood
command = cat /proc/\$PPID/status
END
        run --separate-stderr "$MUSTER" run --report json:results.json m.ini
        [ "$status" -eq 0 ]
        [ "$(job_json flood '.attempts[0].stdout_bytes')" -eq $GIB ]
        [ "$(job_json flood '.stdout | length')" -eq 65536 ]
        echo "peak: $(peak_kib idle) KiB, then $(peak_kib then) KiB" >&2
        [ $(($(peak_kib then) - $(peak_kib idle))) -le 32768 ]
    done
}

@test "1 GiB to a file, and the shown end of one that failed: memory stays flat" {
    cat > m.ini <<END
[job idle]
type = io
command = cat /proc/\$PPID/status
[job file]
type = cpu
after = idle
exec = $CHILDREN/flood $GIB
stdout = file:big
[job failed]
type = io
after = idle
command = $CHILDREN/flood 200000000; exit 1
[job then]
type = io
after = failed file
when = always
command = cat /proc/\$PPID/status
END
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(stat -c %s big)" -eq $GIB ]
    rm big
    [ "$(job_json file '.attempts[0].stdout_bytes')" -eq 0 ]
    [ "$(job_json failed '.attempts[0].stdout_bytes')" -eq 200000000 ]
    [ $(($(peak_kib then) - $(peak_kib idle))) -le 32768 ]
}

@test "8 writers of lines of 64 KiB in halves: of 640 none is damaged" {
    cat > writer.pl <<'END'
$| = 1;
for (1 .. 80) {
    print $ARGV[0] x 32768;
    print $ARGV[0] x 32767, "\n";
}
END
    for i in 1 2 3 4 5 6 7 8; do
        printf '[job j%d]\ntype = %s\nexec = perl writer.pl %d\n' "$i" \
            "$([ $((i % 2)) = 0 ] && echo io || echo cpu)" "$i"
    done > m.ini
    "$MUSTER" -j 4 --output group --report json:results.json m.ini > out 2> err
    [ "$(json '[.jobs[].attempts[0].stdout_bytes] | unique | join(" ")')" = 5242880 ]
    perl -ne '
        if (/^--- j(\d): ok ---$/) { $job = $1; next }
        $whole[$job]++ if length == 65536 && $_ eq $job x 65535 . "\n";
        $lines++;
        END { print "$lines: @whole[1 .. 8]\n" }' err > seen
    [ "$(cat seen)" = '640: 80 80 80 80 80 80 80 80' ]
}

# A folder on a disk that is full, as far as one can be had, is what $full names;
# else /dev/full stands for a file there.
with_full_disk() {
    if [ "$(id -u)" -eq 0 ] && unshare -m true 2> /dev/null; then
        mkdir full
        unshare -m sh -c 'mount -t tmpfs -o size=64k none full && { head -c 100k /dev/zero > full/fill; :; } 2> /dev/null && full=$PWD/full/file exec "$@"' - "$@"
    else
        full=/dev/full "$@"
    fi
}

@test "a full disk: standard output and reports are told each, the jobs run, exit 3" {
    manifest_of_both <<< 'command = echo "$MUSTER_JOB" >> log; exit 1'
    cat > both.sh <<'END'
case $full in
/dev/*) too=$full out=$full ;;
*) too=$full.too out=$full.out ;;
esac
"$MUSTER" run --report "json:$full" --report "table:$too" --report json:results.json m.ini > out 2> err
echo $? > status
"$MUSTER" run --output none m.ini > "$out" 2> err.out
echo $? >> status
echo "$full" > name
END
    export MUSTER
    with_full_disk sh both.sh
    [ "$(cat status)" = $'3\n3' ]
    [ "$(sort log | uniq -c | tr -s ' \n' ' ')" = ' 2 cpu 2 io ' ]
    grep -qx "muster: $(cat name): No space left on device" err
    grep -q '^2 jobs: 2 failed$' out
    [ "$(cat err.out)" = 'muster: standard output: No space left on device' ]
    [ "$(json .run.exit)" = 3 ]
}

@test "stdout = file: on a full disk: the job learns it itself, nothing else is disturbed" {
    manifest_of_both <<'END'
command = echo text; echo "$?" > "$MUSTER_JOB.status"
stdout = append:/dev/full
stderr = null
END
    printf '[job fine]\ntype = io\nexec = true\n' >> m.ini
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(cat io.status cpu.status)" = $'2\n2' ] || [ "$(cat io.status cpu.status)" = $'1\n1' ]
    [ "$(json .totals.ok)" = 3 ]
}

@test "a reader of the JSON report that goes away: the jobs have all run, exit 3" {
    manifest_of_both <<< 'command = head -c 100000 /dev/zero | tr "\0" x; : > "ran.$MUSTER_JOB"'
    status=0
    { "$MUSTER" run --report json m.ini 2> err || echo $? > status; } | head -c 1 > /dev/null
    [ "$(cat status)" = 3 ]
    [ "$(cat err)" = 'muster: standard output: Broken pipe' ]
    [ -e ran.io ] && [ -e ran.cpu ]
}

@test "each of the three streams closed in turn: no file takes its place" {
    manifest_of_both <<< 'command = readlink /proc/self/fd/0; echo text; echo text >&2; exit 1'
    for closed in '<&-' '>&-' '2>&-' '<&- >&-' '<&- 2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
        rm -f results.json
        status=0
        eval "\"\$MUSTER\" run --report json:results.json m.ini $closed" || status=$?
        case $closed in *' >&-'* | '>&-'*) [ "$status" -eq 3 ] ;; *) [ "$status" -eq 1 ] ;; esac
        for lane in io cpu; do
            [ "$(job_json $lane .stdout)" = $'/dev/null\ntext\ntext' ]
        done
    done > shown 2>&1
}

@test "the last byte of 10,000 jobs of a line each is there, under load" {
    {
        printf '[muster]\ncpu-workers = 4\nio-limit = 16\n[job load]\ntype = cpu\npriority = 1\nexec = %s/burn 3\n' "$CHILDREN"
        for i in $(seq 10000); do
            printf '[job j%d]\ntype = %s\nexec = echo line of j%d\n' "$i" \
                "$([ $((i % 2)) = 0 ] && echo io || echo cpu)" "$i"
        done
    } > m.ini
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(json '[.jobs[] | select(.name != "load" and .stdout != "line of \(.name)\n")] | length')" = 0 ]
    [ "$(json '[.jobs[] | select(.leftover > 0)] | length')" = 0 ]
    [ "$(json .totals.ok)" = 10001 ]
}

@test "in one pipe the order of both streams is kept, apart none takes from the other" {
    manifest_of_both <<'END'
command = perl -e '$| = 1; for (1 .. 2000) { print STDOUT "out $_\n"; print STDERR "err $_\n" }'
END
    perl -e 'for (1 .. 2000) { print "out $_\nerr $_\n" }' > want
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    for lane in io cpu; do
        jq -j --arg name $lane '.jobs[] | select(.name == $name) | .stdout' results.json | cmp - want
    done
    sed -i 's/^command/stderr = capture\ncommand/' m.ini
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    for lane in io cpu; do
        for stream in out err; do
            jq -j --arg name $lane ".jobs[] | select(.name == \$name) | .std$stream" results.json > got
            grep "^$stream" want | cmp - got
        done
    done
}
