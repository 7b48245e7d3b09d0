# SPDX-License-Identifier: MIT
# w3: mixed. Jobs that wait beside jobs that burn: how long for all, how many burn
# at once, and how much slower each gets.

cpus=$(nproc) burn_ms=250
sleeps=$(pick 200 40) burns=$(($(pick 20 4) * cpus))
optimum=$(awk -v n="$burns" -v ms="$burn_ms" -v cpus="$cpus" 'BEGIN { print n * ms / 1000 / cpus }')
title "W3 mixed: $sleeps x sleep 0.5 and $burns burners of 0.25 s on $cpus CPUs; optimum $optimum s"
arena
log=$work/burns

# logged NAME WORD...: keeps how the burners fared.
logged() {
    local name=$1
    shift
    : >"$log"
    if [ "$1" = ninja_fresh ]; then "$@"; else measure "$@"; fi || return
    # At once, and the median of their times.
    awk '{ print $1, 1; print $2, -1 }' "$log" | sort -g |
        awk '{ n += $2; if (n > most) most = n } END { print most }' >>"$work/most.$name"
    awk '{ print $2 - $1 }' "$log" | sort -g |
        awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }' >>"$work/time.$name"
}

burner="$task burn $burn_ms $log"
{
    seq -f "%.0f" 1 "$sleeps" | awk '{ print "[job s" $1 "]\ntype = io\nexec = /bin/sleep 0.5" }'
    seq -f "%.0f" 1 "$burns" | awk -v w="$burner" '{ print "[job b" $1 "]\ntype = cpu\nexec = " w }'
} >"$work/mixed.ini"
{
    yes '/bin/sleep 0.5' | head -n "$sleeps"
    yes "$burner" | head -n "$burns"
} >"$work/list"
mkdir "$work/build"
awk '{ t = t " j" NR; r = r "j" NR ":\n\t@" $0 "\n" } END { print "all:" t "\n" r }' \
    "$work/list" >"$work/build/Makefile"
awk 'BEGIN { print "rule t\n command = $words" } { print "build j" NR ": t\n words = " $0 }' \
    "$work/list" >"$work/build/build.ninja"

rounds=$(pick 3 1)
for name in alone limit muster "${peers[@]}"; do
    : >"$work/most.$name" >"$work/time.$name"
done
# shellcheck disable=SC2086 # words
{
    contender alone "$rounds" logged alone $burner
    contender limit "$rounds" logged limit \
        "$limit" mixed "$sleeps" 64 "$burns" "$cpus" /bin/sleep 0.5 -- $burner
}
contender muster "$rounds" logged muster "$muster" run "$work/mixed.ini"
few=1
contender xargs "$few" logged xargs xargs -a "$work/list" -L 1 -P 64 env
if [ "$quick" = no ]; then
    contender make "$few" logged make make -f "$work/build/Makefile" -j 64 all
    contender ninja "$few" logged ninja ninja_fresh ninja "$work/build" 64
    contender samurai "$few" logged samurai ninja_fresh samu "$work/build" 64
    mapfile -t lines <"$work/list"
    contender moreutils "$few" logged moreutils "$moreutils" -j 64 -- "${lines[@]}"
    contender parallel 1 logged parallel parallel -j 64 -a "$work/list"
fi
turns "$rounds" "$(pick 60 8)"
figures limit

alone=$(sort -g "$work/time.alone" | head -n 1)
slower() {
    sort -g "$work/time.$1" | awk -v alone="$alone" \
        '{ v[NR] = $1 } END { if (NR) printf "%.2f", v[int((NR + 1) / 2)] / alone }'
}
most() {
    sort -g "$work/most.$1" | tail -n 1
}
{
    echo 'CONTENDER|BURNERS AT ONCE|EACH SLOWER BY'
    for name in "${names[@]}"; do
        [ -s "$work/time.$name" ] && echo "$name|$(most "$name")|$(slower "$name")"
    done
} | align
note "peers have one width: at -j $cpus instead of 64 all that waits takes" \
    "$(awk -v n="$sleeps" -v c="$cpus" -v o="$optimum" 'BEGIN { printf "%.0f s", n * 0.5 / c + o }')"

result W3 "$sleeps sleeps, $burns burners" muster
wall=$(median muster)
bound W3 'that by the optimum' "$(awk -v w="${wall:-0}" -v o="$optimum" 'BEGIN { printf "%.2f", w / o }')" \
    "$wall" "$(awk -v o="$optimum" 'BEGIN { print o * 1.05 }')" "s (1.05 of $optimum s)"
bound W3 'burners at once' "$(most muster)" "$(most muster)" "$cpus"
bound W3 'a burner by one alone, median' "$(slower muster)" "$(slower muster)" 1.1
