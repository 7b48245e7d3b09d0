# SPDX-License-Identifier: MIT
# lib: what the workloads share: contenders that take turns, their figures,
# and the rows of the result.
#
# Given by bench.bash: $muster $limit $gauge $task $start $ballast (programs),
# $work (an empty folder), $results (where rows go), $quick (yes or no).

# pick FULL QUICK: one of them.
pick() {
    if [ "$quick" = yes ]; then echo "$2"; else echo "$1"; fi
}

title() {
    printf '\n### %s\n\n' "$1"
    printf 'bench: %3d s: %s\n' "$SECONDS" "$1" >&2
}

note() {
    printf '%s\n' "$*"
}

# --- contenders ---------------------------------------------------------------

# The programs that a user would pick instead; they that are there.
peers=(xargs make ninja samurai moreutils parallel)

# arena: forgets the contenders of before.
arena() {
    names=()
    declare -gA words=() rounds_of=() times=() broken=()
    series=$(mktemp -d "$work/series.XXXXXX")
}

# contender NAME ROUNDS[*TIMES] WORD...: a command, or a function that calls
# measure. It takes part in the first ROUNDS; TIMES: its work is that part of
# the others', so its times count so often. A peer that is missing is left out.
contender() {
    case " ${peers[*]} " in *" $1 "*) have "$1" || return 0 ;; esac
    names+=("$1")
    rounds_of[$1]=${2%\**}
    case $2 in *\**) times[$1]=${2#*\*} ;; *) times[$1]=1 ;; esac
    shift 2
    words[${names[-1]}]=${*@Q}
}

# measure [-OPTION... --] WORD...: runs it under the gauge; standard output and
# standard error go to $out and $err.
measure() {
    local options=()
    if [ "${1#-}" != "$1" ]; then
        while [ "$1" != -- ]; do
            options+=("$1")
            shift
        done
        shift
    fi
    "$gauge" "${options[@]}" "$work/reading" "$@" </dev/null >"$out" 2>"$err"
}

# stamped WORD...: until the first job, which writes its stamp to $fifo.
stamped() {
    measure -t 60 -s "$fifo" -- "$@"
}

stamped_ninja() {
    rm -f "$2/.ninja_log" "$2/.ninja_deps"
    stamped "$1" -C "$2" -j 2
}

# turns ROUNDS SECONDS: A B C A B C …; after two rounds none is begun that
# would end past SECONDS.
turns() {
    local round name begin=$SECONDS
    for ((round = 1; round <= $1; round++)); do
        ((round > 2 && (SECONDS - begin) * round > $2 * (round - 1))) && break
        for name in "${names[@]}"; do
            ((round > rounds_of[$name])) && continue
            [ "${words[$name]-}" ] || continue
            [ "${broken[$name]-}" ] && continue
            turn "$name" "$round"
        done
    done
}

turn() {
    local command=${words[$1]} out=$work/out err=$work/err
    rm -f "$work/reading"
    if declare -F "$(eval "set -- $command"; echo "$1")" >/dev/null; then
        eval "$command"
    else
        eval "measure $command"
    fi
    if [ $? = 0 ] && [ -s "$work/reading" ]; then
        # ROUND WALL CPU OWN RSS FAMILY
        awk -v round="$2" -v times="${times[$1]}" \
            '{ print round, $1 * times, $2 * times, $3 * times, $4, $5 }' \
            "$work/reading" >>"$series/$1"
    else
        broken[$1]=yes
        note "$1 did not get through:"
        tail -n 3 "$err" | tee /dev/stderr
    fi
}

# --- figures ------------------------------------------------------------------

# Columns of a series.
declare -A column=([wall]=2 [cpu]=3 [own]=4 [rss]=5 [family]=6)

# stats COLUMN FILE: "N MEDIAN LEAST MOST", nothing when there is nothing.
stats() {
    [ -s "$2" ] || return 1
    sort -g -k "$1,$1" "$2" | awk -v c="$1" '
        { v[NR] = $c }
        END {
            m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
            print NR, m, v[1], v[NR]
        }'
}

# median NAME [COLUMN]
median() {
    local n m rest
    read -r n m rest < <(stats "${column[${2-wall}]}" "$series/$1") || return 1
    echo "$m"
}

# ratio NAME OTHER [COLUMN]: "N MEDIAN LEAST MOST" of their ratios, each of one
# round; where OTHER took part in fewer rounds, of those.
ratio() {
    [ -s "$series/$1" ] && [ -s "$series/$2" ] || return 1
    awk -v c="${column[${3-wall}]}" '
        FNR == NR { other[$1] = $c; next }
        ($1 in other) && other[$1] > 0 { print $c / other[$1] }' \
        "$series/$2" "$series/$1" >"$work/ratios"
    stats 1 "$work/ratios"
}

# minus NEW NAME OTHER PARTS: a series, NAME less OTHER, by PARTS.
minus() {
    [ -s "$series/$2" ] && [ -s "$series/$3" ] || return 0
    awk -v parts="$4" '
        FNR == NR { for (i = 2; i <= 6; i++) other[$1, i] = $i; there[$1] = 1; next }
        $1 in there {
            printf "%s", $1
            for (i = 2; i <= 6; i++) printf " %.9g", ($i - other[$1, i]) / parts
            print ""
        }' "$series/$3" "$series/$2" >"$series/$1"
}

# best: the peer with the least median.
best() {
    local name found='' m least=''
    for name in "${peers[@]}"; do
        m=$(median "${1-}$name${2-}") || continue
        if [ -z "$least" ] || holds "$m" '<' "$least"; then
            least=$m found=$name
        fi
    done
    echo "$found"
}

# holds A '<' B
holds() {
    awk -v a="$1" -v b="$3" -v op="$2" 'BEGIN { exit !(op == "<" ? a + 0 < b + 0 : a + 0 <= b + 0) }'
}

# show_time SECONDS: in a unit that suits.
show_time() {
    awk -v s="$1" 'BEGIN {
        a = s < 0 ? -s : s
        if (a >= 1) { unit = "s"; f = 1 } else if (a >= 0.001) { unit = "ms"; f = 1000 }
        else { unit = "us"; f = 1e6 }
        a *= f
        digits = a >= 100 ? 0 : (a >= 10 ? 1 : 2)
        printf "%.*f %s", digits, s * f, unit
    }'
}

# figures BASE: a line for each contender.
figures() {
    local name n m least most r
    {
        echo "CONTENDER|ROUNDS|MEDIAN|LEAST|MOST|CPU|RSS|/ $1"
        for name in "${names[@]}"; do
            read -r n m least most < <(stats 2 "$series/$name") || continue
            read -r _ r _ < <(ratio "$name" "$1") || r=
            [ "${times[$name]}" = 1 ] || n="$n (x${times[$name]})"
            printf '%s|%s|%s|%s|%s|%s|%.1f MiB|%.2f\n' "$name" "$n" "$(show_time "$m")" \
                "$(show_time "$least")" "$(show_time "$most")" \
                "$(show_time "$(median "$name" cpu)")" \
                "$(awk -v k="$(median "$name" rss)" 'BEGIN { print k / 1024 }')" "${r:-0}"
        done
    } | align
}

# align: columns of text parted by |.
align() {
    awk -F '|' '
        { for (i = 1; i <= NF; i++) { cell[NR, i] = $i; if (length($i) > w[i]) w[i] = length($i) } n[NR] = NF }
        END {
            print "```"
            for (r = 1; r <= NR; r++) {
                line = ""
                for (i = 1; i <= n[r]; i++)
                    line = line sprintf("%-" w[i] "s%s", cell[r, i], i < n[r] ? "  " : "")
                sub(/ +$/, "", line)
                print line
            }
            print "```"
        }'
}

# --- rows of the result ---------------------------------------------------------

# row ID WHAT MUSTER LIMIT OF_LIMIT PEER OF_PEER SPREAD GOAL REACHED
row() {
    local IFS='|'
    echo "$*" >>"$results"
}

# result ID WHAT NAME GOAL...: a row of times. A GOAL is "OTHER<=RATIO"; OTHER is
# a contender.
result() {
    local id=$1 what=$2 name=$3 other most r peer low high goals='' reached=yes
    local of_limit=- spread=- of_peer=- limit_time=- peer_time=- mine
    shift 3
    mine=$(median "$name") || {
        row "$id" "$what" failed - - - - - "$*" no
        return
    }
    if read -r _ of_limit low high < <(ratio "$name" limit); then
        limit_time=$(show_time "$(median limit)")
        spread=$(awk -v l="$low" -v h="$high" -v m="$of_limit" 'BEGIN { printf "%.0f%%", (h - l) / m * 100 }')
        of_limit=$(printf %.2f "$of_limit")
    fi
    peer=$(best)
    if [ "$peer" ] && read -r _ of_peer _ < <(ratio "$name" "$peer"); then
        peer_time="$peer $(show_time "$(median "$peer")")"
        of_peer=$(printf %.2f "$of_peer")
    fi
    for goal; do
        other=${goal%%<=*} most=${goal#*<=}
        goals+=${goals:+, }
        if read -r _ r _ < <(ratio "$name" "$other"); then
            goals+=$(printf '%s %.2f <= %s' "$other" "$r" "$most")
            holds "$r" '<=' "$most" || reached=no
        else
            goals+="$other ? <= $most"
            [ "$reached" = no ] || reached='not measured'
        fi
    done
    [ "$goals" ] || goals=- reached=-
    row "$id" "$what" "$(show_time "$mine")" "$limit_time" "$of_limit" "$peer_time" "$of_peer" \
        "$spread" "$goals" "$reached"
}

# bound ID WHAT SHOWN VALUE MOST [UNIT]: a row of any figure that has a bound; an
# empty VALUE could not be measured.
bound() {
    local shown=$3 reached=no
    if [ -z "$4" ]; then
        shown=failed
    elif holds "$4" '<=' "$5"; then
        reached=yes
    fi
    row "$1" "$2" "$shown" - - - - - "<= $5${6:+ $6}" "$reached"
}

# told NUMBER: the seconds that a program tells itself stand for its wall time.
told() {
    [ "$1" ] || return 1
    awk -v s="$1" '{ $1 = s; print }' "$work/reading" >"$work/told" &&
        mv "$work/told" "$work/reading"
}

# per_job ID WHAT MICROSECONDS: job-muster beside job-limit.
per_job() {
    local m r
    m=$(median job-muster) || {
        row "$1" "$2" failed - - - - - "<= $3 us" no
        return
    }
    read -r _ r _ < <(ratio job-muster job-limit)
    row "$1" "$2" "$(show_time "$m")" "$(show_time "$(median job-limit)")" \
        "$(printf %.2f "${r:-0}")" - - - "<= $3 us" \
        "$(holds "$(awk -v m="$m" 'BEGIN { print m * 1e6 }')" '<=' "$3" && echo yes || echo no)"
}

# missing ID WHAT WHY
missing() {
    row "$1" "$2" - - - - - - - "$3"
}

# --- inputs -----------------------------------------------------------------------

# manifest TYPE JOBS WORD...: jobs that are alike.
manifest() {
    local type=$1 jobs=$2
    shift 2
    printf '[defaults]\ntype = %s\n' "$type"
    seq -f "%.0f" 1 "$jobs" | awk -v words="$*" '{ print "[job j" $1 "]\nexec = " words }'
}

# The same for make and ninja; they want blanks, not quotes, between words.
makefile() {
    local jobs=$1
    shift
    seq -f "%.0f" 1 "$jobs" | awk -v words="$*" -v n="$jobs" '
        BEGIN { printf "all:"; for (i = 1; i <= n; i++) printf " j%d", i; print "" }
        { print "j" $1 ":\n\t@" words }'
}

ninjafile() {
    local jobs=$1
    shift
    printf 'rule t\n command = %s\n' "$*"
    seq -f "%.0f" 1 "$jobs" | awk '{ print "build j" $1 ": t" }'
}

# ninja_fresh PROGRAM FOLDER WIDTH: without what the last run left.
ninja_fresh() {
    rm -f "$2/.ninja_log" "$2/.ninja_deps"
    measure "$1" -C "$2" -j "$3"
}

# peers_of JOBS WIDTH ROUNDS PROGRAM ARG: all peers on jobs that are alike;
# PROGRAM gets ARG, a single word.
peers_of() {
    local jobs=$1 width=$2 rounds=$3 program=$4 arg=$5 folder
    folder=$(mktemp -d "$work/peers.XXXXXX")
    yes "$arg" | head -n "$jobs" >"$folder/list"
    makefile "$jobs" "$program" "$arg" >"$folder/Makefile"
    ninjafile "$jobs" "$program" "$arg" >"$folder/build.ninja"
    contender xargs "$rounds" xargs -a "$folder/list" -n 1 -P "$width" "$program"
    contender make "$rounds" make -f "$folder/Makefile" -j "$width" all
    contender ninja "$rounds" ninja_fresh ninja "$folder" "$width"
    contender samurai "$rounds" ninja_fresh samu "$folder" "$width"
    # shellcheck disable=SC2046 # words
    contender moreutils "$rounds" "${moreutils-}" -j "$width" "$program" -- $(cat "$folder/list")
}
