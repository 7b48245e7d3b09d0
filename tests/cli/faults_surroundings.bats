#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# faults_surroundings: clocks that jump, folders that are not there, memory that ends, many jobs.
bats_require_minimum_version 1.5.0

: "${CLOCK_PRELOAD:?is the preloaded clock}"

setup() {
    load helper
    load events
    load faults
    public=
}

teardown() {
    remove_public_folder
}

@test "the wall clock jumps an hour and ten years, both ways: no limit, delay or deadline does" {
    cat > m.ini <<'END'
[muster]
deadline = 1m
[job limit-io]
type = io
timeout = 700ms
exec = sleep 30
[job limit-cpu]
type = cpu
timeout = 700ms
exec = sleep 30
[job delay]
type = io
exec = false
retries = 1
retry-delay = 600ms
retry-jitter = 0
[job long]
type = cpu
exec = sleep 0.7
END
    # the jump comes while all of them wait
    for jump in 3600 -3600 315532800 -315532800; do
        status=0
        env CLOCK_JUMP=$jump CLOCK_AFTER=300 LD_PRELOAD="$CLOCK_PRELOAD" \
            ASAN_OPTIONS="${ASAN_OPTIONS-}:verify_asan_link_order=0" "$MUSTER" run -j 2 \
            --state-dir state --output none --report json:results.json m.ini > out 2> err ||
            status=$?
        cat err >&2
        [ "$status" -eq 1 ]
        [ "$(json '[.jobs[].status] | join(" ")')" = 'timeout timeout failed ok' ]
        [ "$(json '.jobs[2].attempts | length')" -eq 2 ]
        # lengths are true, and nothing is before the run began
        [ "$(json '[.jobs[] | select(.wall_s < 0.59 or .wall_s > 5)] | length')" -eq 0 ]
        [ "$(json '[.jobs[].attempts[] | select(.start_s < 0 or .start_s > 5 or .wall_s < 0)] | length')" -eq 0 ]
        [ "$(json '.run.wall_s > 0.6 and .run.wall_s < 5')" = true ]
        # only the stamps move
        began=$(date -d "$(json .run.started)" +%s)
        ended=$(date -d "$(json .run.ended)" +%s)
        moved=$((ended - began - jump))
        [ "$moved" -ge 0 ] && [ "$moved" -le 5 ]
        [ "$("$MUSTER" history --state-dir state --report json | jq '.runs[0] | .exit == 1 and .wall_s > 0.6 and .wall_s < 5')" = true ]
        rm -r state
    done
}

# Runs words where /proc is empty, or (under a sanitizer, which reads there who it is) where
# only processes are in it. Without the right to mount one, as it is.
without_proc() {
    local how='mount -t tmpfs none /proc'
    ! ldd "$MUSTER" | grep -q 'libasan\|libtsan' || how='mount -t proc -o subset=pid proc /proc'
    if unshare -m true 2> /dev/null; then
        unshare -m sh -c "$how && exec \"\$@\"" - "$@"
    else
        "$@"
    fi
}

@test "without /proc: jobs run, reports are there, and it is told that daemons are not found" {
    cat > m.ini <<END
[job io]
type = io
command = echo io
[job cpu]
type = cpu
command = $CHILDREN/daemonise pid clean
[job late]
type = io
timeout = 200ms
kill-after = 100ms
exec = $CHILDREN/ignore-term
END
    status=0
    without_proc "$MUSTER" run --output none --report json:results.json m.ini > out 2> err || status=$?
    [ "$status" -eq 1 ]
    [ "$(json '[.jobs[] | "\(.name) \(.status)"] | join(", ")')" = 'io ok, cpu ok, late timeout' ]
    if grep -q '^muster: /proc is not there: processes that leave the session of their job are not found$' err; then
        kill -KILL "$(cat pid)"
    else
        wait_until gone "$(cat pid)"
    fi
    [ "$("$MUSTER" history --report json | jq '.runs[0].totals.ok')" -eq 2 ]
}

@test "the current folder is gone: paths that do not need it work, others are told" {
    manifest_of_both <<< 'command = pwd'
    here=$PWD
    mkdir gone
    cd gone
    rmdir ../gone
    run --separate-stderr "$MUSTER" run --report "json:$here/results.json" "$here/m.ini"
    [ "$status" -eq 0 ]
    run --separate-stderr "$MUSTER" run --report json:results.json "$here/m.ini"
    [ "$status" -eq 3 ]
    [ "$stderr" = 'muster: results.json: No such file or directory' ]
    run --separate-stderr "$MUSTER" run m.ini
    [ "$status" -eq 2 ]
    run --separate-stderr "$MUSTER" run - < "$here/m.ini"
    [ "$status" -eq 2 ]
    [ "$stderr" = 'muster: <stdin>: No such file or directory
muster: <stdin>: 1 error, nothing was run' ]
    cd "$here"
    [ "$(json '[.jobs[].stdout] | unique | join("")')" = "$here" ]
}

@test "umask 000 and 077: what is muster's own is its user's alone, reports are as the mask says" {
    manifest_of_both <<< 'command = umask; head -c 200000 /dev/zero'
    for mask in 000:666 077:600 022:644; do
        (umask "${mask%:*}" && "$MUSTER" run --state-dir new --report json:results.json \
            --report table:table m.ini > out)
        [ "$(stat -c %a results.json table | sort -u)" = "${mask#*:}" ]
        [ "$(find new -perm /077)" = '' ]
        [ "$(find new -type d | wc -l)" -ge 2 ] # outputs in files of their own
        [ "$(json '[.jobs[] | select(.status == "ok")] | length')" -eq 2 ]
        rm -r new results.json table
    done
}

@test "HOME, TMPDIR and the state folder missing or not to be written: runs go on" {
    public_folder
    manifest_of_both <<< 'head -c 300000 /dev/zero | tr "\0" x'
    sed -i 's/^head/command = head/' m.ini
    mkdir -m 555 fixed
    for home in "$PWD/fixed/missing" "$PWD/fixed" ''; do
        for tmp in "$PWD/missing" "$PWD/fixed" ''; do
            rm -f results.json
            run --separate-stderr as_user env -u XDG_STATE_HOME HOME="$home" TMPDIR="$tmp" \
                "$MUSTER" run --report json:results.json m.ini
            [ "$status" -eq 0 ]
            [ "$(json '[.jobs[] | select(.attempts[0].stdout_bytes == 300000 and (.stdout | length) == 65536)] | length')" -eq 2 ]
            [ "$(grep -c '^muster: history: .*; this run is not recorded$' <<< "$stderr")" -eq 1 ]
            [ "$(wc -l <<< "$stderr")" -eq 1 ]
        done
    done
}

@test "no terminal at all, one that goes away, and no locale" {
    manifest_of_both <<< 'command = printf "\303\244\n"'
    run --separate-stderr setsid -w env -i "$MUSTER" run --no-history --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(json '[.jobs[].stdout] | unique | join("")')" = 'ä' ]
    # a terminal that is closed is a HUP, and writing to it an error
    cat > m.ini <<'END'
[job io]
type = io
command = : > io.up; exec sleep 100
[job cpu]
type = cpu
command = : > cpu.up; exec sleep 100
END
    MUSTER=$MUSTER perl -MPOSIX -e '
        use Fcntl;
        sysopen(my $pty, "/dev/ptmx", O_RDWR | O_NOCTTY) or die;
        ioctl($pty, 0x40045431, my $no = pack("i", 0)) // die;
        ioctl($pty, 0x80045430, $no = pack("i", 0)) // die;
        my $name = "/dev/pts/" . unpack("i", $no);
        my $pid = fork // die;
        if (!$pid) {
            setsid();
            sysopen(my $tty, $name, O_RDWR) or die;
            dup2(fileno $tty, $_) for 0 .. 2;
            close $pty;
            exec $ENV{MUSTER}, "run", "--verbose", "--report", "json:results.json", "m.ini";
        }
        for (1 .. 1000) { last if -e "io.up" && -e "cpu.up"; select undef, undef, undef, 0.02 }
        close $pty;
        waitpid $pid, 0;
        print "signal ", $? & 127, "\n"' > ended
    [ "$(cat ended)" = 'signal 1' ]
    [ "$(json '[.jobs[].status] | unique | join("")')" = cancelled ]
    [ "$(json .run.interrupted_by)" = SIGHUP ]
}

@test "no memory for the manifest: out of memory, exit 3, and nothing has run" {
    awk 'BEGIN {
        print "[job x]\ntype = io\ncommand = : > ran"
        for (i = 0; i < 20000; i++)
            printf "[job j%d]\ntype = cpu\nexec = true %0200d\n", i, i
    }' > m.ini
    # a sanitizer has maps of terabytes: there it is blocks that are limited
    if ldd "$MUSTER" | grep -q 'libasan\|libtsan'; then
        some=max_allocation_size_mb=1:allocator_may_return_null=1
        run --separate-stderr env ASAN_OPTIONS="${ASAN_OPTIONS-}:$some" \
            TSAN_OPTIONS="${TSAN_OPTIONS-}:$some" "$MUSTER" run m.ini
        stderr=$(grep '^muster: ' <<< "$stderr") # the sanitizer has its say, too
    else
        run --separate-stderr bash -c "ulimit -v 16000; exec '$MUSTER' run m.ini"
    fi
    [ "$status" -eq 3 ]
    [ "$stderr" = 'muster: m.ini: out of memory' ]
    [ ! -e ran ]
}

@test "10,000 jobs: descriptors and processes flat, memory but for their results" {
    # a sanitizer keeps what was freed for a while
    ! ldd "$MUSTER" | grep -q 'libasan\|libtsan' || export JOB_BYTES=30000
    MUSTER=$MUSTER TMPDIR=$PWD JOBS_TOTAL=10000 bash "$SOURCE/tests/torture/million.bash"
}
