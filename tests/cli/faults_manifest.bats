#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# faults_manifest: whatever is handed over as a manifest, it is read whole or refused with its place.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
    load faults
}

# Runs check and run on m.ini, or the file named, without a job being started:
# exit 2, and what is said begins with "$1".
refused() {
    local verb
    for verb in check run; do
        run --separate-stderr timeout 60 "$MUSTER" $verb "${2:-m.ini}"
        head -c 1000 <<< "$stderr" >&2
        [ "$status" -eq 2 ]
        [[ "$stderr" == "$1"* ]]
        [ -z "$output" ]
        [ ! -e ran ]
    done
}

@test "a line of 10 MiB is one value, and none of it is taken for anything else" {
    for lane in io cpu; do
        {
            printf '[job x]\ntype = %s\nexec = perl -e "print length <STDIN>"\nstdin = text:' $lane
            perl -e 'print "[job y] ; # = " x (10 * 1024 * 1024 / 14)'
            printf 'end\n'
        } > m.ini
        run --separate-stderr "$MUSTER" run --report json:results.json m.ini
        [ "$status" -eq 0 ]
        [ "$(json '.totals.jobs')" = 1 ]
        [ "$(json '.jobs[0].stdout')" = $((10 * 1024 * 1024 / 14 * 14 + 3)) ]
    done
    # an error in such a line has its place, and not the whole line shown
    perl -e 'print "[job x]\ntype = io\ntimeout = ", "9" x (10 << 20), "x\nexec = true\n"' > m.ini
    refused 'm.ini:3:11: error: '
    [ "${#stderr}" -lt 5000 ]
}

@test "folder, device, missing, not for us to read" {
    mkdir folder
    refused 'muster: folder: Is a directory' folder
    refused 'muster: missing: No such file or directory' missing
    refused 'muster: /dev/zero: File too large' /dev/zero
    refused '/dev/null:1:1: error: there is no job' /dev/null
    printf '[job x]\ntype = io\nexec = true\n' > secret.ini
    chmod 000 secret.ini
    chmod 755 .
    if [ "$(id -u)" -eq 0 ]; then
        public_folder
        printf '[job x]\ntype = io\nexec = true\n' > secret.ini
        chmod 000 secret.ini
        run --separate-stderr as_user "$MUSTER" run secret.ini
        remove_public_folder
    else
        run --separate-stderr "$MUSTER" run secret.ini
    fi
    [ "$status" -eq 2 ]
    [[ "$stderr" == 'muster: secret.ini: Permission denied'* ]]
}

@test "a FIFO that never ends is read up to 256 MiB and no further" {
    mkfifo pipe
    yes '# a comment that says nothing at all, again and again and again' > pipe &
    writer=$!
    run --separate-stderr timeout 100 "$MUSTER" run pipe
    kill "$writer" 2> /dev/null || true
    [ "$status" -eq 2 ]
    [[ "$stderr" == 'muster: pipe: File too large'* ]]
}

@test "a FIFO that says nothing can be left by a signal" {
    mkfifo pipe
    for signal in INT:130 TERM:143 HUP:129; do
        start pipe
        exec 9> pipe
        kill "-${signal%:*}" "$muster"
        await "$muster"
        exec 9>&-
        [ "$status" -eq "${signal#*:}" ]
        [ ! -s out ]
    done
}

@test "a manifest that is written anew while it is read is one of the two or an error" {
    for i in 1 2; do
        perl -e 'printf "[job j%d]\ntype = io\nexec = echo %s\n", $_, $ARGV[0] x 40 for 1 .. 2000' $i > "$i.ini"
    done
    (while :; do cat 1.ini > m.ini; cat 2.ini > m.ini; done) &
    writer=$!
    wait_for m.ini
    for _ in $(seq 30); do
        status=0
        timeout 20 "$MUSTER" list m.ini > names 2> err || status=$?
        [ "$status" -eq 0 ] || [ "$status" -eq 2 ] || break
    done
    kill "$writer"
    [ "$status" -eq 0 ] || [ "$status" -eq 2 ]
}

@test "an include of 100 levels, and one that comes round" {
    for i in $(seq 100); do
        printf '[muster]\ninclude = %d.ini\n[job j%d]\ntype = %s\nexec = true\n' $((i + 1)) "$i" \
            "$([ $((i % 2)) = 0 ] && echo io || echo cpu)" > "$i.ini"
    done
    printf '[job last]\ntype = io\nexec = true\n' > 101.ini
    run --separate-stderr "$MUSTER" list 1.ini
    if [ "$status" -eq 0 ]; then
        [ "$(wc -l <<< "$output")" -eq 101 ]
    else # a bound on the depth is one, too, but not a crash
        [ "$status" -eq 2 ]
        [[ "$stderr" == *.ini:2:11:\ error:\ include:* ]]
    fi
    printf '[muster]\ninclude = 50.ini\n' > 101.ini
    run --separate-stderr "$MUSTER" run 1.ini
    [ "$status" -eq 2 ]
    [[ "$stderr" == *'.ini:2:11: error: '* ]]
}

@test "100,000 sections: read in seconds, errors in the last found" {
    perl -e 'printf "[job j%d]\ntype = %s\nexec = true\n", $_, $_ % 2 ? "io" : "cpu" for 1 .. 100000' > m.ini
    t=$(now_ms)
    run --separate-stderr "$MUSTER" check m.ini
    [ "$status" -eq 0 ]
    [ "$("$MUSTER" list m.ini | tail -n 1)" = j100000 ]
    within_ms 30000 "$t"
    printf 'timeot = 1\n[job j5]\n' >> m.ini
    run --separate-stderr "$MUSTER" check m.ini
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"m.ini:300001:1: error: unknown key 'timeot'"* ]]
    [[ "$stderr" == *'m.ini:300002:'* ]]
    [[ "$stderr" == *'m.ini:13:'* ]]
}

@test "numbers, durations and their odd relatives are refused, each with its place, in both lanes" {
    nbsp=$(printf '\302\240')
    wide=$(printf '\357\274\221\357\274\222')
    for lane in io cpu; do
        for value in 1e3 0x10 +1 9223372036854775808 18446744073709551616 "1$nbsp" "$wide" 1_000 ''; do
            printf '[job x]\ntype = %s\ncommand = : > ran\nretries = %s\n' $lane "$value" > m.ini
            refused 'm.ini:4:'
            printf '[job x]\ntype = %s\ncommand = : > ran\ntimeout = %s\n' $lane "$value" > m.ini
            refused 'm.ini:4:'
        done
        for value in -1 1h1h 1s1h '1 h' 1H 1000000001s 99999999999999999999s 1.5h30m 30x; do
            printf '[job x]\ntype = %s\ncommand = : > ran\nkill-after = %s\n' $lane "$value" > m.ini
            refused 'm.ini:4:14: error: kill-after: '
        done
    done
    printf '[muster]\ncpu-workers = 2\n[job x]\ntype = cpu\ncpus = 3\ncommand = : > ran\n' > m.ini
    refused 'm.ini:5:8: error: '
}

@test "nothing is started by a manifest that is refused, not even by the way" {
    for lane in io cpu; do
        printf '[job x]\ntype = %s\ncommand = : > ran\n[job y]\ntype = %s\ncomand = true\n' $lane $lane > m.ini
        if strace -o probe true 2> /dev/null; then
            # that of a sanitizer for leaks would not work under a tracer
            ASAN_OPTIONS=detect_leaks=0 strace -f -o calls -e trace=clone,clone3,fork,vfork,execve "$MUSTER" run m.ini > out 2> err && status=0 || status=$?
            [ "$status" -eq 2 ]
            [ "$(grep -c 'execve(' calls)" -eq 1 ]
            [ "$(grep -c 'clone\|fork' calls)" -eq 0 ] || ldd "$MUSTER" | grep -q libtsan
        fi
        run --separate-stderr "$MUSTER" run m.ini
        [ "$status" -eq 2 ]
        [ ! -e ran ]
    done
}
