#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# limits: of the run, and of the machine.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
}

@test "a deadline stops all, and the run ends with 124" {
    for lane in io cpu; do
        cat > m.ini <<END
[muster]
io-limit = 1
cpu-workers = 1
deadline = 500ms
[defaults]
type = $lane
[job quick]
exec = true
[job long]
exec = sleep 100
[job never]
command = : > ran
[job anyway]
after = long
when = always
command = : > ran
END
        run --separate-stderr timeout 20 "$MUSTER" run --report json:results.json m.ini
        [ "$status" -eq 124 ]
        [ ! -e ran ]
        [ "$(json .run.exit)" = 124 ]
        [ "$(json '[.jobs[] | "\(.status)/\(.reason)"] | join(" ")')" = \
            'ok/null cancelled/deadline cancelled/deadline cancelled/deadline' ]
    done
}

@test "--deadline is stronger than the manifest's" {
    printf '[muster]\ndeadline = 1h\n[job x]\ntype = io\nexec = sleep 100\n' > m.ini
    run --separate-stderr timeout 20 "$MUSTER" run --deadline 200ms m.ini
    [ "$status" -eq 124 ]
}

@test "124 comes before 1" {
    cat > m.ini <<'END'
[defaults]
type = io
[job bad]
exec = false
[job long]
exec = sleep 100
END
    run --separate-stderr timeout 20 "$MUSTER" run --deadline 500ms m.ini
    [ "$status" -eq 124 ]
}

@test "on-failure = cancel stops what runs and starts nothing more" {
    for lane in io cpu; do
        rm -f up
        cat > m.ini <<END
[muster]
io-limit = 2
cpu-workers = 2
on-failure = cancel
[defaults]
type = $lane
[job long]
command = : > up; exec sleep 100
[job bad]
command = until [ -e up ]; do sleep 0.02; done; exit 4
[job never]
command = : > ran
END
        run --separate-stderr timeout 20 "$MUSTER" run --report json:results.json m.ini
        [ "$status" -eq 1 ]
        [ ! -e ran ]
        [ "$(json '[.jobs[] | "\(.status)/\(.reason)/\(.cause)"] | join(" ")')" = \
            'cancelled/cancelled/bad failed/exit/null cancelled/cancelled/bad' ]
    done
}

@test "-x is --on-failure=cancel" {
    cat > m.ini <<'END'
[muster]
on-failure = continue
[defaults]
type = io
[job long]
exec = sleep 100
[job bad]
exec = false
END
    for option in -x --fail-fast --on-failure=cancel; do
        run --separate-stderr timeout 20 "$MUSTER" run $option m.ini
        [ "$status" -eq 1 ]
    done
}

@test "on-failure = drain lets what runs end and starts nothing more" {
    cat > m.ini <<'END'
[muster]
io-limit = 2
on-failure = drain
[defaults]
type = io
[job running]
command = : > up; until [ -e failed ]; do sleep 0.02; done; sleep 0.2; : > ended
[job bad]
command = until [ -e up ]; do sleep 0.02; done; : > failed; exit 4
[job never]
command = : > ran
[job anyway]
after = bad
when = always
command = : > ran
END
    run --separate-stderr timeout 20 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ -e ended ]
    [ ! -e ran ]
    [ "$(json '[.jobs[].status] | join(" ")')" = 'ok failed cancelled cancelled' ]
}

@test "max-failures says how many it takes; those allowed to fail do not count" {
    cat > m.ini <<'END'
[muster]
io-limit = 1
on-failure = drain
max-failures = 2
[defaults]
type = io
exec = false
[job allowed]
allow-failure = yes
[job one]
[job between]
exec = true
[job two]
[job never]
END
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(json '[.jobs[].status] | join(" ")')" = 'failed failed ok failed cancelled' ]
}

@test "a job that is allowed to fail is shown, counted, and fails nothing" {
    cat > m.ini <<'END'
[defaults]
type = io
[job x]
exec = false
allow-failure = yes
[job y]
after = x
exec = true
END
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [[ "$output" == *' allowed '* ]]
    [ "$(json '.totals | "\(.ok) \(.failed) \(.allowed)"')" = '1 1 1' ]
}

@test "few descriptors narrow the I/O lane, with one warning, and all jobs run" {
    {
        printf '[defaults]\ntype = io\nexec = true\n'
        for i in $(seq 64); do printf '[job j%d]\n' "$i"; done
    } > m.ini
    run --separate-stderr bash -c "ulimit -n 32; exec '$MUSTER' run --report json:results.json m.ini"
    [ "$status" -eq 0 ]
    [ "$(json .totals.ok)" = 64 ]
    [ "$(grep -c 'limit 32.*from 64 to [0-9]*$' <<< "$stderr")" -eq 1 ]
}

@test "hardly any descriptors: one at a time, or exit 3 before anything starts" {
    printf '[defaults]\ntype = io\n[job a]\ncommand = : > a\n[job b]\ncommand = : > b\n' > m.ini
    run --separate-stderr bash -c "ulimit -n 12; exec '$MUSTER' run m.ini"
    if [ "$status" -eq 3 ]; then
        [ ! -e a ]
        [ -n "$stderr" ]
    else
        [ "$status" -eq 0 ]
        [ -e a ] && [ -e b ]
    fi
}

@test "the descriptor limit is raised for muster and given back to the jobs" {
    printf '[job a]\ntype = io\ncommand = ulimit -n\n[job b]\ntype = cpu\ncommand = ulimit -n\n' > m.ini
    run --separate-stderr bash -c "ulimit -Sn 100; exec '$MUSTER' run --report json:results.json m.ini"
    [ "$status" -eq 0 ]
    [ "$(json '[.jobs[].stdout] | join("")')" = $'100\n100' ]
}

@test "few processes: starts are put off, every job runs, and one warning says so" {
    {
        printf '[defaults]\ntype = io\nexec = sleep 0.1\n'
        for i in $(seq 64); do printf '[job j%d]\n' "$i"; done
    } > m.ini
    if [ "$(id -u)" -eq 0 ]; then
        # root has no such limit: a user that nobody is, who may come this far
        chmod o+x "$BATS_RUN_TMPDIR"
        chmod o+rwx .
        cp "$MUSTER" muster
        as=(setpriv --reuid 61234 --regid 61234 --clear-groups)
        used=0
    else
        cp "$MUSTER" muster
        as=()
        used=$(ps -L -u "$(id -u)" -o pid= | wc -l)
    fi
    run --separate-stderr timeout 60 prlimit --nproc=$((used + 20)) "${as[@]}" \
        ./muster run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(json .totals.ok)" = 64 ]
    [ "$(grep -c 'processes: limit .* I/O jobs at once narrowed from 64 to ' <<< "$stderr")" -eq 1 ]
}

@test "nice is added to muster's own" {
    printf '[job a]\ntype = io\nnice = 3\nexec = nice\n[job b]\ntype = cpu\nnice = 3\nexec = nice\n' > m.ini
    run --separate-stderr nice -n 2 "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    own=$(nice)
    [ "$(job_json a .stdout)" -eq $((own + 5)) ]
    [ "$(job_json b .stdout)" -eq $((own + 5)) ]
}

@test "each exit status is told as it is" {
    {
        printf '[defaults]\ntype = cpu\n'
        for i in $(seq 0 255); do printf '[job e%d]\ncommand = exit %d\n' "$i" "$i"; done
    } > m.ini
    run --separate-stderr "$MUSTER" run --output none --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(json '[.jobs[] | select("e\(.exit)" != .name or .signal != null)] | length')" = 0 ]
    [ "$(json '.totals | "\(.ok) \(.failed)"')" = '1 255' ]
}

@test "each signal that ends a job is told as it is" {
    {
        printf '[defaults]\ntype = io\n'
        for i in $(seq 64); do
            case $(kill -l "$i" 2>/dev/null) in
            '' | CHLD | CONT | STOP | TSTP | TTIN | TTOU | URG | WINCH) continue ;;
            esac
            printf '[job s%d]\nexec = %s/die-by %d\n' "$i" "$CHILDREN" "$i"
        done
    } > m.ini
    run --separate-stderr "$MUSTER" run --output none --report json:results.json m.ini
    [ "$status" -eq 1 ]
    [ "$(json '[.jobs[] | select("s\(.signal)" != .name or .exit != null or .reason != "signal")] |
        length')" = 0 ]
    [ "$(json .totals.failed)" -gt 50 ]
}

@test "what cannot be run says why, and the others run" {
    printf '#!/no/such/interpreter\n' > bad-interpreter
    printf 'not a program' > not-executable
    chmod +x bad-interpreter
    cat > m.ini <<'END'
[defaults]
type = io
after = first
[job first]
after =
exec = true
[job not-there]
exec = ./not-there
[job not-executable]
exec = ./not-executable
[job bad-interpreter]
exec = ./bad-interpreter
[job folder]
exec = .
[job no-folder]
dir = gone
exec = true
[job shell]
command = ./not-there
[job fine]
exec = true
END
    run --separate-stderr "$MUSTER" run --output none --report json:results.json \
        --report table:table.txt m.ini
    [ "$status" -eq 1 ]
    [ "$(json '[.jobs[] | select(.reason == "spawn" and .exit == null) | .name] | join(" ")')" = \
        'not-there not-executable bad-interpreter folder no-folder' ]
    [ "$(job_json fine .status)" = ok ]
    grep -q '^not-there .* not found: .*/not-there$' table.txt
    grep -q '^not-executable .*Permission denied' table.txt
    grep -q "^bad-interpreter .*'/no/such/interpreter'" table.txt
    grep -q '^no-folder .*/gone: No such file or directory' table.txt
    grep -q '^shell .*exit 127 (command not found)' table.txt
}
