# SPDX-License-Identifier: MIT
# w5: output. Captured whole and then shown, to /dev/null and to a file.

shown=$work/shown

# shows_to WHERE WORD...: WHERE is null or file; output and errors go there.
shows_to() {
    rm -f "$shown"
    err=$shown
    [ "$1" = file ] || err=/dev/null
    out=$err
    shift
    measure "$@"
}

ninja_to() {
    rm -f "$3/.ninja_log" "$3/.ninja_deps"
    shows_to "$1" "$2" -C "$3" -j 8
}

# warm_up MIB: has the machine hand out that much page cache, which a virtual one
# may have given back to its host: whoever comes first would wait for it.
warm_up() {
    head -c "${1}M" /dev/zero >"$work/warm"
    rm -f "$work/warm"
}

# output JOBS MIB ROUNDS SECONDS
output() {
    local jobs=$1 mib=$2 where bytes=$(($2 * 1048576)) folder width=8
    local what="$jobs x $mib MiB"
    folder=$(mktemp -d "$work/output.XXXXXX")
    manifest io "$jobs" "$task" write "$bytes" >"$folder/output.ini"
    makefile "$jobs" "$task" write "$bytes" >"$folder/Makefile"
    ninjafile "$jobs" "$task" write "$bytes" >"$folder/build.ninja"
    yes "$bytes" | head -n "$jobs" >"$folder/list"
    for where in null file; do
        title "W5 output: $what at width $width, captured, shown to $([ $where = null ] && echo /dev/null || echo a file)"
        arena
        contender limit "$3" shows_to $where "$limit" copy "$jobs" "$width" 0 "$task" write "$bytes"
        contender limit-256K "$3" shows_to $where "$limit" copy "$jobs" "$width" 256 "$task" write "$bytes"
        contender muster "$3" shows_to $where "$muster" run -o group --io-limit "$width" "$folder/output.ini"
        # Not shown, since all went well: the cost of keeping it alone.
        contender muster-kept "$3" shows_to $where "$muster" run --io-limit "$width" "$folder/output.ini"
        contender make "$3" shows_to $where make -O -f "$folder/Makefile" -j "$width" all
        contender parallel "$3" shows_to $where parallel -j "$width" -a "$folder/list" "$task" write
        # Ninja and samurai keep all of a job in memory.
        if [ "$mib" -le 64 ]; then
            contender ninja 1 ninja_to $where ninja "$folder"
            contender samurai 1 ninja_to $where samu "$folder"
        fi
        warm_up $((jobs * mib))
        turns "$3" "$4"
        figures limit
        result W5 "$what, shown to $where" muster 'limit<=0.6'
        [ "$jobs" != 1 ] || [ $where = file ] || extra=$(median muster rss)
    done
    rm -rf -- "$folder"
}

# Kept in unlinked files, and written once more.
free_mib=$(df -Pm "$work" | awk 'NR == 2 { print $4 }')
one=$(pick 2048 96)
if [ "$free_mib" -lt $((one * 3)) ]; then
    note "there are only $free_mib MiB free in ${work%/*}: 256 MiB instead of $one"
    one=256
fi
extra=''
output 1 "$one" "$(pick 3 2)" "$(pick 20 4)"
output "$(pick 64 16)" "$(pick 16 4)" "$(pick 3 2)" "$(pick 16 4)"

arena
manifest io 1 "$task" write 1 >"$work/one.ini"
contender idle 3 "$muster" run -o group "$work/one.ini"
turns 3 9
idle=$(median idle rss)
more=$(awk -v a="${extra:-0}" -v b="$idle" 'BEGIN { if (a) printf "%.1f", (a - b) / 1024 }')
bound W5 "memory of muster above idle, 1 x $one MiB" "${more:-?} MiB" "$more" 8 MiB
