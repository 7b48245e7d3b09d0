#!/bin/sh
# SPDX-License-Identifier: MIT
# batch: muster inside a shell script: the manifest is made on the spot, the
# results are read back as JSON.
#
# usage: sh batch.sh FOLDER...
#
# Tells how small each folder packs; at most as many gzips at once as there are
# CPUs. Needs jq. With MUSTER=PROGRAM in the environment that muster is run.
set -eu

[ $# -gt 0 ] || {
    echo 'usage: sh batch.sh FOLDER...' >&2
    exit 2
}
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# One job for each folder, pack-1, pack-2, … Only its number is put into the
# manifest. The folder's name goes round it, as a variable of its own, so that
# nothing in a name can be taken for a key or be run.
cat > "$work/manifest" <<'END'
[muster]
name = batch

[template pack]
type = cpu
shell = /bin/bash -euo pipefail -c
END
number=0
for folder; do
    shift
    number=$((number + 1))
    set -- "$@" --define "FOLDER_$number=$folder"
    cat >> "$work/manifest" <<END

[job pack-$number]
use = pack
command = tar -C "\$FOLDER_$number" -cf - . | gzip | wc -c
END
done

status=0
"${MUSTER:-muster}" run --output none --report "json:$work/results.json" "$@" - \
    < "$work/manifest" > /dev/null || status=$?

# Without results nothing was run, and muster has said why.
[ -e "$work/results.json" ] || exit "$status"
jq -r '
    (.jobs[] |
        if .status == "ok" then "\(.name): \(.stdout | rtrimstr("\n")) bytes"
        else "\(.name): \(.status) (\(.reason) \(.exit // .signal))" end),
    (.totals | "\(.ok) of \(.jobs) packed")' "$work/results.json"
exit "$status"
