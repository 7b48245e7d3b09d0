# SPDX-License-Identifier: MIT
# cases: the tests that CONTRIBUTING names for what must be survived are there.
. "$(dirname -- "$0")/lib.sh"

named=$(sed -n 's/^            \([a-z]*\/[A-Za-z0-9_.-]*\(: .*\)\{0,1\}\)$/\1/p' CONTRIBUTING)
some 'tests are named' "$named"

# What is wrong with FILE[: NAME].
look() {
    file=${1%%: *}
    name=${1#"$file"}
    name=${name#: }
    case $file in
    cli/*) file=tests/$file.bats wanted="@test \"$name" ;;
    unit/*) file=tests/$file.c wanted=" ${name:-main}(" ;;
    golden/*) file=tests/golden/cases/${file#golden/}.ini wanted='[' ;;
    fuzz/*) file=tests/$file.c wanted=LLVMFuzzerTestOneInput ;;
    faults/*) file=tests/$file.c wanted=$name ;;
    torture/* | bench/*) file=tests/$file.bash wanted=$name ;;
    *) file=/nowhere ;;
    esac
    if [ ! -f "$file" ]; then
        echo "$1: there is no such file"
    elif ! grep -qF -- "$wanted" "$file"; then
        echo "$1: there is no such test"
    fi
}

none 'they are there' "$(printf '%s\n' "$named" | while read -r line; do look "$line"; done)"

# Cases from 1 on, none left out, each with a test.
none 'every case has one' "$(awk '
    /^What must be survived/ { on = 1 }
    /^How someone could get in/ { on = 0 }
    on && /^ *[0-9]+  / {
        if ($1 != last + 1) print $1 " follows " last
        if (last && !tests) print last ": no test"
        last = $1
        tests = 0
    }
    on && /^            / { tests++ }
    END { if (last < 42) print "only " last + 0 " cases" }' CONTRIBUTING)"
finish
