# SPDX-License-Identifier: MIT
# w7: order. A chain and a lattice planned, a chain run.

fifo=$work/fifo
mkfifo "$fifo"

# edges SHAPE NODES: "NODE AFTER..." a line; a lattice's node comes after the one
# to its left and the one above.
edges() {
    awk -v shape="$1" -v n="$2" 'BEGIN {
        wide = shape == "lattice" ? 200 : 1
        for (i = 0; i < n; i++) {
            line = "j" i
            if (i >= wide) line = line " j" (i - wide)
            if (i % wide) line = line " j" (i - 1)
            print line
        }
    }'
}

# inputs FOLDER FIRST: of edges; the first node does FIRST.
inputs() {
    mkdir "$1"
    awk -v first="$2" -v folder="$1" '
        BEGIN {
            ini = folder "/list.ini"; mk = folder "/Makefile"; nj = folder "/build.ninja"
            print "[defaults]\ntype = io" >ini
            print "rule f\n command = " first "\nrule t\n command = /bin/true" >nj
        }
        {
            after = $0
            sub(/^[^ ]* ?/, "", after)
            node[NR] = $1; before[NR] = after; last = $1
            print "[job " $1 "]\nexec = " (NR == 1 ? first : "/bin/true") >ini
            if (after != "") print "after = " after >ini
            print "build " $1 ": " (NR == 1 ? "f" : "t " after) >nj
        }
        END {
            print "all: " last >mk
            for (i = 1; i <= NR; i++)
                print node[i] ": " before[i] "\n\t@" (i == 1 ? first : "/bin/true") >mk
        }'
}

nodes=$(pick 20000 5000)
for shape in chain lattice; do
    title "W7 order: a $shape of $nodes jobs, until the first starts"
    arena
    edges $shape "$nodes" | inputs "$work/$shape" "$task stamp $fifo"
    [ -d "$work/one" ] || edges chain 1 | inputs "$work/one" "$task stamp $fifo"
    rounds=$(pick 7 3)
    contender limit 99 "$limit" parse "$work/$shape/list.ini"
    contender limit.1 99 "$limit" parse "$work/one/list.ini"
    contender muster 99 stamped "$muster" run "$work/$shape/list.ini"
    contender muster.1 99 stamped "$muster" run "$work/one/list.ini"
    contender muster-plan 3 "$muster" plan "$work/$shape/list.ini"
    contender make 3 stamped make -f "$work/$shape/Makefile" -j 2 all
    contender ninja 3 stamped_ninja ninja "$work/$shape"
    contender samurai 3 stamped_ninja samu "$work/$shape"
    turns "$rounds" "$(pick 12 3)"
    figures limit
    note 'muster-plan is the verb, which prints a table of them all'
    minus job-limit limit limit.1 "$nodes"
    minus job-muster muster muster.1 "$nodes"
    result W7 "$shape of $nodes until the first start" muster
    per_job W7 "$shape of $nodes: time for each" 1.5
done

jobs=$(pick 2000 300)
title "W7 order: a chain of $jobs jobs, run"
arena
edges chain "$jobs" | inputs "$work/run" /bin/true
contender limit 99 "$limit" spawn "$jobs" 1 /bin/true
contender muster 99 "$muster" run "$work/run/list.ini"
contender make 99 make -f "$work/run/Makefile" -j 2 all
contender ninja 99 ninja_fresh ninja "$work/run" 2
contender samurai 99 ninja_fresh samu "$work/run" 2
turns "$(pick 4 2)" "$(pick 30 5)"
figures limit
result W7 "chain of $jobs, run" muster 'limit<=1.15'
