# SPDX-License-Identifier: MIT
# w1: starts. Many jobs that end at once, in either lane, at several widths.

# starts WHAT JOBS WIDTH ROUNDS SECONDS ALL WORD...: ALL: beside all peers, else
# beside xargs alone.
starts() {
    local what=$1 jobs=$2 width=$3 rounds=$4 seconds=$5 all=$6
    shift 6
    title "W1 starts: $jobs x $what, width $width"
    arena
    manifest io "$jobs" "$@" >"$work/io.ini"
    manifest cpu "$jobs" "$@" >"$work/cpu.ini"
    contender limit 99 "$limit" spawn "$jobs" "$width" "$@"
    contender muster-io 99 "$muster" run --io-limit "$width" "$work/io.ini"
    contender muster-cpu 99 "$muster" run --cpu-workers "$width" "$work/cpu.ini"
    if [ "$all" = yes ]; then
        peers_of "$jobs" "$width" 99 /bin/true x
        # Ten times slower than others: a tenth of the work will do.
        seq "$((jobs / 10))" >"$work/tenth"
        contender parallel "1*10" parallel -j "$width" -a "$work/tenth" /bin/true
    else
        yes x | head -n "$jobs" >"$work/list"
        contender xargs 99 xargs -a "$work/list" -n 1 -P "$width" "$@"
    fi
    turns "$rounds" "$seconds"
    figures limit
    for lane in io cpu; do
        result W1 "$jobs x $what, width $width, $lane" "muster-$lane" 'limit<=1.15' 'xargs<=0.85'
    done
}

starts /bin/true "$(pick 10000 600)" 8 "$(pick 3 2)" "$(pick 90 7)" yes /bin/true
few=$(pick 3000 400)
starts 'sh -c :' "$few" 8 "$(pick 4 2)" "$(pick 25 3)" no /bin/sh -c :
starts /bin/true "$few" 2 "$(pick 4 2)" "$(pick 20 3)" no /bin/true
starts /bin/true "$few" 64 "$(pick 4 2)" "$(pick 20 3)" no /bin/true
