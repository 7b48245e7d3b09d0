# SPDX-License-Identifier: MIT
# resume: runs that are killed by SIGKILL at random moments and resumed until they are done,
# RESUME_RUNS of them (500), each of RESUME_JOBS jobs (200).
#
# Every job writes what it does into a file of its own, behind what stands there: that it
# starts, lives, ends, and in which run. Afterwards
#
#   lost     is a job that is nowhere done though the last run says that all is,
#   twice    one that started again after a run had it on record as ok,
#   false    one that is on record as ok in a run in which it did not end,
#   overlap  one of which two runs' processes lived at the same time.
set -u
runs=${RESUME_RUNS:-500}
jobs=${RESUME_JOBS:-200}
RANDOM=${SEED:-1}
work=$(mktemp -d "${TMPDIR:-/tmp}/muster-resume.XXXXXX") || exit 3
trap 'rm -rf -- "$work"' EXIT
cd "$work" || exit 3

# Both lanes, some order, and every eighth job leaves a daemon in a session of its own.
# shellcheck disable=SC2016 # the jobs' shells'
awk -v jobs="$jobs" 'BEGIN {
    print "[muster]\nio-limit = 6\ncpu-workers = 4"
    for (i = 0; i < jobs; i++) {
        printf "[job j%d]\ntype = %s\n", i, i % 3 ? "io" : "cpu"
        if (i % 5 == 4) printf "after = j%d\n", i - 3
        print "command =\n    say() { echo \"$1 $ROUND $MUSTER_RUN\" >> \"done/$MUSTER_JOB\"; }\n    say s"
        if (i % 8 == 7)
            print "    setsid sh -c '\''while :; do echo \"t $ROUND $MUSTER_RUN\" >> \"done/$MUSTER_JOB\"; sleep 0.003; done'\'' &\n    sleep 0.02"
        print "    say t; say t\n    say e"
    }
}' >m.ini

kills=0 campaigns=0 rounds=0 started=0 lost=0 twice=0 false=0 overlap=0 strange=0

# One run, killed after so many milliseconds, or not at all (""). Its status in $status.
one_run() {
    ROUND=$rounds "$MUSTER" run --quiet --resume --keep 100000 --report "json:last.json" m.ini 2>>err &
    local pid=$!
    rounds=$((rounds + 1))
    [ -z "$1" ] || {
        sleep "$(printf '0.%03d' "$1")"
        kill -KILL "$pid" 2>/dev/null
    }
    # Not through a variable that a job could see, nor with a word of the shell's on it.
    wait "$pid" 2>/dev/null
    status=$?
}

# What all runs together did, against what is on record.
examine() {
    local id
    for id in $("$MUSTER" history --report json m.ini | jq -r '.runs[].id'); do
        "$MUSTER" show --report json "$id" 2>/dev/null |
            jq -r --arg id "$id" '.jobs[] | select(.status == "ok") | "ok \(.name) \($id)"'
    done >record
    jq -r '.jobs[] | select(.status == "ok" or .status == "resumed") | "fine \(.name)"' last.json >>record
    awk -v jobs="$jobs" '
        $1 == "ok" { ok[$2] = $3; next }
        $1 == "fine" { fine[$2] = 1; next }
        FNR == 1 { name = FILENAME; sub(/.*\//, "", name); at = ""; split("", gone) }
        {
            key = name " " $3
            if ($3 != at) {
                if ($3 in gone) overlap++
                if (at != "") gone[at] = 1
                at = $3
            }
            if ($1 == "s") { starts++; round[key] = $2; if ($2 > last[name]) last[name] = $2 }
            if ($1 == "e") { ends[key] = 1; done[name] = 1 }
        }
        END {
            for (i = 0; i < jobs; i++) {
                n = "j" i
                if (!(n in done) || !(n in fine) || !(n in ok)) lost++
                else if (!((n " " ok[n]) in ends)) false++
                else if (last[n] > round[n " " ok[n]]) twice++
            }
            print starts + 0, lost + 0, twice + 0, false + 0, overlap + 0
        }' record done/*
}

export XDG_STATE_HOME=$work/state
while [ "$kills" -lt "$runs" ]; do
    rm -rf state done last.json
    mkdir done
    status=1
    # Most of the time a fraction of what all would take, sometimes nearly nothing.
    while [ "$kills" -lt "$runs" ] && [ "$status" -ne 0 ]; do
        one_run $((RANDOM % (RANDOM % 4 ? 150 : 12)))
        case $status in
        0) ;;
        137) kills=$((kills + 1)) ;;
        *) strange=$((strange + 1)) kills=$((kills + 1)) ;;
        esac
    done
    [ "$status" -eq 0 ] || one_run ''
    [ "$status" -eq 0 ] || strange=$((strange + 1))
    campaigns=$((campaigns + 1))
    read -r a b c d e < <(examine)
    started=$((started + a)) lost=$((lost + b)) twice=$((twice + c)) false=$((false + d)) overlap=$((overlap + e))
    [ "$((b + c + d + e))" -eq 0 ] || [ -z "${RESUME_KEEP-}" ] || cp -r "$work" "$RESUME_KEEP/$campaigns"
done
[ ! -s err ] || [ "$strange" -eq 0 ] || sort err | uniq -c | sort -rn | head >&2

echo '| runs killed | jobs each | resumed to their end | starts of jobs | lost | twice | false | overlap | other ends |'
echo '|--:|--:|--:|--:|--:|--:|--:|--:|--:|'
echo "| $kills | $jobs | $campaigns | $started | $lost | $twice | $false | $overlap | $strange |"
[ $((lost + twice + false + overlap + strange)) -eq 0 ]
