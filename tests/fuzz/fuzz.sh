# SPDX-License-Identifier: MIT
# fuzz: every fuzz target takes its seeds, and every golden manifest.
set -u
status=0
check() { # TARGET FOLDER...
    target=$1
    shift
    if "$BUILD/tests/fuzz/$target" -runs=0 "$@" >&2; then
        echo "ok - $target"
    else
        echo "not ok - $target"
        status=1
    fi
}

echo 1..9
check fuzz_manifest "$SOURCE/tests/fuzz/seeds/manifest" "$SOURCE/tests/golden/cases"
check fuzz_reader "$SOURCE/tests/fuzz/seeds/manifest" "$SOURCE/tests/golden/cases"
check fuzz_dialog "$SOURCE/tests/fuzz/seeds/dialog"
check fuzz_facts "$SOURCE/tests/fuzz/seeds/facts"
check fuzz_history "$SOURCE/tests/fuzz/seeds/history"
check fuzz_mask "$SOURCE/tests/fuzz/seeds/mask"
for target in values visible words; do
    check "fuzz_$target" "$SOURCE/tests/fuzz/seeds/values"
done
exit "$status"
