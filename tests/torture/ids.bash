# SPDX-License-Identifier: MIT
# ids: JOBS_TOTAL jobs (100,000) in a namespace of some 100 process ids, so that each id is
# one process after the other: no signal of muster's may meet another job than the one it is
# for. In a hundred jobs 88 are quick, 8 leave a process behind, 2 are stopped by a limit and
# 2 take a while.
#
# As root in a PID namespace of its own; else in one of a user namespace of its own.
set -u
total=${JOBS_TOTAL:-100000}
cd "$TMPDIR" || exit 1
awk -v total="$total" 'BEGIN {
    print "[muster]\nio-limit = 8\ncpu-workers = 4\n[defaults]\nkill-after = 20ms"
    for (i = 0; i < total; i++) {
        kind = i % 100 < 88 ? "quick" : i % 100 < 96 ? "leaves" : i % 100 < 98 ? "late" : "long"
        printf "[job %s-%d]\ntype = %s\n", kind, i, i % 2 ? "io" : "cpu"
        if (kind == "quick") print "exec = /bin/true"
        if (kind == "leaves") print "command = sleep 60 & :"
        if (kind == "late") print "timeout = 20ms\ncommand = trap \"\" TERM; while :; do sleep 0.01; done"
        if (kind == "long") print "exec = sleep 0.2"
    }
}' >ids.ini || exit 1

# Where the namespace has a bound of its own (Linux 6.14) that is 400; else ids start over
# from 300 all the time.
few='
if { echo 400 >/proc/sys/kernel/pid_max; } 2>/dev/null; then
    "$@"
    exit
fi
perl -e '\''for (;;) {
    open(my $last, ">", "/proc/sys/kernel/ns_last_pid") or die;
    print $last 300;
    close $last or die;
    select undef, undef, undef, 0.002;
}'\'' & again=$!
"$@"
status=$?
kill $again
exit $status'
for namespace in -p -Urp; do
    unshare $namespace -f --kill-child --mount-proc true 2>/dev/null && break
done
before=$(cat /proc/sys/kernel/pid_max)
unshare $namespace -f --kill-child --mount-proc sh -c "$few" sh \
    "$MUSTER" run --no-history --quiet --output none --report json:ids.json ids.ini >out 2>err
status=$?
[ "$(cat /proc/sys/kernel/pid_max)" = "$before" ] || {
    echo "$before" >/proc/sys/kernel/pid_max
    echo 'ids: the bound on ids was not the namespace'"'"'s own' >&2
    exit 1
}

jq -r '.jobs[] | (.name | sub("-.*"; "")) as $kind |
    "\($kind) \(.status) \(.reason) \(if $kind == "leaves" then .leftover else .exit end) \(.attempts | length)"' \
    ids.json | sort | uniq -c | awk -v status="$status" -v total="$total" '
    { count[$2] = $1; line = $2 " " $3 " " $4 " " $5 " " $6 }
    line == "quick ok null 0 1" { right += $1 }
    line == "leaves ok null 1 1" { right += $1 }
    line == "late timeout timeout null 1" { right += $1 }
    line == "long ok null 0 1" { right += $1 }
    line !~ /^(quick ok null 0 1|leaves ok null 1 1|late timeout timeout null 1|long ok null 0 1)$/ {
        print "ids: " $1 " jobs: " line >"/dev/stderr"
    }
    END {
        print "| jobs | exit | as they were meant to end | otherwise |"
        print "|--:|--:|--:|--:|"
        printf "| %d | %d | %d | %d |\n", total, status, right, total - right
        exit !(status == 1 && right == total)
    }'
