# SPDX-License-Identifier: MIT
# w2c: churn beside idle. Many short jobs while many others wait, and what CPU
# time a short one then costs the runner.

idle=$(pick 5000 600) jobs=$(pick 5000 1000)
most=$((($(ulimit -n) - 300) / 3))
title "W2c churn beside idle: $jobs x /bin/true at width 8 while $idle jobs wait"
if [ "$idle" -gt "$most" ]; then
    idle=$((most / 500 * 500))
    note "there are descriptors for $idle that wait"
fi
arena
log=$work/log fifo=$work/fifo
mkfifo "$fifo"

# A manifest of so many that hold, of jobs that start when all of those are there,
# and of one more, upon which they end.
churn() {
    printf '[job gate]\ntype = io\nexec = %s gate %s %s\n' "$task" "$log" "$1"
    seq -f "%.0f" 1 "$1" | awk -v words="$task hold $log $fifo" \
        '{ print "[job hold" $1 "]\ntype = io\nexec = " words }'
    seq -f "%.0f" 1 "$2" | awk \
        '{ print "[job churn" $1 "]\ntype = cpu\nafter = gate\nexec = /bin/true" }'
    printf '[job release]\ntype = io\nexec = %s release %s\nafter = gate' "$task" "$fifo"
    [ "$2" = 0 ] || seq -f "churn%.0f" 1 "$2" | tr '\n' ' ' | sed 's/^/ /'
    echo
}

# An io width of the idle ones, the gate and the release.
runs() {
    : >"$log"
    measure -w -- "$muster" run --io-limit "$((idle + 2))" --cpu-workers 8 "$1"
}

# The limit tells itself what CPU time it took for those jobs.
limits() {
    : >"$log"
    measure "$limit" churn "$1" "$jobs" 8 "$log" "$fifo" \
        "$task" hold "$log" "$fifo" -- /bin/true || return
    awk 'NR == FNR { own = $1; next } { $3 = own; print }' "$out" "$work/reading" >"$work/new" &&
        mv "$work/new" "$work/reading"
}

churn "$idle" "$jobs" >"$work/beside.ini"
churn "$idle" 0 >"$work/idle.ini"
churn 0 "$jobs" >"$work/alone.ini"
churn 0 0 >"$work/none.ini"
rounds=$(pick 3 1)
for name in beside idle alone none; do
    contender "muster-$name" "$rounds" runs "$work/$name.ini"
done
contender limit "$rounds" limits "$idle"
contender limit-alone "$rounds" limits 0
turns "$rounds" "$(pick 60 8)"
figures limit

# CPU time of the runner alone, a short job's part.
minus cost muster-beside muster-idle "$jobs"
minus cost-alone muster-alone muster-none "$jobs"
seq "$rounds" | awk '{ print $1, 0, 0, 0, 0, 0 }' >"$series/zero"
minus limit-cost limit zero "$jobs"
minus limit-cost-alone limit-alone zero "$jobs"
note "the runner's CPU time for a short job: muster $(show_time "$(median cost own)") beside $idle," \
    "$(show_time "$(median cost-alone own)") without; limit $(show_time "$(median limit-cost own)")," \
    "$(show_time "$(median limit-cost-alone own)")"
read -r _ r _ < <(ratio cost cost-alone own)
bound W2c "runner's CPU for a job beside $idle idle, by without" "$(printf '%.2f' "${r:-0}")" \
    "${r-}" 1.5 'of its own'
