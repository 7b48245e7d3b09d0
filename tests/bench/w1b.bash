# SPDX-License-Identifier: MIT
# w1b: the parent's size. What a start costs when the runner holds 1 GiB.

jobs=$(pick 3000 300) mib=1024
title "W1b parent's size: $jobs x /bin/true, width 8, beside $mib MiB"
if [ "$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)" -lt $((mib * 3)) ]; then
    note "too little memory for $mib MiB more"
    missing W1b "a start beside $mib MiB" 'no memory'
    return 0
fi
arena
manifest io "$jobs" /bin/true >"$work/all.ini"

# Not the time of the whole program, which has to fill that memory and to give it
# back, but that from the first job's start to the last one's end, as it tells.
runs() {
    measure "$@" "$muster" run --io-limit 8 --report "json:$work/json" "$work/all.ini" &&
        told "$(awk -F '"(wall|start)_s":' '
            /^"run":/ { wall = $2 + 0 }
            /^{"name":"j1",/ { print wall - $2; exit }' "$work/json")"
}

limits() {
    measure "$@" "$limit" spawn "$jobs" 8 /bin/true && told "$(cat "$out")"
}

rounds=$(pick 5 2)
heavy=(env "LD_PRELOAD=$ballast" "BALLAST_MIB=$mib")
contender limit "$rounds" limits
contender limit-heavy "$rounds" limits "${heavy[@]}"
contender muster "$rounds" runs
contender muster-heavy "$rounds" runs "${heavy[@]}"
turns "$rounds" "$(pick 25 2)"
figures limit
note 'times are those of the jobs alone, without the start and the end of the programs'
read -r _ r _ < <(ratio muster-heavy muster)
bound W1b "starts beside $mib MiB, by those without" "$(printf '%.2f' "${r:-0}")" "${r-}" 1.10 \
    'of its own'
