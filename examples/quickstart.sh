#!/bin/sh
# SPDX-License-Identifier: MIT
# quickstart: from a fresh checkout to a table of a real run.
#
# usage: sh examples/quickstart.sh [FOLDER]
#
# Installs what the build needs (Debian, Ubuntu; elsewhere it names the packages
# and stops), builds muster in ./build and runs quickstart.ini. The jobs' results
# go to FOLDER, else to a temporary folder that is removed at the end. With
# MUSTER=PROGRAM in the environment that muster is run and nothing is built.
set -eu

say() {
    printf 'quickstart: %s\n' "$*" >&2
}

die() {
    say "$*"
    exit 1
}

top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

# Whether all that the build needs is there, whoever packaged it.
ready() {
    for tool in cc make autoreconf automake pkg-config; do
        command -v "$tool" >/dev/null 2>&1 || return 1
    done
    pkg-config --exists 'libuv >= 1.40' inih 'smartcols >= 2.33' 'jansson >= 2.10' \
        'sqlite3 >= 3.37' 'libcurl >= 7.66'
}

# The build runs in ./build, the source folder gets only what autoreconf makes.
build() {
    cd -- "$top"
    if [ ! -x configure ] || [ ! -e Makefile.in ] || [ ! -e config.h.in ] ||
        [ -n "$(find configure.ac Makefile.am -newer configure)" ]; then
        say 'autoreconf'
        autoreconf -fi >&2
    fi
    mkdir -p build
    cd build
    if [ ! -e config.status ] || [ ! -e Makefile ] || [ -n "$(find ../configure -newer Makefile)" ]
    then
        say 'configure'
        ../configure -q >&2
    fi
    say 'make'
    make -s V=1 -j "$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)" muster >&2
    muster=$top/build/muster
    cd -- "$caller"
}

caller=$(pwd)
if [ -n "${MUSTER-}" ]; then
    muster=$MUSTER
else
    ready || sh "$top/tests/packages.sh" gcc make libc6-dev autoconf automake pkg-config \
        libuv1-dev libinih-dev libsmartcols-dev libjansson-dev libsqlite3-dev \
        libcurl4-openssl-dev
    ready || die 'all packages are there, yet something is not found: look at PATH'
    build </dev/null
fi

if [ $# -gt 0 ]; then
    mkdir -p -- "$1"
    out=$(CDPATH='' cd -- "$1" && pwd)
else
    out=$(mktemp -d)
    trap 'rm -rf -- "$out"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
fi

# The table on standard output leaves out rows that went well when there are
# more than 50 of them; the one in a file has every row.
say "running $top/examples/quickstart.ini"
status=0
rm -f -- "$out/table.txt"
"$muster" run --define "OUT=$out" --report "table:$out/table.txt" \
    --report "json:$out/results.json" "$top/examples/quickstart.ini" >/dev/null || status=$?
if [ -e "$out/table.txt" ]; then
    cat -- "$out/table.txt"
fi
[ $# -eq 0 ] || say "results, table.txt and results.json are in $out"
exit "$status"
