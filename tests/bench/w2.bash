# SPDX-License-Identifier: MIT
# w2: wide. As many jobs at once as there are, all of which wait.

# keep_lag PROGRAM...: muster, and the loop lag that it tells.
keep_lag() {
    measure "$@" || return
    sed -n 's/.*loop lag \([0-9.]*\) ms$/\1/p' "$out" >>"$work/lags"
}

# wide JOBS ROUNDS SECONDS PEER_ROUNDS
wide() {
    local jobs=$1
    title "W2 wide: $jobs x sleep 1, all at once"
    arena
    : >"$work/lags"
    manifest io "$jobs" /bin/sleep 1 >"$work/wide.ini"
    contender limit "$2" "$limit" spawn "$jobs" "$jobs" /bin/sleep 1
    contender muster "$2" keep_lag "$muster" run --io-limit "$jobs" "$work/wide.ini"
    peers_of "$jobs" "$jobs" "$4" /bin/sleep 1
    if [ "$quick" = yes ]; then unset 'words[make]' 'words[ninja]' 'words[samurai]'; fi
    turns "$2" "$3"
    figures limit
    result W2 "$jobs x sleep 1 at once" muster 'limit<=1.2'
    lag=$(sort -g "$work/lags" | tail -n 1)
    bound W2 "the loop's worst delay meanwhile, by muster's account" "${lag:-?} ms" "$lag" 20 ms
}

# How many fit: a pidfd and two pipes each, processes.
most=$((($(ulimit -n) - 300) / 3))
for other in "$(ulimit -u)" "$(cat /proc/sys/kernel/pid_max)"; do
    [ "$other" = unlimited ] || [ $((other - 2000)) -ge "$most" ] || most=$((other - 2000))
done
sizes=$(pick '2000 10000' 600)
for size in $sizes; do
    if [ "$size" -gt "$most" ]; then
        note '' "$size at once do not fit into the $(ulimit -n) descriptors and $(ulimit -u)" \
            "processes that there may be here; $((most / 500 * 500)) do"
        size=$((most / 500 * 500))
    fi
    if [ "$size" -gt 2000 ]; then wide "$size" 3 55 1; else wide "$size" "$(pick 4 2)" "$(pick 45 6)" 9; fi
done
note '' "GNU parallel is left out: it needs 14 to 22 times the limit's time here"

jobs=$(pick 2000 600)
title "W2 wide: muster's memory with $jobs jobs that run"
arena
manifest io "$jobs" /bin/sleep 2 >"$work/wide.ini"
manifest io 1 /bin/sleep 1 >"$work/one.ini"
contender muster 1 measure -w -- "$muster" run --io-limit "$jobs" "$work/wide.ini"
contender muster.1 1 measure -w -- "$muster" run --io-limit "$jobs" "$work/one.ini"
turns 1 0
minus job muster muster.1 "$jobs"
each=$(median job family)
note "private memory of muster and its helpers: $(median muster family) KiB, with one job" \
    "$(median muster.1 family) KiB"
bound W2 "muster's memory for a running job, its row and plan included" \
    "$(printf '%.2f KiB' "${each:-0}")" "$each" 4 KiB
