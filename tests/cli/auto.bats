#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# auto: jobs whose lane muster finds out.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
}

@test "what computes counts in the CPU lane within half a second; what waits does not" {
    cat > m.ini <<END
[muster]
cpu-workers = 1
[defaults]
type = auto
[job burn]
command = echo "\$MUSTER_LANE"; $CHILDREN/burn 2
[job wait]
exec = sleep 1
[job first]
type = cpu
exec = sleep 0.6
[job next]
type = cpu
exec = true
END
    run --separate-stderr "$MUSTER" run --report table:table --report json:results.json m.ini
    [ "$status" -eq 0 ]
    # nothing is stopped or moved: it goes on in the lane where it began
    [ "$(job_json burn '"\(.type) \(.lane) \(.worker) \(.stdout)"')" = $'auto cpu null io\n' ] ||
        [ "$(job_json burn '"\(.type) \(.lane) \(.worker) \(.stdout)"')" = 'auto cpu null io' ]
    [ "$(job_json wait '"\(.type) \(.lane)"')" = 'auto io' ]
    grep -Eq '^burn +auto +auto→cpu +ok ' table
    grep -Eq '^wait +auto +io +ok ' table
    # the one worker is given away again only when it has ended
    [ "$(json '[.jobs[] | {key: .name, value: .}] | from_entries |
        .next.attempts[0].start_s >= (.burn.attempts[0] | .start_s + .wall_s - 0.01)')" = true ]
}

@test "its next run starts where its history says, that of what waits in the other lane" {
    cat > m.ini <<END
[defaults]
type = auto
command = echo "\$MUSTER_LANE \${MUSTER_WORKER-none}"
[job burn]
command = echo "\$MUSTER_LANE \${MUSTER_WORKER-none}"; $CHILDREN/burn 1
[job wait]
command = echo "\$MUSTER_LANE \${MUSTER_WORKER-none}"; sleep 0.3
END
    run --separate-stderr "$MUSTER" run --report json:results.json m.ini
    [ "$status" -eq 0 ]
    computed=$(job_json burn '.cpu_s >= .wall_s / 2')
    run --separate-stderr "$MUSTER" run --report table:table --report json:results.json m.ini
    [ "$status" -eq 0 ]
    [ "$(job_json wait .stdout)" = 'io none' ]
    # on a machine that is busy with other things it may have got less than half a core
    if [ "$computed" = true ]; then
        [ "$(job_json burn .stdout)" = 'cpu 0' ]
        [ "$(job_json burn '"\(.type) \(.lane) \(.worker)"')" = 'auto cpu 0' ]
        grep -Eq '^burn +auto +cpu +ok ' table
    else
        [ "$(job_json burn .stdout)" = 'io none' ]
    fi
    run --separate-stderr "$MUSTER" show --report json
    [ "$(jq -c '[.jobs[] | [.type, .lane]]' <<< "$output")" = "$(json -c '[.jobs[] | [.type, .lane]]')" ]
    # another manifest has a history of its own, and none does without one
    cp m.ini other.ini
    run --separate-stderr "$MUSTER" run --report json:results.json other.ini
    [ "$(job_json burn .stdout)" = 'io none' ]
    run --separate-stderr "$MUSTER" run --no-history --report json:results.json m.ini
    [ "$(job_json burn .stdout)" = 'io none' ]
}

@test "plan and check know the type; its cpus count" {
    printf '[job a]\ntype = auto\nexec = true\ncpus = 3\n' > m.ini
    run --separate-stderr "$MUSTER" check m.ini -j 4
    run --separate-stderr "$MUSTER" plan -j 3 --report json m.ini
    [ "$status" -eq 0 ]
    [ "$(jq -c '.jobs[0] | [.type, .cpus]' <<< "$output")" = '["auto",3]' ]
    run --separate-stderr "$MUSTER" run -j 2 m.ini
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"cpus: '3' is more than the CPU lane has (2 workers)"* ]]
}
