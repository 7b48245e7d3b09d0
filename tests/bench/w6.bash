# SPDX-License-Identifier: MIT
# w6: start-up. One job, /bin/true. Each round is the median of several runs.

title 'W6 start-up: one job /bin/true'
arena
manifest io 1 /bin/true >"$work/one.ini"
runs=$(pick 21 9)

again() {
    measure -n "$runs" -- "$@"
}

folder=$work/build
mkdir "$folder"
echo x >"$folder/list"
makefile 1 /bin/true >"$folder/Makefile"
ninjafile 1 /bin/true >"$folder/build.ninja"
contender limit 99 again "$start" /bin/true
contender muster 99 again "$muster" run --no-history "$work/one.ini"
contender muster-history 99 again "$muster" run "$work/one.ini"
contender sh 99 again sh -c '/bin/true; :'
contender xargs 99 again xargs -a "$folder/list" -n 1 -P 2 /bin/true
contender make 99 again make -f "$folder/Makefile" -j 2 all
contender ninja 99 again ninja -C "$folder" -j 2
contender samurai 99 again samu -C "$folder" -j 2
contender moreutils 99 again "$moreutils" -j 2 /bin/true -- x
contender parallel 2 measure -n 3 -- parallel -j 2 -a "$folder/list" /bin/true
turns "$(pick 15 5)" "$(pick 15 4)"
figures limit
result W6 'one job, without history' muster 'xargs<=1.5'
result W6 'one job, with history' muster-history 'xargs<=2'
