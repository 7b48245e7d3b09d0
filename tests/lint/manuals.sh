# SPDX-License-Identifier: MIT
# manuals: the pages are sound mdoc, and they, the key table, the option table
# and --help tell of the same keys, options and exit statuses.
. "$(dirname -- "$0")/lib.sh"
BUILD=${BUILD:-$SOURCE/build}
MUSTER=${MUSTER:-$BUILD/muster}
MANDOC=${MANDOC:-mandoc}

# The differences of two lists, told apart.
differ() {
    diff "$1" "$2" | sed -n -e "s/^< /$3: /p" -e "s/^> /$4: /p"
}

work=$(mktemp -d) || exit 99
trap 'rm -rf -- "$work"' EXIT

for page in man/*.[15]; do
    none "$page is sound" "$("$MANDOC" -T lint -W warning "$page" 2>&1)"
done

# Keys, "muster io-limit" a line: the schema's by its own table, the page's by
# its headings; a job's keys are those of [defaults] and of templates too.
"$BUILD/tests/lint/tables" keys | sort -u >"$work/schema"
awk '
    /^\.S[hs]/ { scope = ""; later = /NOT SUPPORTED YET/ }
    /^\.Ss The \[muster\] section/ || (later && /^\.Ic \[muster\] :/) { scope = "muster" }
    /^\.Ss (Job sections|HTTP requests|Items)/ || (later && /^In jobs:/) { scope = "job" }
    /^\.Ss Limit sections/ { scope = "limit" }
    /^\.Ss Worker sections/ { scope = "worker" }
    /^\.It Ic / && scope {
        line = substr($0, 8)
        sub(/ No = .*/, "", line)
        # The forms of an axis, each.NAME.lines and the like, are one row.
        sub(/ Ns Ar NAME.*/, "NAME", line)
        print scope, line
    }' man/muster.5 | sort -u >"$work/page"
some 'the schema has keys' "$(cat "$work/schema")"
none 'the keys of the schema are those of muster(5)' \
    "$(differ "$work/schema" "$work/page" 'not in muster(5)' 'not in the schema')"

# Options, "--define" or "-D" a line.
"$BUILD/tests/lint/tables" options | sort -u >"$work/options"
awk '
    /^\.S[hs]/ { on = /^\.Ss Options/ }
    /^\.It Fl / && on {
        n = split($0, words, " ")
        for (i = 1; i < n; i++)
            if (words[i] == "Fl") print "-" words[i + 1]
    }' man/muster.1 | sort -u >"$work/page"
"$MUSTER" --help | awk '
    /^ +-/ {
        sub(/^ +/, ""); sub(/   *.*/, "")
        n = split($0, words, /,? /)
        for (i = 1; i <= n; i++)
            if (words[i] ~ /^-/) { sub(/[=[].*/, "", words[i]); print words[i] }
    }' | sort -u >"$work/help"
some 'the option table has options' "$(cat "$work/options")"
none 'the options of the table are those of muster(1)' \
    "$(differ "$work/options" "$work/page" 'not in muster(1)' 'not in the table')"
none 'the options of the table are those of --help' \
    "$(differ "$work/options" "$work/help" 'not in --help' 'not in the table')"

# The statuses that the program is made to end with, and the page's.
printf '%s\n' 0 1 2 3 75 124 >"$work/statuses"
awk '
    /^\.Sh/ { on = /^\.Sh EXIT STATUS/ }
    /^\.It [0-9]/ && on { print $2 }' man/muster.1 >"$work/page"
none 'the exit statuses of muster(1)' \
    "$(differ "$work/statuses" "$work/page" 'not in muster(1)' 'not promised')"
none 'muster(1) tells of 128 and a signal' \
    "$(sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/p' man/muster.1 | grep -q 128 ||
        echo 'not in EXIT STATUS')"
finish
