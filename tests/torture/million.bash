# SPDX-License-Identifier: MIT
# million: a run of a million jobs, JOBS_TOTAL if set, and what it takes of memory,
# descriptors and processes while it goes on.
#
# Memory may grow by 300 bytes for each job's result (JOB_BYTES if set); descriptors, and processes that are
# muster's, not at all.
set -u
total=${JOBS_TOTAL:-1000000}
pause=1
[ "$total" -ge 100000 ] || pause=0.05
# shellcheck disable=SC2016 # awk's
awk -v total="$total" 'BEGIN {
    print "[muster]\nio-limit = 32\n[defaults]\nexec = /bin/true"
    for (i = 0; i < total; i++)
        printf "[job j%d]\ntype = %s\n", i, i % 2 ? "io" : "cpu"
}' >"$TMPDIR/million.ini" || exit 1
cd "$TMPDIR" || exit 1

"$MUSTER" run --quiet --report table:table "$TMPDIR/million.ini" >out 2>err &
muster=$!

# "resident KiB, descriptors, children of muster (jobs, launchers, zombies)"
look() {
    local rss fds children
    rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$muster/status" 2>/dev/null)
    # shellcheck disable=SC2012 # numbers
    fds=$(ls "/proc/$muster/fd" 2>/dev/null | wc -l)
    children=$(cat "/proc/$muster/task/"*/children 2>/dev/null | wc -w)
    [ -n "$rss" ] && echo "$rss $fds $children"
}

# Some a second from when jobs run on.
: >samples
while kill -0 "$muster" 2>/dev/null; do
    sample=$(look) && [ -n "$(cat "/proc/$muster/task/"*/children 2>/dev/null)" ] &&
        echo "$sample" >>samples
    sleep "$pause"
done
wait "$muster"
status=$?

read -r first _ _ < <(sed -n 3p samples)
awk -v status="$status" -v total="$total" -v first="${first:-0}" -v bytes="${JOB_BYTES:-300}" '
    { if ($1 > rss) rss = $1; if ($2 > fds) fds = $2; if ($3 > children) children = $3
      if (NR == 3) { fds3 = $2 } }
    END {
        each = (rss - first) * 1024 / total
        print "| jobs | exit | samples | resident at first | at most | growth for each job | descriptors at most | children at most |"
        print "|--:|--:|--:|--:|--:|--:|--:|--:|"
        printf "| %d | %d | %d | %d KiB | %d KiB | %.0f B | %d | %d |\n", total, status, NR, first, rss, each, fds, children
        exit !(status == 0 && NR > 3 && each <= bytes && fds <= 32 * 3 + 64 && children <= 32 + 16)
    }' samples
