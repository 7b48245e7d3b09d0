# SPDX-License-Identifier: MIT
# golden: what `muster check` says of every manifest in cases, to the letter.
#
#   NAME.ini     is wrong: exit status 2, NAME.out on standard error
#   NAME.ok.ini  is right: exit status 0, NAME.ok.out or nothing there
#
# Manifests with URLs, NAME-url or http…, are for a muster that has libcurl.
# Where muster names a file by its absolute path, the .out has CASES/ for ours.
#
# golden.sh --update writes the .out files anew; read the difference then.
set -u
cd -P -- "$SOURCE/tests/golden/cases" || exit 99
update=${1:-}
work=$(mktemp -d) || exit 99
trap 'rm -rf -- "$work"' EXIT
count=0
failed=0

result() { # NAME, what is wrong with it
    count=$((count + 1))
    if [ -z "$2" ]; then
        printf 'ok %d - %s\n' "$count" "$1"
    else
        failed=$((failed + 1))
        printf 'not ok %d - %s\n' "$count" "$1"
        printf '%s\n' "$2" | sed 's/^/# /'
    fi
}

# What is wrong with a manifest's diagnostics; nothing when all is right.
check() {
    name=${1%.ini}
    wanted=2
    case $name in *.ok) wanted=0 ;; esac
    "$MUSTER" check "$1" >"$work/stdout" 2>"$work/raw" </dev/null
    status=$?
    sed "s|$PWD/|CASES/|g" "$work/raw" >"$work/stderr"
    if [ "$update" = --update ]; then
        rm -f -- "$name.out"
        [ ! -s "$work/stderr" ] || cp -- "$work/stderr" "$name.out"
    fi
    expected=$name.out
    if [ ! -e "$expected" ]; then
        expected=/dev/null
        [ "$wanted" = 0 ] || echo "$name.out is missing"
    fi
    [ "$status" = "$wanted" ] || echo "exit status $status, not $wanted"
    [ ! -s "$work/stdout" ] || echo 'there is something on standard output'
    diff -u "$expected" "$work/stderr"
}

for manifest in *.ini; do
    case $manifest in
    *-url*.ini | http*.ini) [ "${WITH_CURL-yes}" = yes ] || continue ;;
    esac
    result "${manifest%.ini}" "$(check "$manifest")"
done

# No process is started by any of them: one execve, muster's own, and threads at most.
if strace -o "$work/trace" true 2>/dev/null; then
    ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o "$work/trace" \
        -e trace=clone,clone3,fork,vfork,execve,execveat \
        "$MUSTER" check ./*.ini >/dev/null 2>&1 </dev/null
    result 'no process is started' "$(grep -q execve "$work/trace" || echo 'nothing was traced'
        sed 1d "$work/trace" | grep -v CLONE_THREAD)"
fi

printf '1..%d\n' "$count"
[ "$failed" = 0 ]
