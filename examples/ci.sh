#!/bin/sh
# SPDX-License-Identifier: MIT
# ci: runs ci.ini as a step of a pipeline does.
#
# usage: sh ci.sh FOLDER
#
# The results are kept in FOLDER as muster.json, an artefact to upload, also
# when the step fails. With MUSTER=PROGRAM in the environment that muster is run.
set -eu

[ $# -eq 1 ] || {
    echo 'usage: sh ci.sh FOLDER' >&2
    exit 2
}
mkdir -p -- "$1"
artefacts=$(CDPATH='' cd -- "$1" && pwd)
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

# The exit status is the step's: 0 only if every job went well. The table and
# the output of what failed are in the step's log.
exec "${MUSTER:-muster}" run --define "OUT=$artefacts/build" \
    --report "json:$artefacts/muster.json" "$here/ci.ini"
