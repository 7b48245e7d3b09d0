# SPDX-License-Identifier: MIT
# layers: includes go to the same or an earlier room, and modules form no loop.
. "$(dirname -- "$0")/lib.sh"

includes=$(grep -n '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' src/*.c src/*/*.[ch])
some 'there are includes' "$includes"

# "FILE ROOM/MODULE.h" a line.
edges=$(printf '%s\n' "$includes" | sed 's/^\([^:]*\):[0-9]*:[^"]*"\([^"]*\)".*/\1 \2/')

none 'every include names a header as room/module.h' "$(printf '%s\n' "$edges" |
    while read -r file header; do
        case $header in
        */*/* | ../* | /*) echo "$file: $header" ;;
        */*.h) [ -f "src/$header" ] || echo "$file: $header is not there" ;;
        *) echo "$file: $header" ;;
        esac
    done)"

none 'no include goes to a later room' "$(printf '%s\n' "$edges" | awk '
    BEGIN {
        n = split("base plan exec run store report cli", rooms)
        for (i = 1; i <= n; i++) rank[rooms[i]] = i
        rank["main"] = n + 1
    }
    {
        split($1, from, "/"); split($2, to, "/")
        room = $1 == "src/main.c" ? "main" : from[2]
        if (!(room in rank)) print $1 ": the room " room " is not known"
        else if (!(to[1] in rank)) print $1 ": the room " to[1] " is not known"
        else if (rank[to[1]] > rank[room]) print $1 " includes " $2
    }')"

# A module is NAME.h and NAME.c. A second file of one, such as text_format.c,
# only points at that header, so that no loop can hide behind it.
none 'no loop among modules' "$(printf '%s\n' "$edges" | awk '
    {
        from = $1; to = $2
        sub(/^src\//, "", from); sub(/\.[ch]$/, "", from); sub(/\.h$/, "", to)
        if (from != to) print from, to
    }' | sort -u | tsort 2>&1 >/dev/null)"
finish
