# SPDX-License-Identifier: MIT
# w4: the list. How long until the first of very many jobs starts, and the memory.

fifo=$work/fifo
mkfifo "$fifo"

# first_of FOLDER: puts the stamp in the place of the first job's program.
first_of() {
    sed -i "0,\,/bin/true,s,,$task stamp $fifo," "$1/list.ini" "$1/Makefile"
    sed -i -e "1i rule f\n command = $task stamp $fifo" -e '0,/: t$/s//: f/' "$1/build.ninja"
}

# list JOBS ROUNDS SECONDS PEER_ROUNDS
list() {
    local jobs=$1 folder n name
    title "W4 list: $jobs job sections, until the first job starts"
    arena
    folder=$(mktemp -d "$work/list.XXXXXX")
    for n in "$jobs" 1; do
        mkdir "$folder/$n"
        manifest io "$n" /bin/true >"$folder/$n/list.ini"
        makefile "$n" /bin/true >"$folder/$n/Makefile"
        ninjafile "$n" /bin/true >"$folder/$n/build.ninja"
        first_of "$folder/$n"
    done
    contender limit "$2" "$limit" parse "$folder/$jobs/list.ini"
    contender limit.1 "$2" "$limit" parse "$folder/1/list.ini"
    contender muster "$2" stamped "$muster" run "$folder/$jobs/list.ini"
    contender muster.1 "$2" stamped "$muster" run "$folder/1/list.ini"
    contender make "$4" stamped make -f "$folder/$jobs/Makefile" -j 2 all
    contender ninja "$4" stamped_ninja ninja "$folder/$jobs"
    contender samurai "$4" stamped_ninja samu "$folder/$jobs"
    turns "$2" "$3"
    figures limit
    minus job-limit limit limit.1 "$jobs"
    minus job-muster muster muster.1 "$jobs"
    note "a job: muster $(show_time "$(median job-muster)") and $(bytes muster) bytes," \
        "limit $(show_time "$(median job-limit)") and $(bytes limit) bytes (without those of one job)"
    result W4 "$jobs sections until the first start" muster
    per_job W4 "$jobs sections: time for each" 1.2
    bound W4 "$jobs sections: memory for each" "$(bytes muster) B" "$(bytes muster)" 400 B
    rm -rf -- "$folder"
}

bytes() {
    median "job-$1" rss | awk '{ printf "%.0f", $1 * 1024 }'
}

list "$(pick 100000 20000)" "$(pick 7 3)" "$(pick 20 4)" "$(pick 3 1)"
[ "$quick" = yes ] || list 1000000 3 35 1

lines=$(pick 1000000 100000)
title "W4 list: an item for each of $lines lines, until the first job starts"
arena
yes "$fifo" | head -n "$lines" >"$work/lines"
printf '[job j]\ntype = io\neach.fifo.lines = lines\nexec = %s stamp {fifo}\n' "$task" >"$work/items.ini"
rounds=$(pick 9 5)
contender xargs "$rounds" stamped xargs -a "$work/lines" -n 1 -P 2 "$task" stamp
if "$muster" check "$work/items.ini" 2>"$work/said"; then
    contender muster "$rounds" stamped "$muster" run "$work/items.ini"
fi
turns "$rounds" 20
figures xargs
if [ "${words[muster]-}" ]; then
    result W4 "$lines lines until the first start" muster 'xargs<=3'
else
    grep -q 'not supported yet' "$work/said" || cat "$work/said"
    missing W4 "$lines lines until the first start" 'each.NAME.lines is not there yet'
fi
