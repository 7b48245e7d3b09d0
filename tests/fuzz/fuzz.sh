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

echo 1..3
check fuzz_manifest "$SOURCE/tests/fuzz/seeds/manifest" "$SOURCE/tests/golden/cases"
check fuzz_reader "$SOURCE/tests/fuzz/seeds/manifest" "$SOURCE/tests/golden/cases"
check fuzz_values "$SOURCE/tests/fuzz/seeds/values"
exit "$status"
